/** Pure: what people can do to a job that exists, when it accepts that, and what changes. */
import type { Act, Job, JobInput, Transition, TransitionContext } from './job.js'
import { notWaiting, seen } from './polling.js'

/** Whether a person may do this now: only what the root message offers. */
export function accepts(job: Job, act: Act): boolean {
  const { state } = job
  switch (act) {
    case 'start_over':
      return state === 'uncertain'
    case 'check_again':
      // An ended deletion must be requested again: the person who could request it then may have lost that right.
      return state === 'uncertain' || (job.removes === null && isUnfinished(job) && wasAccepted(job))
    case 'try_again':
      return isUnfinished(job) && !job.isPersonalGone
    case 'dismiss':
      return state === 'uncertain' || state === 'working' || (state === 'starting' && job.canDismiss)
    case 'cancel':
      return ['awaiting_approval', 'queued', 'starting', 'working'].includes(state) && job.cancelRequestedBy === null
    case 'mute':
      return job.endedAt === null && !job.isMuted
    case 'unmute':
      return job.endedAt === null && job.isMuted
  }
}

/** Whether it ended before its last step was done, and nothing of it is being deleted. One without a step never began. */
function isUnfinished({ state, step, removalJob }: Job): boolean {
  return (state === 'failed' || state === 'timed_out') && step !== '' && removalJob === null
}

/** Whether the provider accepted the current step's write: then there is something to ask about. */
function wasAccepted({ deadlineAt, ref }: Job): boolean {
  return deadlineAt !== null && ref !== null
}

/** The transition for an act that the job accepts. */
export function afterAct(
  job: Job,
  { kind, actor }: Extract<JobInput, { kind: Act }>,
  { now }: TransitionContext,
): Transition {
  switch (kind) {
    case 'check_again':
      return {
        // `unreachableSince` stays for an uncertain job: if this search fails too, the question comes back at once.
        set:
          job.state === 'uncertain'
            ? { state: 'starting', stepSince: now, waitingSince: now, dueAt: now }
            : { ...revived(now), state: 'working', deadlineAt: now + stepMs(job), ...seen },
        event: { kind: 'checked_again', actor },
      }

    case 'start_over':
      return {
        // Not the first try any more: a refusal may be the echo of the write whose outcome is unknown.
        set: {
          state: 'queued',
          stepSince: now,
          attempt: 1,
          dueAt: now,
          detail: null,
          cancelRequestedBy: null,
          ...notWaiting,
          ...seen,
        },
        event: { kind: 'started_over', actor },
      }

    case 'try_again':
      return {
        set: {
          ...revived(now),
          state: 'queued',
          // What the provider accepted and then failed at is a write of its own, so this is another first try. What it
          // refused may have been the echo of a write that arrived late.
          ...(wasAccepted(job) ? { attempt: 0, baseline: null } : { attempt: Math.min(job.attempt, 1) }),
          deadlineAt: null,
          lostStatus: null,
          waitingSince: null,
          ...notWaiting,
          ...seen,
        },
        event: { kind: 'tried_again', actor },
      }

    case 'dismiss':
      return { set: { state: 'cancelled', dueAt: null, endedAt: now }, event: { kind: 'cancelled', actor } }

    case 'cancel':
      // Nothing is under way: it ends at once. Otherwise the present step goes on, and no other follows.
      return job.state === 'queued' || job.state === 'awaiting_approval'
        ? { set: { state: 'cancelled', dueAt: null, endedAt: now }, event: { kind: 'cancelled', actor } }
        : { set: { cancelRequestedBy: actor }, event: { kind: 'cancel_requested', actor } }

    case 'mute':
      return { set: { isMuted: true }, event: { kind: 'muted', actor } }

    case 'unmute':
      return { set: { isMuted: false }, event: { kind: 'unmuted', actor } }
  }
}

/**
 * The transition of a job that failed halfway, when what it left was deleted so that it can start again at this step, its first.
 * Null if it can't be tried again.
 */
export function afterClearing(
  job: Job,
  { step, actor }: { step: string; actor: string },
  context: TransitionContext,
): Transition | null {
  const cleared = { ...job, removalJob: null, removedAt: null }
  if (!accepts(cleared, 'try_again')) return null
  const { set, event } = afterAct(cleared, { kind: 'try_again', actor }, context)
  const asNew = { step, attempt: 0, baseline: null, ref: null, url: null, consoleUrl: null }
  return { set: { ...set, ...asNew, removalJob: null, removedAt: null }, event }
}

/** An ended job that lives again at its current step. */
function revived(now: number) {
  return {
    endedAt: null,
    dueAt: now,
    runSince: now,
    stepSince: now,
    startedAt: now,
    detail: null,
    canDismiss: false,
    cancelRequestedBy: null,
    strandedSince: null,
  }
}

/** How long the current step was given, in milliseconds. */
function stepMs({ startedAt, deadlineAt }: Job): number {
  return Math.max((deadlineAt ?? 0) - (startedAt ?? deadlineAt ?? 0), 0)
}

/** What the people who were asked for an approval answered, or that none of them did in time. */
export function afterAnswer(
  input: Extract<JobInput, { kind: 'approve' | 'deny' | 'approval_expired' }>,
  { now }: TransitionContext,
): Transition {
  switch (input.kind) {
    case 'approve':
      return input.isLast
        ? {
            set: { state: 'queued', runSince: now, stepSince: now, dueAt: now },
            event: { kind: 'approved', actor: input.actor },
          }
        : { set: {}, event: { kind: 'approval_given', actor: input.actor } }
    case 'deny':
      return {
        set: { state: 'denied', dueAt: null, endedAt: now, detail: input.reason ?? null },
        event: {
          kind: 'denied',
          ...(input.actor !== undefined && { actor: input.actor }),
          ...(input.reason !== undefined && { detail: input.reason }),
        },
      }
    case 'approval_expired':
      return { set: { state: 'expired', dueAt: null, endedAt: now }, event: { kind: 'expired' } }
  }
}
