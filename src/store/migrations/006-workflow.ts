/** Steps of Slack's workflows that wait for a job to end, or to be told why there is none. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('workflow_steps')
    .addColumn('execution_id', 'text', (column) => column.primaryKey())
    .addColumn('job_id', 'text', (column) => column.unique().references('jobs.id').onDelete('cascade'))
    .addColumn('refusal', 'text')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('due_at', 'bigint')
    .execute()
  await sql`create index workflow_steps_due_at on workflow_steps (due_at)`.execute(db)
}
