import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { next } from '../../src/domain/machine.js'
import { ConnectionError, TemporaryError, UserError } from '../../src/errors.js'
import { newMemory } from '../../src/jobs/context.js'
import { pollDueJobs } from '../../src/jobs/poll.js'
import { reconcileLostWrites } from '../../src/jobs/reconcile.js'
import { createWorkers } from '../../src/jobs/workers.js'
import { writeNextJob } from '../../src/jobs/write.js'
import { claimDueJobs, releaseAllClaims } from '../../src/store/claims.js'
import { findDueWork } from '../../src/store/due-work.js'
import { applyTransition } from '../../src/store/jobs.js'
import { makeLiveJobsDue } from '../../src/store/make-due.js'
import type { Database } from '../../src/store/schema.js'
import { runDueJobs, type TestContext, testContext } from '../helpers/context.js'
import { measuringMeter } from '../helpers/measuring.js'

const minute = 60_000

/** The same database, in which the n-th write from now, and as many as said, fail as on a full disk. */
function failing(db: Database, n: number, times = 1): Database {
  let left = n
  return db.withPlugin({
    transformQuery: ({ node }) => {
      if (!/^(Insert|Update|Delete)Query/.test(node.kind)) return node
      left -= 1
      if (left <= 0 && left > -times) throw new Error('database or disk is full')
      return node
    },
    transformResult: async ({ result }) => result,
  })
}

function firstStep({ connections }: TestContext) {
  const step = connections.get('dummy-one')?.provider.operations.clone?.steps[0]
  if (!step) throw new Error('The dummy has a clone.')
  return step
}

