/** What starts the workers, and when: ticks, wakes, pauses, and a clock that was set. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { DatabaseError } from '../../src/errors.js'
import { Scheduler, type Worker } from '../../src/jobs/scheduler.js'
import { createWorkers } from '../../src/jobs/workers.js'
import { logFields, withLogFields } from '../../src/log-fields.js'
import { releaseAllClaims } from '../../src/store/claims.js'
import { findDueWork } from '../../src/store/due-work.js'
import { makeLiveJobsDue } from '../../src/store/make-due.js'
import { testContext } from '../helpers/context.js'

const schedulers: Scheduler[] = []
const errors: unknown[] = []
const warnings: object[] = []
const log = {
  warn: (fields: object) => void warnings.push(fields),
  error: ({ err }: { err?: unknown }) => void errors.push(err),
}
afterEach(async () => {
  vi.useRealTimers()
  for (const scheduler of schedulers.splice(0)) await scheduler.stop(0)
  errors.length = 0
  warnings.length = 0
})

/** A scheduler whose workers are always due, unless a test says otherwise. */
function schedule(...workers: readonly (Partial<Worker> & Pick<Worker, 'runOnce'>)[]): Scheduler {
  return scheduleWith({ workers: workers.map((one, at) => ({ name: `worker ${at}`, countDue: () => 1, ...one })) })
}

function scheduleWith(options: Partial<ConstructorParameters<typeof Scheduler>[0]>): Scheduler {
  const scheduler = new Scheduler({
    tickSeconds: 60,
    workers: [],
    findDueWork: async () => [],
    onClockSet: async () => {},
    now: () => Date.now(),
    elapsed: () => performance.now(),
    log,
    ...options,
  })
  schedulers.push(scheduler)
  return scheduler
}

/** A worker whose runs last until they are let go. */
function gate() {
  const opened: (() => void)[] = []
  let runs = 0
  return {
    runs: () => runs,
    open: () => opened.shift()?.(),
    runOnce: () => {
      runs += 1
      return new Promise<boolean>((resolve) => opened.push(() => resolve(false)))
    },
  }
}

const turns = async () => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

