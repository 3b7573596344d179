/** Expiries: each warning once, and nothing is deleted without one, also when the process dies in between. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ExpiryPolicy } from '../../src/domain/expiry.js'
import type { Job, JobInput } from '../../src/domain/job.js'
import { next } from '../../src/domain/machine.js'
import { UserError } from '../../src/errors.js'
import { handleExpiries } from '../../src/jobs/expire.js'
import { claimExpiringJobs, releaseAllClaims } from '../../src/store/claims.js'
import { findDueWork } from '../../src/store/due-work.js'
import { applyTransition } from '../../src/store/jobs.js'
import { purgeEvents } from '../../src/store/retention.js'
import type { Database } from '../../src/store/schema.js'
import { type TestContext, testContext } from '../helpers/context.js'
import { shareTestDatabase } from '../helpers/database.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR

let context: TestContext
beforeEach(async () => {
  context = await testContext()
})
afterEach(() => context.db.destroy())

function policy(expiry: Partial<ExpiryPolicy>): void {
  const [connection] = context.connections.values()
  if (connection) Object.assign(connection.expiry, expiry)
}

/** A clone that was made now and is kept for so long. Its thread shows everything. */
async function made(keepForMs: number | null): Promise<Job> {
  context.world.observation = { phase: 'done' }
  const { id } = await context.ask({ keepForMs })
  for (let count = 0; count < 20 && (await context.job(id)).endedAt === null; count += 1) {
    await context.runUntilIdle()
    context.pass(1_000)
  }
  await show()
  return await context.job(id)
}

/** As the sender does. */
async function show(): Promise<void> {
  await context.db
    .updateTable('messages')
    .set((root) => ({
      ts: '1.1',
      shownVersion: root.selectFrom('jobs').select('version').whereRef('jobs.id', '=', 'messages.jobId'),
    }))
    .where('key', '=', 'root')
    .execute()
  await refuse()
}

/** As the sender does where no place takes a message: nothing is left to tell, but nobody can read it. */
async function refuse(): Promise<void> {
  await context.db.updateTable('events').set({ notifiedAt: context.now() }).where('notifiedAt', 'is', null).execute()
}

/** Lets time pass in steps of ten minutes, with all workers and threads keeping up. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; ) {
    left -= await context.passUntilDue(10 * 60_000, left)
    await context.runUntilIdle()
    await show()
  }
}

async function told(id: string): Promise<string[]> {
  return (await context.kinds(id)).filter((kind) => kind.startsWith('expiry') || kind.startsWith('remov'))
}

describe('what a failed job left behind', () => {
  /** A job that is kept for so long, whose clone failed halfway. */
  async function half(keepForMs: number | null): Promise<Job> {
    const { id } = await context.ask({ keepForMs })
    context.world.observation = { phase: 'failed' }
    await context.runUntilIdle()
    context.pass(5_000)
    await context.runUntilIdle()
    await show()
    return await context.job(id)
  }

  it('is kept no longer than a clone would be: announced, and then deleted', async () => {
    const job = await half(2 * DAY)
    expect(job).toMatchObject({ state: 'failed', expiresAt: (job.endedAt ?? 0) + 2 * DAY })
    context.world.observation = { phase: 'done' }
    await pass(DAY + 20 * 60_000)
    expect(await told(job.id)).toEqual(['expiry_near'])
    await pass(DAY + 2 * HOUR)
    expect(await told(job.id)).toEqual(['expiry_near', 'expiry_near', 'expiry_reached', 'removed'])
    expect(context.world.removed).toEqual([job.ref?.id])
  })

  it('stays where nobody wanted an expiry, and nothing of it is asked about', async () => {
    expect(await half(null)).toMatchObject({ state: 'failed', expiresAt: null, expiryDueAt: null })
  })

  it('has no expiry when there is nothing', async () => {
    context.world.mood = { throws: new UserError('The name is taken.'), carriesOut: false }
    const { id } = await context.ask({ keepForMs: DAY })
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'failed', ref: null, expiresAt: null, expiryDueAt: null })
  })

  it('has its time counted from the new end when the job is checked again and succeeds', async () => {
    const job = await half(DAY)
    context.world.observation = { phase: 'done' }
    context.pass(HOUR)
    const input = { kind: 'check_again', actor: 'U1' } as const
    const again = next(job, input, { now: context.now(), jitter: 0 })
    expect(again.set).toMatchObject({ expiresAt: null, expiryDueAt: null })
    await applyTransition(context.db, job, again, context.now(), null)
    await context.runUntilIdle()
    const done = await context.job(job.id)
    expect(done).toMatchObject({ state: 'succeeded', expiresAt: (done.endedAt ?? 0) + DAY })
  })
})

