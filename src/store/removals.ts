/** What a job that deletes another one's result changes at that other job, in the transaction of its own change. */
import type { Transaction } from 'kysely'
import type { Job, NewEvent } from '../domain/job.js'
import type { Thread } from '../domain/thread.js'
import { insertEvent } from './events.js'
import type { StaleHomes } from './homes.js'
import { readThread, reopenLeft } from './messages.js'
import type { NewJob } from './new-job.js'
import { type Schema, toJob } from './schema.js'

/**
 * What a job that deletes the result of this one has in common with it.
 *
 * @param own.step the first of its own steps.
 * @param own.lock if it's another one than that of this job.
 * @param own.retryFrom the first step of this one, which runs again from there when its result is gone.
 */
export function newRemoval(
  removes: Job,
  own: { step: string; lock?: string | undefined; retryFrom?: string | null },
): Omit<NewJob, 'submission' | 'requester'> {
  const { connection, operation, params, labels, source, target, askedIn, channel } = removes
  const { step, retryFrom = null } = own
  // One that is run again keeps its target meanwhile, by its own lock.
  const lock = (retryFrom === null ? own.lock : undefined) ?? removes.lock
  const what = { connection, operation, params, labels, source, target, lock }
  return { ...what, step, askedIn, channel, mentionOnSuccess: false, removes, retryFrom }
}

/**
 * Notes on an ended job that another one deletes what it made. Its expiry pauses meanwhile, and resumes if nothing is deleted.
 *
 * @param ids.actor who asked for it; null at the end of its expiry.
 * @param ids.channel where they did, for the audit.
 * @param ids.version only if the job hasn't changed since: somebody may have extended its expiry.
 * @returns where that job's thread is; null if there's nothing to delete, or somebody else was first.
 */
export async function startRemoval(
  transaction: Transaction<Schema>,
  ids: { removes: string; removalJob: string; actor: string | null; channel?: string | null; version?: number },
  now: number,
  homes: StaleHomes,
): Promise<Thread | null> {
  const { removes, removalJob, actor, channel = null, version } = ids
  const row = await transaction
    .updateTable('jobs')
    .set((job) => ({ removalJob, version: job('version', '+', 1) }))
    .where('id', '=', removes)
    .where('endedAt', 'is not', null)
    .where('removalJob', 'is', null)
    .where('removedAt', 'is', null)
    .$if(version !== undefined, (query) => query.where('version', '=', version ?? 0))
    .returningAll()
    .executeTakeFirst()
  if (!row) return null
  const event: NewEvent =
    actor === null
      ? { kind: 'expiry_reached', detail: 'delete' }
      : { kind: 'removal_started', actor, detail: removalJob, channel }
  await insertEvent(transaction, toJob(row), event, now, homes)
  return await readThread(transaction, removes)
}

/**
 * The same when the removal has ended: what the job made is gone, or its deletion can be tried again.
 *
 * @returns the job whose result is gone; null if it isn't.
 */
export async function endRemoval(
  transaction: Transaction<Schema>,
  removal: Job,
  now: number,
  homes: StaleHomes,
): Promise<Job | null> {
  const isGone = removal.state === 'succeeded'
  const row = await transaction
    .updateTable('jobs')
    .set((job) => ({
      ...(isGone ? { removedAt: now, expiresAt: null, expiryDueAt: null } : { removalJob: null }),
      version: job('version', '+', 1),
    }))
    .where('id', '=', removal.removes)
    .where('removalJob', '=', removal.id)
    .returningAll()
    .executeTakeFirst()
  if (!row) return null
  const job = toJob(row)
  await insertEvent(transaction, job, { kind: isGone ? 'removed' : 'removal_ended' }, now, homes)
  if (!isGone) return null
  // The root that a thread left behind would go on showing a link to it.
  await reopenLeft(transaction, job.id)
  return job
}
