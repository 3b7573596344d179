/**
 * Claims: which worker works on which job or thread. A claim is a token; a row without one is free. The claim on a thread is a
 * column of its root message.
 */
import { randomUUID } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  type Expression,
  type ExpressionBuilder,
  expressionBuilder,
  type SelectQueryBuilder,
  type SqlBool,
  type Transaction,
} from 'kysely'
import type { Job, State } from '../domain/job.js'
import { type Capabilities, isKnownOperation, isKnownStep, isKnownThread, isOverdue } from './capabilities.js'
import { padded } from './padded.js'
import { type Database, type Schema, toJob } from './schema.js'

/** No pause of a thread is longer, in milliseconds. */
const MAX_PAUSE_MS = 15 * 60_000

/** The columns of a row that nobody works on. */
export const NO_CLAIM = { claimToken: null, claimOwner: null } as const

/** Who claims. */
export interface Claimant {
  /** New for each call, and chosen by the caller, who can give the claim back even if the call fails. */
  token: string
  /** The process, if several share the database: its claims are free once its row is deleted. Null if it's the only one. */
  owner: string | null
  /** What it can work on. Absent if it's the only one, which also takes what it doesn't know, to report it. */
  capabilities?: Capabilities | undefined
}

/** The only process that uses its database. */
const onlyClaimant = (): Claimant => ({ token: randomUUID(), owner: null })

/** A job that nobody else works on, as long as its row holds this token. */
export interface ClaimedJob {
  job: Job
  token: string
}

/** Claimed by one statement. SQLite runs it and builds its rows before the event loop turns, which holds up Slack's requests. */
const MAX_CLAIMED_AT_ONCE = 250

/**
 * Claims due jobs of a connection in one state, longest due first, all with one token. In several statements: if a later one
 * fails, the caller gives back by the token what was claimed.
 */
export async function claimDueJobs(
  db: Database,
  wanted: { connection: string; state: State; limit: number },
  now: number,
  claimant: Claimant = onlyClaimant(),
): Promise<ClaimedJob[]> {
  const { connection, state, limit } = wanted
  const { capabilities } = claimant
  const claimed: ClaimedJob[] = []
  for (;;) {
    const max = Math.min(limit - claimed.length, MAX_CLAIMED_AT_ONCE)
    const some = await claim(db, max, now, claimant, (job) =>
      job.and([
        job.and({ connection, state }),
        // Once others take this process for dead, its own claims look free.
        job.or([job('claimToken', 'is', null), job('claimToken', '!=', claimant.token)]),
        ...(capabilities ? [isKnownStep(capabilities, now)] : []),
      ]),
    )
    claimed.push(...some)
    if (some.length < max || claimed.length >= limit) return claimed
    await nextTurn()
  }
}

/** Claims due jobs that no connection's workers claim: those of connections that are not in this list, or that wait for a person. */
export async function claimWaitingJobs(
  db: Database,
  { connections, limit }: { connections: readonly string[]; limit: number },
  now: number,
  claimant: Claimant = onlyClaimant(),
): Promise<ClaimedJob[]> {
  return await claim(db, limit, now, claimant, (job) => {
    const isGone = job('connection', 'not in', [...connections])
    const isUnknown = claimant.capabilities
      ? job.and([isGone, job('state', 'in', ['queued', 'starting', 'working']), isOverdue(job.ref('dueAt'), now)])
      : isGone
    return job.or([job('state', 'in', ['uncertain', 'awaiting_approval']), isUnknown])
  })
}

/** Claims ended jobs whose expiry is due, longest due first. It rests while what they made is being deleted. */
export async function claimExpiringJobs(
  db: Database,
  limit: number,
  now: number,
  claimant: Claimant = onlyClaimant(),
): Promise<ClaimedJob[]> {
  const expiring = selectExpiring(db, now).select('id').orderBy('expiryDueAt').limit(limit)
  const { capabilities } = claimant
  const due = capabilities
    ? expiring.where((job) => isKnownOperation(capabilities, 'jobs', job.ref('expiryDueAt'), now))
    : expiring
  return await claimJobs(db, due, claimant)
}

