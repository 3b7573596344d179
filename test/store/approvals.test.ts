/** Answers to requests for an approval: each person counts once, whatever happens at the same time or breaks in between. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { answerRequest, findAwaitingJobs, readApprovals } from '../../src/store/approvals.js'
import { createJob } from '../../src/store/jobs.js'
import type { Database } from '../../src/store/schema.js'
import { newJob, type TestContext, testContext } from '../helpers/context.js'
import { type SharedDatabase, shareTestDatabase } from '../helpers/database.js'
import { fill } from '../helpers/disk.js'

const hour = 3_600_000

let context: TestContext
beforeEach(async () => {
  context = await testContext()
})
afterEach(() => context.db.destroy())

const approvalOf = (count: number, expiresAt = context.now() + 4 * hour) => ({
  by: ['U2', 'U3', 'S1'],
  count,
  expiresAt,
  copied: 'All of it.',
  notCopied: 'Nothing is left out.',
  warning: null,
})
const ask = async (count: number, number = 1) => await context.ask({ ...newJob(number), approval: approvalOf(count) })
const approve = (jobId: string, id: string, ...others: string[]) =>
  answerRequest(context.db, { jobId, decision: 'approve', person: [id, ...others], channel: 'C1' }, context.now())
const deny = (jobId: string, id: string) =>
  answerRequest(context.db, { jobId, decision: 'deny', person: [id], channel: 'C1' }, context.now())

describe('a request for two approvals', () => {
  it('waits for the second, and starts with it', async () => {
    const { id } = await ask(2)
    expect(await context.job(id)).toMatchObject({ state: 'awaiting_approval', dueAt: context.now() + 4 * hour })
    await context.runUntilIdle()
    expect(await approve(id, 'U2')).toMatchObject({ kind: 'counted', missing: 1, job: { state: 'awaiting_approval' } })
    context.pass(60_000)
    expect(await approve(id, 'U3')).toMatchObject({ kind: 'counted', missing: 0, job: { state: 'queued' } })
    expect(await context.job(id)).toMatchObject({ runSince: context.now(), stepSince: context.now() })
    expect(await context.kinds(id)).toEqual(['approval_requested', 'approval_given', 'approved'])
    expect(await readApprovals(context.db, id)).toMatchObject([
      { person: 'U2', decision: 'approve', at: context.now() - 60_000 },
      { person: 'U3', decision: 'approve', at: context.now() },
    ])
    await context.runUntilIdle()
    expect(context.world.writes).toBe(1)
  })

  it('counts nobody twice, under whichever id', async () => {
    const { id } = await ask(2)
    await approve(id, 'U2', 'W2')
    const before = await context.job(id)
    context.pass(1_000)
    const allIds: [string, ...string[]][] = [['U2'], ['U2', 'W2'], ['W2', 'U2']]
    for (const ids of allIds) {
      const at = context.now() - 1_000
      expect(await approve(id, ...ids)).toEqual({ kind: 'repeated', job: before, at, missing: 1 })
    }
    expect(await context.job(id)).toEqual(before)
    expect(await readApprovals(context.db, id)).toHaveLength(1)
  })

  it('takes ten clicks of one person at once for one', async () => {
    const { id } = await ask(2)
    const answers = await Promise.all(Array.from({ length: 10 }, () => approve(id, 'U2')))
    expect(answers.map((answer) => answer?.kind).sort()).toEqual(['counted', ...Array(9).fill('repeated')])
    expect(await context.job(id)).toMatchObject({ state: 'awaiting_approval', version: 2 })
  })

  it('starts once when five people approve at once, and the rest learn that it has gone on', async () => {
    const { id } = await ask(2)
    const answers = await Promise.all(['U2', 'U3', 'U4', 'U5', 'U6'].map((person) => approve(id, person)))
    const kinds = answers.map((answer) => answer?.kind).sort()
    expect(kinds).toEqual(['closed', 'closed', 'closed', 'counted', 'counted'])
    expect(await readApprovals(context.db, id)).toHaveLength(2)
    expect(await context.kinds(id)).toEqual(['approval_requested', 'approval_given', 'approved'])
  })

  it('can still be denied by one who approved, until the last approval is there', async () => {
    const { id } = await ask(2)
    await approve(id, 'U2')
    expect(await deny(id, 'U2')).toMatchObject({ kind: 'counted', job: { state: 'denied', dueAt: null } })
    expect(await readApprovals(context.db, id)).toMatchObject([{ person: 'U2', decision: 'deny' }])
    expect(await approve(id, 'U3')).toMatchObject({ kind: 'closed', job: { state: 'denied' } })
    await context.runUntilIdle()
    expect(context.world.writes).toBe(0)
  })
})

describe('an answer', () => {
  it('is a yes or a no when both come at once, never both', async () => {
    for (let number = 1; number <= 5; number += 1) {
      const { id } = await ask(1, number)
      const answers = await Promise.all(
        number % 2 ? [approve(id, 'U2'), deny(id, 'U3')] : [deny(id, 'U3'), approve(id, 'U2')],
      )
      expect(answers.map((answer) => answer?.kind).sort()).toEqual(['closed', 'counted'])
      expect(await context.kinds(id)).toHaveLength(2)
      expect(await readApprovals(context.db, id)).toHaveLength(1)
    }
  })

  it('is too late in the very moment in which the time is over, before anybody ended the job', async () => {
    const { id } = await ask(1)
    context.pass(4 * hour)
    for (const late of [await approve(id, 'U2'), await deny(id, 'U2')]) {
      expect(late).toMatchObject({ kind: 'closed', job: { state: 'awaiting_approval' } })
    }
    expect(await readApprovals(context.db, id)).toEqual([])
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'expired', endedAt: context.now() })
    expect(await context.kinds(id)).toEqual(['approval_requested', 'expired'])
    expect(context.world.writes).toBe(0)
  })

  it('counts in the last moment, although a worker has claimed the job to end it', async () => {
    const { id } = await ask(1)
    context.pass(4 * hour - 1)
    await context.db.updateTable('jobs').set({ claimToken: 'a worker' }).where('id', '=', id).execute()
    expect(await approve(id, 'U2')).toMatchObject({ kind: 'counted', missing: 0 })
    expect((await context.job(id)).state).toBe('queued')
  })

  it('to no job, or to one that asked for none, changes nothing', async () => {
    expect(await approve('zzzzz', 'U2')).toBeNull()
    const job = await context.ask()
    expect(await approve(job.id, 'U2')).toEqual({ kind: 'closed', job })
    expect(await context.job(job.id)).toEqual(job)
  })

  it('that breaks between its row and the change of the job leaves neither', async () => {
    const { id } = await ask(2)
    await approve(id, 'U2')
    const before = await context.job(id)
    // Whatever comes after the row fails, as if the process had died there.
    const heal = await fill(context.db, 'insert on events')
    await expect(approve(id, 'U3')).rejects.toThrow(/full/)
    await heal()
    expect(await readApprovals(context.db, id)).toHaveLength(1)
    expect(await context.job(id)).toEqual(before)
    expect(await approve(id, 'U3')).toMatchObject({ kind: 'counted', missing: 0 })
  })
})

describe('two processes on one database', () => {
  let shared: SharedDatabase
  let both: [Database, Database]
  beforeEach(async () => {
    shared = await shareTestDatabase()
    both = [await shared.open(), await shared.open()]
  })
  afterEach(() => shared.close())

  it('count each of five people once, whichever takes the click', async () => {
    const [db] = both
    const created = await createJob(db, { ...newJob(1), approval: approvalOf(5) }, context.now())
    if (created.kind !== 'created') throw new Error(created.kind)
    const jobId = created.job.id
    const clicks = ['U2', 'U3', 'U4', 'U5', 'U6'].flatMap((id) =>
      both.map((one) => answerRequest(one, { jobId, decision: 'approve', person: [id], channel: 'C1' }, context.now())),
    )
    const answers = await Promise.all(clicks)
    expect(answers.filter((answer) => answer?.kind === 'counted')).toHaveLength(5)
    expect(answers.filter((answer) => answer?.kind === 'counted' && answer.missing === 0)).toHaveLength(1)
    expect(await readApprovals(db, jobId)).toHaveLength(5)
  })
})

it('what waits for an approval is listed, the first to expire first', async () => {
  const [late, soon, answered] = [await ask(1, 1), await ask(1, 2), await ask(1, 3)]
  await context.ask(newJob(4))
  await context.db.updateTable('jobs').set({ dueAt: context.now() }).where('id', '=', soon.id).execute()
  await approve(answered.id, 'U2')
  expect((await findAwaitingJobs(context.db, 10)).map(({ id }) => id)).toEqual([soon.id, late.id])
  expect(await findAwaitingJobs(context.db, 1)).toHaveLength(1)
})
