/** Polls that found nothing new: only the time of the next one changes, for many jobs with one statement. */
import { sql, type Transaction } from 'kysely'
import type { Job } from '../domain/job.js'
import { lockUnheld, NO_CLAIM } from './claims.js'
import { padded } from './padded.js'
import type { Database, Schema } from './schema.js'
import { inTransaction, retryWhileInDoubt } from './transaction.js'

/** When a claimed job is polled next. */
export interface NextPoll {
  job: Job
  token: string
  /** Milliseconds since 1970. */
  dueAt: number
}

/**
 * Saves when jobs are polled next and gives their claims back, with one commit. A job that has changed meanwhile, or that
 * somebody else is changing, is left out.
 *
 * @returns the ids of the jobs whose next poll was saved.
 * @throws DatabaseError with `mayHaveHappened`, if the answer to the commit was lost and the database stays away.
 */
export async function saveNextPolls(db: Database, polls: readonly NextPoll[]): Promise<ReadonlySet<string>> {
  if (polls.length === 0) return new Set()
  return await retryWhileInDoubt(async (isRepeat) => {
    const saved = await inTransaction(db, async (transaction) => {
      const unheld = await lockUnheld(
        transaction,
        polls.map(({ job }) => job.id),
      )
      const some = polls.filter(({ job }) => unheld.has(job.id))
      return some.length > 0 ? await saveDueTimes(transaction, some) : []
    })
    const earlier = isRepeat ? await findSaved(db, polls) : []
    return new Set([...saved, ...earlier].map(({ id }) => id))
  })
}

async function saveDueTimes(transaction: Transaction<Schema>, polls: readonly NextPoll[]): Promise<{ id: string }[]> {
  return await transaction
    .updateTable('jobs')
    .from(tableOf(polls))
    .set({ ...NO_CLAIM, dueAt: (job) => job.ref('poll.dueAt'), version: (job) => job('jobs.version', '+', 1) })
    .whereRef('jobs.id', '=', 'poll.id')
    .whereRef('jobs.version', '=', 'poll.version')
    .whereRef('jobs.claimToken', '=', 'poll.token')
    .where('jobs.state', '=', 'working')
    .returning('jobs.id')
    .execute()
}

/** The ids of the jobs whose next poll was saved by an earlier try whose answer was lost. */
async function findSaved(db: Database, polls: readonly NextPoll[]): Promise<{ id: string }[]> {
  return await db
    .selectFrom('jobs')
    .innerJoin(tableOf(polls), (on) => on.onRef('poll.id', '=', 'jobs.id').onRef('poll.dueAt', '=', 'jobs.dueAt'))
    .whereRef('jobs.version', '=', (job) => job('poll.version', '+', 1))
    .select('jobs.id')
    .execute()
}

/** The polls as a table of the query. Both databases call the columns of `values` column1, column2, … */
function tableOf(polls: readonly NextPoll[]) {
  const rows = padded(polls).map(({ job, token, dueAt }) => sql`(${job.id}, ${job.version}, ${token}, ${dueAt})`)
  const values = sql`(values ${sql.join(rows)})`
  // Postgres takes parameters in `values` for text.
  return sql<{ id: string; version: number; token: string; dueAt: number }>`
    (select column1 as id, cast(column2 as bigint) as version, column3 as token, cast(column4 as bigint) as due_at
     from ${values} as rows)`.as('poll')
}
