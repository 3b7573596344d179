/** The socket, and a Slack that closes it, says nothing over it, refuses the token and takes it again. */
import { createServer, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { it } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { logFields } from '../../../src/log-fields.js'
import { BoltApp, type SlackTransport } from '../../../src/slack/transport/bolt-app.js'
import { openSocketTransport } from '../../../src/slack/transport/socket.js'
import { type Measured, measuringMeter } from '../../helpers/measuring.js'
import { quietLogger } from '../../helpers/slack-request.js'

/** Asks Slack for a socket and hears nothing for so long, in milliseconds: shorter than usual, so that nobody waits. */
const times = { connect: 3_000, pong: 1_500 }

interface Fixture {
  transport: ReturnType<typeof openSocketTransport>
  slack: {
    /** What `apps.connections.open` answers. */
    answer: 'ok' | 'invalid_auth' | 'internal_error' | 'ratelimited'
    /** How a new connection is received. */
    welcome: 'hello' | 'no hello' | 'no answer to the upgrade' | 'no answer to the request for an address'
    closesAtOnce: boolean
    /** What it answered to each request for an address, and when. */
    asked: string[]
    askedAt: number[]
    sockets: Set<WebSocket>
    /** Connections that were left without an answer. */
    silent: Set<Duplex>
  }
  said: string[]
  measured: Measured[]
}

// Side by side, because they mostly wait: each has a Slack of its own.
const test = it.extend<{ fixture: Fixture }>({
  fixture: async ({ task: _ }, use) => {
    const slack: Fixture['slack'] = {
      answer: 'ok',
      welcome: 'hello',
      closesAtOnce: false,
      ...{ asked: [], askedAt: [], sockets: new Set(), silent: new Set() },
    }
    const server = createServer((_, response) => {
      slack.asked.push(slack.answer)
      slack.askedAt.push(performance.now())
      if (slack.welcome === 'no answer to the request for an address') return
      if (slack.answer === 'ratelimited') return void response.writeHead(429, { 'retry-after': '2' }).end()
      const isOk = slack.answer === 'ok'
      const body = isOk ? { ok: true, url: `ws://127.0.0.1:${portOf(server)}/` } : { ok: false, error: slack.answer }
      response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
    })
    const upgrades = new WebSocketServer({ noServer: true })
    server.on('upgrade', (request, stream, head) => {
      if (slack.welcome !== 'hello') {
        slack.silent.add(stream)
        stream.once('close', () => slack.silent.delete(stream)).on('error', () => undefined)
      }
      // Read, or its end would go unnoticed.
      if (slack.welcome === 'no answer to the upgrade') return void stream.resume().once('end', () => stream.destroy())
      upgrades.handleUpgrade(request, stream, head, (socket) => {
        if (slack.welcome === 'no hello') return
        slack.sockets.add(socket)
        socket.on('close', () => slack.sockets.delete(socket))
        socket.send(JSON.stringify({ type: 'hello' }))
        if (slack.closesAtOnce) socket.close()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, resolve))
    const said: string[] = []
    const say = (...words: unknown[]) => void said.push(words.join(' '))
    const logger = { debug() {}, info: say, warn: say, error: say, setLevel() {}, setName() {} }
    const url = `http://127.0.0.1:${portOf(server)}/api/`
    const { meter, measured } = measuringMeter()
    const transport = openSocketTransport(
      'xapp-1',
      url,
      { ...logger, getLevel: () => 'info' as never },
      undefined,
      times,
      undefined,
      meter,
    )
    await use({ transport, slack, said, measured })
    slack.answer = 'ok'
    await transport.stop()
    for (const socket of slack.sockets) socket.terminate()
    for (const stream of slack.silent) stream.destroy()
    server.closeAllConnections()
    server.close()
  },
})

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}

function close({ sockets }: Fixture['slack']): void {
  for (const socket of sockets) socket.close()
}

test.concurrent('is opened again as soon as Slack closes it', async ({
  expect,
  fixture: { transport, slack, said },
}) => {
  await transport.start()
  await expect.poll(() => slack.sockets.size).toBe(1)
  close(slack)
  const states = () => said.filter((line) => line.includes('ready'))
  await expect.poll(states).toEqual(['ready', 'not ready: the socket to Slack is closed', 'ready'])
  expect(slack.asked).toHaveLength(2)
})

test.concurrent('is opened ever more slowly where Slack closes each as soon as it is open', async ({
  expect,
  fixture: { transport, slack },
}) => {
  slack.closesAtOnce = true
  await transport.start()
  await expect.poll(() => slack.askedAt.length).toBe(4)
  const [first = 0, second = 0, third = 0, fourth = 0] = slack.askedAt
  expect(second - first).toBeGreaterThan(450)
  expect(third - second).toBeGreaterThan(950)
  expect(fourth - third).toBeGreaterThan(1_950)
})

test.concurrent('does not end the process when its token is refused while it lives, and is opened once it is taken again', async ({
  expect,
  fixture: { transport, slack },
}) => {
  const unheard: unknown[] = []
  const hear = (error: unknown) => void unheard.push(error)
  process.on('unhandledRejection', hear)
  try {
    await transport.start()
    slack.answer = 'invalid_auth'
    close(slack)
    await expect.poll(() => slack.asked.filter((one) => one === 'invalid_auth').length).toBeGreaterThan(1)
    slack.answer = 'ok'
    await expect.poll(() => slack.sockets.size).toBe(1)
    expect(unheard).toEqual([])
  } finally {
    process.off('unhandledRejection', hear)
  }
})

test.concurrent('is not opened with a token that is refused at the start, and tries again after a failure that passes', async ({
  expect,
  fixture: { transport, slack },
}) => {
  slack.answer = 'internal_error'
  const starting = transport.start()
  await expect.poll(() => slack.asked.length).toBeGreaterThan(1)
  slack.answer = 'invalid_auth'
  await expect(starting).rejects.toMatchObject({ data: { error: 'invalid_auth' } })
})

test.concurrent.for(['no hello', 'no answer to the upgrade', 'no answer to the request for an address'] as const)(
  'is given up and another one opened where there is %s',
  async (silence, { expect, fixture: { transport, slack } }) => {
    slack.welcome = silence
    const starting = transport.start()
    await expect.poll(() => slack.askedAt.length).toBeGreaterThan(2)
    const [first = 0, second = 0] = slack.askedAt
    expect(second - first).toBeLessThan(4 * times.connect)
    slack.welcome = 'hello'
    await starting
    await expect.poll(() => slack.sockets.size).toBe(1)
    await expect.poll(() => slack.silent.size).toBe(0)
    expect(slack.sockets.size).toBe(1)
  },
)

test.concurrent('is opened again after a time without a hello, also where it was open before', async ({
  expect,
  fixture: { transport, slack, said },
}) => {
  await transport.start()
  slack.welcome = 'no hello'
  close(slack)
  await expect.poll(() => slack.silent.size).toBe(1)
  slack.welcome = 'hello'
  await expect.poll(() => slack.sockets.size).toBe(1)
  const states = () => said.filter((line) => line.includes('ready'))
  await expect.poll(states).toEqual(['ready', 'not ready: the socket to Slack is closed', 'ready'])
  expect(said.join()).toContain('did not say hello within 3 s')
})

test.concurrent('is given up and another one opened when it goes mute, without a word of goodbye', async ({
  expect,
  fixture: { transport, slack, said },
}) => {
  await transport.start()
  await expect.poll(() => slack.sockets.size).toBe(1)
  const [mute] = slack.sockets
  mute?.pause()
  const began = performance.now()
  await expect.poll(() => slack.sockets.size).toBe(2)
  // Slack pings it meanwhile, or does not: either way nobody waits for its goodbye.
  expect(performance.now() - began).toBeLessThan(8 * times.pong)
  // Slack has the new socket before its hello has reached us.
  await expect.poll(() => said.filter((line) => line.includes('ready')).at(-1)).toBe('ready')
})

test.concurrent('is not opened any more by a start that Slack kept waiting when it was stopped', async ({
  expect,
  fixture: { transport, slack },
}) => {
  slack.welcome = 'no answer to the upgrade'
  const starting = transport.start()
  await expect.poll(() => slack.silent.size).toBe(1)
  const began = performance.now()
  await transport.stop()
  await starting
  expect(performance.now() - began).toBeLessThan(times.connect)
  await expect.poll(() => slack.silent.size).toBe(0)
})

const command = { command: '/clone-app', text: '', team_id: 'T1', user_id: 'U1', channel_id: 'C1' }

function appOn({ receiver }: SlackTransport): BoltApp {
  const authorize = async () => ({ botToken: 'xoxb-1', botId: 'B1', botUserId: 'U0', teamId: 'T1' })
  return new BoltApp({ receiver, authorize, logger: quietLogger })
}

test.concurrent('names a request in the log by the beginning of its own id, and measures its answer', async ({
  expect,
  fixture: { transport, slack, measured },
}) => {
  const app = appOn(transport)
  const seen: object[] = []
  app.command('/clone-app', async ({ ack }) => {
    seen.push(logFields())
    await ack()
  })
  await transport.start()
  const request = { type: 'slash_commands', envelope_id: '0af1c9d2-5b1e-4a4e-9d6b-2f0d6a7c1e11', payload: command }
  for (const socket of slack.sockets) socket.send(JSON.stringify(request))
  await expect.poll(() => measured).toEqual([{ what: 'acknowledged', of: 'command', ms: expect.any(Number) }])
  expect(seen).toEqual([{ request: '0af1c9d2' }])
})

test.concurrent('stops only once it has done what it acknowledged', async ({
  expect,
  fixture: { transport, slack, measured },
}) => {
  const app = appOn(transport)
  const order: string[] = []
  let finish = () => {}
  const afterAck = new Promise<void>((resolve) => {
    finish = resolve
  })
  app.command('/clone-app', async ({ ack }) => {
    await ack()
    await afterAck
    order.push('the click is done')
  })
  await transport.start()
  for (const socket of slack.sockets)
    socket.send(JSON.stringify({ type: 'slash_commands', envelope_id: 'one', payload: command }))
  await expect.poll(() => measured.length).toBe(1)
  const stopped = transport.stop().then(() => order.push('stopped'))
  await expect.poll(() => slack.sockets.size).toBe(0)
  finish()
  await stopped
  expect(order).toEqual(['the click is done', 'stopped'])
})

test.concurrent('closes the socket only once it has acknowledged what came over it', async ({
  expect,
  fixture: { transport, slack },
}) => {
  const app = appOn(transport)
  const order: string[] = []
  let answer = () => {}
  const provider = new Promise<void>((resolve) => {
    answer = resolve
  })
  app.command('/clone-app', async ({ ack }) => {
    order.push('received')
    await provider
    await ack()
    order.push('the click is done')
  })
  await transport.start()
  for (const socket of slack.sockets) {
    socket.on('message', () => order.push('acknowledged'))
    socket.send(JSON.stringify({ type: 'slash_commands', envelope_id: 'one', payload: command }))
  }
  await expect.poll(() => order).toEqual(['received'])
  const stopped = transport.stop()
  answer()
  await stopped
  expect(order.sort()).toEqual(['acknowledged', 'received', 'the click is done'])
})

test.concurrent('waits as long as Slack says between two requests for an address', async ({
  expect,
  fixture: { transport, slack },
}) => {
  slack.answer = 'ratelimited'
  const starting = transport.start()
  await expect.poll(() => slack.askedAt.length).toBe(1)
  slack.answer = 'ok'
  await starting
  const [first = 0, second = 0] = slack.askedAt
  expect(second - first).toBeGreaterThan(1_950)
})
