import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('jobs').addColumn('mark', 'text').execute()
  await db.schema.alterTable('jobs').addColumn('absent_since', 'bigint').execute()
}
