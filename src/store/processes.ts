/**
 * The processes table: which processes of Dolly share a Postgres. Each has a row there, its lease, and renews it every few
 * seconds. A claim names its process, and is free once that row is deleted.
 *
 * No wall clock decides anything here. A process is dead when another one saw its row unchanged for a whole lease, by its own
 * monotonic clock. So no process loses a claim because the clock of a machine is wrong, or differs after a failover.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Log } from '../lib/log.js'
import type { Database } from './schema.js'

/** Between two renewals, in milliseconds. */
const RENEW_EVERY_MS = 2_000
/** After a renewal that failed, in milliseconds. */
const RETRY_AFTER_MS = 500
/** A process whose row stays unchanged for so long is taken for dead, in milliseconds. */
export const LEASE_MS = 10_000
/** A process that couldn't renew its row for so long starts and sends nothing, in milliseconds. Well before others take over. */
export const MAX_SILENCE_MS = 6_000
/** After a longer gap between its own renewals, in milliseconds, a process starts over with watching the rows of others. */
const MAX_UNWATCHED_MS = 2 * RENEW_EVERY_MS
/** A round trip that is short enough to set the clock by, in milliseconds, and how many tries a start has for one. */
const QUICK_MS = 500
const MAX_TRIES_TO_BE_QUICK = 3

/** This process among those that share a database. */
export interface Membership {
  /** The id that its claims name; null if it's the only process of its database. */
  readonly owner: string | null
  /** Whether it may start anything: not while others may take it for dead. */
  mayWork(): boolean
  /**
   * Starts to watch this process's own lease. The returned function answers whether it has held without a gap since then: if so,
   * a claim that was taken, or read from the database, after the call still belongs to this process. Call it right before a
   * request leaves, because a process can freeze anywhere before that.
   */
  watchLease(): () => boolean
  /** Milliseconds since 1970, by the clock that all processes share. */
  now(): number
  /** Calls back whenever claims of other processes have become free. */
  onFreed(listener: () => void): void
  /** Gives back all claims of this process, at its end. */
  leave(): Promise<void>
}

