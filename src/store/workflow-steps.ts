/** Steps of Slack's workflows that wait for a job to end. A row lives until Slack knows how the job ended. */
import type { Transaction } from 'kysely'
import type { Job } from '../domain/job.js'
import { type Database, type Schema, toJob } from './schema.js'

/** A step whose job has ended. */
export interface EndedStep {
  job: Job
  /** Slack's id of this run of the step. No secret: without our token it completes nothing. */
  executionId: string
}

/** Notes in the transaction that makes a job which step waits for it. */
export async function insertStep(
  transaction: Transaction<Schema>,
  jobId: string,
  executionId: string,
  now: number,
): Promise<void> {
  await transaction.insertInto('workflowSteps').values({ jobId, executionId, dueAt: now }).execute()
}

/** Steps that are due and whose job has ended. */
export function selectEndedSteps(db: Database, now: number) {
  return db
    .selectFrom('workflowSteps')
    .innerJoin('jobs', 'jobs.id', 'workflowSteps.jobId')
    .where('workflowSteps.dueAt', '<=', now)
    .where('jobs.endedAt', 'is not', null)
}

export async function findEndedSteps(db: Database, now: number, limit: number): Promise<EndedStep[]> {
  const rows = await selectEndedSteps(db, now)
    .selectAll('jobs')
    .select('executionId')
    .orderBy('workflowSteps.dueAt')
    .limit(limit)
    .execute()
  return rows.map(({ executionId, ...row }) => ({ job: toJob(row), executionId }))
}

/** Slack knows how it ended. */
export async function dropStep(db: Database, jobId: string): Promise<void> {
  await db.deleteFrom('workflowSteps').where('jobId', '=', jobId).execute()
}

/** Slack couldn't be told now. */
export async function postponeStep(db: Database, jobId: string, dueAt: number): Promise<void> {
  await db.updateTable('workflowSteps').set({ dueAt }).where('jobId', '=', jobId).execute()
}
