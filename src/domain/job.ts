/**
 * Pure: what a job is and what can happen to it. Every folder shares these words:
 *
 * - provider: a PaaS that Dolly can talk to. Connection: one account there, named by the operator, such as `cf-prod`.
 * - operation: what a provider can do for us, such as cloning an app. Field: one question of its form. Picker: a live list
 *   behind a field.
 * - job: one run of one operation, requested by one person. A row.
 * - step: one write to the provider and the wait for it. Its `id` is stored, never an index.
 * - ref: the provider's handle for what a step made. Opaque to everybody but its provider.
 * - baseline: what stood at the target before the first try of a step, so that our own write can be recognised.
 * - poll: ask the provider about running steps. Observation: what one poll found out about one ref.
 * - `dueAt`: when a job needs attention next.
 * - reconcile: find out what became of a write whose answer was lost. Attempt: one try of a step's write.
 * - input: what can happen to a job. Transition: what changes because of it, and the event it writes.
 * - event: one fact about a job. A row, written in the transaction of the change it records.
 * - message: one Slack message that Dolly keeps up to date or posts once. Root: the first of a job's thread, edited in place.
 *   Reply: one about an event, below it. Notify: bring a job's messages up to date.
 * - draft: the answers of a form before the person confirms them.
 * - claim: the right of one worker to work at one job until it gives it back; a token that every write of that worker names.
 * - worker: a loop that does due work. Scheduler: what starts the workers.
 * - preset: answers of a form that were saved under a name. Schedule: a preset that runs at set times; a run is one due time.
 * - lock: the target a live job writes to. No two live jobs of a connection have the same.
 * - act: what a person does to a job that exists: cancel it, try it again, mute its thread. Removal: a job that deletes what
 *   another one made. Approval: the consent of other people that a rule asks for before anything is sent.
 * - audit: who did what, when and from where. Rows that are never changed: each is chained to the one before.
 */

export const LIVE_STATES = ['awaiting_approval', 'queued', 'starting', 'working', 'uncertain'] as const
export const FINAL_STATES = ['succeeded', 'failed', 'timed_out', 'cancelled', 'denied', 'expired'] as const

/**
 * `awaiting_approval`: other people must agree first. `queued`: the current step is to be written. `starting`: its write
 * began and the outcome is unknown. `working`: the provider works on it. `uncertain`: only a person can find out whether the
 * write took effect. `denied` and `expired`: it was never approved.
 */
export type State = (typeof LIVE_STATES)[number] | (typeof FINAL_STATES)[number]

/**
 * Why a queued step waits although it was tried before. `postponed`: the provider doesn't take the write now. `retry`: an
 * earlier try never arrived, and the pause before the next one is long.
 */
export type WaitReason = 'postponed' | 'retry'

/** Who caused the last failure of a write: `provider`, also when its answer was lost on the way, or a `bug` of ours. */
export type FailureKind = 'provider' | 'bug'

