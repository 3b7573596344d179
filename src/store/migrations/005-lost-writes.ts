/** What stood at the target before a write, and since when a lost one was missed: no clock of ours could tell. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('jobs').addColumn('mark', 'text').execute()
  await db.schema.alterTable('jobs').addColumn('absent_since', 'bigint').execute()
}
