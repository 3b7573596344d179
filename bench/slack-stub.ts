/** The least of Slack's Web API that a bot needs to start and to open forms for any number of people. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { BOT, TEAM } from '../sandbox/slack/backend.js'
import { readManifest } from '../sandbox/slack/manifest.js'

export interface SlackStub {
  /** As SLACK_API_URL. */
  url: string
  close(): Promise<void>
}

export async function startSlackStub(): Promise<SlackStub> {
  const scopes = readManifest().oauth_config.scopes.bot.join(',')
  const server = createServer((request, response) => {
    request.resume()
    const method = request.url?.split('/').at(-1)
    response.writeHead(200, { 'content-type': 'application/json', 'x-oauth-scopes': scopes })
    response.end(JSON.stringify({ ok: true, ...answers[method ?? ''] }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/`,
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

const answers: Readonly<Record<string, object>> = {
  'auth.test': { url: 'https://woolworks.slack.com/', team_id: TEAM.id, user_id: BOT.id, bot_id: BOT.botId },
  'users.info': { user: { id: 'U1', team_id: TEAM.id, deleted: false, is_bot: false } },
  'views.open': { view: { id: 'V1', hash: '1' } },
  'usergroups.users.list': { users: [] },
}
