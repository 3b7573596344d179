/** For people who look for a job: indexes of all and of live jobs by time, Home tabs, and what people and channels prefer. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.createIndex('jobs_created').on('jobs').column('created_at').execute()
  await db.schema
    .createIndex('jobs_live')
    .on('jobs')
    .column('created_at')
    .where(sql.ref('ended_at'), 'is', null)
    .execute()

  await db.schema
    .createTable('homes')
    .addColumn('person', 'text', (column) => column.primaryKey())
    .addColumn('channel', 'text')
    .addColumn('opened_at', 'bigint', (column) => column.notNull())
    .addColumn('hash', 'text')
    .addColumn('shown_at', 'bigint')
    .addColumn('changes', 'integer', (column) => column.notNull())
    .addColumn('due_at', 'bigint')
    .execute()
  await db.schema
    .createIndex('homes_due_at')
    .on('homes')
    .column('due_at')
    .where(sql.ref('due_at'), 'is not', null)
    .execute()
  await db.schema.createIndex('homes_opened_at').on('homes').column('opened_at').execute()

  await db.schema
    .createTable('settings')
    .addColumn('scope', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addColumn('changed_by', 'text', (column) => column.notNull())
    .addColumn('changed_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('settings_pk', ['scope', 'id'])
    .execute()
}