describe('the life of a job', () => {
  let context: TestContext
  beforeEach(async () => {
    context = await testContext()
  })
  afterEach(async () => await context.db.destroy())

  it('measures each step and each poll, and that a step failed', async () => {
    const { meter, measured } = measuringMeter()
    const watched = await testContext({ meter })
    const { id } = await watched.ask()
    await watched.runUntilIdle()
    watched.pass(5_000)
    await watched.runUntilIdle()
    watched.world.observation = { phase: 'done' }
    watched.pass(5_000)
    await watched.runUntilIdle()
    expect(await watched.job(id)).toMatchObject({ state: 'succeeded' })
    const poll = { what: 'polled', of: { connection: 'dummy-one', provider: 'dummy', outcome: 'ok' }, ms: 0 }
    const step = { connection: 'dummy-one', operation: 'clone', step: 'clone' }
    expect(measured).toEqual([poll, poll, { what: 'stepEnded', of: { ...step, outcome: 'done' }, ms: 10_000 }])

    measured.length = 0
    watched.world.mood = { throws: new UserError('The name is taken.'), carriesOut: false }
    await watched.ask()
    await watched.runUntilIdle()
    expect(measured).toEqual([{ what: 'stepEnded', of: { ...step, outcome: 'failed' }, ms: 0 }])
    await watched.db.destroy()
  })

  it('goes from queued to succeeded with one write', async () => {
    const { id } = await context.ask()
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'working', attempt: 1, ref: { id: 'clone-1' } })

    context.pass(5_000)
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'working', detail: 'copying' })

    context.world.observation = { phase: 'done', url: 'https://copy.example', detail: 'running' }
    context.pass(5_000)
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'succeeded', url: 'https://copy.example', detail: 'running' })
    expect(context.world.writes).toBe(1)
    expect(await context.kinds(id)).toEqual(['queued', 'step_started', 'step_accepted', 'progress', 'succeeded'])
  })

  it('goes through the steps its params ask for, in order', async () => {
    context.world.observation = { phase: 'done' }
    const { id } = await context.ask({ params: { name: 'copy', deploy: true } })
    await context.runUntilIdle()
    context.pass(minute)
    await context.runUntilIdle()
    context.pass(minute)
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'succeeded', step: 'deploy', ref: { id: 'deploy-2' } })
    expect(context.world.made.map((made) => made.step)).toEqual(['clone', 'deploy'])
  })

  it('never keeps the credentials that a provider’s word quotes', async () => {
    const { id } = await context.ask()
    await context.runUntilIdle()
    context.world.observation = { phase: 'failed', detail: 'cannot clone https://wool:s3cret@git.example/shop.git' }
    context.pass(5_000)
    await context.runUntilIdle()
    expect((await context.job(id)).detail).toBe('cannot clone https://••••@git.example/shop.git')
  })

  it('goes on when another job of the same poll cannot be seen', async () => {
    const one = await context.ask({ lock: 'name one' })
    const other = await context.ask({ lock: 'name other' })
    await context.runUntilIdle()
    context.world.hidden = ['clone-1']
    context.world.observation = { phase: 'done' }
    context.pass(5_000)
    await context.runUntilIdle()
    expect(await context.job(other.id)).toMatchObject({ state: 'succeeded' })
    expect(await context.job(one.id)).toMatchObject({ state: 'working', unreachableSince: context.now() })
    expect(context.world.polls).toBe(1)
  })

  it('ends with the reason when the provider refuses the write', async () => {
    context.world.mood = { throws: new UserError('The name is taken.'), carriesOut: false }
    const { id } = await context.ask()
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'failed', detail: 'The name is taken.' })
    expect((await context.job(id)).endedAt).toBe(context.now())
  })

  it('reports a connection that refuses a write or a poll to its operator', async () => {
    const refused: string[] = []
    context.refused = (connection, reason) => refused.push(`${connection}: ${reason}`)
    context.world.mood = { throws: new ConnectionError('No right to write.'), carriesOut: false }
    await context.ask()
    await context.runUntilIdle()
    await context.ask()
    await context.runUntilIdle()
    context.world.observation = new ConnectionError('The token was revoked.')
    context.pass(minute)
    await context.runUntilIdle()
    expect(refused).toEqual(['dummy-one: No right to write.', 'dummy-one: The token was revoked.'])
  })

  it('ends when the connection is refused, and frees its lock', async () => {
    context.world.mood = { throws: new ConnectionError('The token of dummy-one is refused.'), carriesOut: false }
    const { lock, id } = await context.ask()
    await context.runUntilIdle()
    expect((await context.job(id)).state).toBe('failed')
    await expect(context.ask({ lock })).resolves.toMatchObject({ state: 'queued' })
  })

  it('sends a write again only when it surely did not arrive', async () => {
    const throws = new TemporaryError('Too many requests.', { retryAfterMs: 20_000, mayHaveHappened: false })
    context.world.mood = { throws, carriesOut: false }
    const { id } = await context.ask()
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'queued', detail: 'Too many requests.' })
    context.pass(19_000)
    await context.runUntilIdle()
    expect(context.world.writes).toBe(1)
    context.pass(1_500)
    await context.runUntilIdle()
    expect(context.world.writes).toBe(2)
    expect(await context.job(id)).toMatchObject({ state: 'working', attempt: 1 })
  })

  it('adopts a write whose answer was lost', async () => {
    context.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: true }
    const { id } = await context.ask()
    await context.runUntilIdle()
    expect((await context.job(id)).state).toBe('starting')
    context.pass(4_000)
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'working', ref: { id: 'clone-1' } })
    expect(context.world.made).toHaveLength(1)
    expect(await context.kinds(id)).toContain('found')
  })

  it('recognizes its own write although the clock was minutes ahead, but not what an earlier job with that target made', async () => {
    const sinces: number[] = []
    const step = firstStep(context)
    const { find } = step
    step.find = async (...args) => {
      sinces.push(args[3].since.getTime())
      return (await find?.(...args)) ?? null
    }
    const ask = async () => {
      context.world.mood = { throws: new TemporaryError('Lost.', { mayHaveHappened: true }), carriesOut: true }
      const job = await context.ask({ lock: 'one target' })
      await context.runUntilIdle()
      context.pass(4_000)
      await context.runUntilIdle()
      return await context.job(job.id)
    }
    const first = await ask()
    expect(sinces).toEqual([first.createdAt - 5 * minute])

    context.world.observation = { phase: 'done' }
    context.pass(4_000)
    await context.runUntilIdle()
    const { endedAt } = await context.job(first.id)
    context.pass(minute)
    await ask()
    expect(sinces.at(-1)).toBe(endedAt)
  })

  it('does not believe in absence before the write had time to arrive', async () => {
    context.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: false }
    const { id } = await context.ask()
    await context.runUntilIdle()
    context.pass(4_000)
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'starting', attempt: 1 })
    context.pass(9_999)
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'starting', attempt: 1 })
    context.pass(1)
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'working', attempt: 2 })
    expect(context.world.made).toHaveLength(1)
  })

  it.each([4 * minute, -4 * minute])(
    'does not believe in absence sooner or later because the clock was set by %i ms',
    async (byMs) => {
      context.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: false }
      const { id } = await context.ask()
      await context.runUntilIdle()
      context.pass(4_000)
      await context.runUntilIdle()
      context.setClock(byMs)
      // As the scheduler does when the clock was set.
      await makeLiveJobsDue(context.db, context.now())
      await context.runUntilIdle()
      expect(await context.job(id)).toMatchObject({ state: 'starting', attempt: 1 })
      context.pass(9_999)
      await makeLiveJobsDue(context.db, context.now())
      await context.runUntilIdle()
      expect(await context.job(id)).toMatchObject({ state: 'starting', attempt: 1 })
      context.pass(1)
      await makeLiveJobsDue(context.db, context.now())
      await context.runUntilIdle()
      expect(await context.job(id)).toMatchObject({ state: 'working', attempt: 2 })
    },
  )

  it('starts its search again after a restart, and when the provider could not be asked for half a minute', async () => {
    context.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: false }
    const { id } = await context.ask()
    await context.runUntilIdle()
    context.pass(4_000)
    await context.runUntilIdle()
    context.pass(9_000)
    const restarted = { ...context, memory: newMemory() }
    await reconcileLostWrites(restarted, 'dummy-one')
    context.pass(4_000)
    await reconcileLostWrites(restarted, 'dummy-one')
    expect(await context.job(id)).toMatchObject({ state: 'starting', attempt: 1 })

    context.world.findThrows = new TemporaryError('Down.', { mayHaveHappened: false })
    for (let count = 0; count < 8; count += 1) {
      context.pass(5_000)
      await reconcileLostWrites(restarted, 'dummy-one')
    }
    context.world.findThrows = null
    context.pass(30_000)
    await reconcileLostWrites(restarted, 'dummy-one')
    expect(await context.job(id)).toMatchObject({ state: 'starting', attempt: 1 })
    context.pass(10_000)
    await reconcileLostWrites(restarted, 'dummy-one')
    expect(await context.job(id)).toMatchObject({ state: 'queued', attempt: 1 })
    expect(restarted.memory.searches.size).toBe(0)
  })

  it('does not conclude absence sooner from an older search, whose write another process found', async () => {
    const lost = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: false }
    context.world.mood = lost
    const { id } = await context.ask()
    await context.runUntilIdle()
    // Another process finds the write, it fails at the provider, and a person tries again.
    await context.go(
      id,
      { kind: 'found', ref: { id: 'clone-0' }, deadlineMs: minute },
      { kind: 'observed', observation: { phase: 'failed', detail: 'Out of disk.' }, nextStep: null },
      { kind: 'try_again', actor: 'U1' },
    )
    context.world.mood = lost
    context.pass(20_000)
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'starting', attempt: 1 })
    context.pass(9_000)
    await makeLiveJobsDue(context.db, context.now())
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'starting', attempt: 1 })
  })

  it('starts its search again when others may have searched for half a minute', async () => {
    context.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: false }
    const { id } = await context.ask()
    await context.runUntilIdle()
    context.pass(4_000)
    await context.runUntilIdle()
    context.pass(30_000)
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'starting', attempt: 1 })
    context.pass(10_000)
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'working', attempt: 2 })
  })

  it('believes in absence after ten minutes, even if others searched for two minutes in between, but not for longer', async () => {
    const minutes = 60_000
    firstStep(context).absentAfterMs = 10 * minutes
    context.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: false }
    const { id } = await context.ask()
    await context.runUntilIdle()
    const searchAfter = async (...pauses: number[]) => {
      for (const ms of pauses) {
        context.pass(ms)
        await makeLiveJobsDue(context.db, context.now())
        await context.runUntilIdle()
      }
      return (await context.job(id)).attempt
    }
    expect(await searchAfter(4_000, 2 * minutes, 2 * minutes, 2.5 * minutes)).toBe(1)
    expect(await searchAfter(2 * minutes, 2 * minutes, 2 * minutes, 2 * minutes)).toBe(1)
    expect(await searchAfter(2 * minutes)).toBe(2)
  })

  it('does not believe in absence sooner because the reads before the write were slow', async () => {
    const { first, id } = { first: firstStep(context), ...(await context.ask()) }
    const { run } = first
    first.run = async (...args) => {
      context.pass(40_000)
      return await run(...args)
    }
    context.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: false }
    await context.runUntilIdle()
    context.pass(3_500)
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'starting', attempt: 1 })
    expect(context.world.writes).toBe(1)
  })

  it('reads the baseline before its first try, and keeps it for the tries after it', async () => {
    let newest = 'first'
    const baselines: string[] = []
    const step = firstStep(context)
    const { find } = step
    step.baseline = async () => newest
    step.find = async (...args) => {
      baselines.push(args[3].baseline)
      return (await find?.(...args)) ?? null
    }
    context.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: false }
    await context.ask()
    await context.runUntilIdle()
    newest = 'second'
    context.pass(4_000)
    await context.runUntilIdle()
    context.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: true }
    context.pass(10_000)
    await context.runUntilIdle()
    context.pass(4_000)
    await context.runUntilIdle()
    expect(context.world.writes).toBe(2)
    expect(baselines).toEqual(['first', 'first', 'first'])
  })

  it('sends nothing as long as the target cannot be read', async () => {
    let problem: Error = new TemporaryError('Down.', { mayHaveHappened: false })
    firstStep(context).baseline = async () => {
      throw problem
    }
    const { id } = await context.ask()
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'queued', attempt: 0, detail: 'Down.' })
    problem = new UserError('There is no such target.')
    context.pass(5_000)
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'failed', detail: 'There is no such target.' })
    expect(context.world.writes).toBe(0)
  })

  it('believes a refusal of the second try only when a third one is refused too', async () => {
    context.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: false }
    const { id } = await context.ask()
    await context.runUntilIdle()
    context.pass(4_000)
    await context.runUntilIdle()
    const taken = new UserError('The name is taken.', { status: 409 })
    context.world.mood = { throws: taken, carriesOut: false }
    context.pass(10_000)
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'starting', attempt: 2 })
    context.pass(4_000)
    await context.runUntilIdle()
    context.world.mood = { throws: taken, carriesOut: false }
    context.pass(10_000)
    await context.runUntilIdle()
    context.pass(12_000)
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'failed', detail: 'The name is taken.', attempt: 3 })
  })

  it('leaves a job that this version does not know alone for a minute', async () => {
    const { id } = await context.ask({ operation: 'clone-of-tomorrow' })
    // Its thread has to say so.
    expect(await runDueJobs(context, 'dummy-one')).toBe(true)
    expect(await runDueJobs(context, 'dummy-one')).toBe(false)
    const wanted = { connection: 'dummy-one', state: 'queued' as const, limit: 10 }
    expect(await claimDueJobs(context.db, wanted, context.now())).toEqual([])
    context.pass(minute)
    expect(await claimDueJobs(context.db, wanted, context.now())).toMatchObject([{ job: { id } }])
  })

  it('reports no progress when nothing could be saved, so that the scheduler doesn’t start it again at once', async () => {
    await context.ask()
    expect(await writeNextJob({ ...context, db: failing(context.db, 3, 1_000) }, 'dummy-one')).toBe(false)
    await context.runUntilIdle()
    context.pass(5_000)
    expect(await pollDueJobs({ ...context, db: failing(context.db, 3, 1_000) }, 'dummy-one')).toBe(false)
  })

  it('lets other work run while hundreds of jobs end', async () => {
    await Promise.all(Array.from({ length: 300 }, () => context.ask()))
    await context.db.updateTable('jobs').set({ state: 'working', ref: '{"id":"clone-1"}' }).execute()
    context.world.observation = { phase: 'done' }
    let turns = 0
    const turning = setInterval(() => {
      turns += 1
    }, 0)
    await pollDueJobs(context, 'dummy-one')
    clearInterval(turning)
    expect(turns).toBeGreaterThanOrEqual(5)
  })

  it('takes "the name is taken" on a second try for the echo of the first', async () => {
    context.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: false }
    const { id } = await context.ask()
    await context.runUntilIdle()
    context.pass(4_000)
    await context.runUntilIdle()
    context.pass(11_000)
    // The first write arrives only now, after the search for it.
    context.world.mood = { throws: new UserError('The name is taken.', { status: 409 }), carriesOut: true }
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'working', ref: { id: 'clone-2' } })
  })

  it('waits for hours for a provider that takes no writes, with two replies about it, and goes on once it does', async () => {
    const { id } = await context.ask()
    const start = context.now()
    while (context.now() - start < 4 * 60 * minute) {
      context.world.mood = { throws: new TemporaryError('503.', { mayHaveHappened: true }), carriesOut: false }
      await context.runUntilIdle()
      await context.passUntilDue(4_000, 10 * minute)
    }
    expect(await context.job(id)).toMatchObject({ detail: '503.', endedAt: null })
    expect(context.world.writes).toBeLessThan(40)
    expect(new Set((await context.kinds(id)).filter((kind) => kind !== 'progress'))).toEqual(
      new Set(['queued', 'step_started', 'answer_lost', 'absent']),
    )
    expect((await context.kinds(id)).filter((kind) => /answer_lost|absent/.test(kind))).toHaveLength(2)
    context.world.mood = 'works'
    for (let waited = 0; waited < 15 * minute; ) {
      await context.runUntilIdle()
      waited += await context.passUntilDue(4_000, minute)
    }
    expect((await context.job(id)).ref).not.toBeNull()
    expect(context.world.made).toHaveLength(1)
  })

  it('gives up writes that never arrive after about six hours', async () => {
    const { id } = await context.ask()
    const start = context.now()
    while ((await context.job(id)).endedAt === null && context.now() - start < 24 * 60 * minute) {
      context.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: false }
      await context.runUntilIdle()
      await context.passUntilDue(10_000, 10 * minute)
    }
    expect(await context.job(id)).toMatchObject({ state: 'failed' })
    expect(context.world.made).toHaveLength(0)
    expect((context.now() - start) / (60 * minute)).toBeGreaterThan(5)
    expect((context.now() - start) / (60 * minute)).toBeLessThan(8)
  })

  it('asks a person when nothing can be found out, and does what the answer says', async () => {
    context.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: true }
    const { id } = await context.ask({ operation: 'blind' })
    await context.runUntilIdle()
    context.pass(4_000)
    await context.runUntilIdle()
    const job = await context.job(id)
    expect(job).toMatchObject({ state: 'uncertain', dueAt: context.now() + 24 * 60 * minute })

    context.pass(60 * minute)
    await context.runUntilIdle()
    expect(context.world.writes).toBe(1)

    const timing = { now: context.now(), jitter: 0 }
    await applyTransition(context.db, job, next(job, { kind: 'start_over', actor: 'U1' }, timing), context.now(), null)
    await context.runUntilIdle()
    expect(context.world.writes).toBe(2)
    expect((await context.job(id)).state).toBe('working')
  })

  it('survives a provider that is down for an hour, with one note each way', async () => {
    const { id } = await context.ask()
    await context.runUntilIdle()
    context.world.observation = new TemporaryError('Down.', { mayHaveHappened: false })
    const start = context.now()
    while (context.now() - start < 9 * minute) {
      context.pass(10_000)
      await context.runUntilIdle()
    }
    context.world.observation = { phase: 'working', detail: 'copying' }
    context.pass(minute)
    await context.runUntilIdle()
    expect((await context.job(id)).state).toBe('working')
    const kinds = await context.kinds(id)
    expect(kinds.filter((kind) => kind === 'unreachable')).toHaveLength(1)
    expect(kinds.filter((kind) => kind === 'reachable')).toHaveLength(1)
  })

  it('shows after half a minute that the provider cannot be asked, and when it can again', async () => {
    const { id } = await context.ask()
    await context.runUntilIdle()
    context.pass(5_000)
    await context.runUntilIdle()
    const shown = async () => (await context.kinds(id)).filter((kind) => kind === 'progress').length
    const before = await shown()
    context.world.observation = new TemporaryError('dummy-one answered 503.', { mayHaveHappened: false })
    for (let passed = 0; passed < 60_000; passed += 5_000) {
      context.pass(5_000)
      await context.runUntilIdle()
      if (passed < 25_000) expect(await shown()).toBe(before)
    }
    expect(await context.job(id)).toMatchObject({ detail: 'dummy-one answered 503.' })
    expect(await shown()).toBe(before + 1)
    // Another word than before, or the same: that it can be asked again is news.
    context.world.observation = { phase: 'working', detail: 'dummy-one answered 503.' }
    context.pass(30_000)
    await context.runUntilIdle()
    expect(await shown()).toBe(before + 2)
    context.world.observation = { phase: 'working', detail: 'copying' }
    context.pass(30_000)
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ detail: 'copying', unreachableSince: null })
    expect(await shown()).toBe(before + 3)
  })

  it('gives up at the deadline when the provider never ends', async () => {
    const { id } = await context.ask()
    for (let polls = 0; polls < 10; polls += 1) {
      await context.runUntilIdle()
      expect((await context.job(id)).state).toBe('working')
      context.pass(minute)
    }
    context.pass(5_000)
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'timed_out', detail: 'copying' })
  })

  it('keeps polling after an unknown status', async () => {
    context.world.observation = { phase: 'working', detail: 'hibernating' }
    const { id } = await context.ask()
    await context.runUntilIdle()
    context.pass(5_000)
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'working', detail: 'hibernating' })
  })

  it('admits a bug without showing its words in the thread', async () => {
    context.world.mood = { throws: new TypeError('x is not a function'), carriesOut: true }
    const { id } = await context.ask()
    await context.runUntilIdle()
    expect((await context.job(id)).detail).toBe(`Something broke on our side, job ${id}.`)
  })

  it('does not retry for hours what it broke itself', async () => {
    const { id } = await context.ask()
    for (let passed = 0; passed < 5 * minute; passed += 4_000) {
      context.world.mood = { throws: new TypeError('x is not a function'), carriesOut: false }
      await context.runUntilIdle()
      context.pass(4_000)
    }
    expect(await context.job(id)).toMatchObject({ state: 'failed', attempt: 3 })
    expect(context.world.writes).toBe(3)
  })

  it('finds out about a lost write although every third search fails', async () => {
    context.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: false }
    const { id } = await context.ask()
    await context.runUntilIdle()
    for (let search = 1; (await context.job(id)).attempt === 1 && search < 20; search += 1) {
      context.world.findThrows = search % 3 === 0 ? new TemporaryError('Down.', { mayHaveHappened: false }) : null
      context.pass(4_000)
      await context.runUntilIdle()
    }
    expect(await context.job(id)).toMatchObject({ state: 'working', attempt: 2 })
    expect(context.now() - (await context.job(id)).createdAt).toBeLessThan(30_000)
  })

  it('gives a job back when its write could not be saved on a full disk, and finds the write again', async () => {
    const { id } = await context.ask()
    const full = { ...context, db: failing(context.db, 6) }
    await writeNextJob(full, 'dummy-one')
    expect(await context.job(id)).toMatchObject({ state: 'starting' })
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'working', ref: { id: 'clone-1' } })
    expect(context.world.made).toHaveLength(1)
  })

  it('gives back later what it could not give back on a full disk', async () => {
    const { id } = await context.ask()
    await writeNextJob({ ...context, db: failing(context.db, 6, 100) }, 'dummy-one')
    expect(await context.job(id)).toMatchObject({ state: 'starting' })
    expect(context.memory.unreleased.size).toBe(1)
    expect(await findDueWork(context.db, context.now())).not.toContainEqual(
      expect.objectContaining({ kind: 'starting' }),
    )
    context.pass(4_000)
    // Nothing else is due, so that no other worker runs.
    const due = await findDueWork(context.db, context.now())
    const workers = createWorkers(context, { notifyPending: async () => false }).filter((one) => one.countDue(due) > 0)
    for (const worker of workers) await worker.runOnce(new AbortController().signal, () => {})
    expect(context.memory.unreleased.size).toBe(0)
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'working', ref: { id: 'clone-1' } })
    expect(context.world.made).toHaveLength(1)
  })

  it('does not let one unreadable ref blind the others', async () => {
    const [broken, sound] = [await context.ask(), await context.ask()]
    await context.runUntilIdle()
    await context.db.updateTable('jobs').set({ ref: '{}' }).where('id', '=', broken.id).execute()
    context.world.observation = { phase: 'done' }
    context.pass(5_000)
    await context.runUntilIdle()
    expect((await context.job(sound.id)).state).toBe('succeeded')
    expect((await context.job(broken.id)).state).toBe('working')
  })

  it('learns nothing about the write when the provider refuses the search', async () => {
    context.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: true }
    context.world.findThrows = new UserError('No such project.', { status: 404 })
    const { id } = await context.ask()
    await context.runUntilIdle()
    context.pass(4_000)
    await context.runUntilIdle()
    expect((await context.job(id)).state).toBe('starting')
    context.world.findThrows = new UserError('Nothing came of it; start again.')
    context.pass(4_000)
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'failed', detail: 'Nothing came of it; start again.' })
  })

  it('waits silently through a provider that is down before anything was sent', async () => {
    const { id } = await context.ask()
    for (let count = 0; count < 10; count += 1) {
      context.world.mood = { throws: new TemporaryError('Down.', { mayHaveHappened: false }), carriesOut: false }
      await context.runUntilIdle()
      context.pass(minute)
    }
    expect(await context.kinds(id)).toEqual(['queued', 'step_started', 'postponed'])
    await context.runUntilIdle()
    expect((await context.job(id)).state).toBe('working')
  })

  it('polls many jobs of a connection in one call', async () => {
    for (let count = 0; count < 30; count += 1) await context.ask()
    await context.runUntilIdle()
    context.pass(5_000)
    await context.runUntilIdle()
    expect(context.world.polls).toBe(1)
  })
})