/** One run of one operation, requested by one person. Times are milliseconds since 1970. */
export interface Job {
  /** Short enough to be read out: `k7f3q`. */
  id: string
  connection: string
  operation: string
  /** The form's answers as the operation's schema gave them back. */
  params: Readonly<Record<string, unknown>>
  /** Keys of the answers that are secret or a person's own. They are deleted when the job ends. */
  personal: readonly string[]
  /** What was picked from lists, in words, by field, as far as known; `field.from` and `field.place` say what goes with it. */
  labels: Readonly<Record<string, string>>
  /** What is cloned, in words, as the operation's summary said when the job was made. */
  source: string
  target: string
  lock: string
  /** Id of the job whose result this one deletes, with the removal of that job's operation; null for all other jobs. */
  removes: string | null
  /**
   * For a removal: id of the step from which the job whose result it deletes runs again afterwards, its first; null where that
   * stays deleted.
   */
  retryFrom: string | null
  /** What an approver has to know; null if the rule asked for no approval. */
  approval: ApprovalRequest | null
  state: State
  /** Id of the operation's current step; empty for a scheduled run that couldn't start. */
  step: string
  /** Since when that step is current, or since a person last had it started over. */
  stepSince: number
  /** What the steps so far made, in the provider's terms. */
  ref: Ref | null
  /** Which try of the current step this is, from 1; 0 before the first. */
  attempt: number
  /** Why the current step has to wait; null when it doesn't. */
  waitReason: WaitReason | null
  /** Who caused the last failed try of the current step; null if none failed. */
  failureKind: FailureKind | null
  /** Since when the provider keeps the current step waiting; null while it doesn't. */
  postponedSince: number | null
  /** What stood at the target before the first try of the current step, in the provider's terms; null where no step asks. */
  baseline: string | null
  /** Why the answer of the current write is missing: a 5xx status, or 0 for a broken connection; null if nothing is known. */
  lostStatus: number | null
  /** Since when the outcome of a write is unknown; for an uncertain job, since when a person has been asked. */
  waitingSince: number | null
  /** Since when it can't continue, because its connection, operation or step is gone. */
  strandedSince: number | null
  /** Whether nothing has changed for so long that a person may end it. */
  canDismiss: boolean
  /** When the job needs attention next; null when it has ended. */
  dueAt: number | null
  /** When the current step times out. */
  deadlineAt: number | null
  /** Since when every poll failed, and whether the thread was notified of it. */
  unreachableSince: number | null
  isUnreachableReported: boolean
  /** The provider's latest status, then the reason of the end. For people: no decision rests on it. */
  detail: string | null
  url: string | null
  /** The provider's own page of it, where `url` leads elsewhere. */
  consoleUrl: string | null
  /** Slack user id of the person who asked. */
  requester: string
  /** Whether the requester wants to be mentioned when it is done. */
  mentionOnSuccess: boolean
  /** Whether the requester wants to be mentioned when it failed. */
  mentionOnFailure: boolean
  /** Whether its thread gets no more replies. The root goes on showing the truth. */
  isMuted: boolean
  /** Slack user id of the person who asked to stop before the next write; null if nobody did. */
  cancelRequestedBy: string | null
  /** Whether it had personal answers, which were deleted when it ended: it can't be tried again as it was. */
  isPersonalGone: boolean
  /** The channel in which it was requested, as the server knows it; null if unknown. */
  askedIn: string | null
  /** Where the thread was asked to be. */
  channel: string
  createdAt: number
  /** Since when it runs: since it was asked for, approved or tried again. */
  runSince: number
  /** When the provider accepted the current step. */
  startedAt: number | null
  endedAt: number | null
  /** The job that deletes what this one made, or did. */
  removalJob: string | null
  /** When what it made was deleted. */
  removedAt: number | null
  /** How long what it makes is kept, in milliseconds; null for no expiry. */
  keepForMs: number | null
  /** When what it made expires; null if it never does, or has not been made. */
  expiresAt: number | null
  /** When its expiry needs attention next: a warning, or the end. */
  expiryDueAt: number | null
  /** Grows by one with every change; the compare-and-set of every write. */
  version: number
}

/** Who must agree, and what they read. */
export interface ApprovalRequest {
  /** Ids of people and user groups, or `members`. */
  by: readonly string[]
  /** Present where they also need the rule verb `approve` for it. */
  needsRule?: true
  /** How many different people must agree. */
  count: number
  /** When the request ends without an answer. */
  expiresAt: number
  /** What is copied and what isn't, as shown on the last page of the form. */
  copied: string
  notCopied: string
  warning: string | null
}

export const EVENT_KINDS = [
  'approval_requested',
  'approval_given',
  'approved',
  'denied',
  'expired',
  'queued',
  'step_started',
  'step_accepted',
  'postponed',
  'answer_lost',
  'found',
  'absent',
  'unsettled',
  'uncertain',
  'reminder',
  'stranded',
  'progress',
  'unreachable',
  'reachable',
  'step_done',
  'succeeded',
  'failed',
  'timed_out',
  'checked_again',
  'started_over',
  'tried_again',
  'cancel_requested',
  'cancelled',
  'muted',
  'unmuted',
  'removal_started',
  'removal_ended',
  'removed',
  'expiry_near',
  'expiry_reached',
  'extended',
] as const
export type EventKind = (typeof EVENT_KINDS)[number]

