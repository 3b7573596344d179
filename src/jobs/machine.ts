/** The life of a job as a pure function: what is, what happened, what time it is → what is now and what to tell. */
import type { Happening, Job, Moment, State, Transition } from './job.js'
import { afterBlindLook, afterLook, end, lookDelay, seen, sinceThen, uncertain } from './looks.js'
import { bounded, stranded, unanswered } from './patience.js'

const second = 1000
const minute = 60 * second

/** A refusal may be the echo of an earlier try that arrived late. From this try on it is believed at once. */
export const lastEcho = 3
/** With the pauses between them about six hours: a provider may be down for writes alone, and then these never arrive. */
export const maxAttempts = 40
const longestRetryDelay = 10 * minute
/** A write that nobody lets us make for so long is given up, lest its job wait for ever. */
const postponeAtMost = 24 * 60 * minute

/** Throws on a happening that this state does not know: that is a bug of the caller, never of the provider. */
export function next(job: Job, happening: Happening, moment: Moment): Transition {
  return bounded(job, happening, after(job, happening, moment), moment)
}

function after(job: Job, happening: Happening, moment: Moment): Transition {
  const { now, steadyMs = Number.POSITIVE_INFINITY } = moment
  switch (happening.kind) {
    case 'begin':
      expect(job, happening, 'queued')
      return {
        set: {
          state: 'starting',
          attempt: job.attempt + 1,
          absentSince: null,
          postponedSince: job.postponedSince === null ? null : sinceThen(job.postponedSince, job, now),
          nextLookAt: now,
          ...(happening.mark !== undefined && { mark: happening.mark }),
        },
        // A write that was told to wait is begun again silently: the thread knows that it will be.
        event: job.detail === null ? { kind: 'step_started' } : null,
      }

    case 'wrote':
    case 'found':
      expect(job, happening, 'starting')
      return {
        set: {
          state: 'working',
          ref: happening.ref,
          startedAt: now,
          deadlineAt: now + happening.deadlineMs,
          nextLookAt: now + lookDelay(0, moment),
          detail: null,
          postponedSince: null,
          ...seen,
        },
        event: { kind: happening.kind === 'wrote' ? 'step_accepted' : 'found' },
      }

    case 'refused':
      expect(job, happening, 'queued', 'starting')
      return end(now, 'failed', happening.reason)

    case 'postponed': {
      expect(job, happening, 'queued', 'starting')
      const attempt = job.state === 'starting' ? job.attempt - 1 : job.attempt
      const postponedSince = sinceThen(job.postponedSince, job, now)
      const postponedMs = now - postponedSince
      if (postponedMs > postponeAtMost) return end(now, 'failed', happening.reason)
      return {
        // The attempt did not count: nothing was tried as far as the provider is concerned.
        set: {
          state: 'queued',
          attempt,
          // Meanwhile others may leave there what would look like ours.
          mark: attempt === 0 ? null : job.mark,
          postponedSince,
          nextLookAt: now + Math.max(happening.retryAfterMs ?? 0, lookDelay(postponedMs, moment)),
          detail: happening.reason,
        },
        event: whyItWaits(job, happening.reason),
      }
    }

    case 'lost':
      expect(job, happening, 'starting')
      return {
        set: { nextLookAt: now + lookDelay(0, moment), detail: happening.reason, postponedSince: null },
        // That it is lost again changes only what the root shows.
        event: { kind: job.attempt > 1 ? 'progress' : 'answer_lost', detail: happening.reason },
      }

    case 'absent': {
      expect(job, happening, 'starting')
      // A clock that was set back must not make it wait for as long again.
      const absentSince = Math.min(job.absentSince ?? now, now)
      const absentMs = Math.min(now - absentSince, steadyMs)
      if (absentMs < happening.settleMs) {
        const nextLookAt = now + Math.min(happening.settleMs - absentMs, 3 * second)
        return { set: { nextLookAt, absentSince, ...seen }, event: null }
      }
      if (job.attempt >= happening.mostTries) {
        return end(now, 'failed', `The provider never received the request, in ${job.attempt} tries.`)
      }
      return afterAbsence(job, moment)
    }

    case 'unknowable':
      expect(job, happening, 'starting')
      return uncertain(happening.reason, moment)

    case 'unseen':
      expect(job, happening, 'starting', 'working')
      return afterBlindLook(job, happening, moment)

    case 'observed':
      expect(job, happening, 'working')
      return afterLook(job, happening.look, happening.nextStep, moment)

    case 'stranded':
      expect(job, happening, 'queued', 'starting', 'working')
      return stranded(job, happening.reason, moment)

    case 'unanswered':
      expect(job, happening, 'uncertain')
      return unanswered(job, moment)

    case 'check_again':
      expectAnswer(job, happening)
      // Since when nothing was seen stays as it is: if this look fails too, the question is there again at once.
      return {
        set: { state: 'starting', stepSince: now, nextLookAt: now, absentSince: null },
        event: { kind: 'checked_again', actor: happening.actor },
      }

    case 'start_over':
      expectAnswer(job, happening)
      return {
        // Not the first try any more: a refusal may be the echo of the write that nobody knows about.
        set: {
          state: 'queued',
          stepSince: now,
          attempt: 1,
          nextLookAt: now,
          detail: null,
          postponedSince: null,
          ...seen,
        },
        event: { kind: 'started_over', actor: happening.actor },
      }

    case 'dismiss':
      expectAnswer(job, happening)
      return {
        set: { state: 'cancelled', nextLookAt: null, endedAt: now },
        event: { kind: 'cancelled', actor: happening.actor },
      }
  }
}

/** Whether a person may answer like this now: only what the root message offers. */
export function accepts(job: Job, answer: 'check_again' | 'start_over' | 'dismiss'): boolean {
  if (job.state === 'uncertain') return true
  if (answer !== 'dismiss') return false
  // A write that has to wait, and a job that has not moved for long.
  return job.endedAt === null && (job.canDismiss || (job.state === 'queued' && job.detail !== null))
}

/** The second try follows at once, each later one after a longer pause, of which the root alone tells. */
function afterAbsence({ attempt, detail }: Job, { now, jitter }: Moment): Transition {
  if (attempt === 1)
    return { set: { state: 'queued', nextLookAt: now, detail: null, ...seen }, event: { kind: 'absent' } }
  const delay = Math.min(3 * second * 2 ** attempt, longestRetryDelay) * (0.9 + 0.2 * jitter)
  return {
    set: { state: 'queued', nextLookAt: now + Math.round(delay), ...seen },
    event: { kind: 'progress', detail: detail ?? undefined },
  }
}

/** The thread is told once that a write waits; another reason only changes what the root shows. */
function whyItWaits(job: Job, reason: string): Transition['event'] {
  if (job.detail === reason) return null
  return { kind: job.detail === null ? 'postponed' : 'progress', detail: reason }
}

function expectAnswer(job: Job, happening: Extract<Happening, { actor: string }>): void {
  if (!accepts(job, happening.kind))
    throw new Error(`Job ${job.id} is ${job.state}, which knows no "${happening.kind}".`)
}

function expect(job: Job, happening: Happening, ...states: State[]): void {
  if (!states.includes(job.state)) throw new Error(`Job ${job.id} is ${job.state}, which knows no "${happening.kind}".`)
}
