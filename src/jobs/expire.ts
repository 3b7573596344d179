/** Due expiries: warns people before the end, and then deletes what expired or asks about it. */
import { afterExpiryDue, afterFailedRemoval, type ExpiryPolicy, expiryPutOff } from '../domain/expiry.js'
import type { Transition } from '../domain/job.js'
import { UserError } from '../errors.js'
import { operationOf, type Removal, startOf } from '../providers/provider.js'
import { type ClaimedJob, claimExpiringJobs } from '../store/claims.js'
import { type Notice, readNotice } from '../store/events.js'
import { applyTransition, createJob } from '../store/jobs.js'
import { newRemoval } from '../store/removals.js'
import type { WorkerContext } from './context.js'
import { runAll } from './run-all.js'
import { withClaim } from './tasks.js'

/** More wait for the next run. */
const MAX_EXPIRIES_PER_RUN = 100
/** How long a warning must have been in Slack, in milliseconds: nearly an hour, because posting it may take a while. */
const NOTICE_MS = 55 * 60_000
/** How long a deletion waits for a thread that is behind, or for another job on the same target, in milliseconds. */
const WAIT_MS = 10 * 60_000

/** Handles due expiries. Returns whether any job was changed. */
export async function handleExpiries(context: WorkerContext): Promise<boolean> {
  return await withClaim(
    context,
    (claimant) => claimExpiringJobs(context.db, MAX_EXPIRIES_PER_RUN, context.now(), claimant),
    (claimed) => runAll(context, claimed, (one) => expire(context, one)),
  )
}

async function expire(context: WorkerContext, claimed: ClaimedJob): Promise<boolean> {
  const { job } = claimed
  const connection = context.connections.get(job.connection)
  const removal = operationOf(connection?.provider, job.operation)?.removal
  const notice = await readNotice(context.db, job.id, NOTICES)
  const isReadable = notice?.shownAt !== 'nowhere'
  if (!isReadable)
    context.log.warn({ job: job.id }, 'nobody could read when what this job made expires: it is not deleted')
  // What can't be deleted can still be asked about.
  const atEnd = connection && removal && isReadable ? connection.expiry.atEnd : 'ask'
  const now = context.now()
  const due = afterExpiryDue(job, { atEnd, announced: notice && announcedBy(notice) }, now)
  if (due !== 'delete') return await apply(context, claimed, due)
  if (!removal) throw new Error(`Job ${job.id} has no removal.`)
  // Slack may have been away: nothing is deleted before people could read that it will be.
  const shownAt = notice?.shownAt
  const waitMs = typeof shownAt === 'number' ? shownAt + NOTICE_MS - now : WAIT_MS
  // A clock that was set back must not put it off for long.
  if (waitMs > 0) return await apply(context, claimed, expiryPutOff(job, Math.min(waitMs, NOTICE_MS), now))
  return await startRemoval(context, claimed, removal)
}

/** What people read of the end of something: a warning, or when it's kept too short for one, that it was made or extended. */
const NOTICES = ['expiry_near', 'succeeded', 'extended'] as const

function announcedBy({ kind, detail }: Notice): ExpiryPolicy['atEnd'] {
  return kind === 'expiry_near' && detail === 'ask' ? 'ask' : 'delete'
}

/** One removal for each end of an expiry, however often this process dies over it: its submission names both. */
async function startRemoval(context: WorkerContext, claimed: ClaimedJob, removal: Removal): Promise<boolean> {
  const { job } = claimed
  const now = context.now()
  const wanted = {
    ...newRemoval(job, startOf(removal, job)),
    submission: `expiry:${job.id}:${job.expiresAt}`,
    requester: job.requester,
    isExpiry: true,
  }
  const creation = await createJob(context.db, wanted, now).catch((error: unknown) => {
    if (error instanceof UserError) return null
    throw error
  })
  // Somebody deletes it already, or has just extended it.
  if (creation === null) return false
  if (creation.kind === 'locked') return await apply(context, claimed, expiryPutOff(job, WAIT_MS, now))
  if (creation.kind === 'repeated')
    return await apply(context, claimed, afterFailedRemoval(job, creation.job.endedAt ?? now, now))
  context.log.info({ job: job.id, removal: creation.job.id }, 'what a job made has expired and is deleted')
  return true
}

async function apply(
  { db, now, log }: WorkerContext,
  { job, token }: ClaimedJob,
  transition: Transition,
): Promise<boolean> {
  const changed = await applyTransition(db, job, transition, now(), { token, keep: false })
  if (!changed) log.warn({ job: job.id }, 'the expiry has changed meanwhile; nothing was changed')
  return changed !== null
}
