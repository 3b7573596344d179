/** Opens the database for one process of Dolly: a SQLite file of its own, or a Postgres that it shares with others. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Log } from '../lib/log.js'
import { InMemoryRateLimiter, type RateLimiter } from '../lib/rate-limiter.js'
import { type SeenBefore, seenInMemory } from '../lib/seen.js'
import { releaseAllClaims } from './claims.js'
import { refuseCopied } from './copy.js'
import { isPostgres, openDatabase } from './database.js'
import { hasLooseRights } from './file.js'
import { lockDatabase } from './lock.js'
import { alone, join, type Membership } from './processes.js'
import { createSharedRateLimiter } from './rate-limits.js'
import { askIfRestored } from './restored.js'
import type { Database } from './schema.js'
import { seenByAll } from './seen.js'
import { retryWhileAway } from './transaction.js'

export interface Store {
  /** For the workers. */
  db: Database
  /** For people's requests, which Slack wants answered within three seconds. No person waits behind the workers' writes. */
  requests: Database
  membership: Membership
  /** Counts the calls to Slack of all processes that share the database. */
  rateLimiter: RateLimiter
  /** Remembers the requests that came to any of them. */
  seenBefore: SeenBefore
}

/** How long one query waits for the database, in milliseconds, and how many connections to Postgres it may use. */
const WORKERS = { busyTimeoutMs: 30_000, maxConnections: 4 }
const REQUESTS = { busyTimeoutMs: 700, maxConnections: 2 }
/** Short, so that a dead connection is replaced before others take this process for dead. */
const MEMBERSHIP = { busyTimeoutMs: 1_500, maxConnections: 1 }
/** A Postgres that restarts is away for seconds. In milliseconds. */
const POSTGRES_WITHIN_MS = 60_000

/**
 * @param address path of a SQLite file, or `postgres://…`.
 * @param closers gets what undoes each thing that was opened, also if a later one fails.
 * @throws ConnectionError for what the operator must fix.
 */
export async function openStore(
  address: string,
  { elapsed, log, closers }: { elapsed(): number; log: Log; closers: (() => Promise<unknown>)[] },
): Promise<Store> {
  const open = async (limits: typeof WORKERS, isMigrated = false) => {
    const openWithinMs = isPostgres(address) ? POSTGRES_WITHIN_MS : limits.busyTimeoutMs
    const db = await openDatabase(address, undefined, { ...limits, openWithinMs, isMigrated, log })
    closers.push(() => db.destroy())
    return db
  }
  if (isPostgres(address)) {
    const [db, requests, heartbeat] = [await open(WORKERS), await open(REQUESTS, true), await open(MEMBERSHIP, true)]
    const name = `process ${process.pid} on ${hostname()}`
    const membership = await retryWhileAway(POSTGRES_WITHIN_MS, () =>
      join(heartbeat, { id: randomUUID(), name, elapsed, log }),
    )
    closers.push(() => membership.leave())
    const { now } = membership
    return { db, requests, membership, rateLimiter: createSharedRateLimiter(db, now), seenBefore: seenByAll(requests) }
  }
  const unlock = await lockDatabase(address)
  closers.push(async () => unlock())
  const [db, requests] = [await open(WORKERS), await open(REQUESTS)]
  if (hasLooseRights(address))
    log.warn({ file: address }, 'users other than its owner can open the database; run chmod 600 on it')
  await refuseCopied(db, address)
  const restored = await askIfRestored(db, alone.now())
  if (restored) log.warn(restored, 'this database is a restored backup; its live jobs ask a person before they go on')
  // The lock is ours, so every claim in the file belongs to a process that is dead.
  await releaseAllClaims(db)
  const { now } = alone
  return {
    db,
    requests,
    membership: alone,
    rateLimiter: new InMemoryRateLimiter(elapsed),
    seenBefore: seenInMemory(now),
  }
}
