/**
 * Indexes for what is asked all the time, so that the jobs of years cost nothing; and since when a write is kept waiting,
 * in place of when it was tried, which nobody asked.
 */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  const { schema } = db
  await schema.dropIndex('jobs_due').execute()
  await schema
    .createIndex('jobs_due')
    .on('jobs')
    .columns(['connection', 'state', 'next_look_at'])
    .where(sql.ref('next_look_at'), 'is not', null)
    .execute()
  await schema.createIndex('jobs_of_target').on('jobs').columns(['connection', 'lock', 'ended_at']).execute()
  for (const column of ['lease_owner', 'teller']) {
    await schema
      .createIndex(`jobs_${column}`)
      .on('jobs')
      .column(column)
      .where(sql.ref(column), 'is not', null)
      .execute()
  }
  await schema.dropIndex('jobs_usual').execute()
  await schema
    .createIndex('jobs_usual')
    .on('jobs')
    .columns(['connection', 'operation', 'state', 'step', 'ended_at'])
    .execute()

  // A root of which its thread once said that it may stand twice says so itself from now on.
  await sql`update jobs set root_tries = 2 where root_tries < 0`.execute(db)

  await schema.alterTable('jobs').addColumn('postponed_since', 'bigint').execute()
  await schema.alterTable('jobs').dropColumn('attempted_at').execute()
}
