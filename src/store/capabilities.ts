/**
 * What one process can work on. While replicas are replaced one by one, two releases, or two versions of dolly.yml, share a
 * Postgres: each leaves alone what only the other one knows.
 */
import { type Expression, type ExpressionBuilder, expressionBuilder, type SqlBool, sql } from 'kysely'
import { EVENT_KINDS, FINAL_STATES, LIVE_STATES } from '../domain/job.js'
import type { Schema } from './schema.js'

export interface Capabilities {
  /** `connection operation` of each operation. */
  operations: readonly string[]
  /** `connection operation step` of each step, and `connection operation - step` of each step of a removal. */
  steps: readonly string[]
}

/**
 * After this long, in milliseconds, a process also takes due work that it doesn't know, and says why it can't go on: any process
 * that knows it would have done it by then. Longer than it takes to replace all replicas.
 */
export const UNKNOWN_AFTER_MS = 10 * 60_000

/** Whether this process knows a job's next step, or it's overdue, so that no process does. */
export function isKnownStep(capabilities: Capabilities, now: number): Expression<SqlBool> {
  const job = expressionBuilder<Schema, 'jobs'>()
  const removal = sql<string>`case when ${job.ref('removes')} is null then '' else '- ' end`
  const step = sql<string>`${job.ref('connection')} || ' ' || ${job.ref('operation')} || ' ' || ${removal} || ${job.ref('step')}`
  return job.or([job(step, 'in', [...capabilities.steps, '']), isOverdue(job.ref('jobs.dueAt'), now)])
}

/** The same for the operation of a job or a schedule. */
export function isKnownOperation(
  capabilities: Capabilities,
  table: 'jobs' | 'schedules',
  dueAt: Expression<number | null>,
  now: number,
): Expression<SqlBool> {
  const row = expressionBuilder<Schema, 'jobs' | 'schedules'>()
  const operation = sql<string>`${row.ref(`${table}.connection`)} || ' ' || ${row.ref(`${table}.operation`)}`
  return row.or([row(operation, 'in', [...capabilities.operations, '']), isOverdue(dueAt, now)])
}

/** Whether this process can show everything that a job's thread doesn't show yet, or it's overdue, so that no process can. */
export function isKnownThread(
  event: ExpressionBuilder<Schema, 'jobs' | 'events'>,
  capabilities: Capabilities,
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
      isKnownOperation(capabilities, 'jobs', event.ref('events.at'), now),
      event('jobs.state', 'in', [...LIVE_STATES, ...FINAL_STATES]),
      event.not(event.exists(unknown)),
    ]),
    isOverdue(event.ref('events.at'), now),
  ])
}

/** Whether something has been due, or pending, for longer than a process that knows it would have left it. */
export function isOverdue(dueAt: Expression<number | null>, now: number): Expression<SqlBool> {
  return sql`${dueAt} <= ${now - UNKNOWN_AFTER_MS}`
}
