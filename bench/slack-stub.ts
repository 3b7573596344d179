/** The least of Slack's Web API that a bot needs to start, to open forms for any number of people, and to post. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { BOT, TEAM } from '../sandbox/slack/backend.js'
import { readManifest } from '../sandbox/slack/manifest.js'

export interface SlackStub {
  /** As SLACK_API_URL. */
  url: string
  close(): Promise<void>
}

/** @param onCall gets each call's method and its arguments when it arrives. */
export async function startSlackStub(onCall?: (method: string, body: URLSearchParams) => void): Promise<SlackStub> {
  const scopes = readManifest().oauth_config.scopes.bot.join(',')
  let messages = 0
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = new URLSearchParams(Buffer.concat(chunks).toString())
    const method = request.url?.split('/').at(-1) ?? ''
    onCall?.(method, body)
    messages += 1
    const posted = method.startsWith('chat.') && { channel: body.get('channel'), ts: `1700000000.${messages}` }
    response.writeHead(200, { 'content-type': 'application/json', 'x-oauth-scopes': scopes })
    response.end(JSON.stringify({ ok: true, ...answers[method], ...posted }))
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
  'conversations.info': { channel: { id: 'C1', is_member: true } },
}
