/** The life of a job as a pure function: job, input, time → what changes and which event is written. */

import { accepts, afterAct, afterAnswer } from './acts.js'
import { bounded, stranded, unanswered } from './deadlines.js'
import { expiryAfterChange } from './expiry.js'
import type { FailureKind, Job, JobInput, State, Transition, TransitionContext } from './job.js'
import {
  afterFailedPoll,
  afterObservation,
  end,
  notWaiting,
  pollDelayMs,
  seen,
  sinceThen,
  uncertain,
} from './polling.js'

const SECOND = 1000
const MINUTE = 60 * SECOND

/** A refusal may be the echo of an earlier try that arrived late. From this try on it is believed at once. */
export const LAST_ECHO = 3
/** With the pauses between them about six hours: a provider may be down for writes alone, and then these never arrive. */
export const MAX_ATTEMPTS = 40
const MAX_RETRY_DELAY_MS = 10 * MINUTE
/** A write that the provider keeps postponing fails after this long, or its job would wait forever. */
const MAX_POSTPONED_MS = 24 * 60 * MINUTE

/** Throws on an input that this state does not know: that is a bug of the caller, never of the provider. */
export function next(job: Job, input: JobInput, context: TransitionContext): Transition {
  const transition = withoutNextWrite(job, bounded(job, input, after(job, input, context), context), context)
  return { ...transition, set: { ...transition.set, ...expiryAfterChange(job, transition.set, context.now) } }
}

/** Somebody asked to stop: what would be written next, or again, is not. */
function withoutNextWrite(job: Job, transition: Transition, { now }: TransitionContext): Transition {
  const { set, event } = transition
  const actor = set.cancelRequestedBy === undefined ? job.cancelRequestedBy : set.cancelRequestedBy
  if (actor === null || set.state !== 'queued') return transition
  const { detail = null } = set
  return {
    set: { ...set, state: 'cancelled', dueAt: null, endedAt: now, detail },
    event: { kind: 'cancelled', actor, detail: event?.kind === 'step_done' ? event.detail : undefined },
  }
}

function after(job: Job, input: JobInput, context: TransitionContext): Transition {
  const { now } = context
  switch (input.kind) {
    case 'begin':
      expect(job, input, 'queued')
      return {
        set: {
          state: 'starting',
          attempt: job.attempt + 1,
          lostStatus: null,
          postponedSince: job.postponedSince === null ? null : sinceThen(job.postponedSince, job, now),
          dueAt: now,
          ...(input.baseline !== undefined && { baseline: input.baseline }),
        },
        // The thread knows that a write which had to wait is sent again.
        event: job.waitReason === null ? { kind: 'step_started' } : null,
      }

    case 'wrote':
    case 'found': {
      expect(job, input, 'starting')
      const accepted: Transition = {
        set: {
          state: 'working',
          ref: input.ref,
          startedAt: now,
          deadlineAt: now + input.deadlineMs,
          dueAt: now + pollDelayMs(0, context),
          detail: null,
          ...notWaiting,
          ...seen,
        },
        event: { kind: input.kind === 'wrote' ? 'step_accepted' : 'found' },
      }
      if (!input.ended) return accepted
      const { set, event } = afterObservation({ ...job, ...accepted.set }, input.ended, context)
      // The thread may have said that the answer was lost, so it also says that the write had arrived.
      const isFound = input.kind === 'found' && event?.kind === 'step_done'
      return { set: { ...accepted.set, ...set }, event: isFound ? { ...event, kind: 'found' } : event }
    }

    case 'refused':
      expect(job, input, 'queued', 'starting')
      return withFailure(end(now, 'failed', input.reason), input.failureKind)

    case 'postponed': {
      expect(job, input, 'queued', 'starting')
      const attempt = job.state === 'starting' ? job.attempt - 1 : job.attempt
      const postponedSince = sinceThen(job.postponedSince, job, now)
      const postponedMs = now - postponedSince
      if (postponedMs > MAX_POSTPONED_MS) return end(now, 'failed', input.reason)
      return {
        // The attempt did not count: nothing was tried as far as the provider is concerned.
        set: {
          state: 'queued',
          attempt,
          // Until the next try others may make there what would look like ours.
          baseline: attempt === 0 ? null : job.baseline,
          waitReason: 'postponed',
          postponedSince,
          dueAt: now + Math.max(input.retryAfterMs ?? 0, pollDelayMs(postponedMs, context)),
          detail: input.reason,
        },
        event: postponedEvent(job, input.reason),
      }
    }

    case 'lost':
      expect(job, input, 'starting')
      return {
        set: {
          dueAt: now + pollDelayMs(0, context),
          detail: input.reason,
          ...notWaiting,
          failureKind: input.failureKind,
          lostStatus: input.status ?? null,
        },
        // The thread needs one reply about it; the next ones only change the root.
        event: { kind: job.attempt > 1 ? 'progress' : 'answer_lost', detail: input.reason },
      }

    case 'absent':
      expect(job, input, 'starting')
      if (input.absentForMs < input.absentAfterMs) {
        const dueAt = now + Math.min(input.absentAfterMs - input.absentForMs, 3 * SECOND)
        return { set: { dueAt, ...seen }, event: null }
      }
      if (job.attempt >= input.maxTries) {
        return end(now, 'failed', `The provider never received the request in ${job.attempt} tries.`)
      }
      return afterAbsence(job, context)

    case 'unknowable':
      expect(job, input, 'starting')
      return uncertain(input.reason, context)

    case 'poll_failed':
      expect(job, input, 'starting', 'working')
      return afterFailedPoll(job, input, context)

    case 'observed':
      expect(job, input, 'working')
      return afterObservation(job, input, context)

    case 'stranded':
      expect(job, input, 'queued', 'starting', 'working')
      return stranded(job, input.reason, context)

    case 'unanswered':
      expect(job, input, 'uncertain')
      return unanswered(job, context)

    case 'approve':
    case 'deny':
    case 'approval_expired':
      expect(job, input, 'awaiting_approval')
      return afterAnswer(input, context)

    default:
      if (!accepts(job, input.kind))
        throw new Error(`Job ${job.id} is ${job.state}, which doesn't accept "${input.kind}".`)
      return afterAct(job, input, context)
  }
}

/** The second try follows at once, each later one after a longer pause that only the root shows. */
function afterAbsence({ attempt, detail }: Job, { now, jitter }: TransitionContext): Transition {
  if (attempt === 1) return { set: { state: 'queued', dueAt: now, detail: null, ...seen }, event: { kind: 'absent' } }
  const delay = Math.min(3 * SECOND * 2 ** attempt, MAX_RETRY_DELAY_MS) * (0.9 + 0.2 * jitter)
  return {
    set: { state: 'queued', waitReason: 'retry', dueAt: now + Math.round(delay), ...seen },
    event: { kind: 'progress', detail: detail ?? undefined },
  }
}

/** One reply says that a write has to wait; another reason only changes what the root shows. */
function postponedEvent(job: Job, reason: string): Transition['event'] {
  if (job.waitReason === null) return { kind: 'postponed', detail: reason }
  return job.detail === reason ? null : { kind: 'progress', detail: reason }
}

function withFailure({ set, event }: Transition, failureKind: FailureKind): Transition {
  return { set: { ...set, failureKind }, event }
}

function expect(job: Job, input: JobInput, ...states: State[]): void {
  if (!states.includes(job.state))
    throw new Error(`Job ${job.id} is ${job.state}, which doesn't accept "${input.kind}".`)
}
