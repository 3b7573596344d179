/** Functions over the events table, which is the audit log and the outbox of Slack in one. */
import type { ExpressionBuilder, Selectable, Transaction, UpdateObject } from 'kysely'
import type { Job, JobEvent, Transition } from '../jobs/machine.js'
import { type Database, type EventTable, type Lease, type Schema, toJob } from './schema.js'

/** A job with facts its thread does not know yet. */
export interface Untold {
  job: Job
  /** Whose claim on the telling this is; without it nothing can be ticked off. */
  teller: string
  /** Posting the root was begun once and nobody knows how it ended. */
  rootInDoubt: boolean
  /** How often posting the root ended like that. */
  rootTries: number
  /** Whether the root message shows the job as it is now. */
  rootIsCurrent: boolean
  events: readonly UntoldEvent[]
}

export interface UntoldEvent extends JobEvent {
  /** Telling it was begun once and nobody knows how it ended. */
  inDoubt: boolean
  tries: number
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
      toldAt: null,
    })
    .execute()
}

/** Takes jobs with something to tell, under a lease of their own: telling and working never wait for each other. */
export async function claimUntold(db: Database, limit: number, lease: Lease): Promise<string[]> {
  const rows = await db
    .updateTable('jobs')
    .set({ teller: lease.worker, tellerUntil: lease.now + lease.leaseMs })
    .where('id', 'in', (untold) =>
      untold
        .selectFrom('events')
        .innerJoin('jobs as told', 'told.id', 'events.jobId')
        .select('events.jobId')
        .where('events.toldAt', 'is', null)
        .where((free) => free.or([free('told.tellerUntil', 'is', null), free('told.tellerUntil', '<', lease.now)]))
        .groupBy('events.jobId')
        .orderBy((first) => first.fn.min('events.at'))
        .limit(limit),
    )
    .where((free) => free.or([free('tellerUntil', 'is', null), free('tellerUntil', '<', lease.now)]))
    .returning('id')
    .execute()
  return rows.map((row) => row.id)
}

export async function releaseTelling(db: Database, jobId: string, worker: string, freeAt: number): Promise<void> {
  await db
    .updateTable('jobs')
    .set({ teller: null, tellerUntil: freeAt })
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
    rootInDoubt: row.rootTs === null && row.rootAttemptedAt !== null,
    rootIsCurrent: row.rootTs !== null && row.rootVersion === row.version,
    events: events.map((event) => ({ ...toEvent(event), tries: event.tries, inDoubt: event.attemptedAt !== null })),
  }
}

/** All a job's facts, oldest first. */
export async function readEvents(db: Database, jobId: string): Promise<JobEvent[]> {
  const rows = await db.selectFrom('events').selectAll().where('jobId', '=', jobId).orderBy('seq').execute()
  return rows.map(toEvent)
}

/** Another process has taken over the telling of this job: nothing was changed. */
export class TellingLost extends Error {}

/** Notes that posting the root is about to begin, or with null that it surely did not happen. */
export async function markRootAttempted(db: Database, { job, teller }: Untold, at: number | null): Promise<void> {
  await updateToldJob(db, job.id, teller, (row) => ({
    rootAttemptedAt: at,
    rootTries: row('rootTries', '+', at === null ? -1 : 1),
  }))
}

/** Where the thread stands, and which version of the job its root message shows. */
export async function saveRoot(
  db: Database,
  { job, teller }: Untold,
  root: { rootChannel: string; rootTs: string },
): Promise<void> {
  await updateToldJob(db, job.id, teller, () => ({ ...root, rootVersion: job.version }))
}

/** Sends the thread elsewhere, where it begins anew with its next telling. */
export async function moveThread(db: Database, { job, teller }: Untold, rootChannel: string): Promise<void> {
  const nowhere = { rootTs: null, rootAttemptedAt: null, rootTries: 0, rootVersion: null }
  await updateToldJob(db, job.id, teller, () => ({ rootChannel, ...nowhere }))
}

/** The same for an event that gets a reply of its own. */
export async function markAttempted(
  db: Database,
  { teller }: Untold,
  event: JobEvent,
  at: number | null,
): Promise<void> {
  await updateEvent(db, event, teller, (row) => ({ attemptedAt: at, tries: row('tries', '+', at === null ? -1 : 1) }))
}

export async function markTold(db: Database, { teller }: Untold, event: JobEvent, at: number): Promise<void> {
  await updateEvent(db, event, teller, () => ({ toldAt: at }))
}

async function updateToldJob(
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
  if (numUpdatedRows === 0n) throw new TellingLost()
}

async function updateEvent(
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
  if (numUpdatedRows === 0n) throw new TellingLost()
}

function toEvent(row: Selectable<EventTable>): JobEvent {
  const { attemptedAt, tries, toldAt, ...event } = row
  return event
}
