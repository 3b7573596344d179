/** The events table: the history of each job, and the list of what its thread doesn't show yet. */
import type { Selectable, Transaction } from 'kysely'
import type { EventKind, Job, JobEvent, NewEvent } from '../domain/job.js'
import { recordEvent } from './audit.js'
import type { StaleHomes } from './homes.js'
import type { Database, EventTable, Schema } from './schema.js'

/**
 * Writes an event, and what the audit keeps of it, in the transaction of the change that it records.
 *
 * @param homes gets whose Home tabs show it, to be marked at the end of the transaction.
 */
export async function insertEvent(
  transaction: Transaction<Schema>,
  job: Job,
  event: NewEvent,
  now: number,
  homes: StaleHomes,
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
      notifiedAt: null,
    })
    .execute()
  await recordEvent(transaction, job, event, now)
  // Who may approve isn't known here, so what waits for an approval concerns everybody.
  homes.add(APPROVAL_KINDS.has(event.kind) ? 'all' : job.requester)
}

const APPROVAL_KINDS: ReadonlySet<EventKind> = new Set([
  'approval_requested',
  'approval_given',
  'approved',
  'denied',
  'expired',
])

/** All events of a job, oldest first. */
export async function readEvents(db: Database, jobId: string): Promise<JobEvent[]> {
  const rows = await db.selectFrom('events').selectAll().where('jobId', '=', jobId).orderBy('seq').execute()
  return rows.map(toEvent)
}

/** The events of a job that its thread doesn't show yet, oldest first. */
export async function readPendingEvents(db: Database, jobId: string): Promise<JobEvent[]> {
  const pending = db.selectFrom('events').selectAll().where('jobId', '=', jobId).where('notifiedAt', 'is', null)
  return (await pending.orderBy('seq').execute()).map(toEvent)
}

/** When a person last restarted a job or its search: the `seq` of that event, 0 if nobody did. */
export async function lastRestart(db: Database, jobId: string): Promise<number> {
  const row = await db
    .selectFrom('events')
    .select((event) => event.fn.max('seq').as('seq'))
    .where('jobId', '=', jobId)
    .where('kind', 'in', ['started_over', 'tried_again', 'checked_again'])
    .executeTakeFirst()
  return row?.seq ?? 0
}

/** What people were told of something, and whether they could read it. */
export interface Notice {
  kind: EventKind
  detail: string | null
  /** Milliseconds since 1970; `pending` while the thread is behind, `nowhere` if no place took it. */
  shownAt: number | 'pending' | 'nowhere'
}

/** The last event of a job of these kinds; null if there was none. */
export async function readNotice(db: Database, jobId: string, kinds: readonly EventKind[]): Promise<Notice | null> {
  const events = db
    .selectFrom('events')
    .selectAll()
    .where('jobId', '=', jobId)
    .where('kind', 'in', [...kinds])
  const event = await events.orderBy('seq', 'desc').limit(1).executeTakeFirst()
  if (!event) return null
  const { kind, detail, seq, notifiedAt } = event
  if (notifiedAt === null || (await readPendingEvents(db, jobId)).length > 0)
    return { kind, detail, shownAt: 'pending' }
  // An event whose messages are refused everywhere counts as notified, but no root has shown it.
  const root = await db
    .selectFrom('messages')
    .select('shownVersion')
    .where('jobId', '=', jobId)
    .where('key', '=', 'root')
    .executeTakeFirst()
  return { kind, detail, shownAt: (root?.shownVersion ?? 0) >= seq ? notifiedAt : 'nowhere' }
}

function toEvent({ notifiedAt, ...event }: Selectable<EventTable>): JobEvent {
  return event
}
