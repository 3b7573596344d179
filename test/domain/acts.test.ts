import { describe, expect, it } from 'vitest'
import { accepts } from '../../src/domain/acts.js'
import type { Job, JobInput } from '../../src/domain/job.js'
import { MAX_ATTEMPTS, next } from '../../src/domain/machine.js'
import { jobIn, start } from '../helpers/job.js'

const now = start + 60_000
const timing = { now, jitter: 0.5 }
const cancel = { kind: 'cancel', actor: 'U2' } as const

function changedBy(job: Job, input: JobInput): Job {
  return { ...job, ...next(job, input, timing).set }
}

describe('a job that somebody cancels', () => {
  it('ends at once while nothing is under way', () => {
    for (const state of ['queued', 'awaiting_approval'] as const) {
      const { set, event } = next(jobIn(state, { attempt: 0 }), cancel, timing)
      expect(set).toMatchObject({ state: 'cancelled', dueAt: null, endedAt: now })
      expect(event).toEqual({ kind: 'cancelled', actor: 'U2' })
    }
  })

  it('ends after the step that is under way, and writes nothing more', () => {
    const asked = changedBy(jobIn('working', { ref: { id: 'a' } }), cancel)
    expect(asked).toMatchObject({ state: 'working', cancelRequestedBy: 'U2', endedAt: null })
    expect(accepts(asked, 'cancel')).toBe(false)
    const done: JobInput = { kind: 'observed', observation: { phase: 'done', ref: { id: 'b' } }, nextStep: 'start' }
    const { set, event } = next(asked, done, timing)
    expect(set).toMatchObject({ state: 'cancelled', endedAt: now, dueAt: null, ref: { id: 'b' } })
    expect(event).toMatchObject({ kind: 'cancelled', actor: 'U2' })
  })

  it('succeeds if the step under way was the last one', () => {
    const asked = changedBy(jobIn('working', { ref: { id: 'a' } }), cancel)
    const done: JobInput = { kind: 'observed', observation: { phase: 'done' }, nextStep: null }
    expect(next(asked, done, timing).set).toMatchObject({ state: 'succeeded' })
  })

  it.each<[string, JobInput]>([
    ['never arrived', { kind: 'absent', absentForMs: 9, absentAfterMs: 9, maxTries: MAX_ATTEMPTS }],
    ['has to wait', { kind: 'postponed', reason: 'Busy.', retryAfterMs: undefined }],
  ])('does not send again a write that %s', (_what, input) => {
    const { set, event } = next(changedBy(jobIn('starting'), cancel), input, timing)
    expect(set).toMatchObject({ state: 'cancelled', endedAt: now, dueAt: null })
    expect(event).toMatchObject({ kind: 'cancelled', actor: 'U2' })
  })

  it('goes on when somebody starts it over after all', () => {
    const uncertain = jobIn('uncertain', { cancelRequestedBy: 'U2' })
    const { set } = next(uncertain, { kind: 'start_over', actor: 'U1' }, timing)
    expect(set).toMatchObject({ state: 'queued', cancelRequestedBy: null })
  })
})

describe('a job that ended before its last step was done', () => {
  const accepted = { ref: { id: 'a' }, baseline: 'x', startedAt: start, deadlineAt: start + 30_000, attempt: 2 }
  const again = { kind: 'try_again', actor: 'U1' } as const

  it('is tried again with a first try of the step that the provider failed at', () => {
    const { set, event } = next(jobIn('failed', { ...accepted, detail: 'The build failed.' }), again, timing)
    expect(set).toMatchObject({ state: 'queued', attempt: 0, baseline: null, endedAt: null, dueAt: now, runSince: now })
    expect(set).toMatchObject({ detail: null, deadlineAt: null, cancelRequestedBy: null })
    expect(event).toEqual({ kind: 'tried_again', actor: 'U1' })
  })

  it('keeps its baseline, and takes a refusal for an echo, if the provider never accepted the step', () => {
    const { set } = next(jobIn('failed', { attempt: 3, baseline: 'x' }), again, timing)
    expect(set).toMatchObject({ state: 'queued', attempt: 1 })
    expect(set).not.toHaveProperty('baseline')
    expect(next(jobIn('failed', { attempt: 0 }), again, timing).set).toMatchObject({ attempt: 0 })
  })

  it('is watched again for as long as the step was given', () => {
    const { set } = next(jobIn('timed_out', accepted), { kind: 'check_again', actor: 'U1' }, timing)
    expect(set).toMatchObject({ state: 'working', startedAt: now, deadlineAt: now + 30_000, endedAt: null, dueAt: now })
  })

  it('is not watched again if the provider never accepted the step, nor while it is being deleted', () => {
    expect(accepts(jobIn('failed'), 'check_again')).toBe(false)
    expect(accepts(jobIn('failed', accepted), 'check_again')).toBe(true)
    // An ended deletion must be requested again, with the right and the approval that it needs now.
    expect(accepts(jobIn('failed', { ...accepted, removes: 'aaaaa' }), 'check_again')).toBe(false)
    expect(accepts(jobIn('failed', { ...accepted, removalJob: 'aaaaa' }), 'check_again')).toBe(false)
    expect(accepts(jobIn('failed', { removalJob: 'aaaaa' }), 'try_again')).toBe(false)
  })

  it('is not tried again once its personal answers are gone', () => {
    expect(accepts(jobIn('failed', { isPersonalGone: true }), 'try_again')).toBe(false)
  })
})

describe('a job that others must approve', () => {
  it('starts with the last approval, and its time runs from then', () => {
    const waiting = jobIn('awaiting_approval', { attempt: 0, dueAt: now + 1 })
    const first = next(waiting, { kind: 'approve', actor: 'U2', isLast: false }, timing)
    expect(first).toEqual({ set: {}, event: { kind: 'approval_given', actor: 'U2' } })
    const last = next(waiting, { kind: 'approve', actor: 'U3', isLast: true }, timing)
    expect(last.set).toMatchObject({ state: 'queued', runSince: now, stepSince: now, dueAt: now })
  })

  it('ends with a no, and without an answer', () => {
    const waiting = jobIn('awaiting_approval', { attempt: 0, dueAt: now })
    expect(next(waiting, { kind: 'deny', actor: 'U2' }, timing).set).toMatchObject({ state: 'denied', endedAt: now })
    const reason = 'Nobody can ask for this any more.'
    expect(next(waiting, { kind: 'deny', reason }, timing)).toEqual({
      set: expect.objectContaining({ state: 'denied', dueAt: null, endedAt: now, detail: reason }),
      event: { kind: 'denied', detail: reason },
    })
    expect(next(waiting, { kind: 'approval_expired' }, timing).set).toMatchObject({ state: 'expired', endedAt: now })
  })
})

describe('a muted thread', () => {
  it('can be unmuted, and only while its job lives', () => {
    const { set } = next(jobIn('working'), { kind: 'mute', actor: 'U1' }, timing)
    expect(set).toEqual({ isMuted: true })
    expect(accepts(jobIn('working', { isMuted: true }), 'unmute')).toBe(true)
    expect(accepts(jobIn('succeeded', { isMuted: true }), 'unmute')).toBe(false)
  })
})
