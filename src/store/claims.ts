/** Claims: which worker works at which job, and which jobs are due. A claim is a token; a job without one is free. */
import { randomUUID } from 'node:crypto'
import { type ExpressionBuilder, sql } from 'kysely'
import { REMINDER_EVERY_MS } from '../domain/deadlines.js'
import type { Job, State } from '../domain/job.js'
import { shortenPauses } from './pending-threads.js'
import { type Database, type Schema, toJob } from './schema.js'

/** A job that nobody else works at, as long as its row holds this token. */
export interface ClaimedJob {
  job: Job
  token: string
}

/**
 * Claims due jobs of a connection, longest due first, all with one token.
 *
 * @param token of this call alone. A caller that names it can give the claim back although this call broke.
 */
export async function claimDueJobs(
  db: Database,
  wanted: { connection: string; states: readonly State[]; limit: number },
  now: number,
  token: string = randomUUID(),
): Promise<ClaimedJob[]> {
  const { connection, states, limit } = wanted
  return await claim(db, limit, now, token, (job) =>
    job.and([job('connection', '=', connection), job('state', 'in', [...states])]),
  )
}

/** Claims due jobs that no connection's workers claim: those of connections that are not in this list, or that wait for a person. */
export async function claimWaitingJobs(
  db: Database,
  { connections, limit }: { connections: readonly string[]; limit: number },
  now: number,
  token: string = randomUUID(),
): Promise<ClaimedJob[]> {
  return await claim(db, limit, now, token, (job) =>
    job.or([job('state', '=', 'uncertain'), job('connection', 'not in', [...connections])]),
  )
}

type Jobs = ExpressionBuilder<Schema, 'jobs'>

async function claim(
  db: Database,
  limit: number,
  now: number,
  token: string,
  isWanted: (job: Jobs) => ReturnType<Jobs['and']>,
): Promise<ClaimedJob[]> {
  const rows = await db
    .updateTable('jobs')
    .set({ claimToken: token })
    .where('id', 'in', (due) =>
      due
        .selectFrom('jobs')
        .select('id')
        .where(isWanted)
        .where('dueAt', '<=', now)
        .where('claimToken', 'is', null)
        .orderBy('dueAt')
        .limit(limit),
    )
    .returningAll()
    .execute()
  const claimed = rows.map((row) => ({ job: toJob(row), token }))
  return claimed.sort((one, other) => (one.job.dueAt ?? 0) - (other.job.dueAt ?? 0))
}

/** Gives back whatever is still claimed with this token. */
export async function releaseClaim(db: Database, token: string): Promise<void> {
  await db.updateTable('jobs').set({ claimToken: null }).where('claimToken', '=', token).execute()
}

/** Gives back all claims there are: those of a process that died. Only for the one process that has the database. */
export async function releaseAllClaims(db: Database): Promise<void> {
  await db.updateTable('jobs').set({ claimToken: null }).where('claimToken', 'is not', null).execute()
  await db.updateTable('messages').set({ claimToken: null }).where('claimToken', 'is not', null).execute()
}

/** Whether the job is still as it was read, and still claimed: a person may have ended it meanwhile. */
export async function holdsClaim(db: Database, { job, token }: ClaimedJob): Promise<boolean> {
  const row = await db
    .selectFrom('jobs')
    .select('id')
    .where('id', '=', job.id)
    .where('version', '=', job.version)
    .where('claimToken', '=', token)
    .executeTakeFirst()
  return row !== undefined
}

/** Work of one kind that is due and that nobody does. */
export interface DueWork {
  /** The state of due jobs, or `notify` for messages. */
  kind: State | 'notify'
  /** Empty for `notify`. */
  connection: string
  /** How many jobs are due; 1 for `notify`. */
  count: number
}

/** All that is due now and free, in one query. */
export async function findDueWork(db: Database, now: number): Promise<DueWork[]> {
  return await db
    .selectFrom('jobs')
    .select((job) => [
      job.ref('state').$castTo<DueWork['kind']>().as('kind'),
      'connection',
      job.fn.countAll<number>().as('count'),
    ])
    .where('dueAt', '<=', now)
    .where('claimToken', 'is', null)
    .groupBy(['state', 'connection'])
    .unionAll(
      db
        .selectFrom('events')
        .innerJoin('messages', (root) =>
          root.onRef('messages.jobId', '=', 'events.jobId').on('messages.key', '=', 'root'),
        )
        .select([sql.lit<DueWork['kind']>('notify').as('kind'), sql.lit('').as('connection'), sql.lit(1).as('count')])
        .where('events.notifiedAt', 'is', null)
        .where('messages.claimToken', 'is', null)
        .where((root) => root.or([root('messages.dueAt', 'is', null), root('messages.dueAt', '<=', now)]))
        .distinct(),
    )
    .execute()
}

/** A pause that a provider or Slack asked for is rarely longer, and is asked for again. */
const MAX_PAUSE_MS = 60_000

/**
 * Makes due what was planned for later. After a stop, or when the clock was set, it is unknown how far away that is: polls
 * and searches are due at once, and what waits because somebody asked for a pause is due within a minute.
 */
export async function makeLiveJobsDue(db: Database, now: number): Promise<void> {
  const latest = now + MAX_PAUSE_MS
  await db
    .updateTable('jobs')
    .set({ dueAt: now })
    .where('state', 'in', ['starting', 'working'])
    .where('dueAt', '>', now)
    .execute()
  await db
    .updateTable('jobs')
    .set({ dueAt: latest })
    .where('state', '=', 'queued')
    .where('dueAt', '>', latest)
    .execute()
  // People take days to answer: a reminder that is planned in time stays where it is.
  const reminder = now + REMINDER_EVERY_MS
  await db.updateTable('jobs').set({ dueAt: reminder }).where('dueAt', '>', reminder).execute()
  await shortenPauses(db, now, MAX_PAUSE_MS)
}
