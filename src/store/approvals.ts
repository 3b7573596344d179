/** The approvals table: who answered a request for an approval, how and when. */
import type { Selectable, Transaction } from 'kysely'
import type { Job } from '../domain/job.js'
import { next } from '../domain/machine.js'
import { applyTransition } from './jobs.js'
import { type ApprovalTable, type Database, type Schema, toJob } from './schema.js'
import { inTransaction, retryWhileInDoubt } from './transaction.js'

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
  return await retryWhileInDoubt(
    async (isRepeat) => await inTransaction(db, (transaction) => answerOnce(transaction, answer, now, isRepeat)),
  )
}

async function answerOnce(
  transaction: Transaction<Schema>,
  { jobId, decision, person, channel }: Answer,
  now: number,
  isRepeat: boolean,
): Promise<Answered | null> {
  // Locked until the end, so that of two answers at once the second counts the first.
  const row = await transaction.selectFrom('jobs').selectAll().where('id', '=', jobId).forUpdate().executeTakeFirst()
  if (!row) return null
  const job = toJob(row)
  const { approval } = job
  const answers = await readApprovals(transaction, jobId)
  const approvals = answers.filter((row) => row.decision === 'approve')
  if (isRepeat && answers.some((row) => row.person === person[0] && row.decision === decision && row.at === now))
    return { kind: 'counted', job, missing: Math.max((approval?.count ?? 0) - approvals.length, 0) }
  if (job.state !== 'awaiting_approval' || approval === null || now >= approval.expiresAt)
    return { kind: 'closed', job }
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
  if (!changed) throw new Error(`Job ${jobId} changed although it was locked.`)
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
