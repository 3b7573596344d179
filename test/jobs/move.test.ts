/** What one poll saw of many jobs is saved together, and one job in the way holds up no other. */
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { Job } from '../../src/domain/job.js'
import { next } from '../../src/domain/machine.js'
import { pollDueJobs } from '../../src/jobs/poll.js'
import { readEvents } from '../../src/store/events.js'
import { applyTransition } from '../../src/store/jobs.js'
import { toJob } from '../../src/store/schema.js'
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

describe('sixty jobs about which one poll finds nothing new', () => {
  let context: TestContext
  let before: Job[]

  const jobsNow = async () => await Promise.all(before.map(({ id }) => context.job(id)))
  const isPlanned = ({ dueAt }: Job) => (dueAt ?? 0) > context.now()

  beforeEach(async () => {
    context = await testContext()
    for (let count = 0; count < COUNT; count += 1) await context.ask()
    await context.runUntilIdle()
    context.pass(60_000)
    await pollDueJobs(context, 'dummy-one')
    before = (await context.db.selectFrom('jobs').selectAll().execute()).map(toJob)
    context.pass(60_000)
  })
  afterEach(async () => await context.db.destroy())

  it('are polled again later, without an event, and are free until then', async () => {
    const events = await context.db.selectFrom('events').selectAll().execute()
    expect(await pollDueJobs(context, 'dummy-one')).toBe(true)
    const after = await jobsNow()
    expect(after.every(isPlanned)).toBe(true)
    expect(after).toEqual(before.map((job, at) => ({ ...job, version: job.version + 1, dueAt: after[at]?.dueAt })))
    expect(await context.db.selectFrom('events').selectAll().execute()).toEqual(events)
    const claimed = context.db.selectFrom('jobs').select('id').where('claimToken', 'is not', null)
    expect(await claimed.execute()).toEqual([])
    expect(await pollDueJobs(context, 'dummy-one')).toBe(false)
  })

  it('are also polled again later if a person clicks on one meanwhile, and the click is kept', async () => {
    const [clicked = ''] = before.map(({ id }) => id)
    expect(await pollWhile(context, () => mute(context, clicked))).toBe(true)
    expect((await jobsNow()).every(isPlanned)).toBe(true)
    expect((await context.job(clicked)).isMuted).toBe(true)
  })

  it("are polled again later, except the one that can't be saved, which stays due", async () => {
    const [stuck = ''] = before.map(({ id }) => id)
    const heal = await fill(context.db, 'update on jobs', `new.id = '${stuck}' and new.due_at > old.due_at`)
    expect(await pollDueJobs(context, 'dummy-one')).toBe(true)
    expect((await jobsNow()).filter((job) => !isPlanned(job)).map(({ id }) => id)).toEqual([stuck])
    await heal()
    expect(await pollDueJobs(context, 'dummy-one')).toBe(true)
    expect((await jobsNow()).every(isPlanned)).toBe(true)
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
