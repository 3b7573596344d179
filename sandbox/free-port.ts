/** Ports of this machine that nobody listens on. */
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * Below what systems hand out to outgoing connections, from 32768 on (Linux) or higher. A port from there may be taken
 * again by any request of any process until it is listened on, and while a bot is started anew.
 */
const neverHandedOut = { from: 20_000, to: 32_768 }

/** A port that is free at this moment, and that no outgoing connection takes. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(neverHandedOut.from, neverHandedOut.to)
    if (await isFree(port)) return port
  }
}

/** Whether a server can listen there, on all addresses. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, () => server.close(() => resolve(true)))
  })
}
