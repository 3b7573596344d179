/** Finds free ports on this machine. */
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * Below the ports that systems give to outgoing connections (from 32768 on Linux, higher elsewhere). A port from that
 * range could be taken by any request of any process, before the bot listens on it or while it restarts.
 */
const PORT_RANGE = { from: 20_000, to: 32_768 }

/** A port that is free now and that no outgoing connection will take. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORT_RANGE.from, PORT_RANGE.to)
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