describe('the scheduler', () => {
  it('runs a worker once at a time, and once more for all who woke it meanwhile', async () => {
    const worker = gate()
    const scheduler = schedule(worker)
    scheduler.wake()
    await expect.poll(worker.runs).toBe(1)
    scheduler.wake()
    scheduler.wake()
    await turns()
    expect(worker.runs()).toBe(1)
    worker.open()
    await expect.poll(worker.runs).toBe(2)
    worker.open()
    expect(await scheduler.stop(1_000)).toBe('finished')
    expect(worker.runs()).toBe(2)
  })

  it('runs a worker as often side by side as there is due work for, up to its maximum', async () => {
    let due = 2
    const worker = { ...gate(), maxConcurrent: 4, countDue: () => due }
    const scheduler = schedule(worker)
    scheduler.wake()
    await expect.poll(worker.runs).toBe(2)
    due = 9
    scheduler.wake()
    await expect.poll(worker.runs).toBe(4)
    await turns()
    expect(worker.runs()).toBe(4)
  })

  it('does not replace a run that finds nothing while others go on, which replicas would do to each other', async () => {
    const worker = { ...gate(), maxConcurrent: 2, countDue: () => 9 }
    const scheduler = schedule(worker)
    scheduler.wake()
    await expect.poll(worker.runs).toBe(2)
    worker.open()
    await turns()
    expect(worker.runs()).toBe(2)
    // The last one asks once more: what it found may be over by now.
    worker.open()
    await expect.poll(worker.runs).toBe(3)
  })

  it('asks once what is due, and starts only the workers that have something to do', async () => {
    const context = await testContext()
    const started: string[] = []
    const workers = createWorkers(context, { notifyPending: async () => false })
      // These two also run by the clock.
      .filter(({ name }) => name !== 'purge' && name !== 'seal')
      .map((worker) => ({
        ...worker,
        runOnce: async (...args: Parameters<Worker['runOnce']>) => {
          started.push(worker.name)
          return await worker.runOnce(...args)
        },
      }))
    let queries = 0
    const findDue = async () => {
      queries += 1
      return await findDueWork(context.db, context.now())
    }
    const scheduler = scheduleWith({ workers, findDueWork: findDue })
    scheduler.wake()
    await turns()
    expect([started, queries]).toEqual([[], 1])

    const { id } = await context.ask()
    scheduler.wake()
    await expect.poll(async () => (await context.job(id)).state).toBe('working')
    expect(new Set(started)).toEqual(new Set(['write dummy-one', 'notify']))
    expect(started.filter((name) => name === 'write dummy-one')).toHaveLength(1)
    await scheduler.stop(1_000)
    await context.db.destroy()
  })

  it('goes on as long as a worker does something', async () => {
    let left = 3
    const scheduler = schedule({
      runOnce: async () => {
        left -= 1
        return left > 0
      },
    })
    scheduler.wake()
    await expect.poll(() => left).toBe(0)
  })

  it('waits for what is under way when it stops, but not forever', async () => {
    const slow = gate()
    const scheduler = schedule(slow)
    scheduler.wake()
    await expect.poll(slow.runs).toBe(1)
    expect(await scheduler.stop(20)).toBe('cut short')

    const quick = gate()
    const other = schedule(quick)
    other.wake()
    await expect.poll(quick.runs).toBe(1)
    const stopped = other.stop(5_000)
    quick.open()
    expect(await stopped).toBe('finished')
    other.wake()
    await turns()
    expect(quick.runs()).toBe(1)
  })

  it('lets a worker ask for its next run before the next tick, and drops that when it stops', async () => {
    let runs = 0
    const scheduler = schedule({
      runOnce: async (_stopping, runAgainIn) => {
        runs += 1
        runAgainIn(5)
        return false
      },
    })
    scheduler.wake()
    await expect.poll(() => runs).toBeGreaterThan(2)
    await scheduler.stop(1_000)
    const before = runs
    await turns()
    expect(runs).toBe(before)
  })

  it('keeps the earliest run that a worker asked for, whatever it asks for later', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    let runs = 0
    const scheduler = schedule({
      runOnce: async (_stopping, runAgainIn) => {
        runs += 1
        if (runs < 3) runAgainIn(runs === 1 ? 300 : 5_000)
        return false
      },
    })
    scheduler.wake()
    await vi.advanceTimersByTimeAsync(100)
    scheduler.wake()
    await vi.advanceTimersByTimeAsync(199)
    expect(runs).toBe(2)
    await vi.advanceTimersByTimeAsync(1)
    expect(runs).toBe(3)
  })

  it('says that it has stopped when ticks stay out for thirty seconds, though people wake it, and takes it back', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    let ms = 0
    const scheduler = scheduleWith({ tickSeconds: 1, elapsed: () => ms })
    ms = 30_000
    expect(scheduler.whyNotReady()).toBeUndefined()
    ms = 30_001
    scheduler.wake()
    await turns()
    expect(scheduler.whyNotReady()).toBe('the scheduler has stopped')
    await vi.advanceTimersByTimeAsync(1_100)
    await turns()
    expect(scheduler.whyNotReady()).toBeUndefined()
  })

  it('gives slow ticks three times their interval before it says that it has stopped', async () => {
    let ms = 0
    const scheduler = scheduleWith({ tickSeconds: 60, elapsed: () => ms })
    ms = 180_000
    expect(scheduler.whyNotReady()).toBeUndefined()
    ms = 180_001
    expect(scheduler.whyNotReady()).toBe('the scheduler has stopped')
  })

  it('says that the database is away from the query that failed to the next one that works', async () => {
    let isAway = true
    const scheduler = scheduleWith({
      findDueWork: async () => {
        if (isAway) throw new DatabaseError('away', { mayHaveHappened: false })
        return []
      },
    })
    scheduler.wake()
    await turns()
    expect(scheduler.whyNotReady()).toBe('the database is away')
    isAway = false
    scheduler.wake()
    await turns()
    expect(scheduler.whyNotReady()).toBeUndefined()
  })

  it('logs no work as the request or the job that woke it, nor what it does later', async () => {
    const seen: object[] = []
    const scheduler = schedule({
      runOnce: async (_stopping, runAgainIn) => {
        seen.push(logFields())
        if (seen.length === 1) withLogFields({ job: 'k7f3q' }, () => runAgainIn(1))
        return false
      },
    })
    withLogFields({ request: 'r1' }, () => scheduler.wake())
    await expect.poll(() => seen).toEqual([{}, {}])
  })

  it('survives a worker that breaks, and a database that cannot be read', async () => {
    let runs = 0
    let isBusy = false
    const runOnce = async () => {
      runs += 1
      throw new Error('broken')
    }
    const scheduler = scheduleWith({
      workers: [{ name: 'one', countDue: () => 1, runOnce }],
      findDueWork: async () => {
        if (isBusy) throw new Error('busy')
        return []
      },
    })
    scheduler.wake()
    await expect.poll(() => errors.length).toBe(1)
    isBusy = true
    scheduler.wake()
    await expect.poll(() => errors.length).toBe(2)
    isBusy = false
    scheduler.wake()
    await expect.poll(() => runs).toBe(2)
  })

  it('does not let workers that keep breaking start each other over and over', async () => {
    let runs = 0
    const runOnce = async () => {
      runs += 1
      await new Promise((resolve) => setImmediate(resolve))
      throw new Error('disk full')
    }
    const scheduler = schedule({ runOnce }, { runOnce }, { runOnce })
    scheduler.wake()
    scheduler.wake()
    await turns()
    await turns()
    expect(runs).toBeLessThanOrEqual(6)
  })

  it('if other processes tick too, comes up to two fifths of a tick later, so that not all query at once', async () => {
    vi.useFakeTimers({ now: 1_800_000_000_000 })
    const random = vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const late: number[] = []
    const findDueWork = async () => {
      late.push(Date.now() % 2_000)
      return []
    }
    scheduleWith({ tickSeconds: 2, isShared: true, findDueWork })
    await vi.advanceTimersByTimeAsync(6_900)
    random.mockRestore()
    expect(late).toEqual([400, 400, 400])
  })
})

