/** Deletes jobs that ended long ago, and the events of such jobs. What someone may still need stays. */
import type { ExpressionBuilder } from 'kysely'
import { isFree } from './claims.js'
import type { Database, Schema } from './schema.js'
import { inTransaction } from './transaction.js'

/** How many jobs one transaction deletes, or deletes the events of. */
const BATCH = 200

/**
 * Deletes jobs that ended before this time, with their events and messages. Those whose result expires or is being deleted stay,
 * with the events that say of what people were warned, and those whose thread doesn't show their end yet.
 *
 * @param before milliseconds since 1970.
 * @returns how many jobs were deleted.
 */
export async function purgeJobs(db: Database, before: number, limit = BATCH): Promise<number> {
  return await inTransaction(db, async (transaction) => {
    // Locked, because a person may be trying one of them again right now.
    const old = await transaction
      .selectFrom('jobs')
      .select('id')
      .where((job) => isOver(job, before))
      .orderBy('endedAt')
      .limit(limit)
      .forUpdate()
      .skipLocked()
      .execute()
    const ids = old.map(({ id }) => id)
    if (ids.length === 0) return 0
    await transaction.deleteFrom('events').where('jobId', 'in', ids).execute()
    await transaction.deleteFrom('messages').where('jobId', 'in', ids).execute()
    await transaction.deleteFrom('jobs').where('id', 'in', ids).execute()
    return ids.length
  })
}

/** Deletes the events of jobs that ended before this time, in milliseconds since 1970. Returns how many events those were. */
export async function purgeEvents(db: Database, before: number, limit = BATCH): Promise<number> {
  const { numDeletedRows } = await db
    .with('over', (jobs) =>
      jobs
        .selectFrom('jobs')
        .select('jobs.id')
        .where((job) => isOver(job, before))
        .where((job) => job.exists(job.selectFrom('events').select('seq').whereRef('events.jobId', '=', 'jobs.id')))
        .orderBy('endedAt')
        .limit(limit)
        .forUpdate()
        .skipLocked(),
    )
    .deleteFrom('events')
    .where('jobId', 'in', (events) => events.selectFrom('over').select('id'))
    .executeTakeFirst()
  return Number(numDeletedRows)
}

/** Ended before this time, with nobody at work on it, nothing left to tell, and nothing left to happen to what it made. */
function isOver(job: ExpressionBuilder<Schema, 'jobs'>, before: number) {
  const pending = job.selectFrom('events').select('seq').whereRef('events.jobId', '=', 'jobs.id')
  return job.and([
    job('endedAt', '<', before),
    isFree('jobs'),
    job('expiryDueAt', 'is', null),
    job.or([job('removalJob', 'is', null), job('removedAt', 'is not', null)]),
    job.not(job.exists(pending.where('notifiedAt', 'is', null))),
  ])
}
