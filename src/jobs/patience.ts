/** Pure: limits on how long a job may stay in a state: when a person may end it, and when it ends or asks by itself. */
import type { Happening, Job, Moment, Transition } from './job.js'
import { end, sinceThen, uncertain } from './looks.js'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** How long nothing may move before a person may dismiss the job. */
const dismissAfterMs = 5 * minute
/** How long we search in all before a person is asked what became of a write. */
const maxLostMs = 6 * hour
/** Of the time in which Dolly was stopped, or by which its clock was set, this much at most counts as a search. */
const maxCountedLateMs = 10 * minute
/** The same for the time of a whole step. Shorter delays add up on a busy machine, and must not prolong it for ever. */
const maxStepLateMs = 2 * hour
/** Whatever the provider answers and the clocks do, a step ends then. Longer than any step takes. */
const maxStepMs = 7 * day
const maxStrandedMs = 7 * day
const strandedPauseMs = minute
/** A person is reminded of a question after a day, then every four days; after two weeks the job ends. */
export const firstReminderMs = day
export const reminderEveryMs = 4 * day
const maxUnansweredMs = 14 * day

/** Inputs that decide nothing about a step. */
const undecided: readonly Happening['kind'][] = ['postponed', 'lost', 'absent', 'unseen', 'observed']

/** The transition for a happening, turned into an end or a notice if the job has waited too long. */
export function bounded(job: Job, happening: Happening, transition: Transition, moment: Moment): Transition {
  const stepSince = later(job.stepSince, job, maxStepLateMs, moment.now)
  const waited = afterWaiting({ ...job, stepSince }, happening, transition, moment)
  const { set } = waited
  const hasMoved = (set.state !== undefined && set.state !== job.state) || set.step !== undefined
  return {
    ...waited,
    set: {
      ...(stepSince !== job.stepSince && { stepSince }),
      ...(hasMoved && { canDismiss: false, waitingSince: null }),
      // It can continue again.
      ...(job.strandedSince !== null && happening.kind !== 'stranded' && { strandedSince: null }),
      ...set,
      ...(!hasMoved && notAhead({ ...job, ...set }, moment.now)),
    },
  }
}

/** When something began, later by as much as a due poll was late beyond what counts, and never in the future. */
function later(then: number, { nextLookAt }: Job, countedMs: number, now: number): number {
  return Math.min(then + Math.max(now - (nextLookAt ?? now) - countedMs, 0), now)
}

/** A start that lies in the future was dated by a clock that was set back since: the step's own time begins now. */
function notAhead({ startedAt, deadlineAt }: Job, now: number): Partial<Job> {
  const aheadMs = startedAt === null ? 0 : startedAt - now
  return aheadMs > 0 ? { startedAt: now, deadlineAt: deadlineAt === null ? null : deadlineAt - aheadMs } : {}
}

function afterWaiting(job: Job, happening: Happening, transition: Transition, moment: Moment): Transition {
  const { set, event } = transition
  const state = set.state ?? job.state
  const { now } = moment
  if (!undecided.includes(happening.kind) || set.endedAt || set.step !== undefined) return transition
  if (state === 'uncertain') return transition
  const reason = 'reason' in happening ? happening.reason : (set.detail ?? job.detail)
  if (now - job.stepSince > maxStepMs) {
    const all = 'It did not finish within a week.'
    if (job.state === 'starting' && happening.kind !== 'postponed') return uncertain(reason ?? all, moment)
    return end(now, state === 'working' ? 'timed_out' : 'failed', reason ?? all)
  }
  if (state === 'starting') return afterVainSearch(job, happening, transition, moment)
  if (state === 'working' && !job.canDismiss && (set.unseenTold || now - (job.startedAt ?? now) >= dismissAfterMs))
    return { set: { ...set, canDismiss: true }, event: event ?? { kind: 'progress', detail: reason ?? undefined } }
  return transition
}

/** Polls that alternate between finding nothing and failing would go on forever, as each resets the other's count. */
function afterVainSearch(job: Job, happening: Happening, transition: Transition, moment: Moment): Transition {
  const { now } = moment
  const waitingSince = job.waitingSince === null ? now : later(job.waitingSince, job, maxCountedLateMs, now)
  const waitedMs = now - waitingSince
  if (waitedMs > Math.max(maxLostMs, ownTimeOf(happening)))
    return uncertain(job.detail ?? 'After hours it is still unclear whether it was received.', moment)
  const set = { ...transition.set, waitingSince }
  if (job.canDismiss || waitedMs < dismissAfterMs) return { ...transition, set }
  const isTold = transition.event !== null && transition.event.kind !== 'progress'
  return { set: { ...set, canDismiss: true }, event: isTold ? transition.event : { kind: 'unsettled' } }
}

/** How long the step's own search may take, in milliseconds. */
function ownTimeOf(happening: Happening): number {
  if (happening.kind === 'unseen') return happening.giveUpMs
  return happening.kind === 'absent' ? happening.settleMs : 0
}

/** A job that can't continue here: its thread is told once, and it ends if nothing changes. */
export function stranded(job: Job, reason: string, { now }: Moment): Transition {
  const strandedSince = Math.min(job.strandedSince ?? now, now)
  if (now - strandedSince > maxStrandedMs) return end(now, 'failed', reason)
  return {
    set: { strandedSince, canDismiss: true, detail: reason, nextLookAt: now + strandedPauseMs },
    event: job.strandedSince === null ? { kind: 'stranded', detail: reason } : null,
  }
}

/** A question that nobody has answered yet. */
export function unanswered(job: Job, { now }: Moment): Transition {
  const waitingSince = sinceThen(job.waitingSince, job, now)
  const endsAt = waitingSince + maxUnansweredMs
  if (now > endsAt) return end(now, 'timed_out', 'Nobody answered for two weeks.')
  const remindsAt = waitingSince + firstReminderMs
  if (now < remindsAt) return { set: { waitingSince, nextLookAt: remindsAt }, event: null }
  const nextLookAt = Math.min(now + reminderEveryMs, endsAt + 1)
  return { set: { waitingSince, nextLookAt }, event: { kind: 'reminder' } }
}
