/** When jobs are polled next, saved for several at once: only for those that are as they were read, and still claimed. */
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import { next } from '../../src/domain/machine.js'
import { type ClaimedJob, claimDueJobs } from '../../src/store/claims.js'
import { applyTransition } from '../../src/store/jobs.js'
import { saveNextPolls } from '../../src/store/next-polls.js'
import { type TestContext, testContext } from '../helpers/context.js'

let context: TestContext
let claimed: ClaimedJob[]

beforeEach(async () => {
  context = await testContext()
  onTestFinished(async () => await context.db.destroy())
  for (let count = 0; count < 3; count += 1) await context.ask()
  await context.runUntilIdle()
  context.pass(60_000)
  claimed = await claimDueJobs(context.db, { connection: 'dummy-one', state: 'working', limit: 9 }, context.now())
})

async function save(polls: readonly ClaimedJob[] = claimed): Promise<ReadonlySet<string>> {
  const dueAt = context.now() + 5_000
  return await saveNextPolls(
    context.db,
    polls.map((poll) => ({ ...poll, dueAt })),
  )
}

const ids = () => claimed.map(({ job }) => job.id)

it('it is saved for each of them', async () => {
  expect(await save()).toEqual(new Set(ids()))
  for (const { job } of claimed)
    expect(await context.job(job.id)).toEqual({ ...job, version: job.version + 1, dueAt: context.now() + 5_000 })
})

it('it is saved for none of none', async () => {
  expect(await save([])).toEqual(new Set())
})

it('one that a person has changed meanwhile stays as it is', async () => {
  const [changed = '', ...others] = ids()
  const muted = next(await context.job(changed), { kind: 'mute', actor: 'U1' }, { now: context.now(), jitter: 0 })
  const after = await applyTransition(context.db, await context.job(changed), muted, context.now(), null)
  expect(await save()).toEqual(new Set(others))
  expect(await context.job(changed)).toEqual(after)
})

it('one whose claim is lost stays as it is', async () => {
  const [lost = '', ...others] = ids()
  const before = await context.job(lost)
  await context.db.updateTable('jobs').set({ claimToken: 'of another worker' }).where('id', '=', lost).execute()
  expect(await save()).toEqual(new Set(others))
  expect(await context.job(lost)).toEqual(before)
})

it('one that is no longer at work stays as it is', async () => {
  const [ended = '', ...others] = ids()
  await context.db
    .updateTable('jobs')
    .set({ state: 'failed', endedAt: 1, dueAt: null })
    .where('id', '=', ended)
    .execute()
  const before = await context.job(ended)
  expect(await save()).toEqual(new Set(others))
  expect(await context.job(ended)).toEqual(before)
})
