/** What a job is, what can happen to it and what is told of it: the words that all rooms share. */

export const LIVE_STATES = ['queued', 'starting', 'working', 'uncertain'] as const
export const FINAL_STATES = ['succeeded', 'failed', 'timed_out', 'cancelled'] as const

/**
 * `queued`: the step at hand is to be written. `starting`: its write was begun and nothing is known of it yet.
 * `working`: the provider is at it. `uncertain`: nobody but a person can tell whether the write took effect.
 */
export type State = (typeof LIVE_STATES)[number] | (typeof FINAL_STATES)[number]

/** One run of one operation, asked for by one person. Times are milliseconds since 1970. */
export interface Job {
  /** Short enough to be read out: `k7f3q`. */
  id: string
  connection: string
  operation: string
  /** The form's answers as the operation's schema gave them back. */
  params: Readonly<Record<string, unknown>>
  /** Keys of the answers that are secret or a person's own. They are forgotten when the job has ended. */
  personal: readonly string[]
  /** What is cloned, in words, as the operation's summary said when the job was made. */
  source: string
  target: string
  lock: string
  state: State
  /** Id of the operation's current step. */
  step: string
  /** Since when that step is current, or since a person last had it started over. */
  stepSince: number
  /** What the steps so far made, in the provider's terms. */
  ref: Ref | null
  /** Which try of the present step this is, from 1; 0 before the first. */
  attempt: number
  /** Since when the provider keeps the present step waiting; null while it does not. */
  postponedSince: number | null
  /** What stood at the target before the first try of the present step, in the provider's terms; null where none asks. */
  baseline: string | null
  /** Since when looks for a lost write have found nothing. */
  absentSince: number | null
  /** Why the answer of the present write is missing: a 5xx status, or 0 for a broken connection; null while nothing is known. */
  lostStatus: number | null
  /** Since when the outcome of a write is unknown; for an uncertain job, since when a person has been asked. */
  waitingSince: number | null
  /** Since when it can't continue, because its connection, operation or step is gone. */
  strandedSince: number | null
  /** Whether nothing has changed for so long that a person may end it. */
  canDismiss: boolean
  /** When somebody should look at the job next; null when it is over. */
  dueAt: number | null
  /** When the present step is given up. */
  deadlineAt: number | null
  /** Since when no look succeeded, and whether the thread was told of it. */
  unreachableSince: number | null
  isUnreachableReported: boolean
  /** The provider's present word, then the reason of the end. */
  detail: string | null
  url: string | null
  /** The provider's own page of it, where `url` leads elsewhere. */
  consoleUrl: string | null
  /** Slack user id of the person who asked. */
  requester: string
  /** Whether the requester wants to be mentioned when it is done, and not only when it failed. */
  mentionOnSuccess: boolean
  /** The channel in which it was asked for, as the server knows it; null where it does not. */
  askedIn: string | null
  /** Where the thread was asked to be. */
  channel: string
  /** Where it is, or has to go because Slack would not take it there; null as long as nothing was posted. */
  rootChannel: string | null
  rootTs: string | null
  createdAt: number
  /** When the present step was accepted by the provider. */
  startedAt: number | null
  endedAt: number | null
  /** Grows by one with every change; the compare-and-set of every write. */
  version: number
}

export type EventKind =
  | 'queued'
  | 'step_started'
  | 'step_accepted'
  | 'postponed'
  | 'answer_lost'
  | 'found'
  | 'absent'
  | 'unsettled'
  | 'uncertain'
  | 'reminder'
  | 'stranded'
  | 'progress'
  | 'unreachable'
  | 'reachable'
  | 'step_done'
  | 'succeeded'
  | 'failed'
  | 'timed_out'
  | 'checked_again'
  | 'started_over'
  | 'cancelled'

/** A fact about a job, told once. `seq` is the job's version after the change. */
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
export type Ref = Readonly<Record<string, string | undefined>>

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

/** How a step ends whose write had ended when it was answered or found, so that there is nothing to poll. */
export interface EndedWrite {
  observation: Observation
  /** Id of the step that follows; null after the last. */
  nextStep: string | null
}

/** Everything that can happen to a job. */
export type JobInput =
  | { kind: 'begin'; baseline?: string }
  | { kind: 'wrote'; ref: Ref; deadlineMs: number; ended?: EndedWrite | undefined }
  | { kind: 'refused'; reason: string }
  /** The write surely did not take effect and may be sent again. */
  | { kind: 'postponed'; reason: string; retryAfterMs: number | undefined }
  /** The write may have taken effect; nobody has looked yet. */
  | { kind: 'lost'; reason: string; status?: number | undefined }
  | { kind: 'found'; ref: Ref; deadlineMs: number; ended?: EndedWrite | undefined }
  /** A look for a lost write found nothing; believed only once that was so for `absentAfterMs`. */
  | { kind: 'absent'; absentAfterMs: number; maxTries: number }
  | { kind: 'unknowable'; reason: string }
  /** A look failed: the provider is down, or refuses us. */
  | { kind: 'poll_failed'; reason: string; retryAfterMs: number | undefined; giveUpMs: number }
  | { kind: 'observed'; observation: Observation; nextStep: string | null }
  /** Its connection, operation or step is gone. */
  | { kind: 'stranded'; reason: string }
  /** Nobody has answered the question yet. */
  | { kind: 'unanswered' }
  | { kind: 'check_again' | 'start_over' | 'dismiss'; actor: string }

/** What changes, and the one fact to tell, if it is worth a row. */
export interface Transition {
  set: Partial<Job>
  event: { kind: EventKind; detail?: string | undefined; actor?: string } | null
}

/** When something happened. */
export interface TransitionContext {
  now: number
  /** 0 to 1; spreads looks out in time. */
  jitter: number
  /** The least time between two looks, in milliseconds. */
  pollEveryMs?: number | undefined
  /** For how long the clock has been seen to run evenly, in milliseconds: no wait is over sooner. Default: always. */
  steadyMs?: number | undefined
}
