/** An old and a new release, or two versions of dolly.yml, side by side on one Postgres: each leaves alone what it does not know. */
import { sql } from 'kysely'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { EventKind, State } from '../../src/domain/job.js'
import type { WorkerContext } from '../../src/jobs/context.js'
import { handleExpiries } from '../../src/jobs/expire.js'
import { Notifier } from '../../src/jobs/notify.js'
import { pollDueJobs } from '../../src/jobs/poll.js'
import { runDueSchedules } from '../../src/jobs/schedule.js'
import { handleWaitingJobs } from '../../src/jobs/waiting.js'
import type { Operation } from '../../src/providers/provider.js'
import { migrations, openDatabase } from '../../src/store/database.js'
import { findDueWork } from '../../src/store/due-work.js'
import { alone } from '../../src/store/processes.js'
import { createSchedule } from '../../src/store/schedules.js'
import { runDueJobs, type TestContext, testContext } from '../helpers/context.js'
import { dummyConnection } from '../helpers/dummy-provider.js'
import { newPostgresDatabase } from '../helpers/postgres.js'
import { newSchedule } from '../helpers/preset.js'

const minute = 60_000

let context: TestContext
/** Knows `clone` and `blind` of dummy-one. */
let old: WorkerContext
/** Knows `clone`, of which it has a further step, and `mirror`; and all of dummy-two. */
let recent: WorkerContext

beforeEach(async () => {
  context = await testContext()
  onTestFinished(() => context.db.destroy())
  const one = dummyConnection(context.world)
  const { clone } = one.provider.operations
  if (!clone) throw new Error('The dummy has a clone.')
  const [first] = clone.steps
  const operations = {
    clone: { ...clone, steps: asSteps([{ ...first, id: 'prepare' }, ...clone.steps]) },
    mirror: { ...clone, steps: asSteps([{ ...first, id: 'mirror' }]) },
  }
  const next = { ...one, provider: { ...one.provider, operations } }
  old = await process('old', [['dummy-one', one]])
  recent = await process('new', [
    ['dummy-one', next],
    ['dummy-two', dummyConnection(context.world, 'dummy-two')],
  ])
})

/** For operations whose first step needs no ref, or gets the one that it takes. */
const asSteps = (steps: readonly unknown[]) => steps as Operation['steps']

/** One of those that share the database. */
async function process(
  id: string,
  connections: [string, ReturnType<typeof dummyConnection>][],
): Promise<WorkerContext> {
  await context.db.insertInto('processes').values({ id, name: id, renewedAt: 1 }).execute()
  return { ...context, membership: { ...alone, owner: id, now: context.now }, connections: new Map(connections) }
}

/** Runs everything of one process until nothing moves. */
async function goOn(one: WorkerContext): Promise<void> {
  const each = async () => {
    const moved: boolean[] = []
    for (const name of one.connections.keys())
      moved.push(await runDueJobs(one, name), await pollDueJobs(one, name), await handleWaitingJobs(one))
    return moved.includes(true)
  }
  while (await each());
}

/** Jobs whose threads this process would bring up to date now. */
async function threadsOf(one: WorkerContext): Promise<string[]> {
  const jobs: string[] = []
  const notifier = new Notifier(one, async ({ job }) => {
    jobs.push(job.id)
    return { waitMs: 0 }
  })
  await notifier.notifyPending(new AbortController().signal)
  return jobs
}

