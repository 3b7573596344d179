/**
 * The processes table: which processes of Dolly share a Postgres database, each with a row that it renews every few seconds. A
 * claim names its process, and is free once that row is gone. All times are the database's, so that it doesn't matter what time
 * the machine of a process thinks it is.
 */
import { sql } from 'kysely'
import type { Log } from '../lib/log.js'
import type { Database } from './schema.js'

/** Between two renewals, in milliseconds. */
const RENEW_EVERY_MS = 2_000
/** A process that has not renewed its row for so long is taken for dead, in milliseconds. */
const LEASE_MS = 10_000
/** A process that couldn't renew its row for so long begins nothing and sends nothing, in milliseconds. Well before others take over. */
const MAX_SILENCE_MS = 6_000

/** This process among those that share a database. */
export interface Membership {
  /** What its claims name; null where it's the only one. */
  readonly owner: string | null
  /** Whether it may begin or send anything: not while others may take it for dead. */
  mayWork(): boolean
  /** Milliseconds since 1970, by the clock that all share. */
  now(): number
  /** Gives back all claims there still are, at the end of the process. */
  leave(): Promise<void>
}

/** A process that has its database for itself, and its machine's own clock. */
export const alone: Membership = {
  owner: null,
  mayWork: () => true,
  now: () => Date.now(),
  leave: async () => {},
}

interface Joining {
  /** New for each start. */
  id: string
  /** For people: which process on which host. */
  name: string
  /** Monotonic milliseconds. */
  elapsed(): number
  log: Pick<Log, 'info' | 'warn'>
}

/**
 * Adds this process to those that share the database, and renews its row until it leaves.
 *
 * @param db with a connection of its own, so that no renewal waits behind other work.
 * @throws TemporaryError when the database doesn't answer.
 */
export async function join(db: Database, { id, name, elapsed, log }: Joining): Promise<Membership> {
  /** When the last renewal that worked was sent, and the database's time then. */
  let [renewedAt, databaseTime] = [Number.NEGATIVE_INFINITY, 0]
  /** Since when no renewal has failed. */
  let inTouchSince = elapsed()
  let timer: NodeJS.Timeout | undefined
  let renewing: Promise<void> = Promise.resolve()

  const renewOnce = async () => {
    const sentAt = elapsed()
    const time = await renew(db, { id, name })
    if (sentAt - renewedAt > LEASE_MS) inTouchSince = sentAt
    ;[renewedAt, databaseTime] = [sentAt, time]
    // All processes lose touch when the database is away. Each waits until the others had the time to come back.
    if (sentAt - inTouchSince < LEASE_MS) return
    for (const gone of await removeDead(db))
      log.warn({ process: gone }, 'a process stopped answering; others take over its work')
  }
  const keepRenewing = () => {
    timer = setTimeout(() => {
      renewing = renewOnce()
        .catch((error) => log.warn({ err: error }, 'this process could not renew its claims'))
        .finally(keepRenewing)
    }, RENEW_EVERY_MS)
  }

  await renewOnce()
  keepRenewing()
  return {
    owner: id,
    mayWork: () => elapsed() - renewedAt < MAX_SILENCE_MS,
    now: () => databaseTime + Math.round(elapsed() - renewedAt),
    leave: async () => {
      clearTimeout(timer)
      await renewing
      clearTimeout(timer)
      await db.deleteFrom('processes').where('id', '=', id).execute()
    },
  }
}

const databaseNow = sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint`

/** Returns the database's time. A row that others had deleted is there again: claims that nobody took meanwhile still hold. */
async function renew(db: Database, { id, name }: { id: string; name: string }): Promise<number> {
  const until = sql<number>`${databaseNow} + ${sql.lit(LEASE_MS)}`
  const row = await db
    .insertInto('processes')
    .values({ id, name, until })
    .onConflict((same) => same.column('id').doUpdateSet({ until }))
    .returning(databaseNow.as('now'))
    .executeTakeFirstOrThrow()
  return row.now
}

/** Returns the names of those whose time is over. */
async function removeDead(db: Database): Promise<string[]> {
  const dead = await db.deleteFrom('processes').where('until', '<', databaseNow).returning('name').execute()
  return dead.map(({ name }) => name)
}
