import { describe, expect, it } from 'vitest'
import {
  afterExpiryDue,
  afterExtension,
  afterFailedRemoval,
  boundedKeep,
  canExtend,
  expiryAfter,
  expiryPutOff,
  nextExpiryDue,
} from '../../src/domain/expiry.js'
import type { Job } from '../../src/domain/job.js'
import { jobIn, start } from '../helpers/job.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** A clone that was made at `start` and is kept for so long. */
function keptFor(keepForMs: number, rest: Partial<Job> = {}): Job {
  return jobIn('succeeded', { keepForMs, ...expiryAfter(keepForMs, start), ...rest })
}

/** Everything announced it so far as what it is. */
const to = (atEnd: 'delete' | 'ask') => ({ atEnd, announced: atEnd })

/** What happens at each time at which something is due, as long as Dolly always runs. */
function life(job: Job, atEnd: 'delete' | 'ask'): [string, number][] {
  const told: [string, number][] = []
  for (let present = job; present.expiryDueAt !== null && told.length < 9; ) {
    const now = present.expiryDueAt
    const due = afterExpiryDue(present, to(atEnd), now)
    told.push([due === 'delete' ? due : (due.event?.kind ?? 'nothing'), (now - start) / HOUR])
    if (due === 'delete') break
    present = { ...present, ...due.set }
  }
  return told
}

describe('something that expires', () => {
  it.each<['delete' | 'ask', number, [string, number][]]>([
    [
      'delete',
      7 * 24,
      [
        ['expiry_near', 6 * 24],
        ['expiry_near', 7 * 24 - 1],
        ['delete', 7 * 24],
      ],
    ],
    [
      'ask',
      7 * 24,
      [
        ['expiry_near', 6 * 24],
        ['expiry_near', 7 * 24 - 1],
        ['expiry_reached', 7 * 24],
      ],
    ],
    // Its last day begins with it.
    [
      'delete',
      24,
      [
        ['expiry_near', 23],
        ['delete', 24],
      ],
    ],
    [
      'delete',
      4,
      [
        ['expiry_near', 3],
        ['delete', 4],
      ],
    ],
    // That it was made is the warning.
    ['delete', 1, [['delete', 1]]],
  ])(
    'to %s after %i hours is warned of a day and an hour before, unless that is when it was made',
    (atEnd, hours, told) => {
      expect(life(keptFor(hours * HOUR), atEnd)).toEqual(told)
    },
  )

  it('says with its warning what happens at the end', () => {
    const job = keptFor(7 * DAY)
    expect(afterExpiryDue(job, to('ask'), start + 6 * DAY)).toMatchObject({ event: { detail: 'ask' } })
    expect(afterExpiryDue(job, to('delete'), start + 6 * DAY)).toMatchObject({ event: { detail: 'delete' } })
  })

  it.each(['ask', null] as const)(
    'whose end was announced as %s is announced once more before it is deleted',
    (announced) => {
      const job = keptFor(7 * DAY, { expiryDueAt: start + 7 * DAY })
      const now = start + 7 * DAY + 60_000
      const due = afterExpiryDue(job, { atEnd: 'delete', announced }, now)
      expect(due).toEqual({
        set: { expiresAt: now + HOUR, expiryDueAt: now + HOUR },
        event: { kind: 'expiry_near', detail: 'delete' },
      })
    },
  )

  it('is warned of once, not twice, when Dolly was stopped over the first warning', () => {
    const job = keptFor(7 * DAY)
    const now = start + 7 * DAY - 90 * 60_000
    const due = afterExpiryDue(job, to('delete'), now)
    expect(due).toEqual({
      set: { expiresAt: job.expiresAt, expiryDueAt: job.expiresAt },
      event: { kind: 'expiry_near', detail: 'delete' },
    })
  })

  it('is never deleted before its last warning was an hour ago', () => {
    for (const lateMs of [7 * DAY - 10 * 60_000, 7 * DAY, 30 * DAY]) {
      const now = start + lateMs
      const due = afterExpiryDue(keptFor(7 * DAY), to('delete'), now)
      expect(due).toMatchObject({
        set: { expiresAt: now + HOUR, expiryDueAt: now + HOUR },
        event: { kind: 'expiry_near' },
      })
    }
  })

  it('is asked about at once when Dolly was stopped over its end', () => {
    const due = afterExpiryDue(keptFor(7 * DAY), to('ask'), start + 30 * DAY)
    expect(due).toEqual({ set: { expiryDueAt: null }, event: { kind: 'expiry_reached', detail: 'ask' } })
  })

  it('keeps its end when a warning is a little late', () => {
    const job = keptFor(4 * HOUR)
    expect(afterExpiryDue(job, to('delete'), start + 3 * HOUR + 60_000)).toMatchObject({
      set: { expiresAt: job.expiresAt, expiryDueAt: job.expiresAt },
    })
  })

  it('stays warned of while its end is put off', () => {
    const now = start + HOUR
    const later = { ...keptFor(HOUR), ...expiryPutOff(keptFor(HOUR), 600_000, now).set }
    expect(later.expiryDueAt).toBe(now + 600_000)
    expect(afterExpiryDue(later, to('delete'), now + 600_000)).toBe('delete')
  })

  it('is asked about a day after its removal failed', () => {
    const job = keptFor(HOUR)
    const failedAt = start + 2 * HOUR
    expect(afterFailedRemoval(job, failedAt, failedAt)).toEqual({ set: { expiryDueAt: failedAt + DAY }, event: null })
    expect(afterFailedRemoval(job, failedAt, failedAt + DAY)).toMatchObject({ event: { kind: 'expiry_reached' } })
    // The clock was set back by a month.
    expect(afterFailedRemoval(job, failedAt, failedAt - 30 * DAY).set.expiryDueAt).toBe(job.expiresAt)
  })

  it('has nothing due without an expiry', () => {
    expect(() => afterExpiryDue(jobIn('succeeded'), to('ask'), start)).toThrow(/no expiry/)
    expect(expiryAfter(null, start)).toEqual({})
  })
})

