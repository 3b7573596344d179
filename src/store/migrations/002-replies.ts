/** Which message tells an event: a reply may stand while the edit of its root still has to wait. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('events').addColumn('reply_ts', 'text').execute()
}
