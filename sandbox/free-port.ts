/** Ports of this machine that nobody listens on. */
import { createServer } from 'node:net'

/** A port that is free at this moment. */
export async function freePort(): Promise<number> {
  return await listenOnce(0)
}

export async function isFree(port: number): Promise<boolean> {
  return await listenOnce(port).then(
    () => true,
    () => false,
  )
}

function listenOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : port))
    })
  })
}
