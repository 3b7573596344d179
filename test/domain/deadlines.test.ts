/** No state lasts forever: whatever is found out, or not, each job ends, and somebody is notified and may end it before. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { accepts } from '../../src/domain/acts.js'
import { FINAL_STATES, type Job, type JobInput, LIVE_STATES, type State } from '../../src/domain/job.js'
import { MAX_ATTEMPTS, next } from '../../src/domain/machine.js'
import { TemporaryError } from '../../src/errors.js'
import { makeLiveJobsDue } from '../../src/store/make-due.js'
import { type TestContext, testContext } from '../helpers/context.js'
import { jobIn, start } from '../helpers/job.js'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/** Pseudo-random numbers from 0 to 1, the same for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed + 0x9e3779b9
  return () => {
    state = Math.imul(state ^ (state >>> 15), state | 1)
    state ^= state + Math.imul(state ^ (state >>> 7), state | 61)
    return ((state ^ (state >>> 14)) >>> 0) / 4_294_967_296
  }
}

const absent = { kind: 'absent', absentForMs: 0, absentAfterMs: 10 * second, maxTries: MAX_ATTEMPTS } as const
/** As of a search that has lasted. */
const absentForLong = { ...absent, absentForMs: minute }
/** As of a step that must never be sent again. */
const neverAbsent = { ...absent, absentAfterMs: Number.MAX_SAFE_INTEGER }
const lost = { kind: 'lost', reason: 'Reset.', failureKind: 'provider' } as const
const unseen = { kind: 'poll_failed', reason: 'Down.', retryAfterMs: undefined, giveUpMs: hour } as const
const postponed = { kind: 'postponed', reason: 'Busy.', retryAfterMs: undefined } as const
const stranded = { kind: 'stranded', reason: 'Gone.' } as const
const working = { kind: 'observed', observation: { phase: 'working' }, nextStep: null } as const
const later = { retryAfterMs: 15 * minute }

/** What happens to a job without deciding anything. */
const vain: Record<(typeof LIVE_STATES)[number], readonly JobInput[]> = {
  queued: [{ kind: 'begin' }, { kind: 'begin', baseline: 'x' }, postponed, { ...postponed, ...later }, stranded],
  starting: [absent, absentForLong, neverAbsent, lost, unseen, { ...unseen, ...later }, postponed, stranded],
  working: [
    working,
    { ...working, observation: { phase: 'working', detail: 'x' } },
    unseen,
    { ...unseen, ...later },
    stranded,
  ],
  uncertain: [{ kind: 'unanswered' }],
  awaiting_approval: [{ kind: 'approval_expired' }],
}

interface Life {
  job: Job
  kinds: string[]
  /** How long it took, in monotonic milliseconds. */
  ms: number
}

/** Lets things happen to a job in vain until it is over. */
function live(job: Job, seed: number, atMostMs: number): Life {
  const random = randomOf(seed)
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T
  // Some of what can happen never does: runs of one kind are worse than a mixture.
  const likely = (kinds: readonly JobInput[]) => kinds.filter((_, at) => (seed >> at) % 2 === 0 || kinds.length === 1)
  const kinds: string[] = []
  let present = job
  let [now, ms] = [start, 0]
  while (present.endedAt === null) {
    if (ms > atMostMs) return { job: present, kinds, ms }
    // On time, or late because Dolly was stopped or busy.
    const waitMs = Math.max((present.dueAt ?? now) - now, 0) + pick([0, 0, second, 10 * minute, hour])
    ms += Math.max(waitMs, second)
    now += Math.max(waitMs, second)
    // The clock is set, mostly not.
    if (random() < 0.001) now += pick([-2 * hour, 5 * hour])
    const state = LIVE_STATES.find((live) => live === present.state)
    if (state === undefined) break
    const all = vain[state]
    const some = likely(all)
    const input = pick(some.length > 0 ? some : all)
    const { set, event } = next(present, input, { now, jitter: random() })
    present = { ...present, ...set, version: present.version + 1 }
    if (event) kinds.push(event.kind)
  }
  return { job: present, kinds, ms }
}

