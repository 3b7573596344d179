import { WebClient } from '@slack/web-api'
import { expect, it } from 'vitest'
import { isTokenRefused } from '../../../src/slack/api/errors.js'
import { Identity } from '../../../src/slack/api/identity.js'

it('who the bot is does not change with the person who asks', async () => {
  let asked = 0
  const answer = { ok: true, url: 'https://woolworks.slack.com/', user_id: 'U0', bot_id: 'B1', team_id: 'T1' }
  const fetch = async () => {
    asked += 1
    return new Response(JSON.stringify(answer), { headers: { 'content-type': 'application/json' } })
  }
  const identity = new Identity(new WebClient('xoxb-1', { fetch }), 'xoxb-1')
  // Bolt writes the person and the workspace of a request into what it is given.
  Object.assign(await identity.get(), { userId: 'U1', teamId: 'T2' })
  expect(await identity.get()).toEqual({ botToken: 'xoxb-1', botUserId: 'U0', botId: 'B1', teamId: 'T1' })
  expect(asked).toBe(1)
})

it.each(['invalid_auth', 'account_inactive', 'token_revoked'])('%s is the end of a token', (code) => {
  expect(isTokenRefused(code)).toBe(true)
})

it.each(['internal_error', 'service_unavailable', 'ratelimited', '<!doctype html><p>Down for maintenance'])(
  '"%s" is a failure of Slack, or of a proxy before it, that passes',
  (code) => {
    expect(isTokenRefused(code)).toBe(false)
  },
)

it('what is known is said without asking, also while Slack cannot be asked', async () => {
  let isAway = true
  const fetch = async () => {
    if (isAway) throw new TypeError('fetch failed')
    return new Response(JSON.stringify({ ok: true, user_id: 'U0', team_id: 'T1' }))
  }
  const identity = new Identity(new WebClient('xoxb-1', { fetch, retryConfig: { retries: 0 } }), 'xoxb-1')
  await expect(identity.get()).rejects.toThrow()
  expect(identity.known()).toEqual({ botToken: 'xoxb-1' })
  isAway = false
  await identity.get()
  expect(identity.known()).toEqual({ botToken: 'xoxb-1', botUserId: 'U0', teamId: 'T1' })
})