describe('two releases beside each other', () => {
  it('each do the jobs whose operation they know', async () => {
    const mirror = await context.ask({ operation: 'mirror', step: 'mirror' })
    const blind = await context.ask({ operation: 'blind' })
    const known = await context.ask()
    await goOn(old)
    expect(await context.job(mirror.id)).toEqual(mirror)
    expect(await context.job(blind.id)).toMatchObject({ state: 'working' })
    expect(await context.job(known.id)).toMatchObject({ state: 'working' })
    await goOn(recent)
    expect(await context.job(mirror.id)).toMatchObject({ state: 'working' })
    context.world.observation = { phase: 'done' }
    context.pass(minute)
    await goOn(recent)
    expect(await context.job(blind.id)).toMatchObject({ state: 'working', strandedSince: null })
    await goOn(old)
    for (const { id } of [mirror, blind, known]) expect(await context.job(id)).toMatchObject({ state: 'succeeded' })
    expect(context.world.writes).toBe(3)
  })

  it('each do the jobs whose step they know', async () => {
    const { id } = await context.ask({ step: 'prepare' })
    await goOn(old)
    expect(await context.job(id)).toMatchObject({ state: 'queued', dueAt: context.now(), strandedSince: null })
    await goOn(recent)
    expect(await context.job(id)).toMatchObject({ state: 'working', step: 'prepare' })
    context.world.observation = { phase: 'done' }
    context.pass(minute)
    await goOn(old)
    expect(await context.job(id)).toMatchObject({ state: 'working', step: 'prepare', strandedSince: null })
  })

  it('tell the steps of a job from those that delete what it made', async () => {
    const { id } = await context.ask({ step: 'remove' })
    await goOn(old)
    expect(await context.job(id)).toMatchObject({ state: 'queued', strandedSince: null })
  })

  it('leave alone the jobs of a connection that only the other dolly.yml has', async () => {
    const { id } = await context.ask({ connection: 'dummy-two' })
    await goOn(old)
    expect(await context.job(id)).toMatchObject({ state: 'queued', strandedSince: null })
    await goOn(recent)
    expect(await context.job(id)).toMatchObject({ state: 'working' })
  })

  it('report a job that nobody took for ten minutes, and go on with it as soon as someone knows it', async () => {
    const step = await context.ask({ operation: 'mirror', step: 'mirror' })
    const connection = await context.ask({ connection: 'dummy-two' })
    context.pass(10 * minute - 1)
    await goOn(old)
    expect(await context.kinds(step.id)).toEqual(['queued'])
    context.pass(1)
    await goOn(old)
    for (const { id } of [step, connection]) expect((await context.kinds(id)).at(-1)).toBe('stranded')
    context.pass(minute)
    await goOn(old)
    await goOn(recent)
    for (const { id } of [step, connection])
      expect(await context.job(id)).toMatchObject({ state: 'working', strandedSince: null })
    expect(context.world.writes).toBe(2)
  })

  it('let no job that one of them does not know hold up the others', async () => {
    await context.ask({ operation: 'mirror', step: 'mirror' })
    context.pass(1_000)
    const { id } = await context.ask()
    await goOn(old)
    expect(await context.job(id)).toMatchObject({ state: 'working' })
  })

  it('each bring up to date the threads that they have words for', async () => {
    const mirror = await context.ask({ operation: 'mirror', step: 'mirror' })
    const blind = await context.ask({ operation: 'blind' })
    const odd = await context.ask()
    const event = { jobId: odd.id, seq: 2, at: context.now(), step: 'clone', detail: null, actor: null }
    await context.db
      .insertInto('events')
      .values({ ...event, kind: 'sparkled' as EventKind, notifiedAt: null })
      .execute()
    expect(await threadsOf(old)).toEqual([blind.id])
    expect(await threadsOf(recent)).toEqual([mirror.id])
    // Nobody has the words: what is known is shown all the same.
    context.pass(10 * minute)
    expect((await threadsOf(old)).sort()).toEqual([mirror.id, blind.id, odd.id].sort())
  })

  it('leave alone a state that only the other one knows', async () => {
    const { id } = await context.ask()
    await context.db
      .updateTable('jobs')
      .set({ state: 'napping' as State })
      .where('id', '=', id)
      .execute()
    const before = await context.job(id)
    expect(await findDueWork(context.db, context.now())).toContainEqual(
      expect.objectContaining({ kind: 'napping', count: 1 }),
    )
    context.pass(60 * minute)
    await goOn(old)
    expect(await context.job(id)).toEqual(before)
  })

  it('leave alone a schedule that only the other one can run', async () => {
    const asked: string[] = []
    const startRun = async ({ operation }: { operation: string }) => {
      asked.push(operation)
      return { kind: 'started' } as const
    }
    const due = { connection: 'dummy-one', nextAt: context.now() }
    await createSchedule(context.db, newSchedule({ ...due, operation: 'mirror', submission: 'a' }), context.now())
    await createSchedule(context.db, newSchedule({ ...due, operation: 'clone', submission: 'b' }), context.now())
    await runDueSchedules(old, startRun)
    expect(asked).toEqual(['clone'])
    await runDueSchedules(recent, startRun)
    expect(asked).toEqual(['clone', 'mirror'])
  })

  it('leave the expiry of what only the other one can delete', async () => {
    const { id } = await context.ask({ operation: 'mirror', step: 'mirror', keepForMs: minute })
    const ended = { state: 'succeeded', endedAt: context.now(), dueAt: null, ref: '{"id":"a"}' } as const
    const expiry = { expiresAt: context.now(), expiryDueAt: context.now() }
    await context.db
      .updateTable('jobs')
      .set({ ...ended, ...expiry })
      .where('id', '=', id)
      .execute()
    expect(await handleExpiries(old)).toBe(false)
    expect(await handleExpiries(recent)).toBe(true)
  })
})

describe('a database that a newer release has migrated', () => {
  it('is opened by an older one, which says so once and leaves it as it is', async () => {
    const address = await newPostgresDatabase()
    const future = { up: async () => {} }
    await (await openDatabase(address, { ...migrations, '900-future': future })).destroy()
    const warnings: object[] = []
    const log = { warn: (fields: object) => void warnings.push(fields) }
    const db = await openDatabase(address, migrations, { log })
    onTestFinished(() => db.destroy())
    expect(warnings).toEqual([{ migrations: ['900-future'] }])
    // The newer one comes once more, with what it has added since.
    const newest = { ...migrations, '900-future': future, '901-later': future }
    await (await openDatabase(address, newest)).destroy()
    const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db)
    expect(rows.slice(-2).map(({ name }) => name)).toEqual(['900-future', '901-later'])
  })

  it('is opened although the clock of the machine that migrated it was wrong', async () => {
    const address = await newPostgresDatabase()
    const future = { up: async () => {} }
    const db = await openDatabase(address, { ...migrations, '900-future': future })
    onTestFinished(() => db.destroy())
    await sql`update kysely_migration set timestamp = '2001-01-01T00:00:00.000Z' where name = '900-future'`.execute(db)
    await (await openDatabase(address, { ...migrations, '900-future': future, '901-later': future })).destroy()
    const { rows } = await sql`select name from kysely_migration where name = '901-later'`.execute(db)
    expect(rows).toHaveLength(1)
  })
})
