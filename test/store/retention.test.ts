/** What is deleted once it has been over for long, and what stays. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { JobInput } from '../../src/domain/job.js'
import { next } from '../../src/domain/machine.js'
import { purgeWorker } from '../../src/jobs/purge.js'
import { applyTransition } from '../../src/store/jobs.js'
import { purgeEvents, purgeJobs } from '../../src/store/retention.js'
import { type TestContext, testContext } from '../helpers/context.js'

const DAY_MS = 24 * 60 * 60_000

let context: TestContext
beforeEach(async () => {
  context = await testContext()
})
afterEach(() => context.db.destroy())

/** A job that ended a moment ago, and whose thread shows it. */
async function ended() {
  const { id } = await context.ask()
  const job = await context.job(id)
  const cancel: JobInput = { kind: 'cancel', actor: 'U1' }
  await applyTransition(context.db, job, next(job, cancel, { now: context.now(), jitter: 0 }), context.now(), null)
  await context.db.updateTable('events').set({ notifiedAt: context.now() }).where('jobId', '=', id).execute()
  return id
}

async function count(table: 'jobs' | 'events' | 'messages' | 'audit'): Promise<number> {
  const row = await context.db
    .selectFrom(table)
    .select((all) => all.fn.countAll<number>().as('count'))
    .executeTakeFirst()
  return row?.count ?? 0
}

it('an ended job goes with its events and messages, a live one and a later one stay', async () => {
  await ended()
  const live = await context.ask()
  context.pass(DAY_MS)
  const later = await ended()
  expect(await purgeJobs(context.db, context.now())).toBe(1)
  const left = await context.db.selectFrom('jobs').select('id').orderBy('createdAt').execute()
  expect(left.map(({ id }) => id)).toEqual([live.id, later])
  expect([await count('events'), await count('messages')]).toEqual([3, 2])
})

it.each([
  ['an expiry under way', { expiryDueAt: 1 }],
  ['a removal under way', { removalJob: 'other' }],
  ['a worker at it', { claimToken: 'token' }],
])('an ended job with %s stays, and so do its events', async (_, column) => {
  const id = await ended()
  context.pass(1)
  await context.db.updateTable('jobs').set(column).where('id', '=', id).execute()
  expect(await purgeJobs(context.db, context.now())).toBe(0)
  expect(await purgeEvents(context.db, context.now())).toBe(0)
})

it('a job whose result was deleted goes like any other', async () => {
  const id = await ended()
  context.pass(1)
  await context.db.updateTable('jobs').set({ removalJob: 'other', removedAt: 1 }).where('id', '=', id).execute()
  expect(await purgeJobs(context.db, context.now())).toBe(1)
})

it('a job whose end its thread does not show yet stays with its events', async () => {
  const id = await ended()
  context.pass(1)
  await context.db.updateTable('events').set({ notifiedAt: null }).where('jobId', '=', id).execute()
  expect(await purgeEvents(context.db, context.now())).toBe(0)
  expect(await purgeJobs(context.db, context.now())).toBe(0)
})

it('events can go before their jobs', async () => {
  await ended()
  await ended()
  await context.ask()
  context.pass(1)
  expect(await purgeEvents(context.db, context.now(), 1)).toBe(2)
  expect(await purgeEvents(context.db, context.now(), 1)).toBe(2)
  expect(await purgeEvents(context.db, context.now(), 1)).toBe(0)
  expect([await count('jobs'), await count('events')]).toEqual([3, 1])
})

it('the worker deletes by the three ages of dolly.yml, the first time at once and then once a minute', async () => {
  const keep = { jobsMs: null, eventsMs: DAY_MS, auditMs: null }
  const worker = purgeWorker(context, keep)
  await ended()
  const run = async () => {
    expect(worker.countDue([])).toBe(1)
    await worker.runOnce(new AbortController().signal, () => {})
    expect(worker.countDue([])).toBe(0)
  }
  await run()
  expect(await count('events')).toBe(2)
  context.pass(DAY_MS + 1)
  await run()
  expect([await count('events'), await count('jobs'), await count('audit')]).toEqual([0, 1, 2])
})
