/** Checks of the steps of one operation: one write each, and how a lost one is found. */
import { expect } from 'vitest'
import { TemporaryError, UserError } from '../../../src/errors.js'
import { type Check, failureOf, type Subject } from './checks.js'
import { type AnyStep, MINUTE, stepsOf, type World } from './world.js'

export function stepChecks({ name, operation, example }: Subject): Check[] {
  const steps = stepsOf(operation)

  /** Carries out what comes before a step. */
  async function arrive(
    world: World,
    index: number,
    isOurs = true,
    change = isOurs ? undefined : example.others.target,
  ) {
    const { params } = await world.fill(operation, example, change)
    example.arrange?.(world.simulator, index)
    return { params, before: await world.reach(operation, index, params, { isOurs }) }
  }

  const meanwhile = (step: AnyStep, index: number): Check => ({
    title: `${name}: takes nothing that somebody else made meanwhile for what its step "${step.id}" did`,
    async run(world) {
      const { params, before } = await arrive(world, index)
      const baseline = await world.baseline(step, params, before)
      const other = await arrive(world, index, false)
      await world.write(step, other.params, other.before, { isOurs: false })
      expect(await world.find(step, params, before, world.attempt({ baseline, lost: {} }))).toBeNull()
    },
  })

  const find = (step: AnyStep, index: number): Check[] => [
    {
      title: `${name}: finds what its step "${step.id}" did when the answer was lost`,
      async run(world) {
        const { params, before } = await arrive(world, index)
        const attempt = world.attempt({ baseline: await world.baseline(step, params, before) })
        world.simulator.setSwitch('lose-answer', true)
        const written = world.carriedOut().length
        const error = await failureOf(world, TemporaryError, step.run(world.api, params, before, attempt))
        expect(error.mayHaveHappened).toBe(true)
        expect(world.carriedOut(), 'nothing is sent again').toHaveLength(written + 1)
        const found = await world.find(step, params, before, { ...attempt, lost: {} })
        if (!found) throw new Error('`find` did not find it.')
        expect((await world.end(operation, step, found)).phase).toBe('done')
        // Still found when the work had already ended by the time somebody asked.
        expect(await world.find(step, params, before, { ...attempt, lost: {} })).not.toBeNull()
        expect(world.carriedOut()).toHaveLength(written + 1)
      },
    },
    {
      title: `${name}: knows that its step "${step.id}" did nothing when the write was dropped`,
      async run(world) {
        const { params, before } = await arrive(world, index)
        const attempt = world.attempt({ baseline: await world.baseline(step, params, before) })
        world.simulator.setSwitch('drop-write', true)
        const written = world.carriedOut().length
        const error = await failureOf(world, TemporaryError, step.run(world.api, params, before, attempt))
        expect(error.mayHaveHappened).toBe(true)
        expect(world.carriedOut(), 'nothing is sent again').toHaveLength(written)
        expect(await world.find(step, params, before, { ...attempt, lost: {} })).toBeNull()
      },
    },
  ]

  /** For a thing that an earlier step of the same job made, nothing was there before. */
  const earlier = (step: AnyStep, index: number): Check => ({
    title: `${name}: takes nothing that was there before for what its step "${step.id}" did`,
    async run(world) {
      const { params, before } = await arrive(world, index)
      await world.end(operation, step, await world.write(step, params, before, { isOurs: false }))
      world.clock += 10 * MINUTE
      // It may as well be refused, before anything is sent.
      const baseline = await world.baseline(step, params, before).catch((error: unknown) => error)
      if (baseline instanceof UserError) return
      if (typeof baseline !== 'string') throw baseline
      expect(await world.find(step, params, before, world.attempt({ baseline, lost: {} }))).toBeNull()
    },
  })

  return steps.flatMap((step, index) => [
    {
      title: `${name}: makes exactly one write in its step "${step.id}"`,
      async run(world: World) {
        const { params, before } = await arrive(world, index)
        const writes = world.simulator.writes().length
        await world.write(step, params, before)
        expect(
          world.simulator
            .writes()
            .slice(writes)
            .map(({ method, path }) => `${method} ${path}`),
        ).toHaveLength(1)
      },
    },
    ...(step.find ? find(step, index) : []),
    ...(step.find && !example.others.isRefused ? [meanwhile(step, index)] : []),
    ...(step.find && (index === 0 || step.baseline) ? [earlier(step, index)] : []),
    ...(example.repeatable?.includes(step.id)
      ? [
          {
            title: `${name}: may repeat its step "${step.id}", as the example says`,
            async run(world: World) {
              const { params, before } = await arrive(world, index)
              await world.write(step, params, before)
              const again = await world.write(step, params, before)
              expect((await world.end(operation, step, again)).phase).toBe('done')
            },
          },
        ]
      : []),
  ])
}
