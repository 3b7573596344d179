/** What both transports share: their interface, the hand-over to Bolt, health probes, and a server with bounds. */
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

/** A receiver that only keeps Bolt's app: requests go through `receive`, so that their errors come back to us. */
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

/** Slack sends only objects. Bolt reads properties unchecked and would throw on anything else. */
export function isPayload(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Answers GET /healthz (the process runs) and GET /ready (Slack reaches it). Returns whether it was one of the two. */
export function answerProbe({ method, url }: IncomingMessage, response: ServerResponse, isReady: boolean): boolean {
  if (method !== 'GET' || (url !== '/healthz' && url !== '/ready')) return false
  if (url === '/healthz') response.writeHead(200).end('ok')
  else response.writeHead(isReady ? 200 : 503).end(isReady ? 'ready' : 'not ready: the socket to Slack is closed')
  return true
}

/** `markVerified` says that the request is from Slack, so that its connection is kept until it is answered. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse, markVerified: () => void) => void

/**
 * A server for an open port. It cuts off a request that has not arrived completely within `requestTimeoutMs`. Of the
 * connections not verified as Slack's, the oldest makes room for the newest: if new ones were refused, a few idle connections
 * would keep Slack and the probes out.
 */
export function createBoundedServer(requestTimeoutMs: number, handle: RequestHandler): Server {
  /** In order of arrival. */
  const unverified = new Set<Socket>()
  const limits = {
    requestTimeout: requestTimeoutMs,
    headersTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.ceil(requestTimeoutMs / 5),
    maxHeaderSize: MAX_HEADER_BYTES,
  }
  const server = createServer(limits, (request, response) => {
    const { socket } = request
    handle(request, response, () => {
      unverified.delete(socket)
      response.once('close', () => {
        if (!socket.destroyed) unverified.add(socket)
      })
    })
  })
  server.on('connection', (socket) => {
    unverified.add(socket)
    socket.once('close', () => unverified.delete(socket))
    const [oldest] = unverified
    if (unverified.size <= MAX_CONNECTIONS || !oldest) return
    unverified.delete(oldest)
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

/** Waits a bounded time for requests under way. */
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
