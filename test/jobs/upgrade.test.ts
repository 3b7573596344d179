/** Jobs that outlive the version that began them: steps come and go, and nothing is written twice for it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { accepts, next } from '../../src/jobs/machine.js'
import { tendWaitingJobs } from '../../src/jobs/waiting.js'
import { watchDueJobs } from '../../src/jobs/watch.js'
import type { Operation } from '../../src/providers/provider.js'
import { migrations, openDatabase } from '../../src/store/database.js'
import { readEvents } from '../../src/store/events.js'
import { applyTransition, findJob } from '../../src/store/jobs.js'
import { runDueJobs, type TestHouse, testHouse } from '../helpers/house.js'
import { strictSlack } from '../helpers/strict-slack.js'
import { tellerOf } from '../helpers/teller.js'

const minute = 60_000
const day = 24 * 60 * minute

let house: TestHouse
beforeEach(async () => {
  house = await testHouse()
})
afterEach(async () => await house.db.destroy())

/** The same jobs in another version, whose clone goes through these steps. */
function upgrade(change: (steps: Operation['steps']) => Operation['steps']): TestHouse {
  const connections = new Map(
    [...house.connections].map(([name, connection]) => {
      const { clone, ...others } = connection.provider.operations
      if (!clone) throw new Error('The dummy has a clone.')
      const operations = { ...others, clone: { ...clone, steps: change(clone.steps) } }
      return [name, { ...connection, provider: { ...connection.provider, operations } }]
    }),
  )
  return { ...house, connections }
}

/** One go of everything, in whichever version. */
async function goOn(version: TestHouse): Promise<void> {
  while (
    (await runDueJobs(version, 'dummy-one')) ||
    (await watchDueJobs(version, 'dummy-one')) ||
    (await tendWaitingJobs(version))
  );
}

/** Whatever comes first was a first step before as well, or takes what one gets. */
const asSteps = (steps: readonly unknown[]) => steps as Operation['steps']
const inserted = (steps: Operation['steps']) => asSteps([{ ...steps[0], id: 'prepare', title: 'Prepare it' }, ...steps])
const without = (id: string) => (steps: Operation['steps']) => asSteps(steps.filter((step) => step.id !== id))

describe('a new version', () => {
  it('that inserts a step before the one at hand writes nothing a second time', async () => {
    const { id } = await house.ask()
    await house.settle()
    house.world.observation = { phase: 'done' }
    house.pass(minute)
    await goOn(upgrade(inserted))
    expect(await house.job(id)).toMatchObject({ state: 'succeeded', step: 'clone' })
    expect(house.world.made.map(({ step }) => step)).toEqual(['clone'])
  })

  it('that changes the order goes on with the steps after the one at hand', async () => {
    const { id } = await house.ask({ params: { name: 'copy', deploy: true } })
    await house.settle()
    house.world.observation = { phase: 'done' }
    house.pass(minute)
    const version = upgrade(inserted)
    await goOn(version)
    house.pass(minute)
    await goOn(version)
    expect(await house.job(id)).toMatchObject({ state: 'succeeded', step: 'deploy' })
    expect(house.world.made.map(({ step }) => step)).toEqual(['clone', 'deploy'])
  })

  it.each(['queued', 'starting', 'working'] as const)(
    'that lost the step of a %s job tells its thread once, writes nothing, lets it be dismissed and ends it in a week',
    async (state) => {
      const { id } = await house.ask()
      const other = await house.ask({ operation: 'blind' })
      await house.db
        .updateTable('jobs')
        .set({ state, ref: state === 'working' ? '{"id":"a"}' : null, attempt: state === 'queued' ? 0 : 1 })
        .where('id', '=', id)
        .execute()
      const version = upgrade(without('clone'))
      await goOn(version)
      const job = await house.job(id)
      expect(job).toMatchObject({ state, step: 'clone', detail: 'This version of Dolly has no step “clone”.' })
      expect(accepts(job, 'dismiss')).toBe(true)
      expect(await house.job(other.id)).toMatchObject({ state: 'working' })
      expect(house.world.made.map(({ step }) => step)).toEqual(['blind'])

      const slack = strictSlack(house.now)
      await tellerOf(house, slack.chat).tellFor(5_000)
      const told = slack.messages().filter(({ text }) => text.includes("Dolly can't carry on with this job"))
      expect(told.length).toBeGreaterThan(0)

      for (let waited = 0; waited < 6 * day; waited += 6 * 60 * minute) {
        house.pass(6 * 60 * minute)
        await goOn(version)
      }
      expect((await house.kinds(id)).filter((kind) => kind === 'stranded')).toHaveLength(1)
      expect(await house.job(id)).toMatchObject({ endedAt: null })
      house.pass(day + minute)
      await goOn(version)
      expect(await house.job(id)).toMatchObject({ state: 'failed', endedAt: house.now() })
      await expect(house.ask({ lock: job.lock })).resolves.toMatchObject({ state: 'queued' })
      expect(house.world.made.map(({ step }) => step)).toEqual(['blind'])
    },
  )

  it('that has the step again carries on as if nothing had been', async () => {
    const { id } = await house.ask()
    await goOn(upgrade(without('clone')))
    house.pass(2 * minute)
    await house.settle()
    expect(await house.job(id)).toMatchObject({ state: 'working', strandedSince: null, canDismiss: false })
    expect(house.world.writes).toBe(1)
  })
})

