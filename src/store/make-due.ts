/** Makes live jobs due again after a stop, or when the clock was set. */
import { REMINDER_EVERY_MS } from '../domain/deadlines.js'
import type { Database } from './schema.js'
import { retryConflicts } from './transaction.js'

/** A pause that a provider or Slack asked for is rarely longer, and is asked for again. */
const MAX_PAUSE_AFTER_START_MS = 60_000

/**
 * Makes due what was planned for later. After a stop, or when the clock was set, it is unknown how far away that is: polls
 * and searches are due at once, and what waits because somebody asked for a pause is due within a minute.
 *
 * @param maxThreadPauseMs how long a thread may still be left alone, in milliseconds.
 */
export async function makeLiveJobsDue(
  db: Database,
  now: number,
  maxThreadPauseMs = MAX_PAUSE_AFTER_START_MS,
): Promise<void> {
  await retryConflicts(async () => await makeDue(db, now, maxThreadPauseMs))
}

async function makeDue(db: Database, now: number, maxThreadPauseMs: number): Promise<void> {
  const latest = now + MAX_PAUSE_AFTER_START_MS
  await db
    .updateTable('jobs')
    .set({ dueAt: now })
    .where('state', 'in', ['starting', 'working'])
    .where('dueAt', '>', now)
    .execute()
  await db
    .updateTable('jobs')
    .set({ dueAt: latest })
    .where('state', '=', 'queued')
    .where('dueAt', '>', latest)
    .execute()
  // People take days to answer: a reminder that is planned in time stays where it is.
  const reminder = now + REMINDER_EVERY_MS
  await db
    .updateTable('jobs')
    .set({ dueAt: reminder })
    .where('state', '=', 'uncertain')
    .where('dueAt', '>', reminder)
    .execute()
  const threads = now + maxThreadPauseMs
  await db.updateTable('messages').set({ dueAt: threads }).where('dueAt', '>', threads).execute()
}
