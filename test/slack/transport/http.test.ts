import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { freePort } from '../../../sandbox/free-port.js'
import { TemporaryError } from '../../../src/errors.js'
import { type SeenBefore, seenInMemory } from '../../../src/lib/seen.js'
import { logFields } from '../../../src/log-fields.js'
import type { SlackTransport } from '../../../src/slack/transport/bolt-app.js'
import { BoltApp } from '../../../src/slack/transport/bolt-app.js'
import { openHttpTransport } from '../../../src/slack/transport/http.js'
import { type Measured, measuringMeter } from '../../helpers/measuring.js'
import { quietLogger as quiet, signed as signedWith } from '../../helpers/slack-request.js'

const secret = 'shhh'

/** One of each kind of request Slack sends; all come in on the same route. */
const requests = {
  'a command': new URLSearchParams({ command: '/clone-app', text: '', team_id: 'T1', user_id: 'U1', channel_id: 'C1' }),
  'a submitted form': interaction({ type: 'view_submission', view: { callback_id: 'form' } }),
  'a click': interaction({ type: 'block_actions', actions: [{ action_id: 'job:dismiss', type: 'button' }] }),
  'a list': interaction({ type: 'block_suggestion', action_id: 'field:container:', block_id: 'container', value: '' }),
}

function interaction(payload: object): URLSearchParams {
  return new URLSearchParams({ payload: JSON.stringify({ team: { id: 'T1' }, user: { id: 'U1' }, ...payload }) })
}

