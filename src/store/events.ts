/** Functions over the events table, which is the audit log and the outbox of Slack in one. */
import type { ExpressionBuilder, Selectable, Transaction, UpdateObject } from 'kysely'
import type { Job, JobEvent, Transition } from '../domain/job.js'
import { type Database, type EventTable, type Lease, MAX_CLAIM_MS, type Schema, toJob } from './schema.js'

/** A job with facts its thread does not know yet. */
export interface Untold {
  job: Job
  /** Whose claim on the telling this is; without it nothing can be ticked off. */
  teller: string
  /** When posting the root was begun, where nobody knows how that ended. */
  rootAttemptedAt: number | null
  /** How often posting the root was begun that may stand there; above one, the root that is kept says so. */
  rootTries: number
  /** Whether the root message shows the job as it is now. */
  rootIsCurrent: boolean
  /** How often the thread moved. */
  moves: number
  /** The root that the thread left behind when it moved, as long as it does not say how the job ended. */
  oldRoot: OldRoot | null
  /** How often in a row Slack refused messages in the present place with an error that says nothing about the place. */
  placeRefusals: number
  events: readonly UntoldEvent[]
}

export interface OldRoot {
  channel: string
  ts: string
  /** Whether it says where the job goes on. */
  saysMoved: boolean
  /** How often Slack refused its edit with a possibly temporary error. */
  refusals: number
}

export interface UntoldEvent extends JobEvent {
  /** When telling it was begun, where nobody knows how that ended. */
  attemptedAt: number | null
  tries: number
  /** The reply that tells it, where one stands already and only the root is behind. */
  replyTs: string | null
}

export async function insertEvent(
  transaction: Transaction<Schema>,
  job: Job,
  event: NonNullable<Transition['event']>,
  now: number,
): Promise<void> {
  await transaction
    .insertInto('events')
    .values({
      jobId: job.id,
      seq: job.version,
      kind: event.kind,
      at: now,
      step: job.step,
      detail: event.detail ?? null,
      actor: event.actor ?? null,
      attemptedAt: null,
      tries: 0,
      replyTs: null,
      toldAt: null,
    })
    .execute()
}

/**
 * Takes jobs with something to tell, under a lease of their own: telling and working never wait for each other. Channels
 * take turns, so that a crowded one holds up no other. Within a channel come first those whose thread has not begun,
 * since a root tells everything at once; then the finished ones, first ended first; then the longest untold.
 *
 * @returns in the order in which they are to be told.
 */
export async function claimUntold(
  db: Database,
  limit: { threads: number; perChannel: number },
  lease: Lease,
): Promise<{ jobId: string; channel: string }[]> {
  const behind = db
    .selectFrom('jobs')
    .innerJoin('events', 'events.jobId', 'jobs.id')
    .where('events.toldAt', 'is', null)
    .where((row) => isFree(row, lease))
    .groupBy('jobs.id')
    .select((job) => [
      'jobs.id as jobId',
      job.fn.coalesce('rootChannel', 'channel').as('channel'),
      job('rootTs', 'is not', null).as('hasBegun'),
      job('endedAt', 'is', null).as('goesOn'),
      job.fn.coalesce('endedAt', job.fn.min('events.at')).as('since'),
    ])
  const ranked = db.selectFrom(behind.as('behind')).select((job) => [
    'jobId',
    'channel',
    'since',
    job.fn
      .agg<number>('row_number')
      .over((turns) =>
        turns.partitionBy('channel').orderBy('hasBegun').orderBy('goesOn').orderBy('since').orderBy('jobId'),
      )
      .as('turn'),
  ])
  const wanted = await db
    .selectFrom(ranked.as('ranked'))
    .select(['jobId', 'channel'])
    .where('turn', '<=', limit.perChannel)
    .orderBy('turn')
    .orderBy('since')
    .limit(limit.threads)
    .execute()
  if (wanted.length === 0) return []
  const claimed = await db
    .updateTable('jobs')
    .set({ teller: lease.worker, tellerUntil: lease.now + lease.leaseMs })
    .where(
      'id',
      'in',
      wanted.map(({ jobId }) => jobId),
    )
    .where((row) => isFree(row, lease))
    .returning('id')
    .execute()
  const ids = new Set(claimed.map(({ id }) => id))
  return wanted.filter(({ jobId }) => ids.has(jobId))
}

/**
 * A claim of the asking worker's own is none: it tells nothing any more when it asks what to tell next, so that what it
 * still holds it could not give back. A pause is nobody's claim and runs out whatever the clock did.
 */
function isFree(row: ExpressionBuilder<Schema, 'jobs'>, { worker, now }: Lease) {
  const isOver = row.or([row('tellerUntil', '<', now), row('tellerUntil', '>', now + MAX_CLAIM_MS)])
  return row.or([row('tellerUntil', 'is', null), row('teller', '=', worker), isOver])
}

