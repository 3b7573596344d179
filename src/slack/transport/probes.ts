/** What both ways in have in common: their shape, the hand-over to Bolt, the probes, and a server that strangers cannot fill. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { App, Receiver, ReceiverEvent } from '@slack/bolt'

export interface SlackTransport {
  receiver: Receiver
  start(): Promise<void>
  stop(): Promise<void>
}

const DRAIN_MS = 3_000
/** Slack's own headers take less than 1 kB; a proxy adds some. In bytes. */
const MAX_HEADER_BYTES = 8 * 1024
/** Slack opens a handful of connections; a proxy in front of many workspaces some dozens. */
const MAX_CONNECTIONS = 256

/** Only gives us Bolt's app: requests are passed on by `receive`, so that their errors come back to us. */
export function createReceiver(): { receiver: Receiver; receive(event: ReceiverEvent): Promise<void> } {
  let app: App | undefined
  return {
    receiver: {
      init: (bolt) => {
        app = bolt
      },
      start: async () => undefined,
      stop: async () => undefined,
    },
    receive: async (event) => await app?.processEvent(event),
  }
}

/** Slack sends only objects. Bolt reads properties without checking, so anything else would throw inside it. */
export function isPayload(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** GET /healthz: the process lives. GET /ready: Slack reaches it. Answers whether it was one of the two. */
export function answerProbe({ method, url }: IncomingMessage, response: ServerResponse, isReady: boolean): boolean {
  if (method !== 'GET' || (url !== '/healthz' && url !== '/ready')) return false
  if (url === '/healthz') response.writeHead(200).end('ok')
  else response.writeHead(isReady ? 200 : 503).end(isReady ? 'ready' : 'not ready: the socket to Slack is away')
  return true
}

/** Answers a request. `trust` marks it as Slack's own, so that its connection is kept until it is answered. */
export type Answering = (request: IncomingMessage, response: ServerResponse, trust: () => void) => void

/**
 * A server for anybody who finds the port. A request that has not arrived as a whole within `requestTimeoutMs` is cut off.
 * Of the connections that have not proved to be Slack's, the oldest makes room for the newest: if newcomers were refused,
 * a few idle connections would keep Slack and the probes out.
 */
export function createBoundedServer(requestTimeoutMs: number, answer: Answering): Server {
  /** In order of arrival. */
  const strangers = new Set<Socket>()
  const limits = {
    requestTimeout: requestTimeoutMs,
    headersTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.ceil(requestTimeoutMs / 5),
    maxHeaderSize: MAX_HEADER_BYTES,
  }
  const server = createServer(limits, (request, response) => {
    const { socket } = request
    answer(request, response, () => {
      strangers.delete(socket)
      response.once('close', () => {
        if (!socket.destroyed) strangers.add(socket)
      })
    })
  })
  server.on('connection', (socket) => {
    strangers.add(socket)
    socket.once('close', () => strangers.delete(socket))
    const [oldest] = strangers
    if (strangers.size <= MAX_CONNECTIONS || !oldest) return
    strangers.delete(oldest)
    oldest.destroy()
  })
  return server
}

export function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, resolve)
  })
}

/** A request that trickles in must not hold up the end. */
export function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), DRAIN_MS)
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}

export function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status).end()
}
