/** Work that is done whole or not at all, and once, however busy or far away the database is. */
import { setTimeout as delay } from 'node:timers/promises'
import { Transaction } from 'kysely'
import { DatabaseError } from '../errors.js'
import { isConflict } from './postgres.js'
import type { Database, Schema } from './schema.js'

/** Two transactions that met once rarely meet again. */
const MAX_TRIES = 3

/**
 * Does it in the caller's transaction if `db` is one, and in its own otherwise. Where that met another one that has what it
 * needs, it's tried again: `work` may run several times, and does nothing but ask the database.
 */
export async function inTransaction<T>(
  db: Database,
  work: (transaction: Transaction<Schema>) => Promise<T>,
): Promise<T> {
  return db instanceof Transaction
    ? await work(db)
    : await retryConflicts(async () => await db.transaction().execute(work))
}

/** Tries again what surely changed nothing, because it met another transaction. */
export async function retryConflicts<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt()
    } catch (error) {
      if (tries === MAX_TRIES || !isConflict(error)) throw error
    }
    // With jitter: both may be here.
    await delay(50 * Math.random())
  }
}

/**
 * How long after the first try a change is tried again whose answer was lost, in milliseconds: a person may be waiting, for three
 * seconds in all. A host that is dead takes so long for the first answer that there's no second try.
 */
const MAX_DOUBT_MS = 1_000
const PAUSE_MS = 100

/**
 * Tries again while nobody knows whether the change was made, because the connection was lost before the answer came.
 *
 * @param attempt finds out by itself whether an earlier try made the change. `isRepeat`: whether there may be one that did.
 * @throws DatabaseError which may have happened, when the database stays away.
 */
export async function untilKnown<T>(attempt: (isRepeat: boolean) => Promise<T>, patienceMs = MAX_DOUBT_MS): Promise<T> {
  const deadline = performance.now() + patienceMs
  let doubt: DatabaseError | undefined
  for (;;) {
    try {
      return await attempt(doubt !== undefined)
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error
      if (!doubt && !error.mayHaveHappened) throw error
      doubt ??= error
      if (performance.now() + PAUSE_MS > deadline) throw doubt
    }
    await delay(PAUSE_MS)
  }
}

/** Between two tries, in milliseconds. A Postgres that restarts is away for seconds. */
const RETRY_EVERY_MS = 1_000

/**
 * Tries again for as long as the database doesn't answer. Only for what may be done twice.
 *
 * @param withinMs in milliseconds; then it throws what the last try threw.
 */
export async function retryWhileAway<T>(withinMs: number, attempt: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof DatabaseError) || performance.now() + RETRY_EVERY_MS > deadline) throw error
    }
    await delay(RETRY_EVERY_MS)
  }
}