/** The only process of its database, which goes by its machine's clock. */
export const alone: Membership = {
  owner: null,
  mayWork: () => true,
  watchLease: () => () => true,
  now: () => Date.now(),
  onFreed: () => {},
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
 * @param db with a connection of its own, so that no renewal waits for other work.
 * @throws TemporaryError when the database doesn't answer.
 */
export async function join(db: Database, joining: Joining): Promise<Membership> {
  const member = createMember(db, joining)
  let timer: NodeJS.Timeout | undefined
  let renewing: Promise<void> = Promise.resolve()
  let hasLeft = false

  const renewIn = (ms: number) => {
    if (hasLeft) return
    timer = setTimeout(() => {
      renewing = member.renew().then(
        () => renewIn(RENEW_EVERY_MS),
        () => renewIn(RETRY_AFTER_MS),
      )
    }, ms)
  }
  // The first one also opens the connection.
  for (let tries = 0; tries < MAX_TRIES_TO_BE_QUICK; tries += 1) if ((await member.renew()) <= QUICK_MS) break
  renewIn(RENEW_EVERY_MS)
  return {
    ...member,
    leave: async () => {
      hasLeft = true
      clearTimeout(timer)
      await renewing
      await member.leave()
    },
  }
}

/** A membership that its holder renews. */
export interface Member extends Membership {
  /**
   * Renews its row, and removes those of processes that are dead.
   *
   * @returns how long the database took, in milliseconds.
   * @throws what the database throws; it has been logged.
   */
  renew(): Promise<number>
}

export function createMember(db: Database, { id, name, elapsed, log }: Joining): Member {
  /** When the last renewal that worked was sent. */
  let renewedAt = Number.NEGATIVE_INFINITY
  /** How often this process couldn't renew for so long that others may have taken it for dead. */
  let gaps = 0
  /** The database's time minus our monotonic time. */
  let offset = Number.NEGATIVE_INFINITY
  let failingSince: number | null = null
  /** What the rows of other processes last said, and since when. */
  let others = new Map<string, { renewedAt: number; since: number }>()
  const listeners: (() => void)[] = []
  const isInTouch = () => elapsed() - renewedAt < MAX_SILENCE_MS

  const renewRow = async (sentAt: number) => {
    try {
      return await renew(db, { id, name })
    } catch (error) {
      // When the database is away, nobody can renew. Afterwards each process gives the others time to do it.
      others.clear()
      if (failingSince === null)
        log.warn({ err: error }, "this process couldn't renew its claims; it sends nothing without them")
      failingSince ??= sentAt
      throw error
    }
  }

  const renewOnce = async () => {
    const sentAt = elapsed()
    const { now, rows } = await renewRow(sentAt)
    const answeredAt = elapsed()
    if (failingSince !== null) log.info({ ms: Math.round(sentAt - failingSince) }, 'this process has its claims again')
    failingSince = null
    if (sentAt - renewedAt >= MAX_SILENCE_MS) gaps += 1
    if (sentAt - renewedAt > MAX_UNWATCHED_MS) others.clear()
    renewedAt = sentAt
    // The database read its clock at some moment between the two, so a slow answer corrects ours only as far as it must. Ours goes
    // back only if the database's did.
    offset = Math.min(Math.max(offset, now - answeredAt), now - sentAt)
    others = new Map(
      rows.map((row) => {
        const known = others.get(row.id)
        const isSame = known?.renewedAt === row.renewedAt
        return [row.id, { renewedAt: row.renewedAt, since: isSame ? known.since : answeredAt }]
      }),
    )
    const dead = rows.filter((row) => sentAt - (others.get(row.id)?.since ?? sentAt) >= LEASE_MS)
    let hasFreed = false
    for (const process of dead) {
      // One that can't be removed now is still dead at the next renewal.
      if (!(await remove(db, process).catch(() => false))) continue
      hasFreed = true
      log.warn({ process: process.name }, 'a process stopped renewing its claims; others take over its work')
    }
    if (hasFreed) for (const listener of listeners) listener()
    return answeredAt - sentAt
  }

  return {
    owner: id,
    mayWork: isInTouch,
    watchLease: () => {
      const before = isInTouch() ? gaps : null
      return () => before === gaps && isInTouch()
    },
    now: () => Math.round(offset + elapsed()),
    onFreed: (listener) => void listeners.push(listener),
    renew: renewOnce,
    leave: async () => {
      // From now on its claims are free, so it may begin and send nothing more.
      renewedAt = Number.NEGATIVE_INFINITY
      await db.deleteFrom('processes').where('id', '=', id).execute()
    },
  }
}

const databaseNow: RawBuilder<number> = sql`(extract(epoch from clock_timestamp()) * 1000)::bigint`

interface ProcessRow {
  id: string
  name: string
  renewedAt: number
}

/**
 * In one statement, because it's sent every two seconds. Inserts the row again if others deleted it: claims that nobody took
 * meanwhile still hold.
 *
 * @returns the database's time, and the rows of the others.
 */
async function renew(
  db: Database,
  { id, name }: Pick<ProcessRow, 'id' | 'name'>,
): Promise<{ now: number; rows: ProcessRow[] }> {
  const rows = await db
    .with('own', (row) =>
      row
        .insertInto('processes')
        .values({ id, name, renewedAt: databaseNow })
        .onConflict((same) => same.column('id').doUpdateSet({ renewedAt: databaseNow }))
        .returning(['id as ownId', 'renewedAt as now']),
    )
    .selectFrom('own')
    .leftJoin('processes', (other) => other.onRef('processes.id', '!=', 'own.ownId'))
    .select(['now', 'id', 'name', 'renewedAt'])
    .execute()
  const [own] = rows
  if (!own) throw new Error('A renewal has no row.')
  return {
    now: own.now,
    rows: rows.flatMap(({ id, name, renewedAt }) =>
      id === null || name === null || renewedAt === null ? [] : [{ id, name, renewedAt }],
    ),
  }
}

/** Deletes the row of a dead process, unless it was renewed meanwhile. Returns whether it did. */
async function remove(db: Database, { id, renewedAt }: ProcessRow): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('processes')
    .where('id', '=', id)
    .where('renewedAt', '=', renewedAt)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

/** The name of a process that uses this Postgres, going by the database's clock; undefined if there's none. */
export async function findRunningProcess(db: Database): Promise<string | undefined> {
  const running = await db
    .selectFrom('processes')
    .select('name')
    .where('renewedAt', '>', sql<number>`extract(epoch from clock_timestamp()) * 1000 - ${sql.lit(LEASE_MS)}`)
    .executeTakeFirst()
  return running?.name
}
