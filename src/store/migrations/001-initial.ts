/** Jobs, their events and their Slack messages, and the drafts that wait for a confirmation. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('jobs')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('connection', 'text', (column) => column.notNull())
    .addColumn('operation', 'text', (column) => column.notNull())
    .addColumn('params', 'text', (column) => column.notNull())
    .addColumn('personal_params', 'text')
    .addColumn('source', 'text', (column) => column.notNull())
    .addColumn('target', 'text', (column) => column.notNull())
    .addColumn('lock', 'text', (column) => column.notNull())
    .addColumn('submission', 'text', (column) => column.notNull().unique())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('step', 'text', (column) => column.notNull())
    .addColumn('step_since', 'bigint', (column) => column.notNull())
    .addColumn('ref', 'text')
    .addColumn('attempt', 'integer', (column) => column.notNull())
    .addColumn('wait_reason', 'text')
    .addColumn('failure_kind', 'text')
    .addColumn('postponed_since', 'bigint')
    .addColumn('baseline', 'text')
    .addColumn('lost_status', 'integer')
    .addColumn('waiting_since', 'bigint')
    .addColumn('stranded_since', 'bigint')
    .addColumn('can_dismiss', 'integer', (column) => column.notNull())
    .addColumn('due_at', 'bigint')
    .addColumn('deadline_at', 'bigint')
    .addColumn('unreachable_since', 'bigint')
    .addColumn('is_unreachable_reported', 'integer', (column) => column.notNull())
    .addColumn('detail', 'text')
    .addColumn('url', 'text')
    .addColumn('console_url', 'text')
    .addColumn('requester', 'text', (column) => column.notNull())
    .addColumn('mention_on_success', 'integer', (column) => column.notNull())
    .addColumn('asked_in', 'text')
    .addColumn('channel', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('started_at', 'bigint')
    .addColumn('ended_at', 'bigint')
    .addColumn('version', 'integer', (column) => column.notNull())
    .addColumn('claim_token', 'text')
    .execute()

  // The lock: while a job lives, no other of its connection may write to the same target.
  await db.schema
    .createIndex('jobs_lock')
    .unique()
    .on('jobs')
    .columns(['connection', 'lock'])
    .where(sql.ref('ended_at'), 'is', null)
    .execute()
  await db.schema
    .createIndex('jobs_due')
    .on('jobs')
    .columns(['connection', 'state', 'due_at'])
    .where(sql.ref('due_at'), 'is not', null)
    .execute()
  await db.schema.createIndex('jobs_of_target').on('jobs').columns(['connection', 'lock', 'ended_at']).execute()
  await indexOfSet(db, 'jobs', 'claim_token')
  await db.schema
    .createIndex('jobs_durations')
    .on('jobs')
    .columns(['connection', 'operation', 'state', 'step', 'ended_at'])
    .execute()

  await db.schema
    .createTable('events')
    .addColumn('job_id', 'text', (column) => column.notNull().references('jobs.id'))
    .addColumn('seq', 'integer', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('step', 'text', (column) => column.notNull())
    .addColumn('detail', 'text')
    .addColumn('actor', 'text')
    .addColumn('notified_at', 'bigint')
    .addPrimaryKeyConstraint('events_pk', ['job_id', 'seq'])
    .execute()

  await db.schema
    .createIndex('events_pending')
    .on('events')
    .column('job_id')
    .where(sql.ref('notified_at'), 'is', null)
    .execute()

  await db.schema
    .createTable('messages')
    .addColumn('job_id', 'text', (column) => column.notNull().references('jobs.id'))
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('channel', 'text', (column) => column.notNull())
    .addColumn('ts', 'text')
    .addColumn('attempted_at', 'bigint')
    .addColumn('tries', 'integer', (column) => column.notNull())
    .addColumn('shown_version', 'integer')
    .addColumn('refusals', 'integer', (column) => column.notNull())
    .addColumn('due_at', 'bigint')
    .addColumn('closed_at', 'bigint')
    .addColumn('claim_token', 'text')
    .addPrimaryKeyConstraint('messages_pk', ['job_id', 'key'])
    .execute()

  await indexOfSet(db, 'messages', 'claim_token')
  await indexOfSet(db, 'messages', 'due_at')

  await db.schema
    .createTable('drafts')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('requester', 'text', (column) => column.notNull())
    .addColumn('answers', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute()
}

/** Only the few rows that have the column set. */
async function indexOfSet(db: Kysely<unknown>, table: string, column: string): Promise<void> {
  const index = db.schema.createIndex(`${table}_${column}`).on(table).column(column)
  await index.where(sql.ref(column), 'is not', null).execute()
}