describe('a job whose connection is gone from dolly.yml', () => {
  const gone = () => ({ ...house, connections: new Map() })

  it('is told in its thread and can be dismissed by its id', async () => {
    const { id, lock } = await house.ask()
    await house.settle()
    house.pass(minute)
    expect(await tendWaitingJobs(gone())).toBe(true)
    const job = await house.job(id)
    expect(job).toMatchObject({ state: 'working', detail: 'dolly.yml no longer has the connection dummy-one.' })
    const moment = { now: house.now(), jitter: 0 }
    const happening = { kind: 'dismiss', actor: 'U1' } as const
    await applyTransition(house.db, job, next(job, happening, moment), house.now(), null)
    expect(await house.job(id)).toMatchObject({ state: 'cancelled' })
    await expect(house.ask({ lock })).resolves.toMatchObject({ state: 'queued' })
  })

  it('does not keep others from being tended, nor end before a week is over', async () => {
    const jobs = await Promise.all(Array.from({ length: 3 }, () => house.ask()))
    for (let at = 0; at < 7 * 24; at += 1) {
      await tendWaitingJobs(gone())
      house.pass(60 * minute)
    }
    for (const { id } of jobs) expect(await house.job(id)).toMatchObject({ state: 'queued' })
    house.pass(2 * 60 * minute)
    await tendWaitingJobs(gone())
    for (const { id } of jobs) expect(await house.job(id)).toMatchObject({ state: 'failed' })
  })
})

describe('the migration to step ids', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dolly-upgrade-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it.each([
    ['copy', { container: 'c', project: 'p', name: 'n' }, 0, 'copy'],
    ['copy', { app: 'a', components: [], target: 't', name: 'n' }, 0, 'create'],
    ['copy', { app: 'a', components: [], target: 't', name: 'n' }, 1, 'copy'],
    ['copy', { app: 'a', components: [], target: 't', name: 'n' }, 2, 'build'],
    ['sync', { container: 'c' }, 0, 'sync'],
    ['clone', { app: 'a', label: 'l', name: 'n' }, 1, 'deploy'],
    ['clone', { service: 's', environment: 'e', name: 'n' }, 0, 'clone'],
    ['clone', { app: 'a', space: 's', name: 'n' }, 4, 'stage'],
    ['clone', { app: 'a', space: 's', name: 'n' }, 8, 'start'],
    ['clone-environment', { environment: 'e', project: 'p' }, 1, 'deploy'],
    ['copy-bits', { app: 'a', target: 't', restart: true }, 3, 'restart'],
    // A place that nobody knows is no step of any version.
    ['copy', { container: 'c', name: '"target":' }, 7, '7'],
  ])('finds the step of %s with %j at place %i: %s', async (operation, params, place, step) => {
    const file = join(folder, 'dolly.db')
    const before = Object.fromEntries(Object.entries(migrations).filter(([name]) => name < '008'))
    const old = await openDatabase(file, before)
    const job = {
      ...{ id: 'k7f3q', connection: 'c', operation, params: JSON.stringify(params), source: '', target: '', lock: '' },
      ...{ submission: 'V1', state: 'working', step: place, attempt: 1, unseenTold: 1, requester: 'U1' },
      ...{ mentionOnSuccess: 0, channel: 'C1', rootTries: 0, createdAt: 1, version: 1 },
    }
    await old
      .insertInto('jobs')
      .values(job as never)
      .execute()
    const event = { jobId: 'k7f3q', seq: 1, kind: 'progress', at: 1, step: place, tries: 0 }
    await old
      .insertInto('events')
      .values(event as never)
      .execute()
    await old.destroy()

    const db = await openDatabase(file)
    expect(await findJob(db, 'k7f3q')).toMatchObject({ step, canDismiss: true, strandedSince: null })
    expect(await readEvents(db, 'k7f3q')).toMatchObject([{ step }])
    await db.destroy()
  })
})
