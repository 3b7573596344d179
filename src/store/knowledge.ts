/**
 * What one process can work at. Two releases may share a Postgres database, and so may two versions of dolly.yml, while replicas are
 * replaced one by one: each leaves alone what only the other one knows.
 */
import { type Expression, type ExpressionBuilder, expressionBuilder, type SqlBool, sql } from 'kysely'
import { EVENT_KINDS, FINAL_STATES, LIVE_STATES } from '../domain/job.js'
import type { Schema } from './schema.js'

export interface Knowledge {
  /** `connection operation` of each operation. */
  operations: readonly string[]
  /** `connection operation step` of each step, and `connection operation - step` of each step of a removal. */
  steps: readonly string[]
}

/**
 * What has been due for so long, in milliseconds, nobody else knows either, or it would be done: from then on a process takes it
 * all the same, and says why it can't go on. Longer than a replacement of all replicas takes.
 */
export const UNKNOWN_AFTER_MS = 10 * 60_000

/** That a job's next step is known here, or that it has been due for so long that nobody knows it. */
export function isKnownStep(knows: Knowledge, now: number): Expression<SqlBool> {
  const job = expressionBuilder<Schema, 'jobs'>()
  const removal = sql<string>`case when ${job.ref('removes')} is null then '' else '- ' end`
  const step = sql<string>`${job.ref('connection')} || ' ' || ${job.ref('operation')} || ' ' || ${removal} || ${job.ref('step')}`
  return job.or([job(step, 'in', [...knows.steps, '']), isOverdue(job.ref('jobs.dueAt'), now)])
}

/** The same of the operation of a job or of a schedule. */
export function isKnownOperation(
  knows: Knowledge,
  table: 'jobs' | 'schedules',
  dueAt: Expression<number | null>,
  now: number,
): Expression<SqlBool> {
  const row = expressionBuilder<Schema, 'jobs' | 'schedules'>()
  const operation = sql<string>`${row.ref(`${table}.connection`)} || ' ' || ${row.ref(`${table}.operation`)}`
  return row.or([row(operation, 'in', [...knows.operations, '']), isOverdue(dueAt, now)])
}

/** That all that a job's thread doesn't show yet can be shown here, or has waited for so long that nobody can. */
export function isKnownThread(
  event: ExpressionBuilder<Schema, 'jobs' | 'events'>,
  knows: Knowledge,
  now: number,
): Expression<SqlBool> {
  const unknown = event
    .selectFrom('events as other')
    .select('other.seq')
    .whereRef('other.jobId', '=', 'jobs.id')
    .where('other.notifiedAt', 'is', null)
    .where('other.kind', 'not in', [...EVENT_KINDS])
  return event.or([
    event.and([
      isKnownOperation(knows, 'jobs', event.ref('events.at'), now),
      event('jobs.state', 'in', [...LIVE_STATES, ...FINAL_STATES]),
      event.not(event.exists(unknown)),
    ]),
    isOverdue(event.ref('events.at'), now),
  ])
}

/** That something has been due, or pending, since before anybody who knows it would have taken it. */
export function isOverdue(dueAt: Expression<number | null>, now: number): Expression<SqlBool> {
  return sql`${dueAt} <= ${now - UNKNOWN_AFTER_MS}`
}