describe('a clone that is kept for a while', () => {
  it('is announced a day and an hour before, and then deleted by a job of its requester', async () => {
    const job = await made(2 * DAY)
    expect(job.expiresAt).toBe((job.endedAt ?? 0) + 2 * DAY)
    await pass(DAY + 20 * 60_000)
    expect(await told(job.id)).toEqual(['expiry_near'])
    await pass(23 * HOUR)
    expect(await told(job.id)).toEqual(['expiry_near', 'expiry_near'])
    expect(context.world.removed).toEqual([])
    await pass(2 * HOUR)
    expect(await told(job.id)).toEqual(['expiry_near', 'expiry_near', 'expiry_reached', 'removed'])
    expect(context.world.removed).toEqual([job.ref?.id])
    const present = await context.job(job.id)
    expect(present).toMatchObject({ expiresAt: null, expiryDueAt: null })
    const removal = await context.job(present.removalJob ?? '')
    expect(removal).toMatchObject({ removes: job.id, requester: job.requester, state: 'succeeded' })
    const events = await context.db.selectFrom('events').selectAll().where('kind', '=', 'expiry_reached').execute()
    expect(events).toMatchObject([{ actor: null, detail: 'delete' }])
  })

  it('is only asked about where the operator wants that, and once', async () => {
    policy({ atEnd: 'ask' })
    const job = await made(4 * HOUR)
    await pass(5 * DAY)
    expect(await told(job.id)).toEqual(['expiry_near', 'expiry_reached'])
    expect(context.world.removed).toEqual([])
    expect(await context.job(job.id)).toMatchObject({ expiresAt: job.expiresAt, expiryDueAt: null, removalJob: null })
  })

  it.each(['connection', 'removal'])('is only asked about where its %s is gone', async (what) => {
    const job = await made(4 * HOUR)
    const [connection] = context.connections.values()
    if (!connection) throw new Error('There is no connection.')
    const { removal: _, ...clone } = connection.provider.operations.clone ?? {}
    if (what === 'removal') Object.assign(connection.provider.operations, { clone })
    else Object.assign(context, { connections: new Map() })
    await pass(DAY)
    expect(await told(job.id)).toEqual(['expiry_near', 'expiry_reached'])
  })

  it('stays without an expiry', async () => {
    const job = await made(null)
    await pass(DAY)
    expect(job).toMatchObject({ expiresAt: null, expiryDueAt: null })
    expect(await told(job.id)).toEqual([])
  })

  it('gets an expiry only once it was made', async () => {
    const { id } = await context.ask({ keepForMs: HOUR })
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'working', expiresAt: null, expiryDueAt: null })
  })

  it.each<[string, JobInput]>([
    ['failed', { kind: 'observed', observation: { phase: 'failed', detail: 'no' }, nextStep: null }],
    ['was left to itself', { kind: 'dismiss', actor: 'U1' }],
  ])('of an hour and whose job %s is warned of before it is deleted', async (_, input) => {
    context.world.observation = { phase: 'working' }
    const { id } = await context.ask({ keepForMs: HOUR })
    await context.runUntilIdle()
    const job = await context.job(id)
    const ended = next(job, input, { now: context.now(), jitter: 0 })
    await applyTransition(context.db, job, ended, context.now(), null)
    expect(await context.job(id)).toMatchObject({ expiresAt: context.now() + HOUR })
    context.world.observation = { phase: 'done' }
    await show()
    // Its thread didn't say so yet: it is warned of first.
    await pass(HOUR + 20 * 60_000)
    expect(await told(id)).toEqual(['expiry_near'])
    await pass(HOUR)
    expect(context.world.removed).toEqual([job.ref?.id])
  })
})

