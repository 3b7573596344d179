import { describe, expect, it } from 'vitest'
import { accepts } from '../../src/domain/acts.js'
import { FINAL_STATES, type Job, type JobInput, LIVE_STATES, type State } from '../../src/domain/job.js'
import { MAX_ATTEMPTS, next } from '../../src/domain/machine.js'
import { pollDelayMs } from '../../src/domain/polling.js'
import { jobIn, start } from '../helpers/job.js'

const now = start + 5_000
const timing = { now, jitter: 0.5 }

const inputs: Record<JobInput['kind'], { input: JobInput; knownIn: State[] }> = {
  begin: { input: { kind: 'begin' }, knownIn: ['queued'] },
  wrote: { input: { kind: 'wrote', ref: { id: 'a' }, deadlineMs: 1 }, knownIn: ['starting'] },
  refused: { input: { kind: 'refused', reason: 'no', failureKind: 'provider' }, knownIn: ['queued', 'starting'] },
  postponed: { input: { kind: 'postponed', reason: 'later', retryAfterMs: 1 }, knownIn: ['queued', 'starting'] },
  lost: { input: { kind: 'lost', reason: 'reset', failureKind: 'provider' }, knownIn: ['starting'] },
  found: { input: { kind: 'found', ref: { id: 'a' }, deadlineMs: 1 }, knownIn: ['starting'] },
  absent: {
    input: { kind: 'absent', absentForMs: 0, absentAfterMs: 1, maxTries: MAX_ATTEMPTS },
    knownIn: ['starting'],
  },
  unknowable: { input: { kind: 'unknowable', reason: 'no way' }, knownIn: ['starting'] },
  poll_failed: {
    input: { kind: 'poll_failed', reason: 'down', retryAfterMs: undefined, giveUpMs: 1 },
    knownIn: ['starting', 'working'],
  },
  observed: { input: { kind: 'observed', observation: { phase: 'done' }, nextStep: null }, knownIn: ['working'] },
  stranded: { input: { kind: 'stranded', reason: 'gone' }, knownIn: ['queued', 'starting', 'working'] },
  unanswered: { input: { kind: 'unanswered' }, knownIn: ['uncertain'] },
  approve: { input: { kind: 'approve', actor: 'U2', isLast: true }, knownIn: ['awaiting_approval'] },
  deny: { input: { kind: 'deny', actor: 'U2' }, knownIn: ['awaiting_approval'] },
  approval_expired: { input: { kind: 'approval_expired' }, knownIn: ['awaiting_approval'] },
  check_again: { input: { kind: 'check_again', actor: 'U1' }, knownIn: ['uncertain'] },
  start_over: { input: { kind: 'start_over', actor: 'U1' }, knownIn: ['uncertain'] },
  dismiss: { input: { kind: 'dismiss', actor: 'U1' }, knownIn: ['uncertain', 'working'] },
  cancel: {
    input: { kind: 'cancel', actor: 'U1' },
    knownIn: ['awaiting_approval', 'queued', 'starting', 'working'],
  },
  try_again: { input: { kind: 'try_again', actor: 'U1' }, knownIn: ['failed', 'timed_out'] },
  mute: { input: { kind: 'mute', actor: 'U1' }, knownIn: [...LIVE_STATES] },
  unmute: { input: { kind: 'unmute', actor: 'U1' }, knownIn: [] },
}

