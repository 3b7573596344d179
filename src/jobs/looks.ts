/** What looks mean for a job, as pure functions: found, failed, or made too late, and when to look again. */
import type { Happening, Job, Look, Moment, Transition } from './job.js'

const second = 1000
const minute = 60 * second
const day = 24 * 60 * minute

/** That nothing can be seen is shown by the root after this long, and worth a note in the thread after that, not before. */
const blindAfterMs = 30 * second
const unreachableAfterMs = 5 * minute
/** An outage is over by then; what still cannot be seen is not waited for beyond its own time. */
const outageAtMost = 6 * 60 * minute

/** Milliseconds until the next look at a step of this age: soon at first, then a tenth of the age up to 30 s, ± 10 %. */
export function lookDelay(ageMs: number, { jitter, lookEveryMs = 3 * second }: Moment): number {
  const delay = Math.max(Math.min(ageMs / 10, 30 * second), lookEveryMs)
  return Math.round(delay * (0.9 + 0.2 * jitter))
}

/** What a look that succeeded leaves of those that did not. */
export const seen = { unseenSince: null, unseenTold: false } as const

/** What a look found: the end of the step, or the time of the next look. */
export function afterLook(job: Job, look: Look, nextStep: string | null, moment: Moment): Transition {
  const { now } = moment
  // Nobody could look meanwhile, so that time is not held against the step.
  const blindMs = Math.max(job.unseenSince === null ? 0 : now - job.unseenSince, lateBy(job, now))
  const deadlineAt = job.deadlineAt === null ? null : job.deadlineAt + blindMs
  const set: Partial<Job> = {
    ...seen,
    deadlineAt,
    detail: look.detail ?? null,
    url: look.url ?? job.url,
    consoleUrl: look.consoleUrl ?? job.consoleUrl,
    ref: look.ref ?? job.ref,
  }
  if (look.phase === 'failed') {
    const ended = end(now, 'failed', look.detail ?? 'The provider gave no reason.')
    return { ...ended, set: { ...set, ...ended.set } }
  }
  if (look.phase === 'done' && nextStep === null) {
    return {
      set: { ...set, state: 'succeeded', nextLookAt: null, endedAt: now },
      event: { kind: 'succeeded', detail: look.detail },
    }
  }
  if (look.phase === 'done' && nextStep !== null) {
    return {
      set: {
        ...set,
        state: 'queued',
        step: nextStep,
        stepSince: now,
        attempt: 0,
        postponedSince: null,
        mark: null,
        deadlineAt: null,
        nextLookAt: now,
        // The event tells it. What stays with the job would read as the reason why the next step waits.
        detail: null,
      },
      event: { kind: 'step_done', detail: look.detail },
    }
  }
  if (deadlineAt !== null && now > deadlineAt) {
    const ended = end(now, 'timed_out', look.detail ?? job.detail)
    return { ...ended, set: { ...set, ...ended.set } }
  }
  set.nextLookAt = now + lookDelay(now - (job.startedAt ?? now), moment)
  if (job.unseenTold) return { set, event: { kind: 'reachable', detail: look.detail } }
  const changed = isOutOfSight(job, now) || (look.detail ?? null) !== job.detail
  return { set, event: changed ? { kind: 'progress', detail: look.detail } : null }
}

/**
 * For how long a due look was not made, in milliseconds, because Dolly was stopped, the machine slept or its clock was
 * set ahead. What a busy moment takes is none of these.
 */
function lateBy({ nextLookAt }: Job, now: number): number {
  const lateMs = now - (nextLookAt ?? now)
  return lateMs > minute ? lateMs : 0
}

/**
 * Since when something lasts that was first seen `then`, or only now: as far as it was seen, and never in the future, where
 * a clock that was set back would leave it.
 */
export function sinceThen(then: number | null, job: Job, now: number): number {
  return then === null ? now : Math.min(then + lateBy(job, now), now)
}

/** Whether nothing could be seen of a running step for so long that people should know. */
export function isOutOfSight({ state, unseenSince }: Job, now: number): boolean {
  return state === 'working' && unseenSince !== null && now - unseenSince >= blindAfterMs
}

/** Looks that fail cost a job nothing but time: its provider may be down for hours. */
export function afterBlindLook(
  job: Job,
  happening: Extract<Happening, { kind: 'unseen' }>,
  moment: Moment,
): Transition {
  const { now } = moment
  const unseenSince = sinceThen(job.unseenSince, job, now)
  const unseenMs = now - unseenSince
  const patience = Math.max(happening.giveUpMs, outageAtMost)
  if (unseenMs > patience) {
    return job.state === 'starting' ? uncertain(happening.reason, moment) : end(now, 'timed_out', happening.reason)
  }
  const tellNow = !job.unseenTold && unseenMs >= unreachableAfterMs
  const isBlind = unseenMs >= blindAfterMs
  const showNow = job.state === 'working' && isBlind && job.detail !== happening.reason
  return {
    set: {
      ...(showNow && { detail: happening.reason }),
      unseenSince,
      unseenTold: job.unseenTold || tellNow,
      // To see nothing is not to see that there is nothing. One look that failed between others takes nothing from those.
      ...(isBlind && { absentSince: null }),
      nextLookAt: now + Math.max(happening.retryAfterMs ?? 0, lookDelay(unseenMs, moment)),
    },
    event: tellNow || showNow ? { kind: tellNow ? 'unreachable' : 'progress', detail: happening.reason } : null,
  }
}

export function end(now: number, state: 'failed' | 'timed_out', detail: string | null): Transition {
  return {
    set: { state, detail, nextLookAt: null, endedAt: now },
    event: { kind: state, detail: detail ?? undefined },
  }
}

/** Asks a person, who is reminded a day later. */
export function uncertain(reason: string, { now }: Moment): Transition {
  return {
    set: { state: 'uncertain', nextLookAt: now + day, waitingSince: now, detail: reason },
    event: { kind: 'uncertain', detail: reason },
  }
}
