/** Steps of Slack's workflows. A row lives until Slack knows how the step ended, and that of a refused step longer. */
import type { Transaction } from 'kysely'
import type { Job } from '../domain/job.js'
import { type Database, type Schema, toJob } from './schema.js'

/** A step that Slack can be told about, because its job has ended or it never gets one. */
export interface EndedStep {
  /** Slack's id of this run of the step. No secret: without our token it completes nothing. */
  executionId: string
  /** The job, or in a sentence why there is none. */
  outcome: { job: Job } | { refusal: string }
  /** Since when Slack could have been told. */
  endedAt: number
}

/** The step was refused meanwhile: Slack had sent it twice. */
export class StepRefused extends Error {}

/**
 * Notes in the transaction that makes a job which step waits for it.
 *
 * @throws StepRefused
 */
export async function insertStep(
  transaction: Transaction<Schema>,
  jobId: string,
  executionId: string,
  now: number,
): Promise<void> {
  const { numInsertedOrUpdatedRows: count } = await transaction
    .insertInto('workflowSteps')
    .values({ executionId, jobId, refusal: null, createdAt: now, dueAt: now })
    .onConflict((conflict) => conflict.column('executionId').doNothing())
    .executeTakeFirstOrThrow()
  if (count === 0n) throw new StepRefused()
}

/** Notes why a step gets no job, unless it has one. */
export async function refuseStep(db: Database, executionId: string, refusal: string, now: number): Promise<void> {
  await db
    .insertInto('workflowSteps')
    .values({ executionId, jobId: null, refusal, createdAt: now, dueAt: now })
    .onConflict((conflict) => conflict.column('executionId').doNothing())
    .execute()
}

/** Whether this run of a step has its job, or was refused. */
export async function isStepKnown(db: Database, executionId: string): Promise<boolean> {
  const row = await db
    .selectFrom('workflowSteps')
    .select('executionId')
    .where('executionId', '=', executionId)
    .executeTakeFirst()
  return row !== undefined
}

/** Steps that are due and have ended. */
export function selectEndedSteps(db: Database, now: number) {
  return db
    .selectFrom('workflowSteps')
    .leftJoin('jobs', 'jobs.id', 'workflowSteps.jobId')
    .where('workflowSteps.dueAt', '<=', now)
    .where((step) => step.or([step('jobs.endedAt', 'is not', null), step('refusal', 'is not', null)]))
}

export async function findEndedSteps(db: Database, now: number, limit: number): Promise<EndedStep[]> {
  const rows = await selectEndedSteps(db, now)
    .select(['executionId', 'jobId', 'refusal', 'workflowSteps.createdAt', 'jobs.endedAt'])
    .orderBy('workflowSteps.dueAt')
    .limit(limit)
    .execute()
  const ids = rows.flatMap(({ jobId }) => jobId ?? [])
  const jobs = ids.length === 0 ? [] : await db.selectFrom('jobs').selectAll().where('id', 'in', ids).execute()
  const byId = new Map(jobs.map((row) => [row.id, toJob(row)]))
  return rows.flatMap(({ executionId, jobId, refusal, createdAt, endedAt }) => {
    const job = byId.get(jobId ?? '')
    const outcome = refusal === null ? job && { job } : { refusal }
    return outcome ? [{ executionId, outcome, endedAt: endedAt ?? createdAt }] : []
  })
}

/**
 * Slack knows how it ended, or never will. A job remembers its step; a refusal must be remembered, because Slack may send
 * the step again.
 */
export async function closeStep(db: Database, { executionId, outcome }: EndedStep): Promise<void> {
  if ('job' in outcome) await db.deleteFrom('workflowSteps').where('executionId', '=', executionId).execute()
  else await db.updateTable('workflowSteps').set({ dueAt: null }).where('executionId', '=', executionId).execute()
}

/** Slack couldn't be told now. */
export async function postponeStep(db: Database, executionId: string, dueAt: number): Promise<void> {
  await db.updateTable('workflowSteps').set({ dueAt }).where('executionId', '=', executionId).execute()
}

/** Deletes refusals that Slack knows, from before this time. */
export async function forgetRefusals(db: Database, before: number): Promise<void> {
  await db.deleteFrom('workflowSteps').where('dueAt', 'is', null).where('createdAt', '<', before).execute()
}
