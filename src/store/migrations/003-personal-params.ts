/** Answers that are secret or a person's own get a column of their own, which is emptied when the job has ended. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('jobs').addColumn('personal_params', 'text').execute()
}