describe('the HTTP transport', () => {
  let transport: SlackTransport
  let address: string
  let received: number
  let ids: (string | undefined)[]
  let clockAhead = 0
  /** What a command does once it is acknowledged. */
  let afterAck: Promise<void> | undefined
  let seenBefore: SeenBefore
  let measured: Measured[]
  const clock = () => Date.now() + clockAhead

  beforeEach(async () => {
    const port = await freePort()
    address = `http://127.0.0.1:${port}`
    seenBefore = seenInMemory(clock)
    const measuring = measuringMeter()
    measured = measuring.measured
    const about = { now: clock, seenBefore: (...key: Parameters<SeenBefore>) => seenBefore(...key) }
    transport = openHttpTransport(secret, port, quiet, about, undefined, undefined, measuring.meter)
    received = 0
    ids = []
    clockAhead = 0
    afterAck = undefined
    const app = new BoltApp({
      receiver: transport.receiver,
      authorize: async () => ({ botToken: 'xoxb-1', botId: 'B1', botUserId: 'U0', teamId: 'T1' }),
      logger: quiet,
    })
    app.use(async ({ next }) => {
      received += 1
      await next()
    })
    app.command('/clone-app', async ({ ack }) => {
      ids.push(logFields().request)
      await ack()
      await afterAck
    })
    app.view('form', async ({ ack }) => await ack())
    app.action('job:dismiss', async ({ ack }) => await ack())
    app.options('field:container:', async ({ ack }) => await ack({ options: [] }))
    app.error(async () => {})
    app.function('slow', { autoAcknowledge: false }, async ({ ack }) => {
      vi.advanceTimersByTime(10_000)
      await ack()
    })
    app.function('broken', { autoAcknowledge: false }, async () => {
      throw new Error('The disk is full.')
    })
    await transport.start()
  })
  afterEach(async () => await transport.stop())

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

  function step(callback_id: string): string {
    const event = { type: 'function_executed', function: { callback_id }, inputs: {}, function_execution_id: 'Fx1' }
    return JSON.stringify({ type: 'event_callback', team_id: 'T1', event })
  }

  it("answers a workflow's step that took ten seconds, as long as Slack still listens", async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const body = step('slow')
      expect(await send(body, { ...signed(body), 'content-type': 'application/json' })).toBe(200)
    } finally {
      vi.useRealTimers()
    }
  })

  it("doesn't acknowledge a workflow's step that broke, so that Slack sends it again", async () => {
    const body = step('broken')
    expect(await send(body, { ...signed(body), 'content-type': 'application/json' })).toBe(500)
  })

  it('measures how long each kind of request waits for its answer, and nothing that is refused', async () => {
    const bodies = Object.values(requests).map(String)
    for (const body of bodies) await send(body, signed(body))
    const body = JSON.stringify({ type: 'event_callback', team_id: 'T1', event: { type: 'app_home_opened' } })
    await send(body, { ...signed(body), 'content-type': 'application/json' })
    await send('unsigned')
    const kinds = measured.map(({ what, of }) => `${what} ${of}`)
    expect(kinds).toEqual(['command', 'form', 'click', 'list', 'event'].map((kind) => `acknowledged ${kind}`))
    for (const { ms } of measured) expect(ms).toBeGreaterThan(0)
  })

  it('gives each request a short id of its own for the log', async () => {
    const body = requests['a command'].toString()
    for (let seconds = 0; seconds < 3; seconds += 1) await send(body, signed(body, clock() - seconds * 1_000))
    expect(ids).toEqual(Array(3).fill(expect.stringMatching(/^[0-9a-f]{8}$/)))
    expect(new Set(ids).size).toBe(3)
  })

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

  it('refuses what another process received before, if both share what they have seen', async () => {
    const body = requests['a click'].toString()
    const headers = signed(body)
    expect(await send(body, headers)).toBe(200)
    const port = await freePort()
    const other = openHttpTransport(secret, port, quiet, { now: clock, seenBefore: (...key) => seenBefore(...key) })
    await other.start()
    const answer = await fetch(`http://127.0.0.1:${port}/slack/events`, { method: 'POST', body, headers })
    expect(answer.status).toBe(401)
    await other.stop()
  })

  it('answers 503 while the database is away, so that Slack may try again, and still serves lists', async () => {
    const present = seenBefore
    seenBefore = async () => {
      throw new TemporaryError('The database did not answer.', { mayHaveHappened: true })
    }
    const body = requests['a submitted form'].toString()
    const headers = signed(body)
    expect(await send(body, headers)).toBe(503)
    const list = requests['a list'].toString()
    expect(await send(list, signed(list))).toBe(200)
    expect(received).toBe(1)
    seenBefore = present
    expect(await send(body, headers)).toBe(200)
  })

  it('takes no request on another route, and none of any size', async () => {
    const body = requests['a command'].toString()
    expect(await send(body, signed(body), '/')).toBe(404)
    expect(await send(body, signed(body), '/slack/events/')).toBe(404)
    const huge = 'x'.repeat(1024 * 1024 + 1)
    expect(await send(huge, signed(huge))).toBe(413)
    expect(received).toBe(0)
  })

  it('answers the challenge that Slack sends when an operator enters its address', async () => {
    const body = JSON.stringify({ type: 'url_verification', challenge: '3eZbrw1aB10FEMAGAZd4FyFQ' })
    const headers = { ...signed(body), 'content-type': 'application/json' }
    const response = await fetch(`${address}/slack/events`, { method: 'POST', body, headers })
    expect(await response.text()).toBe('3eZbrw1aB10FEMAGAZd4FyFQ')
    expect(await send(body, { 'content-type': 'application/json' })).toBe(401)
  })

  it('lets nothing through in the shadow of an ssl_check', async () => {
    const body = `ssl_check=1&${requests['a command']}`
    expect(await send(body)).toBe(200)
    expect(received).toBe(0)
  })

  it('is not opened without a signing secret', () => {
    for (const none of ['', '  '])
      expect(() => openHttpTransport(none, 0, quiet, { now: clock, seenBefore: seenInMemory(clock) })).toThrow(
        'signing secret is empty',
      )
  })

  it('says that it is alive', async () => {
    expect((await fetch(`${address}/healthz`)).status).toBe(200)
  })

  it('is ready as long as it can be asked', async () => {
    expect((await fetch(`${address}/readyz`)).status).toBe(200)
    await transport.stop()
    await expect(fetch(`${address}/readyz`)).rejects.toThrow()
  })

  it("stops only once it has done what it acknowledged, so that a person's click isn't lost in an upgrade", async () => {
    const order: string[] = []
    let finish = () => {}
    afterAck = new Promise<void>((resolve) => {
      finish = () => {
        order.push('the click is done')
        resolve()
      }
    })
    const body = requests['a command'].toString()
    expect(await send(body, signed(body))).toBe(200)
    const stopped = transport.stop().then(() => order.push('stopped'))
    await expect.poll(() => fetch(`${address}/healthz`).catch(() => 'refused')).toBe('refused')
    finish()
    await stopped
    expect(order).toEqual(['the click is done', 'stopped'])
  })

  it('says why it is not ready, in a few words', async () => {
    await transport.stop()
    const port = await freePort()
    let problem: string | undefined = 'the scheduler has stopped'
    const about = { now: clock, seenBefore: seenInMemory(clock) }
    const other = openHttpTransport('secret', port, quiet, about, undefined, () => problem)
    await other.start()
    onTestFinished(() => other.stop())
    const ask = async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`)
      return [answer.status, await answer.text()]
    }
    expect(await ask()).toEqual([503, 'not ready: the scheduler has stopped'])
    problem = undefined
    expect(await ask()).toEqual([200, 'ready'])
  })
})

describe('before anybody has shown to be Slack', () => {
  /** Short, so that nobody waits, and long enough for a busy machine to send a small request. */
  const requestTimeoutMs = 2_000
  let transport: SlackTransport
  let port: number
  let sockets: Socket[]

  beforeEach(async () => {
    port = await freePort()
    sockets = []
    transport = openHttpTransport(
      secret,
      port,
      quiet,
      { now: Date.now, seenBefore: seenInMemory(Date.now) },
      requestTimeoutMs,
    )
    const app = new BoltApp({
      receiver: transport.receiver,
      authorize: async () => ({ botToken: 'xoxb-1', botId: 'B1', botUserId: 'U0', teamId: 'T1' }),
      logger: quiet,
    })
    app.command('/clone-app', async ({ ack }) => await ack())
    await transport.start()
  })
  afterEach(async () => {
    for (const socket of sockets) socket.destroy()
    await transport.stop()
  })

  const now = () => `${Math.floor(Date.now() / 1000)}`
  const plausible = () => ({ 'x-slack-request-timestamp': now(), 'x-slack-signature': `v0=${'0'.repeat(64)}` })

  /** Sends these bytes over a connection of its own and leaves it open. */
  async function begin(...parts: (string | Buffer)[]): Promise<Socket> {
    const socket = connect(port, '127.0.0.1')
    sockets.push(socket)
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    for (const part of parts) socket.write(part)
    return socket
  }

  function head(headers: Record<string, string>): string {
    const lines = Object.entries({ host: 'dolly', ...headers }).map(([name, value]) => `${name}: ${value}`)
    return `POST /slack/events HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`
  }

  /** The status of what comes back, as soon as it comes. */
  async function answered(socket: Socket): Promise<number> {
    const [data] = await once(socket, 'data')
    return Number(/^HTTP\/1.1 (\d+)/.exec(String(data))?.[1])
  }

  /** What is in use and no garbage. */
  function heldBytes(): number {
    setFlagsFromString('--expose_gc')
    runInNewContext('gc')()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }

  async function expectService(): Promise<void> {
    const body = requests['a command'].toString()
    const began = performance.now()
    const command = fetch(`http://127.0.0.1:${port}/slack/events`, {
      method: 'POST',
      body,
      headers: signedWith(body, secret, Date.now()),
    })
    const [health, answer] = await Promise.all([fetch(`http://127.0.0.1:${port}/healthz`), command])
    expect([health.status, answer.status]).toEqual([200, 200])
    expect(performance.now() - began).toBeLessThan(1_500)
  }

  it.each([
    ['without a stamp and a signature', {}, 401],
    ['without a stamp', { 'x-slack-signature': `v0=${'0'.repeat(64)}` }, 401],
    ['without a signature', { 'x-slack-request-timestamp': now() }, 401],
    ['with a stamp that is no number', { ...plausible(), 'x-slack-request-timestamp': '1e9' }, 401],
    ['with a stamp of an hour ago', { ...plausible(), 'x-slack-request-timestamp': `${Number(now()) - 3_600}` }, 401],
    ['with a stamp of in an hour', { ...plausible(), 'x-slack-request-timestamp': `${Number(now()) + 3_600}` }, 401],
    ['with a signature of another version', { ...plausible(), 'x-slack-signature': `v1=${'0'.repeat(64)}` }, 401],
    ['with a signature that is too short', { ...plausible(), 'x-slack-signature': 'v0=0' }, 401],
    ['of more than Slack ever sends', { ...plausible(), 'content-length': '524289' }, 413],
  ])('a request %s is refused before its body comes', async (_, headers, status) => {
    const socket = await begin(head({ 'content-length': '100000', ...headers }))
    expect(await answered(socket)).toBe(status)
  })

  it('a body that says nothing of its length is read no further than the longest', async () => {
    const piece = Buffer.alloc(65_536, 'x')
    const chunk = Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')])
    const pieces = Array.from({ length: 9 }, () => chunk)
    const socket = await begin(head({ ...plausible(), 'transfer-encoding': 'chunked' }), ...pieces)
    expect(await answered(socket)).toBe(413)
  })

  it.each([
    ['1 MB', 1024 * 1024],
    ['as much as Slack may send', 500_000],
  ])('250 bodies of %s that never end take little memory, are cut off, and keep nobody waiting', async (_, length) => {
    const most = Buffer.alloc(length - 1, 'x')
    const before = heldBytes()
    const began = performance.now()
    const open = new Set<Socket>()
    for (let count = 0; count < 250; count += 1) {
      const socket = await begin(head({ ...plausible(), 'content-length': `${length}` }), most)
      open.add(socket)
      socket.resume().once('close', () => open.delete(socket))
    }
    await expectService()
    expect(heldBytes() - before).toBeLessThan(48_000_000)
    await expect.poll(() => open.size).toBe(0)
    expect(performance.now() - began).toBeLessThan(20_000)
    await expectService()
  })

  it('a body in pieces of a byte takes no more than its length', async () => {
    const bytes = 'x'.repeat(50_000).replaceAll('x', '1\r\nx\r\n')
    const before = heldBytes()
    for (let count = 0; count < 20; count += 1) {
      await begin(head({ ...plausible(), 'transfer-encoding': 'chunked' }), bytes)
    }
    await expectService()
    expect(heldBytes() - before).toBeLessThan(20_000_000)
  })

  it('connections on which nothing or half a header comes are closed', async () => {
    const idle = await begin()
    const half = await begin('POST /slack/events HTTP/1.1\r\nhost: dolly\r\nx-slack-sig')
    await Promise.all([idle, half].map((socket) => once(socket.resume(), 'close')))
    await expectService()
  })

  it('of too many connections the one that is oldest makes room, so that Slack comes in', async () => {
    const first = await begin()
    const gone = once(first, 'close')
    for (let count = 0; count < 300; count += 1) await begin()
    await gone
    await expectService()
  })

  it('a form as large as Slack sends any is taken', async () => {
    const body = new URLSearchParams({
      payload: JSON.stringify({
        type: 'view_closed',
        team: { id: 'T1' },
        user: { id: 'U1' },
        view: 'é'.repeat(80_000),
      }),
    }).toString()
    expect(body.length).toBeGreaterThan(480_000)
    const headers = signedWith(body, secret, Date.now())
    const answer = await fetch(`http://127.0.0.1:${port}/slack/events`, { method: 'POST', body, headers })
    expect(answer.status).toBe(200)
  })
})