describe('the machine', () => {
  for (const [kind, { input, knownIn }] of Object.entries(inputs)) {
    it(`knows "${kind}" in ${knownIn.join(' and ')} and nowhere else`, () => {
      for (const state of [...LIVE_STATES, ...FINAL_STATES]) {
        if (knownIn.includes(state)) expect(() => next(jobIn(state), input, timing)).not.toThrow()
        else expect(() => next(jobIn(state), input, timing)).toThrow(/doesn't accept/)
      }
    })
  }

  it('lets a person stop watching a job that runs, or whose write cannot be found', () => {
    expect(accepts(jobIn('working'), 'dismiss')).toBe(true)
    expect(accepts(jobIn('queued', { waitReason: 'retry' }), 'dismiss')).toBe(false)
    expect(accepts(jobIn('starting', { canDismiss: true }), 'dismiss')).toBe(true)
    expect(accepts(jobIn('starting'), 'dismiss')).toBe(false)
    expect(accepts(jobIn('starting', { canDismiss: true }), 'start_over')).toBe(false)
  })

  it('asks again at once when the search that a person asked for fails as well', () => {
    const down: JobInput = { kind: 'poll_failed', reason: 'down', retryAfterMs: undefined, giveUpMs: 60_000 }
    const unreachableSince = now - 6 * 3_600_000 - 1
    const asked = next(jobIn('uncertain', { unreachableSince }), { kind: 'check_again', actor: 'U1' }, timing)
    const checking = jobIn('starting', { unreachableSince, ...asked.set })
    expect(next(checking, down, timing).set.state).toBe('uncertain')
    const found = next(checking, { kind: 'absent', absentForMs: 0, absentAfterMs: 0, maxTries: MAX_ATTEMPTS }, timing)
    expect(found.set).toMatchObject({ state: 'queued', unreachableSince: null })
  })

  it('ends a job in one of the final states with a time and no further poll', () => {
    const ends: [State, JobInput][] = [
      ['starting', { kind: 'refused', reason: 'no', failureKind: 'provider' }],
      ['working', { kind: 'observed', observation: { phase: 'failed', detail: 'disk full' }, nextStep: null }],
      ['working', { kind: 'observed', observation: { phase: 'done' }, nextStep: null }],
      ['uncertain', { kind: 'dismiss', actor: 'U1' }],
    ]
    for (const [state, input] of ends) {
      const { set } = next(jobIn(state), input, timing)
      expect(FINAL_STATES).toContain(set.state)
      expect(set).toMatchObject({ endedAt: now, dueAt: null })
    }
  })

  it('keeps the ref and the link that a poll brought', () => {
    const observation = { phase: 'working' as const, ref: { id: 'b' }, url: 'https://b.example' }
    const { set } = next(
      jobIn('working', { ref: { id: 'a' } }),
      { kind: 'observed', observation, nextStep: null },
      timing,
    )
    expect(set).toMatchObject({ ref: { id: 'b' }, url: 'https://b.example' })
  })

  it('writes one event about a change of detail', () => {
    const job = jobIn('working', { detail: 'copying' })
    const polled = (detail: string): JobInput => ({
      kind: 'observed',
      observation: { phase: 'working', detail },
      nextStep: null,
    })
    expect(next(job, polled('copying'), timing).event).toBeNull()
    expect(next(job, polled('creating'), timing).event).toEqual({ kind: 'progress', detail: 'creating' })
  })

  it('keeps a step’s last word in its event, and not as the reason why the next step waits', () => {
    const done: JobInput = {
      kind: 'observed',
      observation: { phase: 'done', detail: 'not started' },
      nextStep: 'deploy',
    }
    expect(next(jobIn('working', { detail: 'copying' }), done, timing)).toMatchObject({
      set: { state: 'queued', step: 'deploy', detail: null },
      event: { kind: 'step_done', detail: 'not started' },
    })
  })

  it('gives up on an unreachable provider only after six hours, or as long as the step may take', () => {
    const hour = 3_600_000
    const blind = (giveUpMs: number): JobInput => ({
      kind: 'poll_failed',
      reason: 'down',
      retryAfterMs: undefined,
      giveUpMs,
    })
    const blindFor = (state: State, unreachableMs: number, giveUpMs: number) =>
      next(jobIn(state, { unreachableSince: now - unreachableMs, deadlineAt: now - 1 }), blind(giveUpMs), timing).set
        .state
    expect(blindFor('starting', 6 * hour, 60_000)).toBeUndefined()
    expect(blindFor('starting', 6 * hour + 1, 60_000)).toBe('uncertain')
    expect(blindFor('starting', 6 * hour + 1, 7 * hour)).toBeUndefined()
    expect(blindFor('working', 6 * hour, 60_000)).toBeUndefined()
    expect(blindFor('working', 6 * hour + 1, 60_000)).toBe('timed_out')
  })

  it('does not count the time in which Dolly could not poll against the step', () => {
    const poll: JobInput = { kind: 'observed', observation: { phase: 'working' }, nextStep: null }
    const job = jobIn('working', { deadlineAt: now - 20_000, unreachableSince: now - 30_000 })
    expect(next(job, poll, timing).set).toMatchObject({ deadlineAt: now + 10_000, unreachableSince: null })
    expect(next({ ...job, unreachableSince: now - 10_000 }, poll, timing).set.state).toBe('timed_out')
  })

  it('does not count the time against the step in which Dolly was stopped, the machine slept or its clock was set ahead', () => {
    const poll: JobInput = { kind: 'observed', observation: { phase: 'working' }, nextStep: null }
    const late = (ms: number) => jobIn('working', { deadlineAt: now - 1, dueAt: now - ms })
    expect(next(late(3_600_000), poll, timing).set).toMatchObject({ deadlineAt: now - 1 + 3_600_000 })
    expect(next(late(60_000), poll, timing).set.state).toBe('timed_out')
    const down: JobInput = { kind: 'poll_failed', reason: 'down', retryAfterMs: undefined, giveUpMs: 60_000 }
    const blind = jobIn('working', { unreachableSince: now - 7 * 3_600_000, dueAt: now - 2 * 3_600_000 })
    expect(next(blind, down, timing).set).toMatchObject({ unreachableSince: now - 5 * 3_600_000 })
  })

  it('believes absence only when searches have found nothing for long enough', () => {
    const absentFor = (absentForMs: number) =>
      next(jobIn('starting'), { kind: 'absent', absentForMs, absentAfterMs: 10_000, maxTries: MAX_ATTEMPTS }, timing)
        .set
    expect(absentFor(0)).toMatchObject({ dueAt: now + 3_000 })
    expect(absentFor(9_999)).toMatchObject({ dueAt: now + 1 })
    expect(absentFor(9_999).state).toBeUndefined()
    expect(absentFor(10_000)).toMatchObject({ state: 'queued' })
  })

  it('says once in the thread that a write has to wait, whatever the reasons', () => {
    const busy: JobInput = { kind: 'postponed', reason: 'Too many requests.', retryAfterMs: undefined }
    const waits = (detail: string | null) =>
      next(jobIn('starting', { detail, waitReason: detail === null ? null : 'postponed' }), busy, timing).event?.kind
    expect([waits(null), waits('Down.'), waits('Too many requests.')]).toEqual(['postponed', 'progress', undefined])
  })

  it('gives up a write that the provider has postponed for a day', () => {
    const busy: JobInput = { kind: 'postponed', reason: 'Too many requests.', retryAfterMs: undefined }
    const day = 86_400_000
    const waiting = (postponedSince: number | null, rest: Partial<Job> = {}) =>
      next(jobIn('starting', { postponedSince, attempt: 1, ...rest }), busy, timing)
    expect(waiting(now - day).set).toMatchObject({ state: 'queued', postponedSince: now - day })
    const late = waiting(now - day - 1)
    expect(late).toMatchObject({ set: { state: 'failed' }, event: { kind: 'failed', detail: 'Too many requests.' } })
    // It is an old job, and this is the first time that it has to wait.
    expect(waiting(null, { createdAt: now - 3 * day }).set).toMatchObject({ state: 'queued', postponedSince: now })
    // Dolly was stopped over the weekend, or the clock was set.
    const asleep = jobIn('queued', { postponedSince: now - 2 * day, dueAt: now - 2 * day + 60_000 })
    const awake = next(asleep, { kind: 'begin' }, timing).set
    expect(awake).toMatchObject({ postponedSince: now - 60_000 })
    expect(waiting(now + day).set).toMatchObject({ state: 'queued', postponedSince: now, dueAt: now + 3_000 })
  })

  it('measures an outage by what Dolly saw of it, also when the clock was set back meanwhile', () => {
    const blind: JobInput = { kind: 'poll_failed', reason: 'down', retryAfterMs: undefined, giveUpMs: 60_000 }
    const later = next(jobIn('working', { unreachableSince: now + 7_200_000 }), blind, timing)
    expect(later.set).toMatchObject({ unreachableSince: now, dueAt: now + 3_000 })
  })

  it('notes who caused a lost write, and why a later try has to wait, until the step is accepted', () => {
    const lost = next(jobIn('starting'), { kind: 'lost', reason: 'Broken.', failureKind: 'bug' }, timing).set
    expect(lost).toMatchObject({ failureKind: 'bug', waitReason: null })
    const absent: JobInput = { kind: 'absent', absentForMs: 1, absentAfterMs: 0, maxTries: MAX_ATTEMPTS }
    expect(next(jobIn('starting', { ...lost, attempt: 2 }), absent, timing).set).toMatchObject({ waitReason: 'retry' })
    const wrote: JobInput = { kind: 'wrote', ref: { id: 'a' }, deadlineMs: 1 }
    expect(next(jobIn('starting', lost), wrote, timing).set).toMatchObject({ failureKind: null, waitReason: null })
  })

  it('polls soon at first, then at a tenth of the age, from 3 to 30 seconds, spread by a tenth', () => {
    expect(pollDelayMs(0, timing)).toBe(3_000)
    expect(pollDelayMs(100_000, timing)).toBe(10_000)
    expect(pollDelayMs(86_400_000, timing)).toBe(30_000)
    expect(pollDelayMs(0, { now, jitter: 0 })).toBe(2_700)
    expect(pollDelayMs(0, { now, jitter: 1 })).toBe(3_300)
    expect(pollDelayMs(0, { ...timing, pollEveryMs: 10_000 })).toBe(10_000)
    expect(pollDelayMs(86_400_000, { ...timing, pollEveryMs: 10_000 })).toBe(30_000)
  })
})
