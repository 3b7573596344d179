/** Removals after which the job whose result they delete runs again. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('jobs').addColumn('retry_from', 'text').execute()
}
