/** What a job that deletes another one's result changes at that other job, in the transaction of its own change. */
import type { Transaction } from 'kysely'
import type { Job, NewEvent } from '../domain/job.js'
import type { Thread } from '../domain/thread.js'
import { insertEvent } from './events.js'
import type { NewJob } from './jobs.js'
import { readThread, reopenLeft } from './messages.js'
import { type Schema, toJob } from './schema.js'

/** What a job that deletes the result of this one has in common with it. `step` is the first of its own steps. */
export function newRemoval(removes: Job, step: string): Omit<NewJob, 'submission' | 'requester'> {
  const { connection, operation, params, source, target, lock, askedIn, channel } = removes
  const what = { connection, operation, params, source, target, lock }
  return { ...what, step, askedIn, channel, mentionOnSuccess: false, removes }
}

/**
 * Notes on an ended job that another one deletes what it made. Its expiry rests meanwhile, and goes on if nothing is deleted.
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
  await insertEvent(transaction, toJob(row), event, now)
  return await readThread(transaction, removes)
}

/** The same when the removal has ended: what the job made is gone, or it can be tried again. */
export async function endRemoval(transaction: Transaction<Schema>, removal: Job, now: number): Promise<void> {
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
  if (!row) return
  await insertEvent(transaction, toJob(row), { kind: isGone ? 'removed' : 'removal_ended' }, now)
  // The root that a thread left behind would go on showing a link to it.
  if (isGone) await reopenLeft(transaction, row.id)
}
