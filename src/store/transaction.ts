/** Transactions, and when to try again: after a conflict, a lost answer, or while the database is away. */
import { setTimeout as delay } from 'node:timers/promises'
import { Transaction } from 'kysely'
import { DatabaseError } from '../errors.js'
import { isConflict } from './postgres.js'
import type { Database, Schema } from './schema.js'

/** Two transactions that collided once rarely do so again. */
const MAX_TRIES = 3

/**
 * Runs `work` in the caller's transaction if `db` is one, and otherwise in its own, which is tried again after a conflict with
 * another one. So `work` may run several times, and may only use the database.
 */
export async function inTransaction<T>(
  db: Database,
  work: (transaction: Transaction<Schema>) => Promise<T>,
): Promise<T> {
  return db instanceof Transaction
    ? await work(db)
    : await retryConflicts(async () => await db.transaction().execute(work))
}

/** Tries again after a conflict with another transaction, which surely changed nothing. */
export async function retryConflicts<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt()
    } catch (error) {
      if (tries === MAX_TRIES || !isConflict(error)) throw error
    }
    // With jitter: the other transaction may be waiting here too.
    await delay(50 * Math.random())
  }
}

/**
 * How long a change whose answer was lost is tried again, in milliseconds: Slack gives a person's request three seconds in all. If
 * the host is dead, the first try takes longer than this, and there's no second one.
 */
const MAX_DOUBT_MS = 1_000
const PAUSE_MS = 100

/**
 * Tries again while it's in doubt whether a change was made, because the connection broke before the answer came.
 *
 * @param attempt finds out whether an earlier try made the change. `isRepeat`: whether one may have.
 * @throws DatabaseError with `mayHaveHappened`, if the database stays away.
 */
export async function retryWhileInDoubt<T>(
  attempt: (isRepeat: boolean) => Promise<T>,
  patienceMs = MAX_DOUBT_MS,
): Promise<T> {
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
 * Tries again while the database doesn't answer. Only for what may be done twice.
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
