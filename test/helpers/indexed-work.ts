/** The queries of every tick and every person, with the index that each uses, so that its cost doesn't grow with old jobs. */
import type { CompiledQuery, RootOperationNode } from 'kysely'
import {
  claimDueJobs,
  claimExpiringJobs,
  claimPendingThreads,
  claimWaitingJobs,
  releaseAllClaims,
  releaseClaim,
} from '../../src/store/claims.js'
import { findDueWork } from '../../src/store/due-work.js'
import { findLatestLiveJob, listJobs } from '../../src/store/job-lists.js'
import { typicalDurationMs } from '../../src/store/job-reads.js'
import { makeLiveJobsDue } from '../../src/store/make-due.js'
import { countUnfinished } from '../../src/store/measure.js'
import { claimDueSchedules } from '../../src/store/schedules.js'
import type { Database } from '../../src/store/schema.js'

const now = 1_800_000_000_000

interface IndexedWork {
  /** Completes "to …". */
  name: string
  index: string
  /** How far SQLite uses it, as its query plan says it; Postgres has other words. */
  columns?: string
  work(db: Database): Promise<unknown>
}

export const indexedWork: readonly IndexedWork[] = [
  {
    name: 'claim due jobs',
    index: 'jobs_due',
    columns: '(connection=? AND state=? AND due_at<?)',
    work: (db) => claimDueJobs(db, { connection: 'dummy-one', state: 'queued', limit: 1 }, now),
  },
  {
    name: 'claim what waits for something else',
    index: 'jobs_due',
    work: (db) => claimWaitingJobs(db, { connections: ['dummy-one'], limit: 1 }, now),
  },
  {
    name: 'claim what expires',
    index: 'jobs_expiry_due_at',
    columns: '(expiry_due_at<?)',
    work: (db) => claimExpiringJobs(db, 1, now),
  },
  { name: 'know whether something expires', index: 'jobs_expiry_due_at', work: (db) => findDueWork(db, now) },
  { name: 'free threads at a start', index: 'messages_claim_token', work: (db) => releaseAllClaims(db) },
  { name: 'shorten pauses', index: 'messages_due_at', columns: '(due_at>?)', work: (db) => makeLiveJobsDue(db, now) },
  {
    name: 'give claims back',
    index: 'jobs_claim_token',
    columns: '(claim_token=?)',
    work: (db) => releaseClaim(db, 'a token'),
  },
  { name: 'count live jobs', index: 'jobs_live', work: (db) => countUnfinished(db) },
  { name: 'count pending events', index: 'events_pending', work: (db) => countUnfinished(db) },
  { name: 'know which jobs are due', index: 'jobs_due', work: (db) => findDueWork(db, now) },
  {
    name: 'know whether a schedule is due',
    index: 'schedules_due_at',
    columns: '(due_at<?)',
    work: (db) => findDueWork(db, now),
  },
  {
    name: 'claim due schedules',
    index: 'schedules_due_at',
    columns: '(due_at<?)',
    work: (db) => claimDueSchedules(db, 10, now),
  },
  { name: 'know whether a thread is behind', index: 'events_pending', work: (db) => findDueWork(db, now) },
  {
    name: 'know the usual duration',
    index: 'jobs_durations',
    columns: '(connection=? AND operation=? AND state=? AND step=?)',
    work: (db) => typicalDurationMs(db, { connection: 'dummy-one', operation: 'clone', lastStep: 'clone' }),
  },
  {
    name: 'know which threads are pending',
    index: 'events_pending',
    work: (db) => claimPendingThreads(db, { threads: 50, perChannel: 5 }, now),
  },
  {
    name: "list a person's jobs",
    index: 'jobs_of_requester',
    columns: '(requester=?)',
    work: (db) => listJobs(db, { requesters: ['U1'], which: 'all' }, 200, now),
  },
  {
    name: 'list what failed lately',
    index: 'jobs_created',
    columns: '(created_at>?)',
    work: (db) => listJobs(db, { which: 'failed' }, 200, now),
  },
  { name: 'list what runs', index: 'jobs_live', work: (db) => listJobs(db, { which: 'running' }, 200, now) },
  {
    name: "find a person's latest live job",
    index: 'jobs_of_requester',
    columns: '(requester=?)',
    work: (db) => findLatestLiveJob(db, ['U1']),
  },
]

/** The statements of this work, which is done. */
export async function statementsOf(db: Database, work: (db: Database) => Promise<unknown>): Promise<CompiledQuery[]> {
  const statements: CompiledQuery[] = []
  const noting = db.withPlugin({
    transformQuery: ({ node, queryId }) => {
      statements.push(db.getExecutor().compileQuery<unknown>(node as RootOperationNode, queryId))
      return node
    },
    transformResult: async ({ result }) => result,
  })
  await work(noting)
  return statements
}
