/** The approvals table: who answered a request for an approval, how and when. */
import type { Selectable, Transaction } from 'kysely'
import type { Job } from '../domain/job.js'
import { next } from '../domain/machine.js'
import { applyTransition, findJob } from './jobs.js'
import { type ApprovalTable, type Database, type Schema, toJob } from './schema.js'

export type ApprovalRow = Selectable<ApprovalTable>

/** What became of an answer. */
export type Answered =
  /** It counts. `missing` more are needed; with none, the job starts. */
  | { kind: 'counted'; job: Job; missing: number }
  /** This person approved before. Nothing changed. */
  | { kind: 'repeated'; job: Job; at: number; missing: number }
  /** Nobody is asked any more: the job has gone on or ended, or its time is over. */
  | { kind: 'closed'; job: Job }

interface Answer {
  jobId: string
  decision: ApprovalRow['decision']
  /** All ids of the person who answers; the first is the one that they use now. */
  person: readonly [string, ...string[]]
  /** Where they answer, for the audit; null where that isn't known. */
  channel: string | null
}

/**
 * Writes an answer, counts, and lets the job go on or end, all in one transaction. Whoever approved can still deny until the
 * last approval is there.
 *
 * @returns null if there's no such job.
 */
export async function answerRequest(db: Database, answer: Answer, now: number): Promise<Answered | null> {
  // The job may change between its read and its write where several processes share a database. Five times is a bug.
  for (let attempt = 0; attempt < 5; attempt += 1) {
    try {
      return await db.transaction().execute((transaction) => answerOnce(transaction, answer, now))
    } catch (error) {
      if (!(error instanceof JobChanged)) throw error
    }
  }
  throw new Error(`Job ${answer.jobId} changed with every try to answer its request.`)
}

/** Rolls a transaction back: the job has changed meanwhile. */
class JobChanged extends Error {}

async function answerOnce(
  transaction: Transaction<Schema>,
  { jobId, decision, person, channel }: Answer,
  now: number,
): Promise<Answered | null> {
  const job = await findJob(transaction, jobId)
  if (!job) return null
  const { approval } = job
  if (job.state !== 'awaiting_approval' || approval === null || now >= approval.expiresAt)
    return { kind: 'closed', job }
  const approvals = (await readApprovals(transaction, jobId)).filter((row) => row.decision === 'approve')
  const [actor] = person
  if (decision === 'approve') {
    const earlier = approvals.find((row) => person.includes(row.person))
    if (earlier) return { kind: 'repeated', job, at: earlier.at, missing: approval.count - approvals.length }
  }
  await transaction
    .insertInto('approvals')
    .values({ jobId, person: actor, decision, at: now })
    .onConflict((same) => same.columns(['jobId', 'person']).doUpdateSet({ decision, at: now }))
    .execute()
  const missing = Math.max(approval.count - approvals.length - 1, 0)
  const input = decision === 'deny' ? { kind: decision, actor } : { kind: decision, actor, isLast: missing === 0 }
  const { set, event } = next(job, input, { now, jitter: 0 })
  const changed = await applyTransition(transaction, job, { set, event: event && { ...event, channel } }, now, null)
  if (!changed) throw new JobChanged()
  return { kind: 'counted', job: changed, missing }
}

/** All answers to a job's request, oldest first. */
export async function readApprovals(db: Database, jobId: string): Promise<ApprovalRow[]> {
  return await db.selectFrom('approvals').selectAll().where('jobId', '=', jobId).orderBy('at').execute()
}

/** Jobs that wait for approval, the first to expire first. */
export async function findAwaitingJobs(db: Database, limit: number): Promise<Job[]> {
  const waiting = db
    .selectFrom('jobs')
    .selectAll()
    .where('state', '=', 'awaiting_approval')
    .where('endedAt', 'is', null)
  return (await waiting.orderBy('dueAt').limit(limit).execute()).map(toJob)
}
