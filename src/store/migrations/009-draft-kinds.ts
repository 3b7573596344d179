/** What a draft is: the answers of a form, or the note of where one was opened. One never stands in for the other. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('drafts')
    .addColumn('kind', 'text', (column) => column.notNull().defaultTo('answers'))
    .execute()
  // Forms that are open while the new version starts stay good: a note has nothing in it but the channel.
  await sql`update drafts set kind = 'opening' where answers like '{"askedIn":%'`.execute(db)
}
