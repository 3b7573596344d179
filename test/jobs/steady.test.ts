/** A clock that jumps, and what it may no longer decide. */
import { expect, it } from 'vitest'
import { runDueJobs } from '../../src/jobs/run.js'
import { SteadyClock } from '../../src/jobs/steady.js'
import { testHouse } from '../helpers/house.js'

function clocks() {
  const time = { wall: 1_800_000_000_000, monotonic: 5_000 }
  const steady = new SteadyClock(
    () => time.wall,
    () => time.monotonic,
    5_000,
  )
  return {
    steady,
    pass: (ms: number) => {
      time.wall += ms
      time.monotonic += ms
    },
    jump: (ms: number) => {
      time.wall += ms
    },
  }
}

it('trusts a clock that it saw run evenly for a while', () => {
  const { steady, pass } = clocks()
  expect(steady.isSteady()).toBe(false)
  pass(4_999)
  expect(steady.isSteady()).toBe(false)
  pass(1)
  expect(steady.isSteady()).toBe(true)
})

it.each([180_000, -180_000])('trusts it no more for a while after a jump of %i ms', (ms) => {
  const { steady, pass, jump } = clocks()
  pass(5_000)
  expect(steady.isSteady()).toBe(true)
  jump(ms)
  expect(steady.isSteady()).toBe(false)
  pass(4_000)
  expect(steady.isSteady()).toBe(false)
  pass(1_000)
  expect(steady.isSteady()).toBe(true)
})

it('lets no process take a job out of the hands of another because the clock jumped', async () => {
  const one = await testHouse()
  const { steady, jump, pass } = clocks()
  const now = () => one.now()
  const other = { ...one, worker: 'two', now, isSteady: () => steady.isSteady() }
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