describe('a deletion at the end', () => {
  it('waits until the thread has shown its warning for an hour', async () => {
    const job = await made(4 * HOUR)
    // Slack is away.
    for (let hour = 0; hour < 9; hour += 1) {
      context.pass(HOUR)
      await context.runUntilIdle()
    }
    expect(await told(job.id)).toEqual(['expiry_near'])
    expect(context.world.removed).toEqual([])
    await show()
    await pass(40 * 60_000)
    expect(context.world.removed).toEqual([])
    await pass(30 * 60_000)
    expect(context.world.removed).toEqual([job.ref?.id])
  })

  it.each<[string, number]>([
    ['a day', 3 * DAY],
    ['an hour', HOUR],
  ])(
    'of something kept for more than %s waits for that hour, however long ago events are deleted',
    async (_, keepForMs) => {
      const job = await made(keepForMs)
      const purge = async () => await purgeEvents(context.db, context.now() - DAY)
      const last = (job.expiresAt ?? 0) - HOUR - 10 * 60_000
      while (context.now() < last) {
        await pass(Math.min(HOUR, last - context.now()))
        await purge()
      }
      if (keepForMs === HOUR) await context.db.updateTable('events').set({ notifiedAt: null }).execute()
      // Slack is away.
      for (let count = 0; count < 30; count += 1) {
        context.pass(10 * 60_000)
        await context.runUntilIdle()
        await purge()
      }
      expect(context.world.removed).toEqual([])
      await show()
      await purge()
      await pass(40 * 60_000)
      await purge()
      expect(context.world.removed).toEqual([])
      await pass(30 * 60_000)
      expect(context.world.removed).toEqual([job.ref?.id])
    },
  )

  it('that was announced as a question is announced once more, as what it is', async () => {
    policy({ atEnd: 'ask' })
    const job = await made(2 * DAY)
    await pass(2 * DAY - 20 * 60_000)
    policy({ atEnd: 'delete' })
    await pass(70 * 60_000)
    expect(await told(job.id)).toEqual(['expiry_near', 'expiry_near', 'expiry_near'])
    expect(context.world.removed).toEqual([])
    await pass(30 * 60_000)
    expect(context.world.removed).toEqual([job.ref?.id])
  })

  it('is only a question where no place took the warning, because nobody could read it', async () => {
    const job = await made(4 * HOUR)
    for (let count = 0; count < 60; count += 1) {
      context.pass(10 * 60_000)
      await context.runUntilIdle()
      await refuse()
    }
    expect(await told(job.id)).toEqual(['expiry_near', 'expiry_reached'])
    expect(context.world.removed).toEqual([])
    expect(await context.job(job.id)).toMatchObject({ expiryDueAt: null, removalJob: null })
  })

  it('waits for another job that works on the same target', async () => {
    const job = await made(HOUR)
    context.world.observation = { phase: 'working' }
    const other = await context.ask({ lock: job.lock })
    await pass(2 * HOUR)
    expect(await told(job.id)).toEqual([])
    context.world.observation = { phase: 'done' }
    await pass(HOUR)
    expect((await context.job(other.id)).state).toBe('succeeded')
    expect(await told(job.id)).toEqual(['expiry_reached', 'removed'])
  })

  it('that failed is not tried again by itself: a day later people are asked', async () => {
    const job = await made(HOUR)
    context.world.observation = { phase: 'failed', detail: 'It is protected.' }
    await pass(3 * HOUR)
    expect(await told(job.id)).toEqual(['expiry_reached', 'removal_ended'])
    await pass(DAY)
    expect(await told(job.id)).toEqual(['expiry_reached', 'removal_ended', 'expiry_reached'])
    await pass(3 * DAY)
    expect(await context.db.selectFrom('jobs').select('id').execute()).toHaveLength(2)
    expect(await context.job(job.id)).toMatchObject({ expiryDueAt: null, removedAt: null })
  })

  it('is left out when somebody extends the expiry at that very moment', async () => {
    const job = await made(HOUR)
    context.pass(HOUR)
    const extended = {
      expiresAt: context.now() + DAY,
      expiryDueAt: context.now() + 23 * HOUR,
      version: job.version + 1,
    }
    let isExtended = false
    const db = context.db.withPlugin({
      transformQuery: ({ node }) => node,
      // Right after it was claimed.
      transformResult: async ({ result }) => {
        if (!isExtended) {
          isExtended = true
          await context.db.updateTable('jobs').set(extended).where('id', '=', job.id).execute()
        }
        return result
      },
    })
    expect(await handleExpiries({ ...context, db })).toBe(false)
    expect(await context.job(job.id)).toMatchObject({ removalJob: null, expiresAt: extended.expiresAt })
    expect(await context.db.selectFrom('jobs').select('id').execute()).toHaveLength(1)
  })

  it('is left out when somebody deleted the clone before', async () => {
    const job = await made(2 * HOUR)
    await context.db.updateTable('jobs').set({ removalJob: 'aaaaa' }).where('id', '=', job.id).execute()
    await pass(DAY)
    expect(await told(job.id)).toEqual([])
  })

  it('comes an hour after the warning where Dolly was stopped over the end', async () => {
    const job = await made(7 * DAY)
    context.pass(30 * DAY)
    await context.runUntilIdle()
    await show()
    expect(await told(job.id)).toEqual(['expiry_near'])
    await pass(50 * 60_000)
    expect(context.world.removed).toEqual([])
    await pass(20 * 60_000)
    expect(context.world.removed).toEqual([job.ref?.id])
  })

  it('follows at once where the last warning was given and only the end was missed', async () => {
    const job = await made(7 * DAY)
    await pass(7 * DAY - 30 * 60_000)
    context.pass(DAY)
    await context.runUntilIdle()
    expect(context.world.removed).toEqual([job.ref?.id])
  })
})