describe('an expiry that somebody extends', () => {
  const by = (byMs: number | null, maxMs: number | null = null) => ({ byMs, maxMs, actor: 'U2' })

  it('ends later, counted from its end, and is warned of again', () => {
    const job = keptFor(DAY)
    const now = start + 23 * HOUR
    expect(afterExtension(job, by(3 * DAY), now)).toEqual({
      set: { expiresAt: start + 4 * DAY, expiryDueAt: start + 3 * DAY },
      event: { kind: 'extended', actor: 'U2' },
    })
  })

  it('counts from now on where the end has passed', () => {
    const now = start + 9 * DAY
    expect(afterExtension(keptFor(DAY), by(DAY), now)?.set.expiresAt).toBe(now + DAY)
  })

  it('ends no later than the longest time from now on, and never earlier than before', () => {
    const now = start + DAY
    expect(afterExtension(keptFor(7 * DAY), by(30 * DAY, 10 * DAY), now)?.set.expiresAt).toBe(now + 10 * DAY)
    expect(afterExtension(keptFor(7 * DAY), by(30 * DAY, 5 * DAY), now)).toBeNull()
    expect(afterExtension(keptFor(7 * DAY), by(400 * DAY), now)?.set.expiresAt).toBe(now + 90 * DAY)
  })

  it('can be taken away', () => {
    expect(afterExtension(keptFor(DAY), by(null), start)?.set).toEqual({ expiresAt: null, expiryDueAt: null })
  })

  it('is one that exists, of something that is not being deleted', () => {
    expect(canExtend(keptFor(DAY))).toBe(true)
    expect(canExtend(jobIn('succeeded'))).toBe(false)
    expect(canExtend(keptFor(DAY, { removalJob: 'aaaaa' }))).toBe(false)
    expect(canExtend(keptFor(DAY, { removedAt: start }))).toBe(false)
  })
})

it('what was asked for earlier is kept no longer than the operator allows by now', () => {
  const week = { defaultMs: null, maxMs: 7 * DAY, atEnd: 'ask' } as const
  expect([null, DAY, 30 * DAY].map((ms) => boundedKeep(ms, week))).toEqual([7 * DAY, DAY, 7 * DAY])
  expect([null, 30 * DAY].map((ms) => boundedKeep(ms, { ...week, maxMs: null }))).toEqual([null, 30 * DAY])
})

it('the next thing due is the first warning that is still to come', () => {
  expect(nextExpiryDue(start + 2 * DAY, start)).toBe(start + DAY)
  expect(nextExpiryDue(start + DAY, start)).toBe(start + 23 * HOUR)
  expect(nextExpiryDue(start + HOUR, start)).toBe(start + HOUR)
})
