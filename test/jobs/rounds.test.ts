/** The rounds of one process side by side, and of one that was stopped for long. */
import { expect, it } from 'vitest'
import { z } from 'zod'
import { roundsOf } from '../../src/jobs/rounds.js'
import { runDueJobs, type TestHouse, testHouse } from '../helpers/house.js'

const { signal } = new AbortController()

/** One go of every round whose name begins like this; answers once all of them have ended. */
async function go(house: TestHouse, beginning: string): Promise<void> {
  const rounds = roundsOf(house, async () => ({ waitMs: 0 })).filter(({ name }) => name.startsWith(beginning))
  if (rounds.length === 0) throw new Error(`There is no round ${beginning}.`)
  await Promise.all(rounds.map((round) => round.go(signal, () => {})))
}

function firstStep({ connections }: TestHouse) {
  const connection = connections.get('dummy-one')
  const step = connection?.provider.operations.clone?.steps[0]
  if (!connection || !step) throw new Error('The dummy has a clone.')
  return { connection, step }
}

/** Holds every write until it is let go. */
function held(house: TestHouse) {
  const { step } = firstStep(house)
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
  const house = await testHouse()
  const { waiting, letGo } = held(house)
  await house.ask()
  const slow = go(house, 'write 1 at')
  await expect.poll(() => waiting.length).toBe(1)

  const second = await house.ask()
  const lost = await house.ask()
  await house.db.updateTable('jobs').set({ state: 'starting', attempt: 1 }).where('id', '=', lost.id).execute()
  house.world.made.push({ id: 'clone-0', name: 'copy', step: 'clone' })
  const other = go(house, 'write 2 at')
  await expect.poll(() => waiting.length).toBe(2)
  await go(house, 'settle')
  expect(await house.job(lost.id)).toMatchObject({ state: 'working', ref: { id: 'clone-0' } })
  letGo()
  await Promise.all([slow, other])
  expect(await house.job(second.id)).toMatchObject({ state: 'working' })
  await house.db.destroy()
})

it('no more writes of a connection are under way than it may have', async () => {
  const house = await testHouse()
  const { waiting, letGo } = held(house)
  for (let count = 0; count < 6; count += 1) await house.ask()
  const writing = go(house, 'write')
  await expect.poll(() => waiting.length).toBe(4)
  expect(await house.db.selectFrom('jobs').select('id').where('state', '=', 'queued').execute()).toHaveLength(2)
  letGo()
  await writing
  await house.db.destroy()
})

it('a write that was stopped for long is not sent because another round of its process has the job by now', async () => {
  const house = await testHouse()
  const { id } = await house.ask()
  const { connection, step } = firstStep(house)
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
      const other = { ...house, worker: 'two' }
      for (const ms of [10_001, 10_001, 0]) {
        house.pass(ms)
        await runDueJobs(other, 'dummy-one')
      }
      expect(await house.job(id)).toMatchObject({ state: 'working' })
      // Awake again, the look of this process is under way.
      house.pass(4_000)
      look = go(house, 'watch')
      const isClaimed = async () =>
        (await house.db.selectFrom('jobs').select('leaseOwner').executeTakeFirst())?.leaseOwner
      await expect.poll(isClaimed).toBe('one watch dummy-one')
    }
    return await api.post('/clones', z.object({ id: z.string() }))
  }
  await go(house, 'write 1 at')
  expect(posts).toBe(1)
  letLook()
  await look
  expect(await house.job(id)).toMatchObject({ state: 'working', ref: { id: 'clone-1' } })
  await house.db.destroy()
})
