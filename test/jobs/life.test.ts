import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ConnectionError, TemporaryError, UserError } from '../../src/errors.js'
import { next } from '../../src/jobs/machine.js'
import { writeNextJob } from '../../src/jobs/run.js'
import { watchDueJobs } from '../../src/jobs/watch.js'
import { applyTransition } from '../../src/store/jobs.js'
import { claimDueJobs, renewLeases } from '../../src/store/leases.js'
import type { Database } from '../../src/store/schema.js'
import { runDueJobs, type TestHouse, testHouse } from '../helpers/house.js'

const minute = 60_000

/** The same database, in which the n-th statement from now, and as many as said, fail as on a full disk. */
function failing(db: Database, n: number, times = 1): Database {
  let left = n
  return db.withPlugin({
    transformQuery: ({ node }) => {
      left -= 1
      if (left <= 0 && left > -times) throw new Error('database or disk is full')
      return node
    },
    transformResult: async ({ result }) => result,
  })
}

function firstStep({ connections }: TestHouse) {
  const step = connections.get('dummy-one')?.provider.operations.clone?.steps[0]
  if (!step) throw new Error('The dummy has a clone.')
  return step
}

describe('the life of a job', () => {
  let house: TestHouse
  beforeEach(async () => {
    house = await testHouse()
  })
  afterEach(async () => await house.db.destroy())

  it('goes from queued to succeeded with one write', async () => {
    const { id } = await house.ask()
    await house.settle()
    expect(await house.job(id)).toMatchObject({ state: 'working', attempt: 1, ref: { id: 'clone-1' } })

    house.pass(5_000)
    await house.settle()
    expect(await house.job(id)).toMatchObject({ state: 'working', detail: 'copying' })

    house.world.observation = { phase: 'done', url: 'https://copy.example', detail: 'running' }
    house.pass(5_000)
    await house.settle()
    expect(await house.job(id)).toMatchObject({ state: 'succeeded', url: 'https://copy.example', detail: 'running' })
    expect(house.world.writes).toBe(1)
    expect(await house.kinds(id)).toEqual(['queued', 'step_started', 'step_accepted', 'progress', 'succeeded'])
  })

  it('goes through the steps its params ask for, in order', async () => {
    house.world.observation = { phase: 'done' }
    const { id } = await house.ask({ params: { name: 'copy', deploy: true } })
    await house.settle()
    house.pass(minute)
    await house.settle()
    house.pass(minute)
    await house.settle()
    expect(await house.job(id)).toMatchObject({ state: 'succeeded', step: 'deploy', ref: { id: 'deploy-2' } })
    expect(house.world.made.map((made) => made.step)).toEqual(['clone', 'deploy'])
  })

  it('never keeps the credentials that a provider’s word quotes', async () => {
    const { id } = await house.ask()
    await house.settle()
    house.world.observation = { phase: 'failed', detail: 'cannot clone https://wool:s3cret@git.example/shop.git' }
    house.pass(5_000)
    await house.settle()
    expect((await house.job(id)).detail).toBe('cannot clone https://••••@git.example/shop.git')
  })

  it('goes on when another job of the same look cannot be seen', async () => {
    const one = await house.ask({ lock: 'name one' })
    const other = await house.ask({ lock: 'name other' })
    await house.settle()
    house.world.hidden = ['clone-1']
    house.world.observation = { phase: 'done' }
    house.pass(5_000)
    await house.settle()
    expect(await house.job(other.id)).toMatchObject({ state: 'succeeded' })
    expect(await house.job(one.id)).toMatchObject({ state: 'working', unseenSince: house.now() })
    expect(house.world.looks).toBe(1)
  })

  it('ends with the reason when the provider refuses the write', async () => {
    house.world.mood = { throws: new UserError('The name is taken.'), carriesOut: false }
    const { id } = await house.ask()
    await house.settle()
    expect(await house.job(id)).toMatchObject({ state: 'failed', detail: 'The name is taken.' })
    expect((await house.job(id)).endedAt).toBe(house.now())
  })

  it('tells the operator of a connection that refuses a write or a look, whoever asked for it', async () => {
    const refused: string[] = []
    house.refused = (connection, reason) => refused.push(`${connection}: ${reason}`)
    house.world.mood = { throws: new ConnectionError('No right to write.'), carriesOut: false }
    await house.ask()
    await house.settle()
    await house.ask()
    await house.settle()
    house.world.observation = new ConnectionError('The token was revoked.')
    house.pass(minute)
    await house.settle()
    expect(refused).toEqual(['dummy-one: No right to write.', 'dummy-one: The token was revoked.'])
  })

  it('ends when the connection is refused, and frees its lock', async () => {
    house.world.mood = { throws: new ConnectionError('The token of dummy-one is refused.'), carriesOut: false }
    const { lock, id } = await house.ask()
    await house.settle()
    expect((await house.job(id)).state).toBe('failed')
    await expect(house.ask({ lock })).resolves.toMatchObject({ state: 'queued' })
  })

  it('sends a write again only when it surely did not arrive', async () => {
    const throws = new TemporaryError('Too many requests.', { retryAfterMs: 20_000, mayHaveHappened: false })
    house.world.mood = { throws, carriesOut: false }
    const { id } = await house.ask()
    await house.settle()
    expect(await house.job(id)).toMatchObject({ state: 'queued', detail: 'Too many requests.' })
    house.pass(19_000)
    await house.settle()
    expect(house.world.writes).toBe(1)
    house.pass(1_500)
    await house.settle()
    expect(house.world.writes).toBe(2)
    expect(await house.job(id)).toMatchObject({ state: 'working', attempt: 1 })
  })

  it('adopts a write whose answer was lost', async () => {
    house.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: true }
    const { id } = await house.ask()
    await house.settle()
    expect((await house.job(id)).state).toBe('starting')
    house.pass(4_000)
    await house.settle()
    expect(await house.job(id)).toMatchObject({ state: 'working', ref: { id: 'clone-1' } })
    expect(house.world.made).toHaveLength(1)
    expect(await house.kinds(id)).toContain('found')
  })

  it('knows its own write by a clock that was minutes ahead, and not what an earlier job with that target made', async () => {
    const sinces: number[] = []
    const step = firstStep(house)
    const { find } = step
    step.find = async (...args) => {
      sinces.push(args[3].since.getTime())
      return (await find?.(...args)) ?? null
    }
    const ask = async () => {
      house.world.mood = { throws: new TemporaryError('Lost.', { mayHaveHappened: true }), carriesOut: true }
      const job = await house.ask({ lock: 'one target' })
      await house.settle()
      house.pass(4_000)
      await house.settle()
      return await house.job(job.id)
    }
    const first = await ask()
    expect(sinces).toEqual([first.createdAt - 5 * minute])

    house.world.observation = { phase: 'done' }
    house.pass(4_000)
    await house.settle()
    const { endedAt } = await house.job(first.id)
    house.pass(minute)
    await ask()
    expect(sinces.at(-1)).toBe(endedAt)
  })

  it('does not believe in absence before the write had time to arrive', async () => {
    house.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: false }
    const { id } = await house.ask()
    await house.settle()
    house.pass(4_000)
    await house.settle()
    expect(await house.job(id)).toMatchObject({ state: 'starting', attempt: 1 })
    house.pass(9_999)
    await house.settle()
    expect(await house.job(id)).toMatchObject({ state: 'starting', attempt: 1 })
    house.pass(1)
    await house.settle()
    expect(await house.job(id)).toMatchObject({ state: 'working', attempt: 2 })
    expect(house.world.made).toHaveLength(1)
  })

  it('does not believe in absence sooner because the clock was set ahead', async () => {
    let steadyMs = 60_000
    house.steadyForMs = () => steadyMs
    house.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: false }
    const { id } = await house.ask()
    await house.settle()
    house.pass(4_000)
    await house.settle()
    house.pass(4 * minute)
    steadyMs = 0
    await house.settle()
    expect(await house.job(id)).toMatchObject({ state: 'starting', attempt: 1 })
    house.pass(10_000)
    steadyMs = 10_000
    await house.settle()
    expect(await house.job(id)).toMatchObject({ state: 'working', attempt: 2 })
  })

  it('does not believe in absence sooner because the reads before the write were slow', async () => {
    const { first, id } = { first: firstStep(house), ...(await house.ask()) }
    const { run } = first
    first.run = async (...args) => {
      house.pass(40_000)
      return await run(...args)
    }
    house.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: false }
    await house.settle()
    house.pass(3_500)
    await house.settle()
    expect(await house.job(id)).toMatchObject({ state: 'starting', attempt: 1 })
    expect(house.world.writes).toBe(1)
  })

  it('notes what stands at the target before its first try, and keeps to that in the tries after it', async () => {
    let newest = 'first'
    const marks: string[] = []
    const step = firstStep(house)
    const { find } = step
    step.mark = async () => newest
    step.find = async (...args) => {
      marks.push(args[3].mark)
      return (await find?.(...args)) ?? null
    }
    house.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: false }
    await house.ask()
    await house.settle()
    newest = 'second'
    house.pass(4_000)
    await house.settle()
    house.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: true }
    house.pass(10_000)
    await house.settle()
    house.pass(4_000)
    await house.settle()
    expect(house.world.writes).toBe(2)
    expect(marks).toEqual(['first', 'first', 'first'])
  })

  it('sends nothing as long as it cannot be read what stands at the target', async () => {
    let problem: Error = new TemporaryError('Down.', { mayHaveHappened: false })
    firstStep(house).mark = async () => {
      throw problem
    }
    const { id } = await house.ask()
    await house.settle()
    expect(await house.job(id)).toMatchObject({ state: 'queued', attempt: 0, detail: 'Down.' })
    problem = new UserError('There is no such target.')
    house.pass(5_000)
    await house.settle()
    expect(await house.job(id)).toMatchObject({ state: 'failed', detail: 'There is no such target.' })
    expect(house.world.writes).toBe(0)
  })

  it('believes a refusal of the second try only when a third one is refused too', async () => {
    house.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: false }
    const { id } = await house.ask()
    await house.settle()
    house.pass(4_000)
    await house.settle()
    const taken = new UserError('The name is taken.', { status: 409 })
    house.world.mood = { throws: taken, carriesOut: false }
    house.pass(10_000)
    await house.settle()
    expect(await house.job(id)).toMatchObject({ state: 'starting', attempt: 2 })
    house.pass(4_000)
    await house.settle()
    house.world.mood = { throws: taken, carriesOut: false }
    house.pass(10_000)
    await house.settle()
    house.pass(12_000)
    await house.settle()
    expect(await house.job(id)).toMatchObject({ state: 'failed', detail: 'The name is taken.', attempt: 3 })
  })

  it('leaves a job that this version does not know to others, and is not kept busy by it', async () => {
    const { id } = await house.ask({ operation: 'clone-of-tomorrow' })
    // Its thread is to be told.
    expect(await runDueJobs(house, 'dummy-one')).toBe(true)
    expect(await runDueJobs(house, 'dummy-one')).toBe(false)
    const wanted = { connection: 'dummy-one', states: ['queued'] as const, limit: 10 }
    const newer = () => ({ worker: 'newer', now: house.now(), leaseMs: house.leaseMs })
    expect(await claimDueJobs(house.db, wanted, newer())).toEqual([])
    house.pass(minute)
    expect(await claimDueJobs(house.db, wanted, newer())).toMatchObject([{ id }])
  })

  it('says that there was nothing to do when nothing could be written down, so that nobody goes round and round', async () => {
    await house.ask()
    expect(await writeNextJob({ ...house, db: failing(house.db, 3, 1_000) }, 'dummy-one')).toBe(false)
    await house.settle()
    house.pass(5_000)
    expect(await watchDueJobs({ ...house, db: failing(house.db, 3, 1_000) }, 'dummy-one')).toBe(false)
  })

  it('leaves the loop its turns while hundreds of jobs end', async () => {
    for (let count = 0; count < 300; count += 1) await house.ask()
    await house.db.updateTable('jobs').set({ state: 'working', ref: '{"id":"clone-1"}' }).execute()
    house.world.observation = { phase: 'done' }
    let turns = 0
    const turning = setInterval(() => {
      turns += 1
    }, 0)
    await watchDueJobs(house, 'dummy-one')
    clearInterval(turning)
    expect(turns).toBeGreaterThanOrEqual(5)
  })

  it('takes "the name is taken" on a second try for the echo of the first', async () => {
    house.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: false }
    const { id } = await house.ask()
    await house.settle()
    house.pass(4_000)
    await house.settle()
    house.pass(11_000)
    // The first write arrives only now, after it was looked for.
    house.world.mood = { throws: new UserError('The name is taken.', { status: 409 }), carriesOut: true }
    await house.settle()
    expect(await house.job(id)).toMatchObject({ state: 'working', ref: { id: 'clone-2' } })
  })

  it('waits for hours for a provider that takes no writes, with two replies about it, and goes on once it does', async () => {
    const { id } = await house.ask()
    const start = house.now()
    while (house.now() - start < 4 * 60 * minute) {
      house.world.mood = { throws: new TemporaryError('503.', { mayHaveHappened: true }), carriesOut: false }
      await house.settle()
      house.pass(4_000)
    }
    expect(await house.job(id)).toMatchObject({ detail: '503.', endedAt: null })
    expect(house.world.writes).toBeLessThan(40)
    expect(new Set((await house.kinds(id)).filter((kind) => kind !== 'progress'))).toEqual(
      new Set(['queued', 'step_started', 'answer_lost', 'absent']),
    )
    expect((await house.kinds(id)).filter((kind) => /answer_lost|absent/.test(kind))).toHaveLength(2)
    house.world.mood = 'works'
    for (let waited = 0; waited < 15 * minute; waited += 4_000) {
      await house.settle()
      house.pass(4_000)
    }
    expect((await house.job(id)).ref).not.toBeNull()
    expect(house.world.made).toHaveLength(1)
  })

  it('gives up writes that never arrive after about six hours', async () => {
    const { id } = await house.ask()
    const start = house.now()
    while ((await house.job(id)).endedAt === null && house.now() - start < 24 * 60 * minute) {
      house.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: false }
      await house.settle()
      house.pass(10_000)
    }
    expect(await house.job(id)).toMatchObject({ state: 'failed' })
    expect(house.world.made).toHaveLength(0)
    expect((house.now() - start) / (60 * minute)).toBeGreaterThan(5)
    expect((house.now() - start) / (60 * minute)).toBeLessThan(8)
  })

  it('asks a person when nothing can be found out, and does as it is told', async () => {
    house.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: true }
    const { id } = await house.ask({ operation: 'blind' })
    await house.settle()
    house.pass(4_000)
    await house.settle()
    const job = await house.job(id)
    expect(job).toMatchObject({ state: 'uncertain', nextLookAt: house.now() + 24 * 60 * minute })

    house.pass(60 * minute)
    await house.settle()
    expect(house.world.writes).toBe(1)

    const moment = { now: house.now(), jitter: 0 }
    await applyTransition(house.db, job, next(job, { kind: 'start_over', actor: 'U1' }, moment), house.now(), null)
    await house.settle()
    expect(house.world.writes).toBe(2)
    expect((await house.job(id)).state).toBe('working')
  })

  it('survives a provider that is down for an hour, with one note each way', async () => {
    const { id } = await house.ask()
    await house.settle()
    house.world.observation = new TemporaryError('Down.', { mayHaveHappened: false })
    const start = house.now()
    while (house.now() - start < 9 * minute) {
      house.pass(10_000)
      await house.settle()
    }
    house.world.observation = { phase: 'working', detail: 'copying' }
    house.pass(minute)
    await house.settle()
    expect((await house.job(id)).state).toBe('working')
    const kinds = await house.kinds(id)
    expect(kinds.filter((kind) => kind === 'unreachable')).toHaveLength(1)
    expect(kinds.filter((kind) => kind === 'reachable')).toHaveLength(1)
  })

  it('shows after half a minute that the provider cannot be asked, and when it can again', async () => {
    const { id } = await house.ask()
    await house.settle()
    house.pass(5_000)
    await house.settle()
    const shown = async () => (await house.kinds(id)).filter((kind) => kind === 'progress').length
    const before = await shown()
    house.world.observation = new TemporaryError('dummy-one answered 503.', { mayHaveHappened: false })
    for (let passed = 0; passed < 60_000; passed += 5_000) {
      house.pass(5_000)
      await house.settle()
      if (passed < 25_000) expect(await shown()).toBe(before)
    }
    expect(await house.job(id)).toMatchObject({ detail: 'dummy-one answered 503.' })
    expect(await shown()).toBe(before + 1)
    // Another word than before, or the same: that it can be asked again is news.
    house.world.observation = { phase: 'working', detail: 'dummy-one answered 503.' }
    house.pass(30_000)
    await house.settle()
    expect(await shown()).toBe(before + 2)
    house.world.observation = { phase: 'working', detail: 'copying' }
    house.pass(30_000)
    await house.settle()
    expect(await house.job(id)).toMatchObject({ detail: 'copying', unseenSince: null })
    expect(await shown()).toBe(before + 3)
  })

  it('gives up at the deadline when the provider never ends', async () => {
    const { id } = await house.ask()
    for (let looks = 0; looks < 10; looks += 1) {
      await house.settle()
      expect((await house.job(id)).state).toBe('working')
      house.pass(minute)
    }
    house.pass(5_000)
    await house.settle()
    expect(await house.job(id)).toMatchObject({ state: 'timed_out', detail: 'copying' })
  })

  it('keeps looking at a status nobody knows', async () => {
    house.world.observation = { phase: 'working', detail: 'hibernating' }
    const { id } = await house.ask()
    await house.settle()
    house.pass(5_000)
    await house.settle()
    expect(await house.job(id)).toMatchObject({ state: 'working', detail: 'hibernating' })
  })

  it('admits a bug without telling its words to the thread', async () => {
    house.world.mood = { throws: new TypeError('x is not a function'), carriesOut: true }
    const { id } = await house.ask()
    await house.settle()
    expect((await house.job(id)).detail).toBe(`Something broke on our side, job ${id}.`)
  })

  it('does not try for hours what it broke itself', async () => {
    const { id } = await house.ask()
    for (let passed = 0; passed < 5 * minute; passed += 4_000) {
      house.world.mood = { throws: new TypeError('x is not a function'), carriesOut: false }
      await house.settle()
      house.pass(4_000)
    }
    expect(await house.job(id)).toMatchObject({ state: 'failed', attempt: 3 })
    expect(house.world.writes).toBe(3)
  })

  it('settles a lost write also where every third look fails', async () => {
    house.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: false }
    const { id } = await house.ask()
    await house.settle()
    for (let look = 1; (await house.job(id)).attempt === 1 && look < 20; look += 1) {
      house.world.findThrows = look % 3 === 0 ? new TemporaryError('Down.', { mayHaveHappened: false }) : null
      house.pass(4_000)
      await house.settle()
    }
    expect(await house.job(id)).toMatchObject({ state: 'working', attempt: 2 })
    expect(house.now() - (await house.job(id)).createdAt).toBeLessThan(30_000)
  })

  it('gives a job back when the disk is full, and finds its write again', async () => {
    const { id } = await house.ask()
    const full = { ...house, db: failing(house.db, 6) }
    await writeNextJob(full, 'dummy-one')
    expect(await house.job(id)).toMatchObject({ state: 'starting' })
    await house.settle()
    expect(await house.job(id)).toMatchObject({ state: 'working', ref: { id: 'clone-1' } })
    expect(house.world.made).toHaveLength(1)
  })

  it('takes up a job again that it could not even give back, although it kept renewing its claims', async () => {
    const { id } = await house.ask()
    await writeNextJob({ ...house, db: failing(house.db, 6, 100) }, 'dummy-one')
    expect(await house.job(id)).toMatchObject({ state: 'starting' })
    house.pass(4_000)
    await renewLeases(house.db, [house.worker], house.now() + house.leaseMs)
    await house.settle()
    expect(await house.job(id)).toMatchObject({ state: 'working', ref: { id: 'clone-1' } })
  })

  it('does not let one unreadable ref blind the others', async () => {
    const [broken, sound] = [await house.ask(), await house.ask()]
    await house.settle()
    await house.db.updateTable('jobs').set({ ref: '{}' }).where('id', '=', broken.id).execute()
    house.world.observation = { phase: 'done' }
    house.pass(5_000)
    await house.settle()
    expect((await house.job(sound.id)).state).toBe('succeeded')
    expect((await house.job(broken.id)).state).toBe('working')
  })

  it('takes the provider’s own no to a search for no news about the write', async () => {
    house.world.mood = { throws: new TemporaryError('Reset.', { mayHaveHappened: true }), carriesOut: true }
    house.world.findThrows = new UserError('No such project.', { status: 404 })
    const { id } = await house.ask()
    await house.settle()
    house.pass(4_000)
    await house.settle()
    expect((await house.job(id)).state).toBe('starting')
    house.world.findThrows = new UserError('Nothing came of it; start again.')
    house.pass(4_000)
    await house.settle()
    expect(await house.job(id)).toMatchObject({ state: 'failed', detail: 'Nothing came of it; start again.' })
  })

  it('waits silently through a provider that is down before anything was sent', async () => {
    const { id } = await house.ask()
    for (let round = 0; round < 10; round += 1) {
      house.world.mood = { throws: new TemporaryError('Down.', { mayHaveHappened: false }), carriesOut: false }
      await house.settle()
      house.pass(minute)
    }
    expect(await house.kinds(id)).toEqual(['queued', 'step_started', 'postponed'])
    await house.settle()
    expect((await house.job(id)).state).toBe('working')
  })

  it('looks at many jobs of a connection in one call', async () => {
    for (let count = 0; count < 30; count += 1) await house.ask()
    await house.settle()
    house.pass(5_000)
    await house.settle()
    expect(house.world.looks).toBe(1)
  })
})

