import { afterEach, beforeEach, expect, it } from 'vitest'
import type { JobInput } from '../../src/domain/job.js'
import { next } from '../../src/domain/machine.js'
import { readEvents } from '../../src/store/events.js'
import { applyTransition, createJob, findJob } from '../../src/store/jobs.js'
import { readThread } from '../../src/store/messages.js'
import type { NewJob } from '../../src/store/new-job.js'
import { newRemoval } from '../../src/store/removals.js'
import { type TestContext, testContext } from '../helpers/context.js'

let context: TestContext
beforeEach(async () => {
  context = await testContext()
})
afterEach(() => context.db.destroy())

const wrote: JobInput = { kind: 'wrote', ref: { id: 'a' }, deadlineMs: 60_000 }
const done: JobInput = { kind: 'observed', observation: { phase: 'done' }, nextStep: null }
const failed: JobInput = { kind: 'observed', observation: { phase: 'failed', detail: 'no' }, nextStep: null }

/** A clone that was made, and the job that deletes it. */
async function removing() {
  const made = await context.go((await context.ask()).id, { kind: 'begin' }, wrote, done)
  const removal = await createJob(context.db, removalOf(made), context.now())
  if (removal.kind !== 'created') throw new Error(removal.kind)
  return { made, removal: removal.job }
}

function removalOf(made: Awaited<ReturnType<TestContext['go']>>, submission = 'remove-1'): NewJob {
  const { connection, operation, source, target, lock, channel } = made
  const job = { connection, operation, source, target, lock, channel, step: 'remove', params: {}, requester: 'U2' }
  return { ...job, submission, mentionOnSuccess: false, removes: made }
}

it('a removal begins with the ref of the job whose result it deletes, and that job shows it', async () => {
  const { made, removal } = await removing()
  expect(removal).toMatchObject({ removes: made.id, ref: { id: 'a' }, state: 'queued', step: 'remove' })
  expect(await context.job(made.id)).toMatchObject({ removalJob: removal.id, removedAt: null, state: 'succeeded' })
  expect((await readEvents(context.db, made.id)).at(-1)).toMatchObject({ kind: 'removal_started', actor: 'U2' })
})

it('a removal that succeeded leaves a time at the job whose result it deleted, and ends its expiry', async () => {
  const { made, removal } = await removing()
  await context.go(removal.id, { kind: 'begin' }, wrote, done)
  const present = await context.job(made.id)
  expect(present).toMatchObject({ removedAt: context.now(), expiresAt: null, expiryDueAt: null })
  expect((await readEvents(context.db, made.id)).at(-1)).toMatchObject({ kind: 'removed' })
  await expect(createJob(context.db, removalOf(present, 'remove-2'), context.now())).rejects.toThrow(/nothing left/)
})

it('a removal that succeeded also corrects the root that a moved thread left behind', async () => {
  const { made, removal } = await removing()
  const left = { jobId: made.id, key: 'left', channel: 'C9', ts: '1.5', tries: 1, refusals: 0, closedAt: 5 }
  await context.db
    .insertInto('messages')
    .values({ ...left, shownVersion: made.version })
    .execute()
  await context.go(removal.id, { kind: 'begin' }, wrote, done)
  const rows = await context.db.selectFrom('messages').selectAll().where('key', '=', 'left').execute()
  expect(rows).toMatchObject([{ jobId: made.id, closedAt: null, shownVersion: null }])
})

it('a removal that failed can be asked for again, or tried again, but not both', async () => {
  const { made, removal } = await removing()
  await context.go(removal.id, { kind: 'begin' }, wrote, failed)
  const present = await context.job(made.id)
  expect(present).toMatchObject({ removalJob: null, removedAt: null })
  const second = await createJob(context.db, removalOf(present, 'remove-2'), context.now())
  if (second.kind !== 'created') throw new Error(second.kind)
  // The lock is free again, and what is to be deleted belongs to the second removal, until that one fails too.
  await context.go(second.job.id, { kind: 'begin' }, wrote, failed)
  expect(await context.go(removal.id, { kind: 'try_again', actor: 'U1' })).toMatchObject({
    state: 'queued',
    endedAt: null,
  })
  expect(await context.job(made.id)).toMatchObject({ removalJob: removal.id })
  expect(await context.go(second.job.id, { kind: 'try_again', actor: 'U1' })).toMatchObject({ state: 'failed' })
})

