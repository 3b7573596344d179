/** An app of Bolt alone that keeps each submitted form in a SQLite file, in one transaction that waits for the disk, and then acknowledges. */
import bolt from '@slack/bolt'
import Database from 'better-sqlite3'

const { PORT, SLACK_BOT_TOKEN, SLACK_SIGNING_SECRET, SLACK_API_URL } = process.env
const app = new bolt.App({
  token: SLACK_BOT_TOKEN,
  signingSecret: SLACK_SIGNING_SECRET,
  clientOptions: { slackApiUrl: SLACK_API_URL },
})
const db = new Database('rival.db')
db.pragma('journal_mode = WAL')
db.pragma('synchronous = FULL')
db.exec('create table if not exists jobs (id text primary key, body text not null)')
const insert = db.prepare('insert into jobs (id, body) values (?, ?)')
app.view('operation_preview', async ({ ack, view }) => {
  db.transaction(() => insert.run(view.id, JSON.stringify(view)))()
  await ack({ response_action: 'clear' })
})
await app.start(Number(PORT))
console.log('"Dolly is up"')
