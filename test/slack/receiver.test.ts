import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freePort } from '../../sandbox/free-port.js'
import { Door } from '../../src/slack/door.js'
import type { SlackEntrance } from '../../src/slack/entrance.js'
import { openHttpEntrance } from '../../src/slack/receiver.js'
import { quietLogger as quiet, signed as signedWith } from '../helpers/slack-request.js'

const secret = 'shhh'

/** One of each kind of request Slack sends; all come in by the same door. */
const requests = {
  'a command': new URLSearchParams({ command: '/clone-app', text: '', team_id: 'T1', user_id: 'U1', channel_id: 'C1' }),
  'a submitted form': interaction({ type: 'view_submission', view: { callback_id: 'form' } }),
  'a click': interaction({ type: 'block_actions', actions: [{ action_id: 'job:dismiss', type: 'button' }] }),
  'a list': interaction({ type: 'block_suggestion', action_id: 'field:container:', block_id: 'container', value: '' }),
}

function interaction(payload: object): URLSearchParams {
  return new URLSearchParams({ payload: JSON.stringify({ team: { id: 'T1' }, user: { id: 'U1' }, ...payload }) })
}

describe('the HTTP entrance', () => {
  let entrance: SlackEntrance
  let address: string
  let received: number
  let clockAhead = 0
  const clock = () => Date.now() + clockAhead

  beforeEach(async () => {
    const port = await freePort()
    address = `http://127.0.0.1:${port}`
    entrance = openHttpEntrance(secret, port, quiet, clock)
    received = 0
    clockAhead = 0
    const app = new Door({
      receiver: entrance.receiver,
      authorize: async () => ({ botToken: 'xoxb-1', botId: 'B1', botUserId: 'U0', teamId: 'T1' }),
      logger: quiet,
    })
    app.use(async ({ next }) => {
      received += 1
      await next()
    })
    app.command('/clone-app', async ({ ack }) => await ack())
    app.view('form', async ({ ack }) => await ack())
    app.action('job:dismiss', async ({ ack }) => await ack())
    app.options('field:container:', async ({ ack }) => await ack({ options: [] }))
    await entrance.start()
  })
  afterEach(async () => await entrance.stop())

  async function send(body: string, headers: Record<string, string> = {}, path = '/slack/events'): Promise<number> {
    const response = await fetch(address + path, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    })
    return response.status
  }

  function signed(body: string, atMs = clock(), key = secret): Record<string, string> {
    return signedWith(body, key, atMs)
  }

  for (const [kind, parameters] of Object.entries(requests)) {
    const body = parameters.toString()

    it(`takes ${kind} that Slack signed just now`, async () => {
      expect(await send(body, signed(body))).toBe(200)
      expect(received).toBe(1)
    })

    it(`refuses ${kind} that is unsigned, stale, dated ahead, tampered with or signed by another`, async () => {
      expect(await send(body)).toBe(401)
      expect(await send(body, signed(body, clock() - 301_000))).toBe(401)
      expect(await send(body, signed(body, clock() + 302_000))).toBe(401)
      expect(await send(`${body}&x=1`, signed(body))).toBe(401)
      expect(await send(body, signed(body, clock(), 'another secret'))).toBe(401)
      expect(await send(body, { ...signed(body), 'x-slack-request-timestamp': 'soon' })).toBe(401)
      expect(received).toBe(0)
    })

    it(`refuses ${kind} that came before, even at the same moment`, async () => {
      const headers = signed(body)
      const statuses = await Promise.all([send(body, headers), send(body, headers), send(body, headers)])
      // A list may be asked for again at once: typing the same letters twice makes the same request.
      expect(statuses.sort()).toEqual(kind === 'a list' ? [200, 200, 200] : [200, 401, 401])
      clockAhead = 2_001
      expect(await send(body, headers)).toBe(401)
      const before = received
      const signature = headers['x-slack-signature'] ?? ''
      for (const more of ['=', '=1', '=x=y']) {
        expect(await send(body, { ...headers, 'x-slack-signature': signature + more })).toBe(401)
      }
      expect(received).toBe(before)
    })
  }

  it('takes no request by another door, and none of any size', async () => {
    const body = requests['a command'].toString()
    expect(await send(body, signed(body), '/')).toBe(404)
    expect(await send(body, signed(body), '/slack/events/')).toBe(404)
    const huge = 'x'.repeat(1024 * 1024 + 1)
    expect(await send(huge, signed(huge))).toBe(413)
    expect(received).toBe(0)
  })

  it('lets nothing through in the shadow of an ssl_check', async () => {
    const body = `ssl_check=1&${requests['a command']}`
    expect(await send(body)).toBe(200)
    expect(received).toBe(0)
  })

  it('is not opened without a signing secret', () => {
    for (const none of ['', '  ']) expect(() => openHttpEntrance(none, 0, quiet, clock)).toThrow('no signing secret')
  })

  it('says that it is alive', async () => {
    expect((await fetch(`${address}/healthz`)).status).toBe(200)
  })

  it('is ready as long as it can be asked', async () => {
    expect((await fetch(`${address}/ready`)).status).toBe(200)
    await entrance.stop()
    await expect(fetch(`${address}/ready`)).rejects.toThrow()
  })
})
