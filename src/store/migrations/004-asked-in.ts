/** Where a job was asked for: rules for that channel hold for it wherever its thread goes. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('jobs').addColumn('asked_in', 'text').execute()
}
