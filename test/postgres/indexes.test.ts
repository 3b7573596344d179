/** The cost of a tick must not grow with old jobs: the query plans of Postgres. */
import { CompiledQuery, sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openDatabase } from '../../src/store/database.js'
import { endOfEarlierJob } from '../../src/store/job-reads.js'
import { createJob } from '../../src/store/jobs.js'
import { type Database, toJob } from '../../src/store/schema.js'
import { newJob } from '../helpers/context.js'
import { indexedWork, statementsOf } from '../helpers/indexed-work.js'
import { newPostgresDatabase } from '../helpers/postgres.js'

/** Many enough that Postgres, which counts rows, prefers an index. */
const ENDED = 5_000

let db: Database
beforeAll(async () => {
  db = await openDatabase(await newPostgresDatabase())
  await createJob(db, newJob(1), 1)
  const copies = async (table: 'jobs' | 'events' | 'messages', changes: string) => {
    const change = `json_build_object(${changes})::jsonb`
    const copy = `lateral jsonb_populate_record(null::${table}, to_jsonb(${table}) || ${change}) as copy`
    const all = `select copy.* from ${table}, generate_series(1, ${ENDED}) as n, ${copy}`
    await sql.raw(`insert into ${table} ${all}`).execute(db)
  }
  const id = "'job ' || n"
  const texts = ['id', 'submission', 'lock', 'requester', 'target'].map((name) => `'${name}', ${id}`).join(', ')
  await copies('jobs', `${texts}, 'state', 'succeeded', 'due_at', null, 'created_at', n, 'ended_at', n + 1`)
  await copies('events', `'job_id', ${id}, 'notified_at', 1`)
  await copies('messages', `'job_id', ${id}`)
  await sql`analyze`.execute(db)
}, 120_000)
afterAll(() => db.destroy())

/** How Postgres would carry out each statement of this work, which changes nothing. */
async function planOf(work: (db: Database) => Promise<unknown>): Promise<string> {
  const lines: string[] = []
  const undone = db.transaction().execute(async (transaction) => {
    for (const statement of await statementsOf(transaction, work)) {
      const explain = CompiledQuery.raw(`explain ${statement.sql}`, [...statement.parameters])
      const { rows } = await transaction.executeQuery<{ 'QUERY PLAN': string }>(explain)
      lines.push(...rows.map((row) => row['QUERY PLAN'] ?? Object.values(row).join()))
    }
    throw new Error('undone')
  })
  await expect(undone).rejects.toThrow('undone')
  return lines.join('\n')
}

const cases = indexedWork.map((one) => [one.name, one.index, one.work] as const)

it.each(cases)('to %s, %s is used and no table of jobs is read whole', async (_, index, work) => {
  const plan = await planOf(work)
  expect(plan).not.toMatch(/Seq Scan on (jobs|events|messages)/)
  // It may as well read the few live jobs, or a page with all schedules.
  if (!index.startsWith('schedules'))
    expect(plan).toMatch(new RegExp(`using (${index}|jobs_live|jobs_lock) |on ${index} `))
})

it('to know when an earlier job on a target ended, only those of that target are read', async () => {
  const row = await db.selectFrom('jobs').selectAll().where('lock', '=', 'job 7').executeTakeFirstOrThrow()
  const plan = await planOf((transaction) => endOfEarlierJob(transaction, toJob(row)))
  expect(plan).toContain('jobs_of_target')
})
