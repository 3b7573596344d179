/** The tables as Kysely sees them, and how a row becomes a job. Columns are snake_case there and camelCase here. */
import type { ColumnType, Kysely, Selectable } from 'kysely'
import type { Job, JobEvent } from '../domain/job.js'
import type { Preset } from '../domain/preset.js'
import type { Schedule } from '../domain/schedule.js'

export type Database = Kysely<Schema>

export interface Schema {
  jobs: JobTable
  events: EventTable
  messages: MessageTable
  processes: ProcessTable
  slots: SlotTable
  rateLimits: RateLimitTable
  seen: SeenTable
  drafts: DraftTable
  approvals: ApprovalTable
  audit: AuditTable
  auditHead: AuditHeadTable
  workflowSteps: WorkflowStepTable
  presets: PresetTable
  schedules: ScheduleTable
  homes: HomeTable
  settings: SettingTable
  copies: CopyTable
}

/** SQLite has no booleans: it reads as 0 or 1. */
type Flag = ColumnType<number, boolean, boolean>

type FlagColumn =
  | 'isUnreachableReported'
  | 'mentionOnSuccess'
  | 'mentionOnFailure'
  | 'isMuted'
  | 'isPersonalGone'
  | 'canDismiss'

/** What a job has in another form than its row. */
type ConvertedColumn = 'params' | 'personal' | 'labels' | 'ref' | 'approval' | FlagColumn

/** A job's own columns, and what only the store needs. Times are milliseconds since 1970. */
export interface JobTable extends Omit<Job, ConvertedColumn> {
  /** JSON. */
  params: string
  /** JSON of those that are deleted when the job ends; null from then on, and if there are none. */
  personalParams: string | null
  /** JSON. */
  labels: string
  /** JSON. */
  ref: string | null
  /** JSON. */
  approval: string | null
  isUnreachableReported: Flag
  mentionOnSuccess: Flag
  mentionOnFailure: Flag
  isMuted: Flag
  isPersonalGone: Flag
  canDismiss: Flag
  /** What was submitted, so that one submission that arrives twice is one job. */
  submission: string
  /** Token of the worker that works at the job; null if it is free. */
  claimToken: string | null
  /** The process of that worker. When its row is gone, the job is free too. */
  claimOwner: string | null
}

export interface EventTable extends JobEvent {
  /** When the job's thread showed it; null while it doesn't yet. */
  notifiedAt: number | null
}

/** One Slack message of a job, which is posted once, or edited in place. */
export interface MessageTable {
  jobId: string
  /** Which message of the job it is; see `MessageKey`. */
  key: string
  /** Where it stands, or has to go. */
  channel: string
  /** Slack's id of it in that channel; null until it is known to stand there. */
  ts: string | null
  /** Of a root that is in another job's thread: Slack's id of that thread's first message. Null for a thread of its own. */
  threadTs: string | null
  /** When the last attempt to post it began. Without `ts`, nobody knows how that attempt ended. */
  attemptedAt: number | null
  /** How many attempts may have left a message in Slack. With more than one, it may appear twice. */
  tries: number
  /** The version of the job that it shows. */
  shownVersion: number | null
  /** How often in a row Slack refused it with an error that may pass. */
  refusals: number
  /** It is left alone until then. */
  dueAt: number | null
  /** When it became final: it is never edited again. */
  closedAt: number | null
  /** Of a root: the claim on the job's whole thread; null while it is free. */
  claimToken: string | null
  /** The process that has the claim. */
  claimOwner: string | null
}

/** A running Dolly. Several may share the database. */
export interface ProcessTable {
  id: string
  /** For people: which process on which host. */
  name: string
  /** When it last renewed the row, by the database's clock. Others take the process for dead when this no longer changes. */
  renewedAt: number
}

/** The right to make one write to a connection that takes only so many at once. */
export interface SlotTable {
  connection: string
  /** From 1 to as many as the connection takes. */
  number: number
  /** Of the claim that the write is made under. */
  token: string
  /** The process that has it. When that row is deleted, so is this one. */
  owner: string
}

/** The calls under one rate limit. Times are milliseconds since 1970. */
export interface RateLimitTable {
  /** What is limited. */
  name: string
  /** When all calls that were taken are paid for, at the rate of the limit. */
  paidUntil: number
  /** Until when the other side wanted no calls; null if it never said so. */
  pausedUntil: number | null
}

/** What must not come twice, such as a request by its signature. */
export interface SeenTable {
  key: string
  /** When it may be forgotten, in milliseconds since 1970. */
  until: number
}

/** The answers of page 2, or the note of where a form was opened. */
export type DraftKind = 'answers' | 'opening'

