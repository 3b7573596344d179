/** Functions over the events table, which is the audit log and the outbox of Slack in one. */
import type { Selectable, Transaction } from 'kysely'
import type { Job, JobEvent, Transition } from '../jobs/machine.js'
import { type Database, type EventTable, type Lease, type Schema, toJob } from './schema.js'

/** A job with facts its thread does not know yet. */
export interface Untold {
  job: Job
  /** Posting the root was begun once and nobody knows how it ended. */
  rootInDoubt: boolean
  /** Whether the root message shows the job as it is now. */
  rootIsCurrent: boolean
  events: readonly UntoldEvent[]
}

export interface UntoldEvent extends JobEvent {
  /** Telling it was begun once and nobody knows how it ended. */
  inDoubt: boolean
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
export async function readUntold(db: Database, jobId: string): Promise<Untold | null> {
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
    rootInDoubt: row.rootTs === null && row.rootAttemptedAt !== null,
    rootIsCurrent: row.rootTs !== null && row.rootVersion === row.version,
    events: events.map((event) => ({ ...toEvent(event), inDoubt: event.attemptedAt !== null })),
  }
}

/** All a job's facts, oldest first. */
export async function readEvents(db: Database, jobId: string): Promise<JobEvent[]> {
  const rows = await db.selectFrom('events').selectAll().where('jobId', '=', jobId).orderBy('seq').execute()
  return rows.map(toEvent)
}

/** Notes that posting is about to begin, or with null that it surely did not happen. */
export async function markRootAttempted(db: Database, jobId: string, at: number | null): Promise<void> {
  await db.updateTable('jobs').set({ rootAttemptedAt: at }).where('id', '=', jobId).execute()
}

/** Where the thread stands, and which version of the job its root message shows. */
export async function saveRoot(
  db: Database,
  jobId: string,
  root: { rootChannel: string; rootTs: string; rootVersion: number },
): Promise<void> {
  await db.updateTable('jobs').set(root).where('id', '=', jobId).execute()
}

/** Sends the thread elsewhere, where it begins anew with its next telling. */
export async function moveThread(db: Database, jobId: string, rootChannel: string): Promise<void> {
  await db
    .updateTable('jobs')
    .set({ rootChannel, rootTs: null, rootAttemptedAt: null, rootVersion: null })
    .where('id', '=', jobId)
    .execute()
}

export async function markAttempted(db: Database, event: JobEvent, at: number | null): Promise<void> {
  await db
    .updateTable('events')
    .set({ attemptedAt: at })
    .where('jobId', '=', event.jobId)
    .where('seq', '=', event.seq)
    .execute()
}

export async function markTold(db: Database, events: readonly JobEvent[], at: number): Promise<void> {
  for (const event of events) {
    await db
      .updateTable('events')
      .set({ toldAt: at })
      .where('jobId', '=', event.jobId)
      .where('seq', '=', event.seq)
      .execute()
  }
}

function toEvent(row: Selectable<EventTable>): JobEvent {
  const { attemptedAt, toldAt, ...event } = row
  return event
}
