/** What earlier jobs say about the next one. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Job, JobInput } from '../../src/domain/job.js'
import { next } from '../../src/domain/machine.js'
import { findTargets } from '../../src/store/job-reads.js'
import { applyTransition, createJob } from '../../src/store/jobs.js'
import { newRemoval } from '../../src/store/removals.js'
import { type TestContext, testContext } from '../helpers/context.js'

let context: TestContext
beforeEach(async () => {
  context = await testContext()
})
afterEach(() => context.db.destroy())

async function go(id: string, ...inputs: JobInput[]): Promise<Job> {
  for (const input of inputs) {
    const job = await context.job(id)
    await applyTransition(context.db, job, next(job, input, { now: context.now(), jitter: 0 }), context.now(), null)
  }
  return await context.job(id)
}

const wrote: JobInput = { kind: 'wrote', ref: { id: 'a' }, deadlineMs: 60_000 }
const done: JobInput = { kind: 'observed', observation: { phase: 'done' }, nextStep: null }
const failed: JobInput = { kind: 'observed', observation: { phase: 'failed', detail: 'no' }, nextStep: null }
const refused: JobInput = { kind: 'refused', reason: 'The name is taken.', failureKind: 'provider' }

/** Asks for a copy with this name, and lets this happen to it. */
async function ask(target: string, ...inputs: JobInput[]): Promise<Job> {
  context.pass(1_000)
  return await go((await context.ask({ target })).id, ...inputs)
}

async function remove(removes: Job): Promise<void> {
  const wanted = { ...newRemoval(removes, { step: 'remove' }), submission: `remove ${removes.id}`, requester: 'U1' }
  const creation = await createJob(context.db, wanted, context.now())
  if (creation.kind !== 'created') throw new Error(creation.kind)
  await go(creation.job.id, { kind: 'begin' }, wrote, done)
}

it('the names in use are those of what was made and is there, and of what may still be made', async () => {
  await ask('running')
  await ask('made', { kind: 'begin' }, wrote, done)
  await ask('halfway', { kind: 'begin' }, wrote, failed)
  await ask('refused', { kind: 'begin' }, refused)
  await ask('cancelled', { kind: 'cancel', actor: 'U1' })
  await remove(await ask('deleted', { kind: 'begin' }, wrote, done))
  expect(await findTargets(context.db, 'dummy-one', 9)).toEqual(['halfway', 'made', 'running'])
})

it('copies that are made each night and deleted again leave their names free', async () => {
  for (let night = 1; night <= 5; night += 1) await remove(await ask('nightly', { kind: 'begin' }, wrote, done))
  expect(await findTargets(context.db, 'dummy-one', 99)).toEqual([])
})