describe('several workers on one database', () => {
  it('send nothing any more when the job was taken over between their reads and their write', async () => {
    const house = await testHouse()
    const { id } = await house.ask()
    const connection = house.connections.get('dummy-one')
    if (!connection) throw new Error('There is a dummy.')
    let posts = 0
    connection.api.post = async <T>(...[, , options]: Parameters<typeof connection.api.post>) => {
      await options?.beforeSend?.()
      posts += 1
      return { id: `clone-${posts}` } as T
    }
    const step = firstStep(house)
    let isFirst = true
    step.run = async (api) => {
      const isStopped = isFirst
      isFirst = false
      if (isStopped) {
        // The machine sleeps here; another process finds nothing, waits and writes.
        house.pass(10_001)
        const other = { ...house, worker: 'two' }
        await runDueJobs(other, 'dummy-one')
        house.pass(10_001)
        await runDueJobs(other, 'dummy-one')
        await runDueJobs(other, 'dummy-one')
        expect(posts).toBe(1)
      }
      return await api.post('/clones', z.object({ id: z.string() }))
    }
    await runDueJobs(house, 'dummy-one')
    expect(posts).toBe(1)
    expect(await house.job(id)).toMatchObject({ state: 'working', ref: { id: 'clone-1' } })
    await house.db.destroy()
  })

  it('never give one job to two, and a worker that lost its lease changes nothing', async () => {
    const house = await testHouse()
    const job = await house.ask()
    const lease = { worker: 'one', now: house.now(), leaseMs: 10_000 }
    const wanted = { connection: 'dummy-one', states: ['queued'] as const, limit: 10 }
    expect(await claimDueJobs(house.db, wanted, lease)).toHaveLength(1)
    expect(await claimDueJobs(house.db, wanted, { ...lease, worker: 'two' })).toHaveLength(0)

    house.pass(10_001)
    const late = { ...lease, worker: 'two', now: house.now() }
    expect(await claimDueJobs(house.db, wanted, late)).toHaveLength(1)
    const transition = next(job, { kind: 'begin' }, { now: house.now(), jitter: 0 })
    expect(await applyTransition(house.db, job, transition, house.now(), { worker: 'one', keep: true })).toBeNull()
    expect(await house.kinds(job.id)).toEqual(['queued'])
    await house.db.destroy()
  })

  it('take over what a dead one had claimed by a clock that was hours ahead', async () => {
    const house = await testHouse()
    const { id } = await house.ask()
    const wanted = { connection: 'dummy-one', states: ['queued'] as const, limit: 10 }
    const ahead = { worker: 'dead', now: house.now() + 3 * 60 * minute, leaseMs: 10_000 }
    expect(await claimDueJobs(house.db, wanted, ahead)).toHaveLength(1)
    await house.settle()
    expect(await house.job(id)).toMatchObject({ state: 'working' })
    await house.db.destroy()
  })

  it('take over from one that died between its write and its save, without a second write', async () => {
    const house = await testHouse()
    const { id } = await house.ask()
    const dying = { ...house, worker: 'dying', db: house.db }
    // The write goes through, the save never happens.
    const [job] = await claimDueJobs(
      house.db,
      { connection: 'dummy-one', states: ['queued'], limit: 1 },
      { worker: dying.worker, now: house.now(), leaseMs: 10_000 },
    )
    if (!job) throw new Error('Nothing was due.')
    const moment = { now: house.now(), jitter: 0 }
    await applyTransition(house.db, job, next(job, { kind: 'begin' }, moment), house.now(), {
      worker: 'dying',
      keep: true,
    })
    house.world.made.push({ id: 'clone-0', name: 'copy', step: 'clone' })

    await house.settle()
    expect((await house.job(id)).state).toBe('starting')
    house.pass(10_001)
    await house.settle()
    expect(await house.job(id)).toMatchObject({ state: 'working', ref: { id: 'clone-0' } })
    expect(house.world.made).toHaveLength(1)
    await watchDueJobs(house, 'dummy-one')
    await house.db.destroy()
  })
})
