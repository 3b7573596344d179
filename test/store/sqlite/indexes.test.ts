/** The cost of a tick must not grow with old jobs: the query plans of SQLite. */
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { endOfEarlierJob } from '../../../src/store/job-reads.js'
import type { Database } from '../../../src/store/schema.js'
import { testContext } from '../../helpers/context.js'
import { indexedWork, statementsOf } from '../../helpers/indexed-work.js'

/** How SQLite would carry out each statement of this work. */
async function plansOf(db: Database, work: (db: Database) => Promise<unknown>): Promise<string[]> {
  const plans: string[] = []
  for (const { sql: text, parameters } of await statementsOf(db, work)) {
    const pieces = text.split('?')
    const statement = pieces
      .slice(1)
      .reduce((so, piece, at) => sql`${so}${parameters[at]}${sql.raw(piece)}`, sql.raw(pieces[0] ?? ''))
    const { rows } = await sql<{ detail: string }>`explain query plan ${statement}`.execute(db)
    plans.push(...rows.map(({ detail }) => detail))
  }
  return plans
}

const cases = indexedWork.map((one) => [one.name, one.index, one] as const)

it.each(cases)('to %s, %s is used and no table is read whole', async (_, index, { columns = '', work }) => {
  const { db } = await testContext()
  const plans = await plansOf(db, work)
  expect(plans).toContainEqual(expect.stringContaining(`${index} ${columns}`.trim()))
  expect(plans.filter((line) => /SCAN (jobs|events|messages|schedules)$/.test(line))).toEqual([])
  await db.destroy()
})

it('to know when an earlier job on a target ended, only those of that target are read', async () => {
  const context = await testContext()
  const job = await context.ask()
  const plans = await plansOf(context.db, (db) => endOfEarlierJob(db, job))
  expect(plans).toEqual([expect.stringContaining('USING INDEX jobs_of_target (connection=? AND lock=?)')])
  await context.db.destroy()
})