/** Gives a claim back, and leaves the thread alone for so many milliseconds. */
export async function releaseTelling(
  db: Database,
  jobId: string,
  { worker, now }: Lease,
  pauseMs: number,
): Promise<void> {
  await db
    .updateTable('jobs')
    .set({ teller: null, tellerUntil: pauseMs > 0 ? now + Math.min(pauseMs, MAX_CLAIM_MS) - 1 : null })
    .where('id', '=', jobId)
    .where('teller', '=', worker)
    .execute()
}

/**
 * What there is to tell of a job. The events are read before the job: an event that comes between is told next time,
 * whereas the other way round an old state could be shown and its newer event ticked off.
 */
export async function readUntold(db: Database, jobId: string, teller: string): Promise<Untold | null> {
  const events = await db
    .selectFrom('events')
    .selectAll()
    .where('jobId', '=', jobId)
    .where('toldAt', 'is', null)
    .orderBy('seq')
    .execute()
  const row = await db.selectFrom('jobs').selectAll().where('id', '=', jobId).executeTakeFirst()
  if (!row || events.length === 0) return null
  return {
    job: toJob(row),
    teller,
    rootTries: row.rootTries,
    rootAttemptedAt: row.rootTs === null ? row.rootAttemptedAt : null,
    rootIsCurrent: row.rootTs !== null && row.rootVersion === row.version,
    moves: row.moves,
    oldRoot: oldRootOf(row),
    placeRefusals: row.placeRefusals,
    events: events.map((event) => {
      const { attemptedAt, tries, replyTs } = event
      return { ...toEvent(event), attemptedAt, tries, replyTs }
    }),
  }
}

function oldRootOf(row: Selectable<Schema['jobs']>): OldRoot | null {
  const { oldRootChannel: channel, oldRootTs: ts, oldRootSaysMoved, oldRootRefusals: refusals } = row
  return channel === null || ts === null ? null : { channel, ts, saysMoved: oldRootSaysMoved === 1, refusals }
}

/** All a job's facts, oldest first. */
export async function readEvents(db: Database, jobId: string): Promise<JobEvent[]> {
  const rows = await db.selectFrom('events').selectAll().where('jobId', '=', jobId).orderBy('seq').execute()
  return rows.map(toEvent)
}

/** Another process has taken over the telling of this job: nothing was changed. */
export class ClaimLost extends Error {}

/** Notes when posting the root began of which nobody knows how it ended, and one such try more or less. */
export async function markRootAttempted(db: Database, { job, teller }: Untold, at: number | null, tries: 1 | -1) {
  await updateToldJob(db, job.id, teller, (row) => ({
    rootAttemptedAt: at,
    rootTries: row('rootTries', '+', tries),
  }))
}

/** Where the thread stands, and which version of the job its root message shows. */
export async function saveRoot(
  db: Database,
  { job, teller }: Untold,
  root: { rootChannel: string; rootTs: string },
  rootVersion: number,
): Promise<void> {
  await updateToldJob(db, job.id, teller, () => ({ ...root, rootVersion }))
}

/** Notes when telling an event that gets a reply of its own began, and one such try more or less. */
export async function markAttempted(
  db: Database,
  { teller }: Untold,
  event: JobEvent,
  at: number | null,
  tries: 1 | -1,
): Promise<void> {
  await updateEvent(db, event, teller, (row) => ({ attemptedAt: at, tries: row('tries', '+', tries) }))
}

/** The reply stands, and the root is still behind. */
export async function markReplied(
  db: Database,
  { teller }: Untold,
  event: JobEvent,
  replyTs: string | null,
): Promise<void> {
  await updateEvent(db, event, teller, () => ({ replyTs }))
}

/** All that an event has to say is said. */
export async function markTold(
  db: Database,
  { teller }: Untold,
  event: JobEvent,
  told: { replyTs: string | null; toldAt: number },
): Promise<void> {
  await updateEvent(db, event, teller, () => told)
}

/** @throws ClaimLost */
export async function updateToldJob(
  db: Database,
  jobId: string,
  teller: string,
  set: (row: ExpressionBuilder<Schema, 'jobs'>) => UpdateObject<Schema, 'jobs'>,
): Promise<void> {
  const { numUpdatedRows } = await db
    .updateTable('jobs')
    .set(set)
    .where('id', '=', jobId)
    .where('teller', '=', teller)
    .executeTakeFirst()
  if (numUpdatedRows === 0n) throw new ClaimLost()
}

/** @throws ClaimLost */
export async function updateEvent(
  db: Database,
  { jobId, seq }: JobEvent,
  teller: string,
  set: (row: ExpressionBuilder<Schema, 'events'>) => UpdateObject<Schema, 'events'>,
): Promise<void> {
  const { numUpdatedRows } = await db
    .updateTable('events')
    .set(set)
    .where('jobId', '=', jobId)
    .where('seq', '=', seq)
    .where((told) =>
      told.exists(told.selectFrom('jobs').select('id').where('id', '=', jobId).where('teller', '=', teller)),
    )
    .executeTakeFirst()
  if (numUpdatedRows === 0n) throw new ClaimLost()
}

function toEvent(row: Selectable<EventTable>): JobEvent {
  const { attemptedAt, tries, replyTs, toldAt, ...event } = row
  return event
}