/** Ended jobs whose expiry is due and that nobody works on. */
export function selectExpiring(db: Database, now: number) {
  return db.selectFrom('jobs').where('expiryDueAt', '<=', now).where(isFree('jobs')).where('removalJob', 'is', null)
}

type Jobs = ExpressionBuilder<Schema, 'jobs'>

async function claim(
  db: Database,
  limit: number,
  now: number,
  claimant: Claimant,
  isWanted: (job: Jobs) => ReturnType<Jobs['and']>,
): Promise<ClaimedJob[]> {
  const due = db
    .selectFrom('jobs')
    .select('id')
    .where(isWanted)
    .where('dueAt', '<=', now)
    .where(isFree('jobs'))
    .orderBy('dueAt')
    .limit(limit)
  const claimed = await claimJobs(db, due, claimant)
  return claimed.sort((one, other) => (one.job.dueAt ?? 0) - (other.job.dueAt ?? 0))
}

/** Skips rows that another process is claiming right now: after a wait they would be taken anyway. */
async function claimJobs(
  db: Database,
  due: SelectQueryBuilder<Schema, 'jobs', { id: string }>,
  { token, owner }: Claimant,
): Promise<ClaimedJob[]> {
  const rows = await db
    .with('due', () => due.forUpdate().skipLocked())
    .updateTable('jobs')
    .set({ claimToken: token, claimOwner: owner })
    .where('id', 'in', (wanted) => wanted.selectFrom('due').select('id'))
    .returningAll()
    .execute()
  return rows.map((row) => ({ job: toJob(row), token }))
}

/** Locks the jobs that nobody else holds, and returns their ids: waiting for one would hold up the others, and clicks on them. */
export async function lockUnheld(
  transaction: Transaction<Schema>,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const jobs = transaction.selectFrom('jobs').select('id').where('id', 'in', padded(ids))
  const locked = await jobs.forNoKeyUpdate().skipLocked().execute()
  return new Set(locked.map(({ id }) => id))
}

/** Whether a job or a thread has no claim, or one of a process whose row is gone. */
export function isFree(table: 'jobs' | 'messages'): Expression<SqlBool> {
  const row = expressionBuilder<Schema, 'jobs' | 'messages'>()
  const owner = `${table}.claimOwner` as const
  return row.or([row(`${table}.claimToken`, 'is', null), row.not(isOwnerAlive(row.ref(owner)))])
}

/** Whether the process of a claim still has its row. A null owner is the only process of its database. */
function isOwnerAlive(owner: Expression<string | null>): Expression<SqlBool> {
  const row = expressionBuilder<Schema, 'processes'>()
  const processes = row.selectFrom('processes').select('id')
  return row.or([row(owner, 'is', null), row(owner, 'in', processes)])
}

/** A job's thread that nobody else works on, as long as its root's row holds this token. */
export interface ClaimedThread {
  jobId: string
  channel: string
  token: string
}

/** Free threads that are due, with each event that they don't show yet. */
export function selectPending(db: Database, now: number) {
  return db
    .selectFrom('events')
    .innerJoin('messages', (root) => root.onRef('messages.jobId', '=', 'events.jobId').on('messages.key', '=', 'root'))
    .where('events.notifiedAt', 'is', null)
    .where(isFree('messages'))
    .where(isThreadDue(now))
}

/** That nobody wanted a thread to be left alone until later. */
function isThreadDue(now: number): Expression<SqlBool> {
  const root = expressionBuilder<Schema, 'messages'>()
  return root.or([root('messages.dueAt', 'is', null), root('messages.dueAt', '<=', now)])
}

/**
 * Claims threads that don't show all events. Channels take turns, so that a busy one doesn't block the others. Within a
 * channel, threads without a root come first, because a root shows everything at once; then ended jobs, first ended first;
 * then those pending the longest.
 *
 * @returns in the order in which they should be notified.
 */
