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

/** Why nothing can be started at the port that somebody typed; undefined if it's free. */
export async function refusalOf(typed: string): Promise<string | undefined> {
  const port = Number(typed)
  const isPort = Number.isInteger(port) && port > 0 && port < 65_536
  if (!isPort) return `"${typed}" isn't a port. It must be a number from 1 to 65535.`
  return (await isFree(port)) ? undefined : `Port ${port} is taken. Choose another one, or leave it out.`
}
