/** Jobs that delete what another job made, through the same workers. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { describeJob } from '../../src/connections.js'
import type { Job } from '../../src/domain/job.js'
import { TemporaryError } from '../../src/errors.js'
import { createJob } from '../../src/store/jobs.js'
import { newRemoval } from '../../src/store/removals.js'
import { type TestContext, testContext } from '../helpers/context.js'

let context: TestContext
beforeEach(async () => {
  context = await testContext()
})
afterEach(() => context.db.destroy())

/** A clone that was made. */
async function made(): Promise<Job> {
  const { id } = await context.ask()
  context.world.observation = { phase: 'done' }
  await live(id)
  return await context.job(id)
}

async function live(id: string): Promise<Job> {
  for (let count = 0; count < 20 && (await context.job(id)).endedAt === null; count += 1) {
    await context.runUntilIdle()
    context.pass(5_000)
  }
  return await context.job(id)
}

async function remove(job: Job, submission = 'remove-1'): Promise<Job> {
  const wanted = { ...newRemoval(job, { step: 'remove' }), submission, requester: 'U2' }
  const removal = await createJob(context.db, wanted, context.now())
  if (removal.kind !== 'created') throw new Error(removal.kind)
  return removal.job
}

it('deletes exactly what the job made, and notes it there', async () => {
  const job = await made()
  const removal = await live((await remove(job)).id)
  expect(removal).toMatchObject({ state: 'succeeded', step: 'remove' })
  expect(context.world.removed).toEqual([job.ref?.id])
  expect(context.world.made).toHaveLength(1)
  expect(await context.job(job.id)).toMatchObject({ removalJob: removal.id, state: 'succeeded' })
  expect((await context.job(job.id)).removedAt).not.toBeNull()
  expect(await context.kinds(job.id)).toEqual(expect.arrayContaining(['removal_started', 'removed']))
})

it('deletes what a failed job left behind', async () => {
  const { id } = await context.ask({ params: { name: 'copy', deploy: true } })
  context.world.observation = { phase: 'failed', detail: 'no' }
  const job = await live(id)
  expect(job.state).toBe('failed')
  context.world.observation = { phase: 'done' }
  await live((await remove(job)).id)
  expect(context.world.removed).toEqual([job.ref?.id])
})

it.each([true, false])('settles a deletion whose answer was lost, carried out: %s', async (carriesOut) => {
  const job = await made()
  const removal = await remove(job)
  context.world.mood = { throws: new TemporaryError('lost', { mayHaveHappened: true }), carriesOut }
  expect(await live(removal.id)).toMatchObject({ state: 'succeeded' })
  expect(context.world.removed).toEqual([job.ref?.id])
})

it('leaves the clone as it was when the provider refuses, so that it can be deleted again', async () => {
  const job = await made()
  const removal = await remove(job)
  context.world.observation = { phase: 'failed', detail: 'It is protected.' }
  expect(await live(removal.id)).toMatchObject({ state: 'failed', detail: 'It is protected.' })
  expect(await context.job(job.id)).toMatchObject({ removalJob: null, removedAt: null })
  context.world.observation = { phase: 'done' }
  expect(await live((await remove(await context.job(job.id), 'remove-2')).id)).toMatchObject({ state: 'succeeded' })
})

it('waits where this version of its provider can no longer delete', async () => {
  const removal = await remove(await made())
  const [connection] = context.connections.values()
  if (!connection) throw new Error('There is no connection.')
  const { removal: _, ...clone } = connection.provider.operations.clone ?? {}
  Object.assign(connection.provider.operations, { clone })
  await context.runUntilIdle()
  const present = await context.job(removal.id)
  expect(present).toMatchObject({ state: 'queued', detail: 'This version of Dolly has no step "remove".' })
  expect(context.world.removed).toEqual([])
})

it('is described as what it is, with its own steps', async () => {
  const removal = await remove(await made())
  const { title, steps } = await describeJob(context.db, context.connections, removal, context.now())
  expect(title).toBe('Delete the clone')
  expect([...steps.keys()]).toEqual(['remove'])
})
