/**
 * Steps by their ids instead of their places, which a later version may change; and since when a job has been waiting, so
 * that nothing waits forever.
 */
import { type Kysely, sql } from 'kysely'

interface Tables {
  jobs: { id: string; operation: string; params: string; state: string; step: number; stepId: string }
  events: { jobId: string; step: number; stepId: string }
}

/** The steps of each operation when their places were stored, told apart by a field where two have one name. */
const stepsThen = [
  { operation: 'copy', field: 'container', ids: ['copy'] },
  { operation: 'copy', field: 'target', ids: ['create', 'copy', 'build'] },
  { operation: 'sync', field: 'container', ids: ['sync'] },
  { operation: 'clone', field: 'label', ids: ['clone', 'deploy'] },
  { operation: 'clone', field: 'service', ids: ['clone', 'deploy'] },
  { operation: 'clone-environment', field: 'environment', ids: ['clone', 'deploy'] },
  {
    operation: 'clone',
    field: 'space',
    ids: ['create', 'reserve', 'bind', 'copy', 'stage', 'assign', 'resize', 'map', 'start'],
  },
  { operation: 'copy-bits', field: 'target', ids: ['copy', 'stage', 'assign', 'restart'] },
] as const

export async function up(db: Kysely<Tables>): Promise<void> {
  await db.schema.dropIndex('jobs_usual').execute()
  for (const table of ['jobs', 'events'] as const) {
    await db.schema.alterTable(table).addColumn('step_id', 'text').execute()
    // A place that no list below knows becomes an id that no operation has: such a job is told that it cannot go on.
    await sql`update ${sql.table(table)} set step_id = cast(step as text)`.execute(db)
  }
  for (const { operation, field, ids } of stepsThen) {
    const jobs = db
      .selectFrom('jobs')
      .select('id')
      .where('operation', '=', operation)
      .where('params', 'like', `%"${field}":%`)
    for (const [place, stepId] of ids.entries()) {
      await db.updateTable('jobs').set({ stepId }).where('step', '=', place).where('id', 'in', jobs).execute()
      await db.updateTable('events').set({ stepId }).where('step', '=', place).where('jobId', 'in', jobs).execute()
    }
  }
  for (const table of ['jobs', 'events']) {
    await db.schema.alterTable(table).dropColumn('step').execute()
    await db.schema.alterTable(table).renameColumn('step_id', 'step').execute()
  }
  await db.schema
    .createIndex('jobs_usual')
    .on('jobs')
    .columns(['connection', 'operation', 'state', 'step', 'ended_at'])
    .execute()

  const jobs = () => db.schema.alterTable('jobs')
  await jobs()
    .addColumn('step_since', 'bigint', (column) => column.notNull().defaultTo(0))
    .execute()
  await jobs().addColumn('waiting_since', 'bigint').execute()
  await jobs().addColumn('stranded_since', 'bigint').execute()
  await jobs()
    .addColumn('can_dismiss', 'integer', (column) => column.notNull().defaultTo(0))
    .execute()
  const now = Date.now()
  await sql`update jobs set step_since = ${now}, can_dismiss = unseen_told where ended_at is null`.execute(db)
  await sql`update jobs set waiting_since = ${now}, next_look_at = ${now} where state = 'uncertain'`.execute(db)
}
