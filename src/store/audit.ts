/**
 * The audit table: who did what, when, from where, and what came of it. A row is written in the transaction of the change it
 * records. Its place in the chain and its hash come within a tick, from `audit-chain.ts`: changes would queue behind one another
 * if each of them had to move the head of the chain.
 */
import { randomUUID } from 'node:crypto'
import type { ExpressionBuilder, Transaction } from 'kysely'
import type { EventKind, Job, NewEvent } from '../domain/job.js'
import { cut } from '../lib/text.js'
import type { AuditTable, Database, Schema } from './schema.js'

export type AuditRow = AuditTable

/** What is known of an act; what is left out is unknown or has none. */
export interface AuditEntry extends Partial<Omit<AuditTable, 'id' | 'at' | 'details' | 'seq' | 'hash'>> {
  /** What was done, as a participle: `preset_saved`. */
  action: string
  /** Anything else worth keeping. Never a secret or a personal answer. */
  details?: object
}

/** Who does something, by Slack user id, and in which channel; null where that isn't known. */
export type Actor = Pick<AuditRow, 'actor' | 'channel'> & { actor: string }

/** Events that a worker writes and that say what came of somebody's job. Those that a person causes are all recorded. */
const RECORDED: readonly EventKind[] = [
  'approval_requested',
  'queued',
  'step_accepted',
  'found',
  // Without a person where a rule has changed since it was asked for.
  'denied',
  'expired',
  'succeeded',
  'failed',
  'timed_out',
  'cancelled',
  'removal_started',
  'removal_ended',
  'removed',
  'expiry_near',
  'expiry_reached',
]

/** Notes what somebody did, in the transaction of the change itself. `now`: milliseconds since 1970. */
export async function recordAct(
  transaction: Transaction<Schema>,
  { details, ...entry }: AuditEntry,
  now: number,
): Promise<void> {
  const row = { ...entry, id: randomUUID(), at: now, details: details ? JSON.stringify(details) : null }
  await transaction.insertInto('audit').values(row).execute()
}

/** Notes a job's event if it says who did what, or what came of it. */
export async function recordEvent(
  transaction: Transaction<Schema>,
  job: Job,
  event: NewEvent,
  now: number,
): Promise<void> {
  const { kind, detail, actor, requestId } = event
  if (!actor && requestId === undefined && !RECORDED.includes(kind)) return
  const isRequest = kind === 'queued' || kind === 'approval_requested'
  const details = {
    step: job.step,
    ...(detail && { detail }),
    ...(isRequest && { answers: answersOf(job), ...labelsOf(job) }),
    ...(isRequest && job.approval && { approval: job.approval }),
    ...(job.removes !== null && { removes: job.removes }),
  }
  const { id: jobId, version: jobVersion, requester, connection, operation, source, target } = job
  const entry: AuditEntry = {
    action: kind,
    actor: actor === undefined && isRequest ? requester : (actor ?? null),
    channel: event.channel ?? (isRequest ? job.askedIn : null),
    requestId: requestId ?? null,
    details,
    ...{ jobId, jobVersion, requester, connection, operation, source, target },
  }
  await recordAct(transaction, entry, now)
}

/** Of one answer, in characters. */
const MAX_ANSWER_LENGTH = 500

/** The answers that say what was asked for. Those that are secret or a person's own stay out. */
function answersOf({ params, personal }: Job): Record<string, unknown> {
  const lasting = Object.entries(params).filter(([key]) => !personal.includes(key))
  const short = (value: unknown) => (typeof value === 'string' ? cut(value, MAX_ANSWER_LENGTH) : value)
  return Object.fromEntries(lasting.map(([key, value]) => [key, short(value)]))
}

/** The names of what those answers mean by an id. */
function labelsOf({ labels }: Job): { labels?: Record<string, string> } {
  const all = Object.entries(labels).map(([key, label]) => [key, cut(label, MAX_ANSWER_LENGTH)])
  return all.length === 0 ? {} : { labels: Object.fromEntries(all) }
}

/** Which rows are wanted. Times in milliseconds since 1970. */
export interface AuditFilter {
  /** Ids of one person: who did it, or whose job it was. */
  person?: readonly string[] | undefined
  job?: string | undefined
  connection?: string | undefined
  since?: number | undefined
  until?: number | undefined
  /** Only what this person did, or what came of their jobs; by all of their ids. */
  ownedBy?: readonly string[] | undefined
}

/** The place of a row in the list, newest first. */
export type AuditPlace = Pick<AuditRow, 'at' | 'id'>

/** Rows that fit, newest first, beginning after this place; null for the newest. */
export async function readAudit(
  db: Database,
  { person, job, connection, since, until, ownedBy }: AuditFilter,
  after: AuditPlace | null,
  limit: number,
): Promise<AuditRow[]> {
  let query = db.selectFrom('audit').selectAll().orderBy('at', 'desc').orderBy('id', 'desc').limit(limit)
  if (person) query = query.where((row) => isOf(row, person))
  if (ownedBy) query = query.where((row) => isOf(row, ownedBy))
  if (job !== undefined) query = query.where('jobId', '=', job)
  if (connection !== undefined) query = query.where('connection', '=', connection)
  if (since !== undefined) query = query.where('at', '>=', since)
  if (until !== undefined) query = query.where('at', '<=', until)
  if (after) {
    query = query.where('at', '<=', after.at)
    query = query.where((row) => row.or([row('at', '<', after.at), row('id', '<', after.id)]))
  }
  return await query.execute()
}

function isOf(row: ExpressionBuilder<Schema, 'audit'>, people: readonly string[]) {
  return row.or([row('actor', 'in', [...people]), row('requester', 'in', [...people])])
}
