/** People press buttons while a worker is in the middle of a write: its answer counts, and the write isn't made twice. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Act } from '../../src/domain/job.js'
import { next } from '../../src/domain/machine.js'
import { TemporaryError, UserError } from '../../src/errors.js'
import { reconcileLostWrites } from '../../src/jobs/reconcile.js'
import { writeNextJob } from '../../src/jobs/write.js'
import { applyTransition } from '../../src/store/jobs.js'
import { type TestContext, testContext } from '../helpers/context.js'

let context: TestContext
beforeEach(async () => {
  context = await testContext()
})
afterEach(() => context.db.destroy())

async function press(id: string, act: Act): Promise<void> {
  const job = await context.job(id)
  const clicked = next(job, { kind: act, actor: 'U1' }, { now: context.now(), jitter: 0 })
  if (!(await applyTransition(context.db, job, clicked, context.now(), null))) throw new Error(`${act} came too late.`)
}

/** Begins the job's write, and returns what lets it take effect and be answered. */
async function beginWrite(id: string): Promise<() => Promise<boolean>> {
  let carryOut = () => {}
  context.world.held = new Promise<void>((resolve) => {
    carryOut = resolve
  })
  const written = writeNextJob(context, 'dummy-one')
  await expect.poll(async () => (await context.job(id)).state).toBe('starting')
  return async () => {
    carryOut()
    return await written
  }
}

/** Long enough for searches to believe that a write never arrived. */
async function search(): Promise<void> {
  for (let count = 0; count < 5; count += 1) {
    await reconcileLostWrites(context, 'dummy-one')
    context.pass(11_000)
  }
}

describe('a click during a write', () => {
  it.each(['clone', 'blind'])(
    'that mutes a %s leaves it to its worker, and the write is made once',
    async (operation) => {
      const { id } = await context.ask({ operation })
      const answer = await beginWrite(id)
      await press(id, 'mute')
      await search()
      await press(id, 'unmute')
      expect(await context.job(id)).toMatchObject({ state: 'starting', attempt: 1 })
      expect(await answer()).toBe(true)
      await context.runUntilIdle()
      expect(await context.job(id)).toMatchObject({ state: 'working', ref: { id: context.world.made[0]?.id } })
      expect(context.world.writes).toBe(1)
    },
  )

  it('that cancels it keeps what the answer says was made, and no other step follows', async () => {
    const { id } = await context.ask({ params: { name: 'copy', deploy: true } })
    const answer = await beginWrite(id)
    await press(id, 'cancel')
    await search()
    await answer()
    expect(await context.job(id)).toMatchObject({ state: 'working', ref: { id: 'clone-1' }, cancelRequestedBy: 'U1' })
    context.world.observation = { phase: 'done' }
    context.pass(60_000)
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'cancelled', ref: { id: 'clone-1' } })
    expect(context.world.writes).toBe(1)
  })

  it('that cancels it is done at once where the answer says that nothing was written', async () => {
    const { id } = await context.ask()
    const answer = await beginWrite(id)
    await press(id, 'cancel')
    context.world.mood = { throws: new TemporaryError('Busy.', { mayHaveHappened: false }), carriesOut: false }
    await answer()
    expect(await context.job(id)).toMatchObject({ state: 'cancelled', ref: null })
  })

  it('doesn’t lose the reason why the provider refused the write', async () => {
    const { id } = await context.ask()
    const answer = await beginWrite(id)
    await press(id, 'mute')
    context.world.mood = { throws: new UserError('The name is taken.'), carriesOut: false }
    await answer()
    expect(await context.job(id)).toMatchObject({ state: 'failed', detail: 'The name is taken.', isMuted: true })
  })

  it('that ends it wins: the answer changes nothing', async () => {
    const { id } = await context.ask()
    const answer = await beginWrite(id)
    await context.db.updateTable('jobs').set({ canDismiss: true }).where('id', '=', id).execute()
    await press(id, 'dismiss')
    await answer()
    expect(await context.job(id)).toMatchObject({ state: 'cancelled', ref: null })
  })
})
