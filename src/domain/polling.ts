/** Pure: what polls mean for a job when they succeed or fail, how long its provider may be away, and when to poll again. */
import type { Job, JobInput, StepResult, Transition, TransitionContext } from './job.js'

const SECOND = 1000
const MINUTE = 60 * SECOND
const DAY = 24 * 60 * MINUTE

/** How long polls may fail before the root shows it, and before the thread gets a reply about it. */
const UNREACHABLE_SHOWN_AFTER_MS = 30 * SECOND
const UNREACHABLE_AFTER_MS = 5 * MINUTE
/** Outages are over by then: polls may fail for this long even if the step's own time is shorter. */
const MAX_OUTAGE_MS = 6 * 60 * MINUTE

/** Milliseconds until the next poll of a step of this age: soon at first, then a tenth of the age up to 30 s, ± 10 %. */
export function pollDelayMs(ageMs: number, { jitter, pollEveryMs = 3 * SECOND }: TransitionContext): number {
  const delay = Math.max(Math.min(ageMs / 10, 30 * SECOND), pollEveryMs)
  return Math.round(delay * (0.9 + 0.2 * jitter))
}

/** Set by every poll that succeeded. */
export const seen = { unreachableSince: null, isUnreachableReported: false } as const

/** Set when the current step no longer has to wait and no try of it has failed. */
export const notWaiting = { waitReason: null, failureKind: null, postponedSince: null } as const

/** What a poll found: the end of the step, or the time of the next poll. */
export function afterObservation(
  job: Job,
  { observation, nextStep }: StepResult,
  context: TransitionContext,
): Transition {
  const { now } = context
  // Dolly could not poll meanwhile, so that time doesn't count against the step.
  const unpolledMs = Math.max(job.unreachableSince === null ? 0 : now - job.unreachableSince, lateBy(job, now))
  const deadlineAt = job.deadlineAt === null ? null : job.deadlineAt + unpolledMs
  const set: Transition['set'] = {
    ...seen,
    deadlineAt,
    detail: observation.detail ?? null,
    url: observation.url ?? job.url,
    consoleUrl: observation.consoleUrl ?? job.consoleUrl,
    ref: observation.ref ?? job.ref,
  }
  if (observation.phase === 'failed') {
    const ended = end(now, 'failed', observation.detail ?? 'The provider gave no reason.')
    return { ...ended, set: { ...set, ...ended.set } }
  }
  if (observation.phase === 'done' && nextStep === null) {
    return {
      set: { ...set, state: 'succeeded', dueAt: null, endedAt: now },
      event: { kind: 'succeeded', detail: observation.detail },
    }
  }
  if (observation.phase === 'done' && nextStep !== null) {
    return {
      set: {
        ...set,
        state: 'queued',
        step: nextStep,
        stepSince: now,
        attempt: 0,
        ...notWaiting,
        baseline: null,
        deadlineAt: null,
        dueAt: now,
        // The event has it. On the job it would read as the reason why the next step waits.
        detail: null,
      },
      event: { kind: 'step_done', detail: observation.detail },
    }
  }
  set.dueAt = now + pollDelayMs(now - (job.startedAt ?? now), context)
  if (job.isUnreachableReported) return { set, event: { kind: 'reachable', detail: observation.detail } }
  const changed = isUnreachable(job, now) || (observation.detail ?? null) !== job.detail
  return { set, event: changed ? { kind: 'progress', detail: observation.detail } : null }
}

/**
 * How late a due poll is, in milliseconds, because Dolly was stopped, the machine slept or its clock was set ahead. Delays
 * of up to a minute are those of a busy process and don't count.
 */
function lateBy({ dueAt }: Job, now: number): number {
  const lateMs = now - (dueAt ?? now)
  return lateMs > MINUTE ? lateMs : 0
}

/**
 * Since when something lasts that was first seen `then`, or only now. Time in which Dolly didn't run doesn't count, and the
 * result is never in the future, where a clock that was set back would leave it.
 */
export function sinceThen(then: number | null, job: Job, now: number): number {
  return then === null ? now : Math.min(then + lateBy(job, now), now)
}

/** Whether polls of a running step have failed for so long that people should know. */
export function isUnreachable({ state, unreachableSince }: Job, now: number): boolean {
  return state === 'working' && unreachableSince !== null && now - unreachableSince >= UNREACHABLE_SHOWN_AFTER_MS
}

/** Failed polls cost a job nothing but time: its provider may be down for hours. */
export function afterFailedPoll(
  job: Job,
  input: Extract<JobInput, { kind: 'poll_failed' }>,
  context: TransitionContext,
): Transition {
  const { now } = context
  const unreachableSince = sinceThen(job.unreachableSince, job, now)
  const unreachableMs = now - unreachableSince
  const patience = Math.max(input.giveUpMs, MAX_OUTAGE_MS)
  if (unreachableMs > patience) {
    return job.state === 'starting' ? uncertain(input.reason, context) : end(now, 'timed_out', input.reason)
  }
  const replyNow = !job.isUnreachableReported && unreachableMs >= UNREACHABLE_AFTER_MS
  const isShownUnreachable = unreachableMs >= UNREACHABLE_SHOWN_AFTER_MS
  const showNow = job.state === 'working' && isShownUnreachable && job.detail !== input.reason
  return {
    set: {
      ...(showNow && { detail: input.reason }),
      unreachableSince,
      isUnreachableReported: job.isUnreachableReported || replyNow,
      dueAt: now + Math.max(input.retryAfterMs ?? 0, pollDelayMs(unreachableMs, context)),
    },
    event: replyNow || showNow ? { kind: replyNow ? 'unreachable' : 'progress', detail: input.reason } : null,
  }
}

export function end(now: number, state: 'failed' | 'timed_out', detail: string | null): Transition {
  return {
    set: { state, detail, dueAt: null, endedAt: now },
    event: { kind: state, detail: detail ?? undefined },
  }
}

/** Asks a person, who is reminded a day later. */
export function uncertain(reason: string, { now }: TransitionContext): Transition {
  return {
    set: { state: 'uncertain', dueAt: now + DAY, waitingSince: now, detail: reason },
    event: { kind: 'uncertain', detail: reason },
  }
}
