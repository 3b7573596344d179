/** A job as a submission asks for it, and the row and the first event that are made from it. */
import type { Insertable } from 'kysely'
import type { ApprovalRequest, Job, Transition } from '../domain/job.js'
import type { EndedRun } from '../domain/schedule.js'
import { cut } from '../lib/text.js'
import { MAX_DETAIL_LENGTH } from './detail.js'
import { indexable } from './indexable.js'
import type { JobTable } from './schema.js'
import { shortId } from './short-id.js'

/** A job as a submission asks for it. */
export interface NewJob {
  connection: string
  operation: string
  /** Id of the operation's first step. */
  step: string
  params: Readonly<Record<string, unknown>>
  /** Keys of the params that are deleted when the job ends. */
  personal?: readonly string[]
  /** What was picked, in words; see `Job`. Never of those. */
  labels?: Readonly<Record<string, string>>
  /** Key of the draft it came from, which is used up. */
  draft?: string
  source: string
  target: string
  lock: string
  submission: string
  requester: string
  mentionOnSuccess: boolean
  /** Default true. */
  mentionOnFailure?: boolean
  /** Who must agree first; absent if nobody. */
  approval?: ApprovalRequest | null
  /** What the end of a scheduled run changes in its schedule, in the same transaction. */
  endedRun?: EndedRun
  /** Slack's id of the run of a workflow's step that waits for the job to end. */
  workflowStep?: string
  /** Why a scheduled run can't start: the job has failed from the beginning, and its thread says so. */
  failure?: string
  /** The ended job whose result this one deletes. Its thread is this one's too. */
  removes?: Job
  /** Id of the first step of that job, if it runs again when that is deleted. */
  retryFrom?: string | null
  /** Whether it does so because an expiry ended, and not because the requester asked for it. */
  isExpiry?: boolean
  /** How long what it makes is kept, in milliseconds; absent for no expiry. */
  keepForMs?: number | null
  /** The channel in which it was requested, if the server knows it. */
  askedIn?: string | null
  channel: string
}

export function firstEvent({ approval, failure, isExpiry, endedRun }: NewJob): NonNullable<Transition['event']> {
  if (failure !== undefined) return { kind: 'failed', detail: cut(failure, MAX_DETAIL_LENGTH) }
  const kind = approval ? 'approval_requested' : 'queued'
  return isExpiry || endedRun ? { kind, actor: null } : { kind }
}

export function newRow(
  {
    personal = [],
    draft: _,
    isExpiry: __,
    endedRun: ___,
    workflowStep: ____,
    failure,
    removes,
    approval = null,
    ...job
  }: NewJob,
  now: number,
): Insertable<JobTable> {
  const entries = Object.entries(job.params)
  const some = (isPersonal: boolean) =>
    JSON.stringify(Object.fromEntries(entries.filter(([key]) => personal.includes(key) === isPersonal)))
  return {
    ...job,
    lock: indexable(job.lock),
    id: shortId(),
    params: some(false),
    personalParams: personal.length > 0 ? some(true) : null,
    labels: JSON.stringify(job.labels ?? {}),
    removes: removes?.id ?? null,
    ref: removes ? JSON.stringify(removes.ref) : null,
    approval: approval && JSON.stringify(approval),
    state: approval ? 'awaiting_approval' : 'queued',
    stepSince: now,
    attempt: 0,
    dueAt: approval?.expiresAt ?? now,
    isUnreachableReported: false,
    canDismiss: false,
    mentionOnFailure: job.mentionOnFailure ?? true,
    isMuted: false,
    isPersonalGone: false,
    createdAt: now,
    runSince: now,
    ...(failure !== undefined && {
      state: 'failed',
      // No step of it can be tried again.
      step: '',
      detail: cut(failure, MAX_DETAIL_LENGTH),
      personalParams: null,
      dueAt: null,
      endedAt: now,
    }),
    version: 1,
  }
}