describe('a job about which nothing is ever found out', () => {
  const seeds = Array.from({ length: 64 }, (_, seed) => seed)

  it.each(LIVE_STATES)('that is %s ends within weeks, whatever happens to it, and its thread says so', (state) => {
    for (const seed of seeds) {
      const job = jobIn(state, { dueAt: start, ...(state === 'working' && { deadlineAt: start + hour }) })
      const life = live(job, seed, 40 * day)
      expect({ seed, state: life.job.state, isOver: FINAL_STATES.some((final) => final === life.job.state) }).toEqual({
        seed,
        state: life.job.state,
        isOver: true,
      })
      expect(life.kinds.at(-1)).toBe(life.job.state)
      expect(life.job).toMatchObject({ dueAt: null, endedAt: expect.any(Number) })
      if (life.kinds.includes('uncertain') || state === 'uncertain') expect(life.kinds).toContain('reminder')
    }
  })

  it.each<[State, JobInput, Partial<Job>]>([
    ['starting', neverAbsent, {}],
    ['starting', unseen, {}],
    ['starting', lost, { attempt: 3 }],
    ['queued', postponed, {}],
    ['working', unseen, {}],
    ['working', working, { deadlineAt: start + hour }],
    ['working', stranded, {}],
  ])('that is %s (%o) can be ended by a person once nothing moved for five minutes', (state, input, rest) => {
    let job = jobIn(state, { dueAt: start, ...rest })
    const kinds: string[] = []
    for (let now = start; now <= start + 5 * minute + 30 * second; now += 15 * second) {
      const { set, event } = next(job, input, { now, jitter: 0.5 })
      job = { ...job, ...set }
      if (event) kinds.push(event.kind)
    }
    expect(job.state).toBe(state)
    const act = state === 'queued' ? 'cancel' : 'dismiss'
    expect(accepts(job, act)).toBe(true)
    // Without an event the root would not show the button, which a job at work has from the start.
    if (state === 'starting') expect(kinds.length).toBeGreaterThan(0)
    const { set } = next(job, { kind: act, actor: 'U1' }, { now: start + hour, jitter: 0.5 })
    expect(set).toMatchObject({ state: 'cancelled', endedAt: start + hour })
  })
})

describe('a write whose answer was lost', () => {
  let context: TestContext
  beforeEach(async () => {
    context = await testContext()
  })
  afterEach(async () => await context.db.destroy())

  const down = new TemporaryError('Down.', { mayHaveHappened: false })

  it('whose searches fail now and then becomes a question to a person within hours, and ends within weeks with its lock free', async () => {
    context.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: false }
    const { id, lock } = await context.ask()
    await context.runUntilIdle()
    const since = context.now()
    // One search in three finds nothing, the others fail: neither ever lasts.
    for (let at = 0; (await context.job(id)).state === 'starting'; at += 1) {
      context.world.findThrows = at % 3 === 0 ? null : down
      context.pass(55 * second)
      await context.runUntilIdle()
      expect(context.now() - since).toBeLessThan(7 * hour)
    }
    expect(await context.job(id)).toMatchObject({ state: 'uncertain' })
    expect(context.world.writes).toBe(1)
    const kinds = await context.kinds(id)
    expect(kinds.filter((kind) => /lost|unsettled|unreachable|uncertain/.test(kind))).toEqual([
      'answer_lost',
      'unsettled',
      'uncertain',
    ])

    for (let days = 0; days < 15; days += 1) {
      context.pass(day)
      // A restart is no reason to ask once more.
      await makeLiveJobsDue(context.db, context.now())
      await context.runUntilIdle()
    }
    expect((await context.kinds(id)).filter((kind) => kind === 'reminder')).toHaveLength(4)
    expect(await context.job(id)).toMatchObject({ state: 'timed_out', detail: 'Nobody answered for two weeks.' })
    await expect(context.ask({ lock })).resolves.toMatchObject({ state: 'queued' })
  })

  it('is still found by the first search after Dolly was stopped for days', async () => {
    context.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: true }
    const { id } = await context.ask()
    context.world.findThrows = down
    await context.runUntilIdle()
    context.pass(4 * second)
    await context.runUntilIdle()
    context.pass(3 * day)
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'starting' })
    context.world.findThrows = null
    context.pass(minute)
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'working', waitingSince: null })
  })

  it('gives its step the length of the search, from when it was first missed', async () => {
    context.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: false }
    await context.ask()
    const step = context.connections.get('dummy-one')?.provider.operations.clone?.steps[0]
    if (!step) throw new Error('The dummy has a clone.')
    const searchedFor: number[] = []
    let at = 0
    step.find = async (_api, _params, _before, { searchedForMs }) => {
      searchedFor.push(searchedForMs)
      at += 1
      if (at % 5 === 0) return null
      throw down
    }
    await context.runUntilIdle()
    for (let count = 0; count < 60; count += 1) {
      context.pass(20 * second)
      await context.runUntilIdle()
    }
    // No single success takes it back.
    expect(searchedFor).toEqual([...searchedFor].sort((one, other) => one - other))
    expect(searchedFor.at(-1)).toBeGreaterThan(15 * minute)
  })

  it('that a person has checked once more gets the time for it', async () => {
    const asked = jobIn('uncertain', { waitingSince: start - 13 * day, stepSince: start - 13 * day, dueAt: start })
    const checking = { ...asked, ...next(asked, { kind: 'check_again', actor: 'U1' }, { now: start, jitter: 0.5 }).set }
    expect(checking).toMatchObject({ state: 'starting', waitingSince: start, stepSince: start })
    const searched = next(checking, absent, { now: start, jitter: 0.5 })
    expect(searched.set).toMatchObject({ waitingSince: start })
    expect(searched.set.state).toBeUndefined()
  })
})

