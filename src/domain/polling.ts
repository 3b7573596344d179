/** What looks mean for a job, as pure functions: found, failed, or made too late, and when to look again. */
import type { Job, JobInput, Observation, Transition, TransitionContext } from './job.js'

const SECOND = 1000
const MINUTE = 60 * SECOND
const DAY = 24 * 60 * MINUTE

/** That nothing can be seen is shown by the root after this long, and worth a note in the thread after that, not before. */
const UNREACHABLE_SHOWN_AFTER_MS = 30 * SECOND
const UNREACHABLE_AFTER_MS = 5 * MINUTE
/** An outage is over by then; what still cannot be seen is not waited for beyond its own time. */
const MAX_OUTAGE_MS = 6 * 60 * MINUTE

/** Milliseconds until the next look at a step of this age: soon at first, then a tenth of the age up to 30 s, ± 10 %. */
export function pollDelayMs(ageMs: number, { jitter, pollEveryMs = 3 * SECOND }: TransitionContext): number {
  const delay = Math.max(Math.min(ageMs / 10, 30 * SECOND), pollEveryMs)
  return Math.round(delay * (0.9 + 0.2 * jitter))
}

/** What a look that succeeded leaves of those that did not. */
export const seen = { unreachableSince: null, isUnreachableReported: false } as const

/** What a look found: the end of the step, or the time of the next observation. */
export function afterObservation(
  job: Job,
  observation: Observation,
  nextStep: string | null,
  context: TransitionContext,
): Transition {
  const { now } = context
  // Nobody could look meanwhile, so that time is not held against the step.
  const unpolledMs = Math.max(job.unreachableSince === null ? 0 : now - job.unreachableSince, lateBy(job, now))
  const deadlineAt = job.deadlineAt === null ? null : job.deadlineAt + unpolledMs
  const set: Partial<Job> = {
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
        postponedSince: null,
        baseline: null,
        deadlineAt: null,
        dueAt: now,
        // The event tells it. What stays with the job would read as the reason why the next step waits.
        detail: null,
      },
      event: { kind: 'step_done', detail: observation.detail },
    }
  }
  if (deadlineAt !== null && now > deadlineAt) {
    const ended = end(now, 'timed_out', observation.detail ?? job.detail)
    return { ...ended, set: { ...set, ...ended.set } }
  }
  set.dueAt = now + pollDelayMs(now - (job.startedAt ?? now), context)
  if (job.isUnreachableReported) return { set, event: { kind: 'reachable', detail: observation.detail } }
  const changed = isUnreachable(job, now) || (observation.detail ?? null) !== job.detail
  return { set, event: changed ? { kind: 'progress', detail: observation.detail } : null }
}

/**
 * For how long a due look was not made, in milliseconds, because Dolly was stopped, the machine slept or its clock was
 * set ahead. What a busy context takes is none of these.
 */
function lateBy({ dueAt }: Job, now: number): number {
  const lateMs = now - (dueAt ?? now)
  return lateMs > MINUTE ? lateMs : 0
}

/**
 * Since when something lasts that was first seen `then`, or only now: as far as it was seen, and never in the future, where
 * a clock that was set back would leave it.
 */
export function sinceThen(then: number | null, job: Job, now: number): number {
  return then === null ? now : Math.min(then + lateBy(job, now), now)
}

/** Whether nothing could be seen of a running step for so long that people should know. */
export function isUnreachable({ state, unreachableSince }: Job, now: number): boolean {
  return state === 'working' && unreachableSince !== null && now - unreachableSince >= UNREACHABLE_SHOWN_AFTER_MS
}

/** Looks that fail cost a job nothing but time: its provider may be down for hours. */
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
  const tellNow = !job.isUnreachableReported && unreachableMs >= UNREACHABLE_AFTER_MS
  const isShownUnreachable = unreachableMs >= UNREACHABLE_SHOWN_AFTER_MS
  const showNow = job.state === 'working' && isShownUnreachable && job.detail !== input.reason
  return {
    set: {
      ...(showNow && { detail: input.reason }),
      unreachableSince,
      isUnreachableReported: job.isUnreachableReported || tellNow,
      // To see nothing is not to see that there is nothing. One look that failed between others takes nothing from those.
      ...(isShownUnreachable && { absentSince: null }),
      dueAt: now + Math.max(input.retryAfterMs ?? 0, pollDelayMs(unreachableMs, context)),
    },
    event: tellNow || showNow ? { kind: tellNow ? 'unreachable' : 'progress', detail: input.reason } : null,
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
