/** The rounds of one process side by side, and of one that was stopped for long. */
import { expect, it } from 'vitest'
import { z } from 'zod'
import { roundsOf } from '../../src/jobs/workers.js'
import { runDueJobs, type TestContext, testContext } from '../helpers/context.js'

const { signal } = new AbortController()

/** One go of every round whose name begins like this; answers once all of them have ended. */
async function go(context: TestContext, beginning: string): Promise<void> {
  const rounds = roundsOf(context, async () => ({ waitMs: 0 })).filter(({ name }) => name.startsWith(beginning))
  if (rounds.length === 0) throw new Error(`There is no round ${beginning}.`)
  await Promise.all(rounds.map((round) => round.go(signal, () => {})))
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

it('a write that is slow holds up neither other writes of its connection nor looks for lost ones', async () => {
  const context = await testContext()
  const { waiting, letGo } = held(context)
  await context.ask()
  const slow = go(context, 'write 1 at')
  await expect.poll(() => waiting.length).toBe(1)

  const second = await context.ask()
  const lost = await context.ask()
  await context.db.updateTable('jobs').set({ state: 'starting', attempt: 1 }).where('id', '=', lost.id).execute()
  context.world.made.push({ id: 'clone-0', name: 'copy', step: 'clone' })
  const other = go(context, 'write 2 at')
  await expect.poll(() => waiting.length).toBe(2)
  await go(context, 'settle')
  expect(await context.job(lost.id)).toMatchObject({ state: 'working', ref: { id: 'clone-0' } })
  letGo()
  await Promise.all([slow, other])
  expect(await context.job(second.id)).toMatchObject({ state: 'working' })
  await context.db.destroy()
})

it('no more writes of a connection are under way than it may have', async () => {
  const context = await testContext()
  const { waiting, letGo } = held(context)
  for (let count = 0; count < 6; count += 1) await context.ask()
  const writing = go(context, 'write')
  await expect.poll(() => waiting.length).toBe(4)
  expect(await context.db.selectFrom('jobs').select('id').where('state', '=', 'queued').execute()).toHaveLength(2)
  letGo()
  await writing
  await context.db.destroy()
})

it('a write that was stopped for long is not sent because another round of its process has the job by now', async () => {
  const context = await testContext()
  const { id } = await context.ask()
  const { connection, step } = firstStep(context)
  let posts = 0
  connection.api.post = async <T>(...[, , options]: Parameters<typeof connection.api.post>) => {
    await options?.beforeSend?.()
    posts += 1
    return { id: `clone-${posts}` } as T
  }
  let letLook = () => {}
  step.check = async (_api, refs) => {
    await new Promise<void>((resolve) => {
      letLook = resolve
    })
    return refs.map(() => ({ phase: 'working' }))
  }
  let look: Promise<void> | undefined
  step.run = async (api) => {
    if (!look) {
      // The machine sleeps here; another process finds nothing, waits and writes.
      look = Promise.resolve()
      const other = { ...context, worker: 'two' }
      for (const ms of [10_001, 10_001, 0]) {
        context.pass(ms)
        await runDueJobs(other, 'dummy-one')
      }
      expect(await context.job(id)).toMatchObject({ state: 'working' })
      // Awake again, the look of this process is under way.
      context.pass(4_000)
      look = go(context, 'watch')
      const isClaimed = async () =>
        (await context.db.selectFrom('jobs').select('leaseOwner').executeTakeFirst())?.leaseOwner
      await expect.poll(isClaimed).toBe('one watch dummy-one')
    }
    return await api.post('/clones', z.object({ id: z.string() }))
  }
  await go(context, 'write 1 at')
  expect(posts).toBe(1)
  letLook()
  await look
  expect(await context.job(id)).toMatchObject({ state: 'working', ref: { id: 'clone-1' } })
  await context.db.destroy()
})
