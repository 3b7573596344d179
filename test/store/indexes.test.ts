/** What every tick reads must not cost more with every job there ever was. */
import { type CompiledQuery, type RootOperationNode, sql } from 'kysely'
import { expect, it } from 'vitest'
import {
  claimDueJobs,
  claimExpiringJobs,
  claimPendingThreads,
  claimWaitingJobs,
  makeLiveJobsDue,
  releaseAllClaims,
  releaseClaim,
} from '../../src/store/claims.js'
import { findDueWork } from '../../src/store/due-work.js'
import { findLatestLiveJob, listJobs } from '../../src/store/job-lists.js'
import { endOfEarlierJob, typicalDurationMs } from '../../src/store/job-reads.js'
import { claimDueSchedules } from '../../src/store/schedules.js'
import type { Database } from '../../src/store/schema.js'
import { testContext } from '../helpers/context.js'

const now = 1_800_000_000_000

/** How SQLite would carry out each statement of this work. */
async function plansOf(db: Database, work: (db: Database) => Promise<unknown>): Promise<string[]> {
  const queries: CompiledQuery[] = []
  const noting = db.withPlugin({
    transformQuery: ({ node, queryId }) => {
      queries.push(db.getExecutor().compileQuery<unknown>(node as RootOperationNode, queryId))
      return node
    },
    transformResult: async ({ result }) => result,
  })
  await work(noting)
  const plans: string[] = []
  for (const { sql: text, parameters } of queries) {
    const pieces = text.split('?')
    const statement = pieces
      .slice(1)
      .reduce((so, piece, at) => sql`${so}${parameters[at]}${sql.raw(piece)}`, sql.raw(pieces[0] ?? ''))
    const { rows } = await sql<{ detail: string }>`explain query plan ${statement}`.execute(db)
    plans.push(...rows.map(({ detail }) => detail))
  }
  return plans
}

it.each<[string, string, (db: Database) => Promise<unknown>]>([
  [
    'claim due jobs',
    'jobs_due (connection=? AND state=? AND due_at<?)',
    (db) => claimDueJobs(db, { connection: 'dummy-one', state: 'queued', limit: 1 }, now),
  ],
  [
    'claim what waits for something else',
    'jobs_due',
    (db) => claimWaitingJobs(db, { connections: ['dummy-one'], limit: 1 }, now),
  ],
  ['claim what expires', 'jobs_expiry_due_at (expiry_due_at<?)', (db) => claimExpiringJobs(db, 1, now)],
  ['know whether something expires', 'jobs_expiry_due_at', (db) => findDueWork(db, now)],
  ['free threads at a start', 'messages_claim_token', (db) => releaseAllClaims(db)],
  ['shorten pauses', 'messages_due_at (due_at>?)', (db) => makeLiveJobsDue(db, now)],
  ['give claims back', 'jobs_claim_token (claim_token=?)', (db) => releaseClaim(db, 'a token')],
  ['know which jobs are due', 'jobs_due', (db) => findDueWork(db, now)],
  ['know whether a schedule is due', 'schedules_due_at (due_at<?)', (db) => findDueWork(db, now)],
  ['claim due schedules', 'schedules_due_at (due_at<?)', (db) => claimDueSchedules(db, 10, now)],
  ['know whether a thread is behind', 'events_pending', (db) => findDueWork(db, now)],
  [
    'know the usual duration',
    'jobs_durations (connection=? AND operation=? AND state=? AND step=?)',
    (db) => typicalDurationMs(db, { connection: 'dummy-one', operation: 'clone', lastStep: 'clone' }),
  ],
  [
    'know which threads are pending',
    'events_pending',
    (db) => claimPendingThreads(db, { threads: 50, perChannel: 5 }, now),
  ],
  [
    "list a person's jobs",
    'jobs_of_requester (requester=?)',
    (db) => listJobs(db, { requesters: ['U1'], which: 'all' }, 200, now),
  ],
  ['list what failed lately', 'jobs_created (created_at>?)', (db) => listJobs(db, { which: 'failed' }, 200, now)],
  ['list what runs', 'jobs_live', (db) => listJobs(db, { which: 'running' }, 200, now)],
  ["find a person's latest live job", 'jobs_of_requester (requester=?)', (db) => findLatestLiveJob(db, ['U1'])],
])('to %s, %s is used and no table is read whole', async (_, index, work) => {
  const { db } = await testContext()
  const plans = await plansOf(db, work)
  expect(plans).toContainEqual(expect.stringContaining(index))
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