describe('a clock that was set', () => {
  const hour = 3_600_000

  it.each([hour, -5 * hour])(
    'by %i ms is noticed within two seconds; ticks go on, and all live jobs are polled',
    async (byMs) => {
      vi.useFakeTimers({ now: 1_800_000_000_000 })
      const context = await testContext({ now: () => Date.now(), elapsed: () => performance.now() })
      const { id } = await context.ask()
      const workers = createWorkers(context, { notifyPending: async () => false })
      let ticks = 0
      const scheduler = scheduleWith({
        tickSeconds: 1,
        workers,
        findDueWork: async () => {
          ticks += 1
          return await findDueWork(context.db, context.now())
        },
        onClockSet: () => makeLiveJobsDue(context.db, context.now()),
      })
      scheduler.wake()
      await vi.advanceTimersByTimeAsync(2_000)
      // The clock stands still for the database, whose answers take real time.
      await expect.poll(() => context.job(id)).toMatchObject({ state: 'working' })
      // An old job, which is polled every half minute.
      await context.db
        .updateTable('jobs')
        .set({ dueAt: Date.now() + 30_000 })
        .execute()
      vi.setSystemTime(Date.now() + byMs)
      const { polls } = context.world
      ticks = 0
      await vi.advanceTimersByTimeAsync(2_000)
      await expect.poll(() => context.world.polls).toBeGreaterThan(polls)
      expect(warnings).toEqual([{ byMs: expect.closeTo(byMs, -2) }])
      for (let second = 0; second < 3; second += 1) {
        const before = ticks
        await vi.advanceTimersByTimeAsync(1_000)
        await expect.poll(() => ticks).toBeGreaterThan(before)
      }
      expect(ticks).toBeGreaterThanOrEqual(4)
      await scheduler.stop(0)
      await context.db.destroy()
    },
  )

  it('is not confused with a clock that is slewed', async () => {
    vi.useFakeTimers({ now: 1_800_000_000_000 })
    scheduleWith({})
    for (let second = 0; second < 60; second += 1) {
      await vi.advanceTimersByTimeAsync(1_000)
      vi.setSystemTime(Date.now() + 50)
    }
    expect(warnings).toEqual([])
  })

  it.each([-5 * hour, 5 * hour])(
    'by %i ms while Dolly was stopped delays no first poll after the start',
    async (byMs) => {
      const context = await testContext()
      const ids = [(await context.ask()).id, (await context.ask()).id]
      await context.runUntilIdle()
      context.world.observation = new Error('down')
      context.pass(60_000)
      await context.runUntilIdle()
      // Killed in the middle of a poll.
      await context.db.updateTable('jobs').set({ claimToken: 'of the dead' }).execute()
      context.setClock(byMs)
      await releaseAllClaims(context.db)
      await makeLiveJobsDue(context.db, context.now())
      const due = await findDueWork(context.db, context.now())
      expect(due).toContainEqual({ kind: 'working', connection: 'dummy-one', count: ids.length })
      await context.db.destroy()
    },
  )
})