export interface DraftTable {
  id: string
  kind: DraftKind
  requester: string
  /** JSON. */
  answers: string
  createdAt: number
}

/** One person's answer to a job's request for an approval. */
export interface ApprovalTable {
  jobId: string
  /** Slack user id. */
  person: string
  decision: 'approve' | 'deny'
  at: number
}

/** One thing that somebody did, or that came of it. Texts only, because its hash covers them exactly as they are stored. */
export interface AuditTable {
  id: string
  /** Milliseconds since 1970. */
  at: number
  /** The kind of a job's event, or what a person did elsewhere, such as `preset_saved`. */
  action: string
  /** Slack user id of the person who did it; null for what a provider or the clock did. */
  actor: string | null
  /** Slack user id of the person whose job or thing it is. */
  requester: string | null
  jobId: string | null
  /** The job's version after the change: the `seq` of its event. */
  jobVersion: number | null
  connection: string | null
  operation: string | null
  source: string | null
  target: string | null
  /** Where it was asked for. */
  channel: string | null
  /** JSON. */
  details: string | null
  /** The provider's own id of the request, for its support. */
  requestId: string | null
  /** Its place in the chain, from 1; null until it is sealed. */
  seq: number | null
  /** Covers the row and the hash before it; null until it is sealed. */
  hash: string | null
}

/** A step of a Slack workflow: it waits for its job to end, or to be told why it gets none. */
export interface WorkflowStepTable {
  /** Slack's id of this run of the step. */
  executionId: string
  /** Null for a refused step. */
  jobId: string | null
  /** Why no job came of it, as a sentence; null for a step with a job. */
  refusal: string | null
  createdAt: number
  /** When Slack may be told next; null once it knows. Until the job has ended there is nothing to tell. */
  dueAt: number | null
}

export interface AuditHeadTable {
  id: number
  /** Of the last sealed row; 0 and an empty hash before the first. */
  seq: number
  hash: string
  /** Of the oldest row that is kept, and the hash before it. */
  firstSeq: number
  firstHash: string
}

/** A preset's own columns, of which two are JSON. */
export interface PresetTable extends Omit<Preset, 'values' | 'labels'> {
  values: string
  labels: string
}

export interface ScheduleTable extends Schedule {
  /** What was submitted, so that one submission that arrives twice is one schedule. */
  submission: string
}

/** A person's Home tab, since they opened it first. Times are milliseconds since 1970. */
export interface HomeTable {
  /** Slack user id. */
  person: string
  /** Their direct messages with Dolly, beside which the tab is; null if Slack didn't say. */
  channel: string | null
  /** When they opened it last. */
  openedAt: number
  /** Slack's hash of the view that was published last; null before the first. */
  hash: string | null
  /** When it was published last; null before the first time. */
  shownAt: number | null
  /** Grows by one with every change of what it should show. */
  changes: number
  /** When it is to be published again; null while it shows everything. */
  dueAt: number | null
}

/** What a person or a channel prefers. */
export interface SettingTable {
  scope: 'person' | 'channel'
  /** Slack's id of that person or channel. */
  id: string
  /** JSON. */
  value: string
  /** Slack user id of the person who changed it last. */
  changedBy: string
  changedAt: number
}

/** A copy of all rows to another database: one row in the file that was copied, and the same one where they went. */
export interface CopyTable {
  id: string
  /** Where they went, for people: without user and password. */
  target: string
  startedAt: number
  /** When all was there; null while nobody knows whether it arrived. */
  finishedAt: number | null
}

export function toJob(row: Selectable<JobTable>): Job {
  const { personalParams, submission, claimToken, claimOwner, ...columns } = row
  const personal = JSON.parse(personalParams ?? '{}')
  const plain: Omit<Job, ConvertedColumn> = columns
  const converted: Pick<Job, ConvertedColumn> = {
    params: { ...JSON.parse(row.params), ...personal },
    personal: Object.keys(personal),
    labels: JSON.parse(row.labels),
    ref: row.ref === null ? null : JSON.parse(row.ref),
    approval: row.approval === null ? null : JSON.parse(row.approval),
    isUnreachableReported: row.isUnreachableReported === 1,
    mentionOnSuccess: row.mentionOnSuccess === 1,
    mentionOnFailure: row.mentionOnFailure === 1,
    isMuted: row.isMuted === 1,
    isPersonalGone: row.isPersonalGone === 1,
    canDismiss: row.canDismiss === 1,
  }
  // Assigned: to copy so many columns once more, by a spread, takes longer than the rest of this function.
  return Object.assign(plain, converted)
}
