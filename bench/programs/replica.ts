/**
 * One process of Dolly's workers on a shared Postgres, with five connections to a provider that answers soon. Works from `go` to
 * `stop`, and then answers with what it wrote. Started by bench/rows/replicas.ts.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { newMemory, type WorkerContext } from '../../src/jobs/context.js'
import { Scheduler } from '../../src/jobs/scheduler.js'
import { createWorkers } from '../../src/jobs/workers.js'
import { openDatabase } from '../../src/store/database.js'
import { findDueWork } from '../../src/store/due-work.js'
import { join } from '../../src/store/processes.js'
import { silentLog } from '../../test/helpers/context.js'
import { dummyConnection, dummyWorld } from '../../test/helpers/dummy-provider.js'

const MAX_STOP_MS = 10_000
/** How long the provider takes to answer a write, in milliseconds: less than any real one. */
const WRITE_MS = 100

const [url = '', ...names] = process.argv.slice(2)
const elapsed = () => performance.now()
const db = await openDatabase(url)
const heartbeat = await openDatabase(url, undefined, { maxConnections: 1 })
const membership = await join(heartbeat, { id: randomUUID(), name: `replica ${process.pid}`, elapsed, log: silentLog })
const { now } = membership
const worlds = names.map(() => {
  const world = Object.assign(dummyWorld(), { ended: { ended: 'done' } as const })
  return Object.defineProperty(world, 'held', { get: () => delay(WRITE_MS) })
})
const connections = new Map(names.map((name, at) => [name, dummyConnection(worlds[at] ?? dummyWorld(), name)]))
const context: WorkerContext = {
  ...{ db, connections, membership, now, elapsed, log: silentLog },
  random: Math.random,
  memory: newMemory(),
}
let scheduler: Scheduler | undefined

process.on('message', async (message) => {
  if (message === 'go') {
    scheduler = new Scheduler({
      tickSeconds: 1,
      isShared: true,
      workers: createWorkers(context, { notifyPending: async () => false }),
      findDueWork: () => findDueWork(db, now()),
      onClockSet: async () => {},
      ...{ now, elapsed, log: silentLog },
    })
    scheduler.wake()
    return
  }
  await scheduler?.stop(MAX_STOP_MS)
  process.send?.(worlds.flatMap(({ made }) => made.splice(0).map(({ name }) => name)))
})
process.on('disconnect', () => process.exit(0))
process.send?.('ready')
