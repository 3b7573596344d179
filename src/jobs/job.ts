/** What a job is, what can happen to it and what is told of it: the words that all rooms share. */

export const liveStates = ['queued', 'starting', 'working', 'uncertain'] as const
export const finalStates = ['succeeded', 'failed', 'timed_out', 'cancelled'] as const

/**
 * `queued`: the step at hand is to be written. `starting`: its write was begun and nothing is known of it yet.
 * `working`: the provider is at it. `uncertain`: nobody but a person can tell whether the write took effect.
 */
export type State = (typeof liveStates)[number] | (typeof finalStates)[number]

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
  ref: Readonly<Record<string, string | undefined>> | null
  /** Which try of the present step this is, from 1; 0 before the first. */
  attempt: number
  /** Since when the provider keeps the present step waiting; null while it does not. */
  postponedSince: number | null
  /** What stood at the target before the first try of the present step, in the provider's terms; null where none asks. */
  mark: string | null
  /** Since when looks for a lost write have found nothing. */
  absentSince: number | null
  /** Since when the outcome of a write is unknown; for an uncertain job, since when a person has been asked. */
  waitingSince: number | null
  /** Since when it can't continue, because its connection, operation or step is gone. */
  strandedSince: number | null
  /** Whether nothing has changed for so long that a person may end it. */
  canDismiss: boolean
  /** When somebody should look at the job next; null when it is over. */
  nextLookAt: number | null
  /** When the present step is given up. */
  deadlineAt: number | null
  /** Since when no look succeeded, and whether the thread was told of it. */
  unseenSince: number | null
  unseenTold: boolean
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

/** What one look found, as a provider reports it. */
export interface Look {
  phase: 'working' | 'done' | 'failed'
  detail?: string
  url?: string
  consoleUrl?: string
  ref?: Readonly<Record<string, string | undefined>>
}

/** Everything that can happen to a job. */
export type Happening =
  | { kind: 'begin'; mark?: string }
  | { kind: 'wrote'; ref: Readonly<Record<string, string | undefined>>; deadlineMs: number }
  | { kind: 'refused'; reason: string }
  /** The write surely did not take effect and may be sent again. */
  | { kind: 'postponed'; reason: string; retryAfterMs: number | undefined }
  /** The write may have taken effect; nobody has looked yet. */
  | { kind: 'lost'; reason: string }
  | { kind: 'found'; ref: Readonly<Record<string, string | undefined>>; deadlineMs: number }
  /** A look for a lost write found nothing; believed only once that was so for `settleMs`. */
  | { kind: 'absent'; settleMs: number; mostTries: number }
  | { kind: 'unknowable'; reason: string }
  /** A look failed: the provider is down, or refuses us. */
  | { kind: 'unseen'; reason: string; retryAfterMs: number | undefined; giveUpMs: number }
  | { kind: 'observed'; look: Look; nextStep: string | null }
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
export interface Moment {
  now: number
  /** 0 to 1; spreads looks out in time. */
  jitter: number
  /** The least time between two looks, in milliseconds. */
  lookEveryMs?: number | undefined
  /** For how long the clock has been seen to run evenly, in milliseconds: no wait is over sooner. Default: always. */
  steadyMs?: number | undefined
}
