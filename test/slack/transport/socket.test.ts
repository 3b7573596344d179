/** The socket, and a Slack that closes it, says nothing over it, refuses the token and takes it again. */
import { createServer, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { openSocketTransport } from '../../../src/slack/transport/socket.js'

/** What `apps.connections.open` answers. */
let answer: 'ok' | 'invalid_auth' | 'internal_error' | 'ratelimited'
let asked: string[]
let askedAt: number[]
let closesAtOnce: boolean
/** How a new connection is received. */
let welcome: 'hello' | 'no hello' | 'no answer to the upgrade' | 'no answer to the request for an address'
/** Connections that were left without an answer. */
let silent: Set<Duplex>
/** Asks Slack for a socket and hears nothing for so long, in milliseconds: shorter than usual, so that nobody waits. */
const times = { connect: 3_000, pong: 1_500 }
let sockets: Set<WebSocket>
let slack: Server
let said: string[]
let transport: ReturnType<typeof openSocketTransport>

beforeEach(async () => {
  answer = 'ok'
  asked = []
  askedAt = []
  closesAtOnce = false
  welcome = 'hello'
  silent = new Set()
  sockets = new Set()
  said = []
  slack = createServer((_, response) => {
    asked.push(answer)
    askedAt.push(performance.now())
    if (welcome === 'no answer to the request for an address') return
    const address = slack.address()
    const port = typeof address === 'object' ? address?.port : 0
    if (answer === 'ratelimited') return void response.writeHead(429, { 'retry-after': '2' }).end()
    const body = answer === 'ok' ? { ok: true, url: `ws://127.0.0.1:${port}/` } : { ok: false, error: answer }
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
  })
  const server = new WebSocketServer({ noServer: true })
  slack.on('upgrade', (request, stream, head) => {
    if (welcome !== 'hello') {
      silent.add(stream)
      stream.once('close', () => silent.delete(stream)).on('error', () => undefined)
    }
    // Read, or its end would go unnoticed.
    if (welcome === 'no answer to the upgrade') return void stream.resume().once('end', () => stream.destroy())
    server.handleUpgrade(request, stream, head, (socket) => {
      if (welcome === 'no hello') return
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      socket.send(JSON.stringify({ type: 'hello' }))
      if (closesAtOnce) socket.close()
    })
  })
  await new Promise<void>((resolve) => slack.listen(0, resolve))
  const address = slack.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/api/`
  const say = (...words: unknown[]) => void said.push(words.join(' '))
  const logger = { debug() {}, info: say, warn: say, error: say, setLevel() {}, setName() {} }
  transport = openSocketTransport('xapp-1', url, { ...logger, getLevel: () => 'info' as never }, undefined, times)
})
afterEach(async () => {
  answer = 'ok'
  await transport.stop()
  for (const socket of sockets) socket.terminate()
  for (const stream of silent) stream.destroy()
  slack.closeAllConnections()
  slack.close()
})

const isOpen = () => sockets.size > 0
const close = () => {
  for (const socket of sockets) socket.close()
}

it('is opened again as soon as Slack closes it', async () => {
  await transport.start()
  await expect.poll(isOpen).toBe(true)
  close()
  const states = () => said.filter((line) => line.includes('ready'))
  await expect.poll(states).toEqual(['ready', 'not ready: the socket to Slack is closed', 'ready'])
  expect(asked).toHaveLength(2)
})

it('is opened ever more slowly where Slack closes each as soon as it is open', async () => {
  closesAtOnce = true
  await transport.start()
  await expect.poll(() => askedAt.length).toBe(4)
  const [first = 0, second = 0, third = 0, fourth = 0] = askedAt
  expect(second - first).toBeGreaterThan(450)
  expect(third - second).toBeGreaterThan(950)
  expect(fourth - third).toBeGreaterThan(1_950)
})

it('does not end the process when its token is refused while it lives, and is opened once it is taken again', async () => {
  const unheard: unknown[] = []
  const hear = (error: unknown) => void unheard.push(error)
  process.on('unhandledRejection', hear)
  try {
    await transport.start()
    answer = 'invalid_auth'
    close()
    await expect.poll(() => asked.filter((one) => one === 'invalid_auth').length).toBeGreaterThan(1)
    answer = 'ok'
    await expect.poll(isOpen).toBe(true)
    expect(unheard).toEqual([])
  } finally {
    process.off('unhandledRejection', hear)
  }
})

it('is not opened with a token that is refused at the start, and tries again after a failure that passes', async () => {
  answer = 'internal_error'
  const starting = transport.start()
  await expect.poll(() => asked.length).toBeGreaterThan(1)
  answer = 'invalid_auth'
  await expect(starting).rejects.toMatchObject({ data: { error: 'invalid_auth' } })
})

it.each(['no hello', 'no answer to the upgrade', 'no answer to the request for an address'] as const)(
  'is given up and another one opened where there is %s',
  async (silence) => {
    welcome = silence
    const starting = transport.start()
    await expect.poll(() => askedAt.length).toBeGreaterThan(2)
    const [first = 0, second = 0] = askedAt
    expect(second - first).toBeLessThan(times.connect + 2_000)
    welcome = 'hello'
    await starting
    await expect.poll(isOpen).toBe(true)
    await expect.poll(() => silent.size).toBe(0)
    expect(sockets.size).toBe(1)
  },
)

it('is opened again after a time without a hello, also where it was open before', async () => {
  await transport.start()
  welcome = 'no hello'
  close()
  await expect.poll(() => silent.size).toBe(1)
  welcome = 'hello'
  await expect.poll(isOpen).toBe(true)
  const states = () => said.filter((line) => line.includes('ready'))
  await expect.poll(states).toEqual(['ready', 'not ready: the socket to Slack is closed', 'ready'])
  expect(said.join()).toContain('did not say hello within 3 s')
})

it('is given up and another one opened when it goes mute, without a word of goodbye', async () => {
  await transport.start()
  await expect.poll(isOpen).toBe(true)
  const [mute] = sockets
  mute?.pause()
  const began = performance.now()
  await expect.poll(() => sockets.size).toBe(2)
  // Slack pings it meanwhile, or does not: either way nobody waits for its goodbye.
  expect(performance.now() - began).toBeLessThan(4 * times.pong)
  expect(said.filter((line) => line.includes('ready')).at(-1)).toBe('ready')
})

it('is not opened any more by a start that Slack kept waiting when it was stopped', async () => {
  welcome = 'no answer to the upgrade'
  const starting = transport.start()
  await expect.poll(() => silent.size).toBe(1)
  const began = performance.now()
  await transport.stop()
  await starting
  expect(performance.now() - began).toBeLessThan(times.connect)
  await expect.poll(() => silent.size).toBe(0)
})

it('waits as long as Slack says between two requests for an address', async () => {
  answer = 'ratelimited'
  const starting = transport.start()
  await expect.poll(() => askedAt.length).toBe(1)
  answer = 'ok'
  await starting
  const [first = 0, second = 0] = askedAt
  expect(second - first).toBeGreaterThan(1_950)
})
