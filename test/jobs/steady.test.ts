/** A clock that jumps, and what it may no longer decide. */
import { expect, it, vi } from 'vitest'
import { Clock } from '../../src/jobs/scheduler.js'
import { SteadyClock } from '../../src/jobs/steady.js'
import { makeLiveJobsDue } from '../../src/store/claims.js'
import { runDueJobs, testContext } from '../helpers/context.js'

function clocks() {
  const time = { wall: 1_800_000_000_000, monotonic: 5_000 }
  const jumps: number[] = []
  const steady = new SteadyClock(
    () => time.wall,
    () => time.monotonic,
    (byMs) => jumps.push(byMs),
  )
  return {
    steady,
    jumps,
    pass: (ms: number) => {
      time.wall += ms
      time.monotonic += ms
    },
    jump: (ms: number) => {
      time.wall += ms
    },
  }
}

it('counts for how long it saw the clock run evenly', () => {
  const { steady, jumps, pass } = clocks()
  expect(steady.steadyForMs()).toBe(0)
  pass(5_000)
  expect(steady.steadyForMs()).toBe(5_000)
  expect(jumps).toEqual([])
})

it.each([180_000, -180_000])('begins anew after a jump of %i ms, and says so once', (ms) => {
  const { steady, jumps, pass, jump } = clocks()
  pass(5_000)
  jump(ms)
  expect(steady.steadyForMs()).toBe(0)
  pass(4_000)
  expect(steady.steadyForMs()).toBe(4_000)
  expect(jumps).toEqual([ms])
})

it('is not irritated by a clock that is slewed', () => {
  const { steady, jumps, pass, jump } = clocks()
  for (let second = 0; second < 60; second += 1) {
    pass(1_000)
    jump(50)
    steady.steadyForMs()
  }
  expect(steady.steadyForMs()).toBe(60_000)
  expect(jumps).toEqual([])
})

it('makes due what a clock that was ahead had planned for later, and cuts pauses to a minute', async () => {
  const { ask, job, db, now } = await testContext()
  const hour = 3_600_000
  const [queued, working] = [await ask(), await ask()]
  await db
    .updateTable('jobs')
    .set({ dueAt: now() + hour })
    .execute()
  await db.updateTable('jobs').set({ state: 'working' }).where('id', '=', working.id).execute()
  await db
    .updateTable('jobs')
    .set({ tellerUntil: now() + hour })
    .execute()
  await makeLiveJobsDue(db, now())
  expect(await job(working.id)).toMatchObject({ dueAt: now() })
  expect(await job(queued.id)).toMatchObject({ dueAt: now() + 60_000 })
  const rows = await db.selectFrom('jobs').select('tellerUntil').execute()
  expect(rows).toEqual([{ tellerUntil: now() + 60_000 }, { tellerUntil: now() + 60_000 }])
  await db.destroy()
})

it('ticks on when the clock is set back by an hour', async () => {
  vi.useFakeTimers({ now: 1_800_000_000_000 })
  try {
    let ticks = 0
    const go = async () => {
      ticks += 1
      return false
    }
    const clock = new Clock(1, [{ name: 'round', go }], () => {})
    await vi.advanceTimersByTimeAsync(3_000)
    expect(ticks).toBeGreaterThanOrEqual(2)
    vi.setSystemTime(Date.now() - 3_600_000)
    await clock.restart()
    ticks = 0
    await vi.advanceTimersByTimeAsync(3_000)
    expect(ticks).toBeGreaterThanOrEqual(2)
    await clock.stop(0)
  } finally {
    vi.useRealTimers()
  }
})

it('lets no process take a job out of the hands of another because the clock jumped', async () => {
  const one = await testContext()
  const { steady, jump, pass } = clocks()
  const now = () => one.now()
  const other = { ...one, worker: 'two', now, steadyForMs: () => steady.steadyForMs() }
  pass(5_000)
  const { id } = await one.ask()
  // In the middle of its write the clock jumps ahead, and the other process looks for work.
  const { db, connections } = one
  const connection = connections.get('dummy-one')
  const clone = connection?.provider.operations.clone
  const step = clone?.steps[0]
  if (!connection || !step) throw new Error('The dummy has a clone.')
  const write = step.run
  step.run = async (...args) => {
    one.pass(180_000)
    jump(180_000)
    await runDueJobs({ ...other, db }, 'dummy-one')
    return await write(...args)
  }
  await runDueJobs(one, 'dummy-one')
  expect(await one.kinds(id)).toEqual(['queued', 'step_started', 'step_accepted'])
  expect(one.world.writes).toBe(1)
  await db.destroy()
})
