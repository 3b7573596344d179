/** The HTTP server of both transports: health probes for everyone, and bounds against a flood. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

const DRAIN_MS = 3_000
/** Slack's own headers take less than 1 kB; a proxy adds some. In bytes. */
const MAX_HEADER_BYTES = 8 * 1024
/** Slack opens a handful of connections; a proxy in front of many workspaces some dozens. */
const MAX_CONNECTIONS = 256
/** How long a request may take to arrive. */
const REQUEST_TIMEOUT_MS = 5_000

/** `markVerified` says that the request is from Slack, so that its connection is kept until it is answered. */
type RequestHandler = (request: IncomingMessage, response: ServerResponse, markVerified: () => void) => void

export interface BoundedServer {
  listen(port: number): Promise<void>
  /** Waits a bounded time for requests under way. */
  close(): Promise<void>
}

/**
 * A server for an open port. It cuts off a request that has not arrived completely within `requestTimeoutMs`. Of the
 * connections not verified as Slack's, the oldest makes room for the newest: if new ones were refused, a few idle connections
 * would keep Slack and the probes out.
 *
 * @param whyNotReady for GET /readyz: why this process can't take Slack's requests now; undefined if it can. GET /healthz says
 *   that the process runs.
 * @param handle gets all other requests.
 */
export function createBoundedServer(
  whyNotReady: () => string | undefined,
  handle: RequestHandler,
  requestTimeoutMs = REQUEST_TIMEOUT_MS,
): BoundedServer {
  /** In order of arrival. */
  const unverified = new Set<Socket>()
  const limits = {
    requestTimeout: requestTimeoutMs,
    headersTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.ceil(requestTimeoutMs / 5),
    maxHeaderSize: MAX_HEADER_BYTES,
  }
  const server = createServer(limits, (request, response) => {
    if (answerProbe(request, response, whyNotReady)) return
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
  return {
    listen: (port) =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, resolve)
      }),
    close: () =>
      new Promise((resolve) => {
        const timer = setTimeout(() => server.closeAllConnections(), DRAIN_MS)
        server.close(() => {
          clearTimeout(timer)
          resolve()
        })
      }),
  }
}

/** Returns whether it was a probe. */
function answerProbe(
  { method, url }: IncomingMessage,
  response: ServerResponse,
  whyNotReady: () => string | undefined,
): boolean {
  if (method !== 'GET' || (url !== '/healthz' && url !== '/readyz')) return false
  const problem = url === '/readyz' ? whyNotReady() : undefined
  if (problem !== undefined) response.writeHead(503).end(`not ready: ${problem}`)
  else response.writeHead(200).end(url === '/readyz' ? 'ready' : 'ok')
  return true
}

export function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status).end()
}