it('only one of two removals begins, and the other leaves no job', async () => {
  const { made } = await removing()
  const other = { ...removalOf(made, 'remove-2'), lock: 'another' }
  await expect(createJob(context.db, other, context.now())).rejects.toThrow(/nothing left to delete/)
  expect(await findJob(context.db, made.id)).toMatchObject({ state: 'succeeded' })
  const count = await context.db.selectFrom('jobs').select('id').execute()
  expect(count).toHaveLength(2)
})

it('a removal that finds the lock taken leaves the other job as it was', async () => {
  const made = await context.go((await context.ask()).id, { kind: 'begin' }, wrote, done)
  const next = await context.ask({ lock: made.lock })
  expect(await createJob(context.db, removalOf(made), context.now())).toMatchObject({
    kind: 'locked',
    holder: { id: next.id },
  })
  expect(await context.job(made.id)).toMatchObject({ removalJob: null, version: made.version })
})

it('a removal after which the job runs again keeps the lock of that job, also where deletions have one of their own', async () => {
  const made = await context.go((await context.ask()).id, { kind: 'begin' }, wrote, failed)
  expect(newRemoval(made, { step: 'remove', lock: 'own' }).lock).toBe('own')
  expect(newRemoval(made, { step: 'remove', lock: 'own', retryFrom: 'clone' }).lock).toBe(made.lock)
})

it('a removal speaks in the thread of the job whose result it deletes, once that has begun', async () => {
  const made = await context.go((await context.ask()).id, { kind: 'begin' }, wrote, done)
  await context.db.updateTable('messages').set({ ts: '1700000000.000100' }).where('jobId', '=', made.id).execute()
  const removal = await createJob(context.db, removalOf(made), context.now())
  if (removal.kind !== 'created') throw new Error(removal.kind)
  const root = await context.db
    .selectFrom('messages')
    .selectAll()
    .where('jobId', '=', removal.job.id)
    .executeTakeFirst()
  expect(root).toMatchObject({ channel: made.channel, ts: null, threadTs: '1700000000.000100' })
  expect(await readThread(context.db, made.id)).toMatchObject({ ts: '1700000000.000100' })
})

it('a job that is tried again does not take the target from the one that has it now', async () => {
  const ended = await context.go((await context.ask()).id, { kind: 'begin' }, wrote, failed)
  const holder = await context.ask({ lock: ended.lock })
  expect(await context.go(ended.id, { kind: 'try_again', actor: 'U1' })).toMatchObject({
    state: 'failed',
    version: ended.version,
  })
  await context.go(holder.id, { kind: 'cancel', actor: 'U1' })
  expect(await context.go(ended.id, { kind: 'try_again', actor: 'U1' })).toMatchObject({
    state: 'queued',
    endedAt: null,
  })
})

it('a removal that is tried again by a click that comes too late changes nothing at all', async () => {
  const { made, removal } = await removing()
  const stale = await context.go(removal.id, { kind: 'begin' }, wrote, failed)
  // Between the read of the second click and its write, somebody else tried it again, and it failed again.
  await context.go(removal.id, { kind: 'try_again', actor: 'U1' }, { kind: 'begin' }, wrote, failed)
  const before = await context.job(made.id)
  const again = next(stale, { kind: 'try_again', actor: 'U3' }, { now: context.now(), jitter: 0 })
  expect(await applyTransition(context.db, stale, again, context.now(), null)).toBeNull()
  expect(await context.job(made.id)).toEqual(before)
  expect(before).toMatchObject({ removalJob: null })
})

it('a removal that is tried again names who did it, and where', async () => {
  const made = await context.go((await context.ask()).id, { kind: 'begin' }, wrote, done)
  const expiry = await createJob(context.db, { ...removalOf(made), isExpiry: true }, context.now())
  if (expiry.kind !== 'created') throw new Error(expiry.kind)
  const ended = await context.go(expiry.job.id, { kind: 'begin' }, wrote, failed)
  const { set, event } = next(ended, { kind: 'try_again', actor: 'U9' }, { now: context.now(), jitter: 0 })
  if (!event) throw new Error('It writes an event.')
  await applyTransition(context.db, ended, { set, event: { ...event, channel: 'C7' } }, context.now(), null)
  expect((await readEvents(context.db, made.id)).at(-1)).toMatchObject({ kind: 'removal_started', actor: 'U9' })
  const rows = await context.db.selectFrom('audit').selectAll().where('action', '=', 'removal_started').execute()
  expect(rows).toMatchObject([{ actor: 'U9', channel: 'C7', jobId: made.id }])
})
