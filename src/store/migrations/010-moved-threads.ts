/**
 * How often a thread moved, and the root that it left behind until that one says how the job ended; and how often Slack
 * refused the thread's present place with an error that says nothing about the place.
 */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  const jobs = () => db.schema.alterTable('jobs')
  await jobs()
    .addColumn('moves', 'integer', (column) => column.notNull().defaultTo(0))
    .execute()
  await jobs().addColumn('old_root_channel', 'text').execute()
  await jobs().addColumn('old_root_ts', 'text').execute()
  await jobs()
    .addColumn('old_root_says_moved', 'integer', (column) => column.notNull().defaultTo(0))
    .execute()
  await jobs()
    .addColumn('old_root_refusals', 'integer', (column) => column.notNull().defaultTo(0))
    .execute()
  await jobs()
    .addColumn('place_refusals', 'integer', (column) => column.notNull().defaultTo(0))
    .execute()
}
