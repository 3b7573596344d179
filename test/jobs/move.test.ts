/** What one poll saw of many jobs is saved together, and one job in the way holds up no other. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { next } from '../../src/domain/machine.js'
import { pollDueJobs } from '../../src/jobs/poll.js'
import { applyTransition } from '../../src/store/jobs.js'
import { type TestContext, testContext } from '../helpers/context.js'
import { fill } from '../helpers/disk.js'

const COUNT = 60

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
    let carryOn = () => {}
    context.world.held = new Promise<void>((resolve) => {
      carryOn = resolve
    })
    const before = context.world.polls
    const polled = pollDueJobs(context, 'dummy-one')
    await expect.poll(() => context.world.polls).toBe(before + 1)
    const job = await context.job(clicked)
    const muted = next(job, { kind: 'mute', actor: 'U1' }, { now: context.now(), jitter: 0 })
    await applyTransition(context.db, job, muted, context.now(), null)
    carryOn()
    expect(await polled).toBe(true)
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