describe('a step at which its provider works', () => {
  it('whose polls succeed only now and then ends after a week', () => {
    let job = jobIn('working', { deadlineAt: start + hour, dueAt: start })
    let now = start
    for (let at = 0; job.endedAt === null && now < start + 30 * day; at += 1) {
      now += 5 * hour
      job = { ...job, ...next({ ...job, dueAt: now }, at % 2 ? working : unseen, { now, jitter: 0.5 }).set }
    }
    expect(job).toMatchObject({ state: 'timed_out' })
    expect(now - start).toBeLessThan(8 * day)
  })

  it('is not given up by the first poll after Dolly was stopped for longer than a week', () => {
    const stopped = { dueAt: start + hour, stepSince: start, deadlineAt: start + hour }
    const now = start + 9 * day
    for (const input of [unseen, working]) {
      const job = {
        ...jobIn('working', stopped),
        ...next(jobIn('working', stopped), input, { now, jitter: 0.5 }).set,
      }
      expect(job).toMatchObject({ state: 'working', endedAt: null })
      // From here on the week goes on as if there had been no stop.
      const late = next({ ...job, dueAt: now + 8 * day }, input, { now: now + 8 * day, jitter: 0.5 })
      expect(late.set).toMatchObject({ state: 'timed_out' })
    }
    const lostStep = jobIn('starting', { ...stopped, deadlineAt: null })
    expect(next(lostStep, unseen, { now, jitter: 0.5 }).set.state).toBeUndefined()
  })

  it('may be dismissed, and is given up, in its own time although the clock was set back by a year', () => {
    const ahead = start + 365 * day
    let job = jobIn('working', { stepSince: ahead, startedAt: ahead, deadlineAt: ahead + hour, dueAt: start })
    const pollAt = (now: number) => {
      job = { ...job, ...next(job, working, { now, jitter: 0.5 }).set }
      if (job.endedAt === null) job = { ...job, dueAt: now + 10 * second }
    }
    for (let now = start; now < start + 6 * minute; now += 10 * second) pollAt(now)
    expect(accepts(job, 'dismiss')).toBe(true)
    for (let now = start + 6 * minute; now < start + hour + minute; now += 10 * second) {
      if (job.endedAt === null) pollAt(now)
    }
    expect(job).toMatchObject({ state: 'timed_out' })
  })
})

describe('a question', () => {
  it('is put again, and does not end, when Dolly comes back after weeks', () => {
    const job = jobIn('uncertain', { waitingSince: start, dueAt: start + day })
    const { set, event } = next(job, { kind: 'unanswered' }, { now: start + 20 * day, jitter: 0.5 })
    expect({ state: set.state, event }).toEqual({ state: undefined, event: { kind: 'reminder' } })
  })
})
