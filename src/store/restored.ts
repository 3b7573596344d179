/**
 * A restored database doesn't know what was done after its backup was made. Before a Dolly works on it, whatever would be done
 * without a person, and may have been done, is put before one.
 */
import { sql } from 'kysely'
import { ConnectionError } from '../errors.js'
import { nextRun, parseCron } from '../lib/cron.js'
import { explainMissing, isMissing, isPostgres, openDatabase } from './database.js'
import { lockDatabase } from './lock.js'
import { describeUrl } from './postgres-problems.js'
import { findRunningProcess } from './processes.js'
import type { Database } from './schema.js'
import { inTransaction } from './transaction.js'

const DAY_MS = 24 * 60 * 60_000
const DETAIL = 'Dolly was restored from a backup.'
/** They wait for a person anyway. */
const ASKING_STATES = ['uncertain', 'awaiting_approval'] as const
/** In SQLite's header of a backup, where 0 stands for any other file. */
const BACKUP = 1

/** How many of each were changed. */
export interface Restored {
  /** Live jobs that ask a person how to go on. */
  jobs: number
  /** Schedules that skip the times which have passed. */
  schedules: number
  /** Clones that were to expire within a day, or after a warning that was given: they get a new warning, a day before. */
  expiries: number
}

/**
 * Puts what may have been done since the backup before a person, in one transaction. Doing it twice does no harm.
 *
 * @param db that nobody works on.
 * @param now milliseconds since 1970.
 */
export async function askAfterRestore(db: Database, now: number): Promise<Restored> {
  return await inTransaction(db, async (transaction) => ({
    jobs: await askAboutJobs(transaction, now),
    schedules: await skipPassedRuns(transaction, now),
    expiries: await warnAgain(transaction, now),
  }))
}

async function askAboutJobs(db: Database, now: number): Promise<number> {
  const asked = await db
    .updateTable('jobs')
    .set((row) => ({
      state: 'uncertain',
      version: row('version', '+', 1),
      detail: DETAIL,
      dueAt: now,
      waitingSince: now,
    }))
    .where('endedAt', 'is', null)
    .where('state', 'not in', ASKING_STATES)
    .returning(['id', 'version', 'step'])
    .execute()
  for (const { id, version, step } of asked)
    await db
      .insertInto('events')
      .values({ jobId: id, seq: version, kind: 'uncertain', at: now, step, detail: DETAIL })
      .execute()
  return asked.length
}

async function skipPassedRuns(db: Database, now: number): Promise<number> {
  const passed = await db
    .selectFrom('schedules')
    .select(['id', 'cron', 'zone'])
    .where('pausedAt', 'is', null)
    .where('nextAt', '<=', now)
    .execute()
  for (const { id, cron, zone } of passed) {
    const read = parseCron(cron)
    const nextAt = 'cron' in read ? nextRun(read.cron, zone, now) : null
    await db
      .updateTable('schedules')
      .set((row) => ({ nextAt, dueAt: nextAt, retrySince: null, version: row('version', '+', 1) }))
      .where('id', '=', id)
      .execute()
  }
  return passed.length
}

/** Somebody may have extended it after the backup. */
async function warnAgain(db: Database, now: number): Promise<number> {
  const { numUpdatedRows } = await db
    .updateTable('jobs')
    .set((row) => ({
      expiryDueAt: now,
      expiresAt: row
        .case()
        .when('expiresAt', '<', now + DAY_MS)
        .then(now + DAY_MS)
        .else(row.ref('expiresAt'))
        .end(),
    }))
    .where('expiresAt', 'is not', null)
    .where('expiryDueAt', 'is not', null)
    .where('removedAt', 'is', null)
    .where((row) => row.or([row('expiresAt', '<', now + DAY_MS), row('expiryDueAt', '>=', row.ref('expiresAt'))]))
    .executeTakeFirst()
  return Number(numUpdatedRows)
}

/**
 * Does what `askAfterRestore` does for a database at an address, which is brought to the newest schema first.
 *
 * @param waitMs how long a Dolly that uses a SQLite file may take to end, in milliseconds. Default 15 000.
 * @returns also the place, for people.
 * @throws ConnectionError for what the operator must fix, such as a Dolly that runs on it.
 */
export async function askAfterRestoreAt(
  address: string,
  { now, waitMs }: { now: number; waitMs?: number },
): Promise<Restored & { place: string }> {
  if (await isMissing(address))
    throw new ConnectionError(`${explainMissing(address)} Set DATABASE_URL to the database that was restored.`)
  const advice = 'stop that one, and run this command again.'
  const unlock = isPostgres(address)
    ? () => {}
    : await lockDatabase(address, { advice, ...(waitMs !== undefined && { waitMs }) })
  try {
    const db = await openDatabase(address, undefined, { maxConnections: 1 })
    try {
      const running = isPostgres(address) ? await findRunningProcess(db) : undefined
      if (running !== undefined)
        throw new ConnectionError(`A running Dolly uses ${describeUrl(address)} (${running}). Stop all of them first.`)
      const restored = await askAfterRestore(db, now)
      if (!isPostgres(address)) await unmark(db)
      return { ...restored, place: isPostgres(address) ? describeUrl(address) : address }
    } finally {
      await db.destroy()
    }
  } finally {
    unlock()
  }
}

/**
 * The same for a SQLite file if `dolly db backup` made it and no Dolly has started on it; null for any other file.
 *
 * @param now milliseconds since 1970.
 */
export async function askIfRestored(db: Database, now: number): Promise<Restored | null> {
  const { rows } = await sql<{ mark: number }>`select user_version as mark from pragma_user_version`.execute(db)
  if (rows[0]?.mark !== BACKUP) return null
  return await inTransaction(db, async (transaction) => {
    const restored = await askAfterRestore(transaction, now)
    await unmark(transaction)
    return restored
  })
}

async function unmark(db: Database): Promise<void> {
  await sql`pragma user_version = 0`.execute(db)
}

/** What marks a SQLite file as a backup, so that the next start finds it. */
export const MARK_AS_BACKUP = `pragma user_version = ${BACKUP}`
