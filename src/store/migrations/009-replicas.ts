/** What processes that share a Postgres must count together. On SQLite the only process counts in memory. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  // With a reference: a process that is taken for dead loses its slots for good, even if it comes back with its claims.
  await db.schema
    .createTable('slots')
    .addColumn('connection', 'text', (column) => column.notNull())
    .addColumn('number', 'integer', (column) => column.notNull())
    .addColumn('token', 'text', (column) => column.notNull().unique())
    .addColumn('owner', 'text', (column) => column.notNull().references('processes.id').onDelete('cascade'))
    .addPrimaryKeyConstraint('slots_pk', ['connection', 'number'])
    .execute()

  await db.schema
    .createTable('rate_limits')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('paid_until', 'bigint', (column) => column.notNull())
    .addColumn('paused_until', 'bigint')
    .execute()

  await db.schema
    .createTable('seen')
    .addColumn('key', 'text', (column) => column.primaryKey())
    .addColumn('until', 'bigint', (column) => column.notNull())
    .execute()
}
