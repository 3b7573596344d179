/** What one poll saw of many jobs is saved together, and one job in the way holds up no other. */
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { next } from '../../src/domain/machine.js'
import { pollDueJobs } from '../../src/jobs/poll.js'
import { readEvents } from '../../src/store/events.js'
import { applyTransition } from '../../src/store/jobs.js'
import { silentLog, type TestContext, testContext } from '../helpers/context.js'
import { fill } from '../helpers/disk.js'
import { pollWhile } from '../helpers/poll-while.js'

const COUNT = 60

/** A click that leaves the job where it is. */
async function mute(context: TestContext, id: string): Promise<void> {
  const job = await context.job(id)
  const muted = next(job, { kind: 'mute', actor: 'U1' }, { now: context.now(), jitter: 0 })
  await applyTransition(context.db, job, muted, context.now(), null)
}

describe('sixty jobs of which one poll sees the end', () => {
  let context: TestContext
  let ids: string[]

  beforeEach(async () => {
    context = await testContext()
    ids = []
    for (let count = 0; count < COUNT; count += 1) ids.push((await context.ask()).id)
    await context.runUntilIdle()
    context.world.observation = { phase: 'done' }
    context.pass(60_000)
  })
  afterEach(async () => await context.db.destroy())

  async function statesOf(): Promise<Record<string, number>> {
    const counts: Record<string, number> = {}
    for (const id of ids) {
      const { state } = await context.job(id)
      counts[state] = (counts[state] ?? 0) + 1
    }
    return counts
  }

  it('all end, each with its event', async () => {
    expect(await pollDueJobs(context, 'dummy-one')).toBe(true)
    expect(await statesOf()).toEqual({ succeeded: COUNT })
    for (const id of ids) expect((await context.kinds(id)).filter((kind) => kind === 'succeeded')).toHaveLength(1)
  })

  it('end too if a person clicks on one in between, whose click counts', async () => {
    const [clicked = ''] = ids
    expect(await pollWhile(context, () => mute(context, clicked))).toBe(true)
    expect(await statesOf()).toEqual({ succeeded: COUNT })
    expect((await context.job(clicked)).isMuted).toBe(true)
  })

  it('end but for the one that cannot be saved, which ends once it can', async () => {
    const [stuck = ''] = ids
    const heal = await fill(context.db, 'insert on events', `new.job_id = '${stuck}'`)
    expect(await pollDueJobs(context, 'dummy-one')).toBe(true)
    expect(await statesOf()).toEqual({ working: 1, succeeded: COUNT - 1 })
    expect((await context.job(stuck)).state).toBe('working')
    await heal()
    await context.runUntilIdle()
    expect(await statesOf()).toEqual({ succeeded: COUNT })
  })
})

it('a poll that breaks is reported once for each job, also for one that a person clicked on meanwhile', async () => {
  const broken: unknown[] = []
  const error = (about: { job: string }) => broken.push(about.job)
  const context = await testContext({ log: { ...silentLog, error } })
  onTestFinished(async () => await context.db.destroy())
  const ids = [(await context.ask()).id, (await context.ask()).id]
  await context.runUntilIdle()
  context.world.observation = new Error('a bug')
  context.pass(60_000)
  await pollWhile(context, () => mute(context, ids[0] ?? ''))
  expect(broken.sort()).toEqual(ids.sort())
})

it('a job ends at the time of its event, however long it takes to save others with it', async () => {
  const context = await testContext()
  onTestFinished(async () => await context.db.destroy())
  const ids = [(await context.ask()).id, (await context.ask()).id]
  await context.runUntilIdle()
  context.world.observation = { phase: 'done' }
  context.pass(60_000)
  const { now } = context
  context.now = () => {
    context.pass(1)
    return now()
  }
  await pollDueJobs(context, 'dummy-one')
  for (const id of ids) {
    const { endedAt } = await context.job(id)
    expect((await readEvents(context.db, id)).at(-1)).toMatchObject({ kind: 'succeeded', at: endedAt })
  }
})
