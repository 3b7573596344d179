/** A second link: the provider's own page, where the first one leads to the thing itself. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('jobs').addColumn('console_url', 'text').execute()
}