/** A database whose process dies at a query: it and all later ones never return. */
function mortal(db: Database, lives: number) {
  let left = lives
  let died = () => {}
  const death = new Promise<'dead'>((resolve) => {
    died = () => resolve('dead')
  })
  const mortalDb = db.withPlugin({
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      if (left === 0) {
        died()
        await new Promise(() => {})
      }
      left -= 1
      return result
    },
  })
  return { db: mortalDb, death }
}

describe('a process that dies over an expiry', () => {
  it.each<[string, number, string[]]>([
    ['a warning', 3 * HOUR, ['expiry_near']],
    ['the end', 4 * HOUR, ['expiry_near', 'expiry_reached']],
  ])('at any query of %s says everything once, and deletes once', async (_, at, expected) => {
    await context.db.destroy()
    for (let lives = 0, isDead = true; isDead; lives += 1) {
      const shared = await shareTestDatabase()
      context = await testContext({ db: await shared.open() })
      const job = await made(4 * HOUR)
      if (at === 4 * HOUR) await pass(3 * HOUR + 10 * 60_000)
      context.setClock((job.expiresAt ?? 0) - 4 * HOUR + at - context.now())
      const { db, death } = mortal(context.db, lives)
      isDead = (await Promise.race([handleExpiries({ ...context, db }), death])) === 'dead'

      const next = await shared.crash()
      await releaseAllClaims(next)
      Object.assign(context, { db: next })
      await handleExpiries(context)
      expect(await told(job.id)).toEqual(expected)
      const removals = await context.db.selectFrom('jobs').select('id').where('removes', '=', job.id).execute()
      expect(removals).toHaveLength(at === 4 * HOUR ? 1 : 0)
      // Far fewer would mean that it didn't die where it should.
      if (!isDead) expect(lives).toBeGreaterThan(3)
      await shared.close()
    }
  })

  it('and comes too late changes nothing', async () => {
    const job = await made(4 * HOUR)
    context.pass(3 * HOUR)
    await claimExpiringJobs(context.db, 9, context.now())
    // Claimed by another: nobody else finds it.
    expect(await handleExpiries(context)).toBe(false)
    await releaseAllClaims(context.db)
    expect(await handleExpiries(context)).toBe(true)
    expect(await handleExpiries(context)).toBe(false)
    expect(await told(job.id)).toEqual(['expiry_near'])
  })
})

it('an expiry is due work of its own until its clone is being deleted', async () => {
  const job = await made(4 * HOUR)
  const due = async () => (await findDueWork(context.db, context.now())).filter(({ kind }) => kind === 'expiry')
  expect(await due()).toEqual([])
  context.pass(3 * HOUR)
  expect(await due()).toEqual([{ kind: 'expiry', connection: '', count: 1 }])
  await context.db.updateTable('jobs').set({ removalJob: 'aaaaa' }).where('id', '=', job.id).execute()
  expect(await due()).toEqual([])
})
