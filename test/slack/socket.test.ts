/** The socket, and a Slack that closes it, refuses the token and takes it again. */
import { createServer, type Server } from 'node:http'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { openSocketEntrance } from '../../src/slack/socket.js'

/** What `apps.connections.open` answers. */
let answer: 'ok' | 'invalid_auth' | 'internal_error'
let asked: string[]
let askedAt: number[]
let closesAtOnce: boolean
let sockets: Set<WebSocket>
let slack: Server
let said: string[]
let entrance: ReturnType<typeof openSocketEntrance>

beforeEach(async () => {
  answer = 'ok'
  asked = []
  askedAt = []
  closesAtOnce = false
  sockets = new Set()
  said = []
  slack = createServer((_, response) => {
    asked.push(answer)
    askedAt.push(performance.now())
    const address = slack.address()
    const port = typeof address === 'object' ? address?.port : 0
    const body = answer === 'ok' ? { ok: true, url: `ws://127.0.0.1:${port}/` } : { ok: false, error: answer }
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
  })
  const server = new WebSocketServer({ server: slack })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.send(JSON.stringify({ type: 'hello' }))
    if (closesAtOnce) socket.close()
  })
  await new Promise<void>((resolve) => slack.listen(0, resolve))
  const address = slack.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/api/`
  const say = (...words: unknown[]) => void said.push(words.join(' '))
  const logger = { debug() {}, info: say, warn: say, error: say, setLevel() {}, setName() {} }
  entrance = openSocketEntrance('xapp-1', url, { ...logger, getLevel: () => 'info' as never }, undefined)
})
afterEach(async () => {
  answer = 'ok'
  await entrance.stop()
  for (const socket of sockets) socket.terminate()
  slack.closeAllConnections()
  slack.close()
})

const isOpen = () => sockets.size > 0
const close = () => {
  for (const socket of sockets) socket.close()
}

it('is opened anew as soon as Slack closes it', async () => {
  await entrance.start()
  await expect.poll(isOpen).toBe(true)
  close()
  const states = () => said.filter((line) => line.includes('ready'))
  await expect.poll(states).toEqual(['ready', 'not ready: the socket to Slack is away', 'ready'])
  expect(asked).toHaveLength(2)
})

it('is opened ever more slowly where Slack closes each as soon as it is open', async () => {
  closesAtOnce = true
  await entrance.start()
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
    await entrance.start()
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

it('is not opened with a token that is refused at the start, and tries again what is only a bad moment', async () => {
  answer = 'internal_error'
  const starting = entrance.start()
  await expect.poll(() => asked.length).toBeGreaterThan(1)
  answer = 'invalid_auth'
  await expect(starting).rejects.toMatchObject({ data: { error: 'invalid_auth' } })
})