/** A fact about a job. `seq` is the job's version after the change. */
export interface JobEvent {
  jobId: string
  seq: number
  kind: EventKind
  at: number
  step: string
  detail: string | null
  /** Slack user id, where a person did it. */
  actor: string | null
}

/** A provider's own handle for what a step made. Flat JSON, opaque to all but its provider. */
export type Ref = Readonly<Record<string, string | number | undefined>>

/** What one poll found out about one ref. */
export interface Observation<R = Ref> {
  /** `done` ends the step, `failed` ends the job; an unknown status is `working`, and the deadline bounds it. */
  phase: 'working' | 'done' | 'failed'
  /** The state or the reason in the provider's words, or a remark such as "copied, not running". */
  detail?: string
  /** Links for people, never credentials: to it or to the provider's page of it; `consoleUrl` is that page beside it. */
  url?: string
  consoleUrl?: string
  /** Replaces the stored ref when the poll learned more than the write did. */
  ref?: R
}

/** What was observed of a step, and which one follows when it is done. */
export interface StepResult {
  observation: Observation
  /** Id of the next step; null after the last. */
  nextStep: string | null
}

/** Everything that can happen to a job. Durations are milliseconds. With `ended`, the write finished its step: nothing to poll. */
export type JobInput =
  | { kind: 'begin'; baseline?: string }
  | { kind: 'wrote' | 'found'; ref: Ref; deadlineMs: number; ended?: StepResult }
  | { kind: 'refused'; reason: string; failureKind: FailureKind }
  /** The write surely did not take effect and may be sent again. */
  | { kind: 'postponed'; reason: string; retryAfterMs: number | undefined }
  /** The write may have taken effect; nothing is known yet. */
  | { kind: 'lost'; reason: string; failureKind: FailureKind; status?: number | undefined }
  /** Every search for a lost write found nothing for `absentForMs`; believed once that is `absentAfterMs`. */
  | { kind: 'absent'; absentForMs: number; absentAfterMs: number; maxTries: number }
  | { kind: 'unknowable'; reason: string }
  /** A poll or a search failed: the provider is down, or refuses us. */
  | { kind: 'poll_failed'; reason: string; retryAfterMs: number | undefined; giveUpMs: number }
  | ({ kind: 'observed' } & StepResult)
  /** Its connection, operation or step is gone. */
  | { kind: 'stranded'; reason: string }
  /** Nobody has answered the question yet. */
  | { kind: 'unanswered' }
  /** Someone approved; `isLast` if no more approvals are needed. */
  | { kind: 'approve'; actor: string; isLast: boolean }
  /** Someone denied it; without an actor a rule has changed, and `reason` says so. */
  | { kind: 'deny'; actor?: string; reason?: string }
  /** Nobody answered the request in time. */
  | { kind: 'approval_expired' }
  | { kind: Act; actor: string }

/** What a person can do to a job. `dismiss` is "Stop watching" while the provider works on it. */
export const ACTS = ['check_again', 'start_over', 'dismiss', 'cancel', 'try_again', 'mute', 'unmute'] as const
export type Act = (typeof ACTS)[number]

/** What changes, and the one event it writes, if it is worth a row. */
export interface Transition {
  set: Partial<Omit<Job, 'id' | 'params' | 'personal' | 'labels'>>
  event: NewEvent | null
}

/** An event that is about to be written. `channel` and `requestId` are for the audit alone. */
export interface NewEvent {
  kind: EventKind
  detail?: string | undefined
  /** Absent where the request itself says who asked; null where the clock did it. */
  actor?: string | null
  /** Where the actor did it. */
  channel?: string | null
  /** The provider's own id of the request that it is about. */
  requestId?: string | undefined
}

/** When something happened, and how to plan the next poll. */
export interface TransitionContext {
  now: number
  /** 0 to 1; spreads polls out in time. */
  jitter: number
  /** Minimum time between two polls, in milliseconds. */
  pollEveryMs?: number | undefined
}
