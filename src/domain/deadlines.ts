/** Pure: when a step times out, how long a job may stay in a state, and when a person may end it or is asked. */
import type { Job, JobInput, Transition, TransitionContext } from './job.js'
import { end, sinceThen, uncertain } from './polling.js'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** How long nothing may move before a person may dismiss the job. */
const DISMISS_AFTER_MS = 5 * MINUTE
/** How long we search in all before a person is asked what became of a write. */
const MAX_LOST_MS = 6 * HOUR
/** How much of the time in which Dolly was stopped, or by which its clock was set, counts as a search. */
const MAX_COUNTED_LATE_MS = 10 * MINUTE
/** The same for the time of a whole step. Delays add up on a busy machine, and must not prolong a step forever. */
const MAX_STEP_LATE_MS = 2 * HOUR
/** Whatever the provider answers and the clocks do, a step ends then. Longer than any step takes. */
const MAX_STEP_MS = 7 * DAY
const MAX_STRANDED_MS = 7 * DAY
const STRANDED_PAUSE_MS = MINUTE
/** A person is reminded of a question after a day, then every four days; after two weeks the job ends. */
export const REMINDER_EVERY_MS = 4 * DAY
const MAX_UNANSWERED_MS = 14 * DAY

/** Inputs that decide nothing about a step. */
const UNDECIDED: readonly JobInput['kind'][] = ['postponed', 'lost', 'absent', 'poll_failed', 'observed']

/** The transition for an input, turned into an end or a notice if the job has waited too long. */
export function bounded(job: Job, input: JobInput, transition: Transition, context: TransitionContext): Transition {
  const stepSince = later(job.stepSince, job, MAX_STEP_LATE_MS, context.now)
  const waited = afterWaiting({ ...job, stepSince }, input, transition, context)
  const { set } = waited
  const hasMoved = (set.state !== undefined && set.state !== job.state) || set.step !== undefined
  return {
    ...waited,
    set: {
      ...(stepSince !== job.stepSince && { stepSince }),
      ...(hasMoved && { canDismiss: false, waitingSince: null }),
      // It can continue again.
      ...(job.strandedSince !== null && input.kind !== 'stranded' && { strandedSince: null }),
      ...set,
      ...(!hasMoved && notAhead({ ...job, ...set }, context.now)),
    },
  }
}

/** When something began, later by as much as a due poll was late beyond what counts, and never in the future. */
function later(then: number, { dueAt }: Job, countedMs: number, now: number): number {
  return Math.min(then + Math.max(now - (dueAt ?? now) - countedMs, 0), now)
}

/** A start in the future comes from a clock that was set back since: the step's own time begins now. */
function notAhead({ startedAt, deadlineAt }: Job, now: number): Partial<Job> {
  const aheadMs = startedAt === null ? 0 : startedAt - now
  return aheadMs > 0 ? { startedAt: now, deadlineAt: deadlineAt === null ? null : deadlineAt - aheadMs } : {}
}

function afterWaiting(job: Job, input: JobInput, transition: Transition, context: TransitionContext): Transition {
  const { set } = transition
  const state = set.state ?? job.state
  const { now } = context
  if (!UNDECIDED.includes(input.kind) || set.endedAt || set.step !== undefined) return transition
  if (state === 'uncertain') return transition
  const reason = 'reason' in input ? input.reason : (set.detail ?? job.detail)
  // Only after a poll that found it still at work: while the provider can't be reached, its time doesn't run.
  if (input.kind === 'observed' && set.deadlineAt && now > set.deadlineAt) {
    const ended = end(now, 'timed_out', reason)
    return { ...ended, set: { ...set, ...ended.set } }
  }
  if (now - job.stepSince > MAX_STEP_MS) {
    const all = "It didn't finish within a week."
    if (job.state === 'starting' && input.kind !== 'postponed') return uncertain(reason ?? all, context)
    return end(now, state === 'working' ? 'timed_out' : 'failed', reason ?? all)
  }
  if (state === 'starting') return afterFailedSearch(job, input, transition, context)
  return transition
}

/** Searches that alternate between finding nothing and failing would go on forever, as each resets the other's count. */
function afterFailedSearch(job: Job, input: JobInput, transition: Transition, context: TransitionContext): Transition {
  const { now } = context
  const waitingSince = job.waitingSince === null ? now : later(job.waitingSince, job, MAX_COUNTED_LATE_MS, now)
  const waitedMs = now - waitingSince
  if (waitedMs > Math.max(MAX_LOST_MS, ownTimeOf(input)))
    return uncertain(job.detail ?? 'After hours of checking it is still unclear whether the request arrived.', context)
  const set = { ...transition.set, waitingSince }
  if (job.canDismiss || waitedMs < DISMISS_AFTER_MS) return { ...transition, set }
  const hasReply = transition.event !== null && transition.event.kind !== 'progress'
  return { set: { ...set, canDismiss: true }, event: hasReply ? transition.event : { kind: 'unsettled' } }
}

/** How long the step's own search may take, in milliseconds. */
function ownTimeOf(input: JobInput): number {
  if (input.kind === 'poll_failed') return input.giveUpMs
  return input.kind === 'absent' ? input.absentAfterMs : 0
}

/** A job that can't continue here: its thread gets one reply, and it ends if nothing changes. */
export function stranded(job: Job, reason: string, { now }: TransitionContext): Transition {
  const strandedSince = Math.min(job.strandedSince ?? now, now)
  if (now - strandedSince > MAX_STRANDED_MS) return end(now, 'failed', reason)
  return {
    set: { strandedSince, canDismiss: true, detail: reason, dueAt: now + STRANDED_PAUSE_MS },
    event: job.strandedSince === null ? { kind: 'stranded', detail: reason } : null,
  }
}

/** A question that nobody has answered yet. */
export function unanswered(job: Job, { now }: TransitionContext): Transition {
  const waitingSince = sinceThen(job.waitingSince, job, now)
  const endsAt = waitingSince + MAX_UNANSWERED_MS
  if (now > endsAt) return end(now, 'timed_out', 'Nobody answered for two weeks.')
  const remindsAt = waitingSince + DAY
  if (now < remindsAt) return { set: { waitingSince, dueAt: remindsAt }, event: null }
  const dueAt = Math.min(now + REMINDER_EVERY_MS, endsAt + 1)
  return { set: { waitingSince, dueAt }, event: { kind: 'reminder' } }
}
