/** Checks of one operation against its simulator: how it ends, and what it is refused. */
import { expect } from 'vitest'
import { ConnectionError, TemporaryError, UserError } from '../../../src/errors.js'
import { readWritten } from '../../../src/providers/provider.js'
import { type Check, failureOf, type Subject } from './checks.js'
import { stepsOf, type World } from './world.js'

const REQUEST_MS = 150

export function operationChecks(usualFailure: string, { name, operation, example }: Subject): Check[] {
  const steps = stepsOf(operation)
  const [first] = steps
  const last = steps.at(-1)
  const watched = example.watchedStep === null ? undefined : steps[example.watchedStep ?? 0]
  if (!first || !last) throw new Error(`${name} has no step.`)

  /** Begins the step that takes time. */
  async function beginWatched(world: World, beforeWrite = () => {}) {
    if (!watched) throw new Error('No step takes time.')
    const { params } = await world.fill(operation, example)
    const before = await world.reach(operation, steps.indexOf(watched), params)
    beforeWrite()
    return { step: watched, written: await world.write(watched, params, before) }
  }

  const watchedChecks: Check[] = [
    {
      title: `${name}: tells the reason of a failure`,
      async run(world) {
        const { step, written } = await beginWatched(world, () => world.simulator.setSwitch('fail-next', true))
        const detail = example.failure ?? usualFailure
        expect(await world.end(operation, step, written)).toMatchObject({ phase: 'failed', detail })
      },
    },
    {
      title: `${name}: keeps polling while it does not know a status`,
      async run(world) {
        const { step, written } = await beginWatched(world)
        const { ref, observation } = readWritten(written)
        const hint = 'a step that ends at once is not `watchedStep`: name another in the example, or null'
        expect(observation, hint).toBeUndefined()
        world.simulator.setSwitch('unknown-status', true)
        const word = expect.stringMatching(/\w/)
        expect(await world.poll(operation, step, ref)).toMatchObject({ phase: 'working', detail: word })
        world.simulator.setSwitch('unknown-status', false)
        expect((await world.end(operation, step, ref)).phase).toBe('done')
      },
    },
  ]

  return [
    {
      title: `${name}: runs and ends`,
      async run(world) {
        const { params } = await world.fill(operation, example)
        const before = await world.everything()
        const ref = await world.reach(operation, steps.length - 1, params)
        const written = await world.write(last, params, ref)
        // What was only begun has not ended yet.
        const { ref: made, observation } = readWritten(written)
        if (!observation) expect((await world.poll(operation, last, made)).phase).toBe('working')
        expect((await world.end(operation, last, written)).phase).toBe('done')
        expectToHold(await world.everything(), before)
      },
    },
    {
      title: `${name}: its checks let the example's answers pass`,
      async run(world) {
        const { params } = await world.fill(operation, example)
        const answer = await world.reading('validate', () => operation.validate?.(world.api, params))
        world.shown.push(JSON.stringify(answer ?? {}))
        expect(answer?.errors ?? {}).toEqual({})
      },
    },
    ...(watched ? watchedChecks : []),
    ...example.refused.map(({ status, params }, index) => ({
      title: `${name}: refusal ${index + 1}, with ${status}, is for the person`,
      async run(world: World) {
        const { params: parsed } = await world.fill(operation, { ...example, params })
        // `baseline` may refuse it before anything is sent.
        const error = await failureOf(world, UserError, first.run(world.api, parsed, null, world.attempt()))
        expect(error.status).toBe(status)
        expect(world.carriedOut()).toEqual([])
      },
    })),
    {
      title: `${name}: a refused token is for the operator`,
      async run(world) {
        const { params } = await world.fill(operation, example)
        world.simulator.setSwitch('token-refused', true)
        const error = await failureOf(world, ConnectionError, first.run(world.api, params, null, world.attempt()))
        expect(error.message).toContain('example-prod')
      },
    },
    {
      title: `${name}: a rate limit surely did nothing and says when to come back`,
      async run(world) {
        const { params } = await world.fill(operation, example)
        world.simulator.setSwitch('rate-limited', true)
        const error = await failureOf(world, TemporaryError, first.run(world.api, params, null, world.attempt()))
        expect(error).toMatchObject({ mayHaveHappened: false, retryAfterMs: expect.any(Number) })
        expect(error.retryAfterMs, 'the simulator says how long: Retry-After').toBeGreaterThanOrEqual(30_000)
      },
    },
    ...['down', 'html'].map((fault) => ({
      title: `${name}: with the switch "${fault}" it is tried later`,
      async run(world: World) {
        const { params } = await world.fill(operation, example)
        world.simulator.setSwitch(fault, true)
        await failureOf(world, TemporaryError, first.run(world.api, params, null, world.attempt()))
        expect(world.carriedOut()).toEqual([])
      },
    })),
    {
      title: `${name}: a write that took too long may have happened`,
      async run(world) {
        const { params } = await world.fill(operation, example)
        world.simulator.setSwitch('slow', true)
        const slow = first.run(world.connect(REQUEST_MS), params, null, world.attempt())
        const error = await failureOf(world, TemporaryError, slow)
        expect(error.message).toContain(`within ${REQUEST_MS / 1_000} s`)
      },
    },
  ]
}

/** No list has lost an entry. */
function expectToHold(now: ReadonlyMap<string, string[]>, before: ReadonlyMap<string, string[]>): void {
  for (const [picker, values] of before) {
    const missing = values.filter((value) => !now.get(picker)?.includes(value))
    expect(missing, `the picker ${picker} lost entries that were there before the job`).toEqual([])
  }
}