describe('a claim', () => {
  it('is given to one worker only, and without it a worker changes nothing', async () => {
    const context = await testContext()
    const job = await context.ask()
    const wanted = { connection: 'dummy-one', state: 'queued' as const, limit: 10 }
    const [claimed] = await claimDueJobs(context.db, wanted, context.now())
    expect(claimed?.job.id).toBe(job.id)
    expect(await claimDueJobs(context.db, wanted, context.now())).toEqual([])
    // However much time goes by.
    context.pass(60 * minute)
    expect(await claimDueJobs(context.db, wanted, context.now())).toEqual([])

    const transition = next(job, { kind: 'begin' }, { now: context.now(), jitter: 0 })
    const stale = { token: 'of somebody else', keep: true }
    expect(await applyTransition(context.db, job, transition, context.now(), stale)).toBeNull()
    expect(await context.kinds(job.id)).toEqual(['queued'])
    const own = { token: claimed?.token ?? '', keep: false }
    expect(await applyTransition(context.db, job, transition, context.now(), own)).toMatchObject({ state: 'starting' })
    await context.db.destroy()
  })

  it('of a dead process is free after a start, whatever clock that process had, and its write is not made twice', async () => {
    const context = await testContext()
    const { id } = await context.ask()
    const wanted = { connection: 'dummy-one', state: 'queued' as const, limit: 1 }
    // The write goes through, the save never happens.
    const [claimed] = await claimDueJobs(context.db, wanted, context.now() + 180 * minute)
    if (!claimed) throw new Error('Nothing was due.')
    const begun = next(claimed.job, { kind: 'begin' }, { now: context.now(), jitter: 0 })
    const own = { token: claimed.token, keep: true }
    await applyTransition(context.db, claimed.job, begun, context.now(), own)
    context.world.made.push({ id: 'clone-0', name: 'copy', step: 'clone' })

    await context.runUntilIdle()
    expect((await context.job(id)).state).toBe('starting')
    await releaseAllClaims(context.db)
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'working', ref: { id: 'clone-0' } })
    expect(context.world.made).toHaveLength(1)
    await context.db.destroy()
  })
})
