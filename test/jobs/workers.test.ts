/** The workers of one process side by side. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { LIVE_STATES } from '../../src/domain/job.js'
import { runAll } from '../../src/jobs/run-all.js'
import { createWorkers } from '../../src/jobs/workers.js'
import { claimDueJobs } from '../../src/store/claims.js'
import type { DueWork } from '../../src/store/due-work.js'
import { type TestContext, testContext } from '../helpers/context.js'

const { signal } = new AbortController()

function workerOf(context: TestContext, name: string) {
  const worker = createWorkers(context, { notifyPending: async () => false }).find((one) => one.name === name)
  if (!worker) throw new Error(`There is no worker ${name}.`)
  return worker
}

/** So many runs of a worker side by side; resolves once all of them have ended. */
async function run(context: TestContext, name: string, count = 1): Promise<void> {
  const worker = workerOf(context, name)
  await Promise.all(Array.from({ length: count }, () => worker.runOnce(signal, () => {})))
}

function firstStep({ connections }: TestContext) {
  const connection = connections.get('dummy-one')
  const step = connection?.provider.operations.clone?.steps[0]
  if (!connection || !step) throw new Error('The dummy has a clone.')
  return { connection, step }
}

/** Holds every write until it is let go. */
function held(context: TestContext) {
  const { step } = firstStep(context)
  const { run } = step
  const waiting: (() => void)[] = []
  step.run = async (...args) => {
    await new Promise<void>((resolve) => waiting.push(resolve))
    return await run(...args)
  }
  const letGo = () => {
    for (const resolve of waiting.splice(0)) resolve()
  }
  return { waiting, letGo }
}

it('a slow write holds up neither other writes of its connection nor the search for lost ones', async () => {
  const context = await testContext()
  const { waiting, letGo } = held(context)
  await context.ask()
  const slow = run(context, 'write dummy-one')
  await expect.poll(() => waiting.length).toBe(1)

  const second = await context.ask()
  const lost = await context.ask()
  await context.db.updateTable('jobs').set({ state: 'starting', attempt: 1 }).where('id', '=', lost.id).execute()
  context.world.made.push({ id: 'clone-0', name: 'copy', step: 'clone' })
  const other = run(context, 'write dummy-one')
  await expect.poll(() => waiting.length).toBe(2)
  await run(context, 'reconcile dummy-one')
  expect(await context.job(lost.id)).toMatchObject({ state: 'working', ref: { id: 'clone-0' } })
  letGo()
  await Promise.all([slow, other])
  expect(await context.job(second.id)).toMatchObject({ state: 'working' })
  await context.db.destroy()
})

it('each run of a writer makes one write', async () => {
  const context = await testContext()
  const { waiting, letGo } = held(context)
  for (let count = 0; count < 6; count += 1) await context.ask()
  const writing = run(context, 'write dummy-one', 4)
  await expect.poll(() => waiting.length).toBe(4)
  expect(await context.db.selectFrom('jobs').select('id').where('state', '=', 'queued').execute()).toHaveLength(2)
  letGo()
  await writing
  await context.db.destroy()
})

it('each kind of due work has exactly one worker', async () => {
  const context = await testContext()
  const workers = createWorkers(context, { notifyPending: async () => false }).filter(({ name }) => name !== 'purge')
  const startedFor = (kind: DueWork['kind'], connection: string) =>
    workers.flatMap(({ name, countDue }) => (countDue([{ kind, connection, count: 2 }]) === 2 ? [name] : []))
  expect(startedFor('queued', 'dummy-one')).toEqual(['write dummy-one'])
  expect(startedFor('starting', 'dummy-one')).toEqual(['reconcile dummy-one'])
  expect(startedFor('working', 'dummy-one')).toEqual(['poll dummy-one'])
  expect(startedFor('uncertain', 'dummy-one')).toEqual(['waiting'])
  for (const state of LIVE_STATES) expect(startedFor(state, 'gone')).toEqual(['waiting'])
  expect(startedFor('notify', '')).toEqual(['notify'])
  const sealing = workers
    .filter(({ name }) => name !== 'seal')
    .map((one) => one.countDue([{ kind: 'seal', connection: '', count: 1 }]))
  expect(sealing).toEqual(sealing.map(() => 0))
  expect(workerOf(context, 'write dummy-one').maxConcurrent).toBe(4)
  await context.db.destroy()
})

it('at most eight jobs are worked at side by side, so that other work gets a connection in between', async () => {
  const context = await testContext()
  for (let count = 0; count < 20; count += 1) await context.ask()
  const wanted = { connection: 'dummy-one', state: 'queued', limit: 20 } as const
  const claimed = await claimDueJobs(context.db, wanted, context.now())
  const seen = { underWay: 0, most: 0, worked: new Set<string>() }
  const moved = await runAll(context, claimed, async ({ job }, at) => {
    seen.underWay += 1
    seen.most = Math.max(seen.most, seen.underWay)
    await nextTurn()
    seen.underWay -= 1
    seen.worked.add(job.id)
    if (at === 3) throw new Error('This one breaks, and the others go on.')
    return at === 19
  })
  expect(moved).toBe(true)
  expect(seen).toMatchObject({ underWay: 0, most: 8 })
  expect(seen.worked.size).toBe(20)
  await context.db.destroy()
})
