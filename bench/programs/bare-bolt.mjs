/** The rival of bench/requests.ts: an app of Bolt alone, which acknowledges commands and does nothing else. */
import bolt from '@slack/bolt'

const { PORT, SLACK_BOT_TOKEN, SLACK_SIGNING_SECRET, SLACK_API_URL } = process.env
const app = new bolt.App({
  token: SLACK_BOT_TOKEN,
  signingSecret: SLACK_SIGNING_SECRET,
  clientOptions: { slackApiUrl: SLACK_API_URL },
})
app.command('/clone-app', async ({ ack }) => await ack())
await app.start(Number(PORT))
console.log('"Dolly is up"')
