import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { accepts } from '../../src/domain/acts.js'
import { next } from '../../src/domain/machine.js'
import { pollDueJobs } from '../../src/jobs/poll.js'
import { handleWaitingJobs } from '../../src/jobs/waiting.js'
import type { Operation } from '../../src/providers/provider.js'
import { applyTransition } from '../../src/store/jobs.js'
import { runDueJobs, type TestContext, testContext } from '../helpers/context.js'
import { notifierOf } from '../helpers/sender.js'
import { strictSlack } from '../helpers/strict-slack.js'

const minute = 60_000
const day = 24 * 60 * minute

let context: TestContext
beforeEach(async () => {
  context = await testContext()
})
afterEach(async () => await context.db.destroy())

/** The same jobs in another version, whose clone goes through these steps. */
function upgrade(change: (steps: Operation['steps']) => Operation['steps']): TestContext {
  const connections = new Map(
    [...context.connections].map(([name, connection]) => {
      const { clone, ...others } = connection.provider.operations
      if (!clone) throw new Error('The dummy has a clone.')
      const operations = { ...others, clone: { ...clone, steps: change(clone.steps) } }
      return [name, { ...connection, provider: { ...connection.provider, operations } }]
    }),
  )
  return { ...context, connections }
}

/** One go of everything, in whichever version. */
async function goOn(version: TestContext): Promise<void> {
  while (
    (await runDueJobs(version, 'dummy-one')) ||
    (await pollDueJobs(version, 'dummy-one')) ||
    (await handleWaitingJobs(version))
  );
}

/** Whatever comes first was a first step before as well, or takes what one gets. */
const asSteps = (steps: readonly unknown[]) => steps as Operation['steps']
const inserted = (steps: Operation['steps']) =>
  asSteps([{ ...steps[0], id: 'prepare', title: 'Prepare it', doing: 'Preparing it' }, ...steps])
const without = (id: string) => (steps: Operation['steps']) => asSteps(steps.filter((step) => step.id !== id))

describe('a new version', () => {
  it('that inserts a step before the one at hand writes nothing a second time', async () => {
    const { id } = await context.ask()
    await context.runUntilIdle()
    context.world.observation = { phase: 'done' }
    context.pass(minute)
    await goOn(upgrade(inserted))
    expect(await context.job(id)).toMatchObject({ state: 'succeeded', step: 'clone' })
    expect(context.world.made.map(({ step }) => step)).toEqual(['clone'])
  })

  it('that changes the order goes on with the steps after the one at hand', async () => {
    const { id } = await context.ask({ params: { name: 'copy', deploy: true } })
    await context.runUntilIdle()
    context.world.observation = { phase: 'done' }
    context.pass(minute)
    const version = upgrade(inserted)
    await goOn(version)
    context.pass(minute)
    await goOn(version)
    expect(await context.job(id)).toMatchObject({ state: 'succeeded', step: 'deploy' })
    expect(context.world.made.map(({ step }) => step)).toEqual(['clone', 'deploy'])
  })

  it.each(['queued', 'starting', 'working'] as const)(
    'that lost the step of a %s job tells its thread once, writes nothing, lets it be dismissed and ends it in a week',
    async (state) => {
      const { id } = await context.ask()
      const other = await context.ask({ operation: 'blind' })
      await context.db
        .updateTable('jobs')
        .set({ state, ref: state === 'working' ? '{"id":"a"}' : null, attempt: state === 'queued' ? 0 : 1 })
        .where('id', '=', id)
        .execute()
      const version = upgrade(without('clone'))
      await goOn(version)
      const job = await context.job(id)
      expect(job).toMatchObject({ state, step: 'clone', detail: 'This version of Dolly has no step "clone".' })
      expect(accepts(job, state === 'queued' ? 'cancel' : 'dismiss')).toBe(true)
      expect(await context.job(other.id)).toMatchObject({ state: 'working' })
      expect(context.world.made.map(({ step }) => step)).toEqual(['blind'])

      const slack = strictSlack(context.now)
      await notifierOf(context, slack.chat).notifyFor(5_000)
      const notices = slack.messages().filter(({ text }) => text.includes("I can't continue copy-"))
      expect(notices.length).toBeGreaterThan(0)

      for (let waited = 0; waited < 6 * day; waited += 6 * 60 * minute) {
        context.pass(6 * 60 * minute)
        await goOn(version)
      }
      expect((await context.kinds(id)).filter((kind) => kind === 'stranded')).toHaveLength(1)
      expect(await context.job(id)).toMatchObject({ endedAt: null })
      context.pass(day + minute)
      await goOn(version)
      expect(await context.job(id)).toMatchObject({ state: 'failed', endedAt: context.now() })
      await expect(context.ask({ lock: job.lock })).resolves.toMatchObject({ state: 'queued' })
      expect(context.world.made.map(({ step }) => step)).toEqual(['blind'])
    },
  )

  it('that has the step again carries on as if nothing had been', async () => {
    const { id } = await context.ask()
    await goOn(upgrade(without('clone')))
    context.pass(2 * minute)
    await context.runUntilIdle()
    expect(await context.job(id)).toMatchObject({ state: 'working', strandedSince: null, canDismiss: false })
    expect(context.world.writes).toBe(1)
  })
})

describe('a job whose connection is gone from dolly.yml', () => {
  const gone = () => ({ ...context, connections: new Map() })

  it('is reported in its thread and can be dismissed by its id', async () => {
    const { id, lock } = await context.ask()
    await context.runUntilIdle()
    context.pass(minute)
    expect(await handleWaitingJobs(gone())).toBe(true)
    const job = await context.job(id)
    expect(job).toMatchObject({ state: 'working', detail: 'dolly.yml no longer has the connection dummy-one.' })
    const timing = { now: context.now(), jitter: 0 }
    const input = { kind: 'dismiss', actor: 'U1' } as const
    await applyTransition(context.db, job, next(job, input, timing), context.now(), null)
    expect(await context.job(id)).toMatchObject({ state: 'cancelled' })
    await expect(context.ask({ lock })).resolves.toMatchObject({ state: 'queued' })
  })

  it('does not keep others from being tended, nor end before a week is over', async () => {
    const jobs = await Promise.all(Array.from({ length: 3 }, () => context.ask()))
    for (let at = 0; at < 7 * 24; at += 1) {
      await handleWaitingJobs(gone())
      context.pass(60 * minute)
    }
    for (const { id } of jobs) expect(await context.job(id)).toMatchObject({ state: 'queued' })
    context.pass(2 * 60 * minute)
    await handleWaitingJobs(gone())
    for (const { id } of jobs) expect(await context.job(id)).toMatchObject({ state: 'failed' })
  })
})
