/** A proxy before a Postgres that cuts a connection at one of its commits: before Postgres gets it, or before its answer. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { freePort } from '../../sandbox/free-port.js'

export interface CuttingProxy {
  /** Address of the same database, by way of the proxy. */
  url: string
  /** Cuts at this commit from now on, counted from 0, and at none after it. */
  cutAt(commit: number, when: 'before' | 'after'): void
  /** What has been committed since then, the cut one included: `commit`, or a single statement that changes something. */
  commits(): readonly string[]
  /** While frozen, it takes everything and passes nothing on, as a host that lost its power. */
  freeze(isFrozen: boolean): void
  close(): Promise<void>
}

const QUERY = 'Q'
const PARSE = 'P'
const SYNC = 'S'
const READY = 'Z'
/** The status of a connection that is in no transaction. */
const IDLE = 'I'

/** @param address of a database on a Postgres without TLS. */
export async function startCuttingProxy(address: string): Promise<CuttingProxy> {
  const { hostname, port } = new URL(address)
  let [commits, place, when]: [string[], number, 'before' | 'after'] = [[], -1, 'before']
  const sockets = new Set<Socket>()
  let isFrozen = false

  const server = createServer((client) => {
    const postgres = connect(Number(port), hostname)
    const cut = () => {
      client.destroy()
      postgres.destroy()
    }
    for (const socket of [client, postgres]) {
      sockets.add(socket.setNoDelay())
      socket.once('close', cut).on('error', cut)
    }
    let [status, statement, isCutAfter] = ['', '', false]
    const fromClient = createReader(true)
    client.on('data', (data) => {
      if (isFrozen) return
      for (const { type, bytes } of fromClient(data)) {
        if (type === PARSE) statement = bytes.subarray(bytes.indexOf(0, 5) + 1).toString()
        if (type === QUERY) statement = bytes.subarray(5).toString()
        const isCommit = type === QUERY && /^commit/i.test(statement)
        const isAlone =
          (type === SYNC || type === QUERY) && status === IDLE && /^(insert|update|delete|with)/i.test(statement)
        if (isCommit || isAlone) {
          commits.push(statement.replace(/\0.*/s, ''))
          if (commits.length - 1 === place) {
            if (when === 'before') return cut()
            isCutAfter = true
          }
        }
        postgres.write(bytes)
      }
    })
    const fromPostgres = createReader(false)
    postgres.on('data', (data) => {
      for (const { type, bytes } of fromPostgres(data)) {
        if (type === READY) status = bytes.subarray(5, 6).toString()
        if (type === READY && isCutAfter) return cut()
        if (!isCutAfter) client.write(bytes)
      }
    })
  })
  const ownPort = await freePort()
  server.listen(ownPort, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: Object.assign(new URL(address), { hostname: '127.0.0.1', port: `${ownPort}` }).href,
    cutAt: (commit, at) => {
      ;[commits, place, when] = [[], commit, at]
    },
    commits: () => commits,
    freeze: (frozen) => {
      isFrozen = frozen
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Takes a stream apart into the protocol's messages: a letter, a length and the rest. A client's first one has no letter. */
function createReader(isClient: boolean): (data: Buffer) => { type: string; bytes: Buffer }[] {
  let left: Buffer = Buffer.alloc(0)
  let isFirst = isClient
  return (data) => {
    left = Buffer.concat([left, data])
    const messages: { type: string; bytes: Buffer }[] = []
    for (;;) {
      const before = isFirst ? 0 : 1
      if (left.length < before + 4) return messages
      const length = before + left.readUInt32BE(before)
      if (left.length < length) return messages
      messages.push({ type: isFirst ? '' : left.subarray(0, 1).toString(), bytes: left.subarray(0, length) })
      left = left.subarray(length)
      isFirst = false
    }
  }
}
