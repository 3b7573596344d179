/** What both ways in have in common: their shape, the probes, and a server that opens and closes. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Receiver } from '@slack/bolt'

export interface SlackEntrance {
  receiver: Receiver
  start(): Promise<void>
  stop(): Promise<void>
}

const drainMs = 3_000

/** GET /healthz: the process lives. GET /ready: Slack reaches it. Answers whether it was one of the two. */
export function answerProbe({ method, url }: IncomingMessage, response: ServerResponse, isReady: boolean): boolean {
  if (method !== 'GET' || (url !== '/healthz' && url !== '/ready')) return false
  if (url === '/healthz') response.writeHead(200).end('ok')
  else response.writeHead(isReady ? 200 : 503).end(isReady ? 'ready' : 'not ready: the socket to Slack is away')
  return true
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
    const timer = setTimeout(() => server.closeAllConnections(), drainMs)
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}

export function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status).end()
}
