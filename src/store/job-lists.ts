/** Jobs for people who look for one: newest first, and never more than a bound. */
import type { Job } from '../domain/job.js'
import { type Database, toJob } from './schema.js'

/** Which jobs: of these people, of this connection, and in these states. Absent: all. */
export interface JobFilter {
  /** Slack user ids; people in an organization have two. */
  requesters?: readonly string[] | undefined
  connection?: string | undefined
  /** `running`: not ended yet. `failed`: ended without what was asked for, also by a timeout. */
  which: 'all' | 'running' | 'failed'
}

/** Ended jobs of others are listed this long, in milliseconds: reading further back would cost more with every job there ever was. */
export const LISTED_MS = 30 * 24 * 60 * 60_000

/** At most `limit` jobs that fit, newest first. `now`: milliseconds since 1970. */
export async function listJobs(
  db: Database,
  { requesters, connection, which }: JobFilter,
  limit: number,
  now: number,
): Promise<Job[]> {
  let jobs = db.selectFrom('jobs').selectAll()
  if (requesters) jobs = jobs.where('requester', 'in', [...requesters])
  else if (which !== 'running') jobs = jobs.where('createdAt', '>=', now - LISTED_MS)
  if (connection !== undefined) jobs = jobs.where('connection', '=', connection)
  if (which === 'running') jobs = jobs.where('endedAt', 'is', null)
  if (which === 'failed') jobs = jobs.where('state', 'in', ['failed', 'timed_out'])
  const rows = await jobs.orderBy('createdAt', 'desc').orderBy('id').limit(limit).execute()
  return rows.map(toJob)
}

/** The live job that one of these ids asked for last; null if they have none. */
export async function findLatestLiveJob(db: Database, requesters: readonly string[]): Promise<Job | null> {
  const live = db
    .selectFrom('jobs')
    .selectAll()
    .where('requester', 'in', [...requesters])
    .where('endedAt', 'is', null)
  const row = await live.orderBy('createdAt', 'desc').limit(1).executeTakeFirst()
  return row ? toJob(row) : null
}