export async function claimPendingThreads(
  db: Database,
  limit: { threads: number; perChannel: number },
  now: number,
  { token, owner, capabilities }: Claimant = onlyClaimant(),
): Promise<ClaimedThread[]> {
  const all = selectPending(db, now).innerJoin('jobs', 'jobs.id', 'events.jobId')
  const pending = (capabilities ? all.where((event) => isKnownThread(event, capabilities, now)) : all)
    .groupBy(['jobs.id', 'messages.channel', 'messages.ts'])
    .select((job) => [
      'jobs.id as jobId',
      'messages.channel as channel',
      job('messages.ts', 'is not', null).as('hasBegun'),
      job('jobs.endedAt', 'is', null).as('isLive'),
      job.fn.coalesce('jobs.endedAt', job.fn.min('events.at')).as('since'),
    ])
  const ranked = db.selectFrom(pending.as('pending')).select((job) => [
    'jobId',
    'channel',
    'since',
    job.fn
      .agg<number>('row_number')
      .over((rank) =>
        rank.partitionBy('channel').orderBy('hasBegun').orderBy('isLive').orderBy('since').orderBy('jobId'),
      )
      .as('rank'),
  ])
  const wanted = await db
    .selectFrom(ranked.as('ranked'))
    .select(['jobId', 'channel'])
    .where('rank', '<=', limit.perChannel)
    .orderBy('rank')
    .orderBy('since')
    .limit(limit.threads)
    .execute()
  if (wanted.length === 0) return []
  // As of now: since they were read, another process may have shown all of one, or paused it.
  const free = db
    .selectFrom('messages')
    .select('jobId')
    .where('key', '=', 'root')
    .where(
      'jobId',
      'in',
      wanted.map(({ jobId }) => jobId),
    )
    .where(isFree('messages'))
    .where(isThreadDue(now))
  const claimed = await db
    .with('free', () => free.forUpdate().skipLocked())
    .updateTable('messages')
    .set({ claimToken: token, claimOwner: owner })
    .where('key', '=', 'root')
    .where('jobId', 'in', (root) => root.selectFrom('free').select('jobId'))
    .returning('jobId')
    .execute()
  const ids = new Set(claimed.map(({ jobId }) => jobId))
  return wanted.filter(({ jobId }) => ids.has(jobId)).map((thread) => ({ ...thread, token }))
}

/** Gives a claim back. The thread is left alone for `pauseMs` milliseconds from now. */
export async function releaseThread(
  db: Database,
  claim: Omit<ClaimedThread, 'channel'>,
  now: number,
  pauseMs: number,
): Promise<void> {
  await db
    .updateTable('messages')
    .set({ ...NO_CLAIM, dueAt: pauseMs > 0 ? now + Math.min(pauseMs, MAX_PAUSE_MS) : null })
    .where('jobId', '=', claim.jobId)
    .where('key', '=', 'root')
    .where('claimToken', '=', claim.token)
    .execute()
}

/** Gives back whatever is still claimed with this token. */
export async function releaseClaim(db: Database, token: string): Promise<void> {
  await db.updateTable('jobs').set(NO_CLAIM).where('claimToken', '=', token).execute()
  await db.updateTable('messages').set(NO_CLAIM).where('claimToken', '=', token).execute()
  await db.deleteFrom('slots').where('token', '=', token).execute()
}

/** Gives back all claims there are: those of a process that died. Only for the one process that has the database. */
export async function releaseAllClaims(db: Database): Promise<void> {
  await db.updateTable('jobs').set(NO_CLAIM).where('claimToken', 'is not', null).execute()
  await db.updateTable('messages').set(NO_CLAIM).where('claimToken', 'is not', null).execute()
}

/**
 * A claimed job as it is by now: a person may have muted it, or asked to cancel it, since it was read.
 *
 * @returns null if the claim was lost, or the job isn't at the same try of the same step any more.
 */
export async function readClaimed(db: Database, { job, token }: ClaimedJob): Promise<Job | null> {
  const row = await db
    .selectFrom('jobs')
    .selectAll()
    .where('id', '=', job.id)
    .where('claimToken', '=', token)
    .where('state', '=', job.state)
    .where('step', '=', job.step)
    .where('attempt', '=', job.attempt)
    .where((row) => isOwnerAlive(row.ref('claimOwner')))
    .executeTakeFirst()
  return row ? toJob(row) : null
}
