/** What stands between Slack and several replicas: each request goes to the next one that says it's ready. */
import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

export interface Balancer {
  url: string
  /** How many replicas get requests now. */
  readyCount(): number
  close(): Promise<void>
}

const PROBE_PATH = '/readyz'
const PROBE_EVERY_MS = 300
/** A replica that doesn't answer a probe for so long gets no more requests until it does. In milliseconds. */
const PROBE_WITHIN_MS = 1_000

/**
 * No sticky sessions, and no request is sent twice: what a replica took with it when it died fails.
 *
 * @param ports of the replicas, on this machine.
 */
export async function startBalancer(ports: readonly number[]): Promise<Balancer> {
  const ready = new Set<number>()
  let turn = 0
  let isClosed = false

  async function probe(port: number): Promise<void> {
    while (!isClosed) {
      const isReady = await fetch(`http://127.0.0.1:${port}${PROBE_PATH}`, {
        signal: AbortSignal.timeout(PROBE_WITHIN_MS),
        headers: { connection: 'close' },
      }).then(
        async (answer) => {
          await answer.arrayBuffer()
          return answer.ok
        },
        () => false,
      )
      if (isReady) ready.add(port)
      else ready.delete(port)
      await delay(PROBE_EVERY_MS)
    }
  }

  function pass(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const inTurn = ports.filter((port) => ready.has(port))
    const port = inTurn[turn % inTurn.length]
    turn += 1
    if (port === undefined) return void outgoing.writeHead(503).end()
    const { method, url: path, headers } = incoming
    // A kept connection would lead to a replica that is gone.
    const passed = send({ host: '127.0.0.1', port, method, path, headers, agent: false }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
      answer.once('error', () => outgoing.destroy())
    })
    passed.once('error', () => (outgoing.headersSent ? outgoing.destroy() : outgoing.writeHead(502).end()))
    outgoing.once('close', () => passed.destroy())
    incoming.pipe(passed)
  }

  const server = createServer(pass)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const probing = Promise.all(ports.map(probe))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    readyCount: () => ready.size,
    async close() {
      isClosed = true
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await probing
    },
  }
}
