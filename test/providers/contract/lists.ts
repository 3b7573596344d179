/** Checks of a provider's pickers, and of polls of many jobs. */
import { expect } from 'vitest'
import { ConnectionError } from '../../../src/errors.js'
import { type Observation, operationOf, type Provider, type Ref, readWritten } from '../../../src/providers/provider.js'
import { fieldsOf } from '../../../src/slack/form/fields.js'
import { type Check, failureOf } from './checks.js'
import type { ProviderExample } from './example.js'
import { removalStepsOf, stepsOf, type World } from './world.js'

const MANY = 2_000
/** More than any vendor's page holds. */
const EXTRA = 230

export function listChecks(provider: Provider, example: ProviderExample): Check[] {
  const { many } = example
  const operation = operationOf(provider, many.operation)
  const [step] = operation ? stepsOf(operation) : []

  async function poll(world: World, refs: readonly Ref[]): Promise<Observation[]> {
    const answers = (await world.reading('check', () => step?.check(world.api, refs, world.clock))) ?? []
    return answers.map((one) => {
      if (one instanceof Error) throw one
      return one
    })
  }

  return [
    ...Object.keys(provider.pickers).map((name) => ({
      title: `the picker ${name} lists everything to the end`,
      async run(world: World) {
        const few = (await world.list(name, await world.valuesFor(name))).length
        expect(few).toBeGreaterThan(0)
        const known = await world.valuesFor(name)
        await world.restart({ count: EXTRA })
        const options = await world.list(name, known)
        const isFixed = example.pickers?.[name]?.isFixed
        expect(options, 'every entry').toHaveLength(isFixed ? few : few + EXTRA)
        expect(new Set(options.map(({ value }) => value)).size, 'different values').toBe(options.length)
        for (const { value, label } of options) {
          expect(label).not.toBe('')
          expect(value).toMatch(/^.{1,150}$/)
        }
      },
    })),
    {
      title: 'no field takes the name of what it lists for its id',
      async run(world) {
        for (const one of Object.values(provider.operations)) {
          for (const { key, kind, picker, accepts } of fieldsOf(one)) {
            if (!picker) continue
            const takes = (text: string) => accepts(kind === 'pickers' ? [text] : text)
            for (const { value, label } of await world.list(picker, await world.valuesFor(picker))) {
              expect(takes(value), `${key} takes "${value}"`).toBe(true)
              // Where a thing has no other id than its name there is nothing to confuse.
              if (label !== value) expect(takes(label), `${key} takes "${label}"`).toBe(false)
            }
          }
        }
      },
    },
    {
      title: 'a picker without permission is for the operator',
      async run(world) {
        world.simulator.setSwitch('no-permission', true)
        const pickers = Object.values(provider.pickers)
        const outcomes = await Promise.allSettled(pickers.map((picker) => picker(world.api, {})))
        const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
        expect(reasons.length, 'the switch no-permission refuses at least one list').toBeGreaterThan(0)
        for (const reason of reasons) await failureOf(world, ConnectionError, Promise.reject(reason))
      },
    },
    {
      title: 'one poll of many jobs takes few calls',
      async run(world) {
        await world.restart({ count: MANY })
        const refs = await many.refs(provider, world.api, MANY)
        expect(refs, '`many.refs` of the example').toHaveLength(MANY)
        for (const ref of refs) expect(operation?.ref.parse(ref), 'a ref of `many`').toEqual(ref)
        const before = world.simulator.requests()
        expect(await poll(world, refs)).toHaveLength(MANY)
        expect(world.simulator.requests() - before, '`many.calls` of the example').toBe(many.calls(MANY))
      },
    },
    {
      title: 'one poll of many deletions takes few calls',
      async run(world) {
        await world.restart({ count: MANY })
        const refs = await many.refs(provider, world.api, MANY)
        for (const [index, step] of (operation ? removalStepsOf(operation) : []).entries()) {
          const most = many.removalCalls ? many.removalCalls(MANY)[index] : many.calls(MANY)
          if (most === undefined) continue
          const before = world.simulator.requests()
          expect(await step.check(world.api, refs, world.clock)).toHaveLength(MANY)
          expect(world.simulator.requests() - before, '`many.removalCalls` of the example').toBe(most)
        }
      },
    },
    {
      title: 'observations come in the order of the refs',
      async run(world) {
        const one = example.operations[many.operation]
        if (!operation || !step || !one) throw new Error(`The example's many.operation "${many.operation}" is none.`)
        await world.restart({ count: 3 })
        const { params } = await world.fill(operation, one)
        // Something that has just begun, beside others that were there long ago.
        const index = one.watchedStep ?? 0
        const begun = stepsOf(operation)[index] ?? step
        const before = await world.reach(operation, index, params)
        const { ref } = readWritten(await world.write(begun, params, before))
        const refs = [ref, ...(await many.refs(provider, world.api, 3))]
        const alone: Observation[] = []
        for (const ref of refs) alone.push(...(await poll(world, [ref])))
        expect(
          new Set(alone.map((seen) => JSON.stringify(seen))).size,
          'a new thing looks unlike those of `many`',
        ).toBeGreaterThan(1)
        expect(await poll(world, refs)).toEqual(alone)
        expect(await poll(world, refs.toReversed())).toEqual(alone.toReversed())
      },
    },
    {
      title: 'no jobs take no call',
      async run(world) {
        const before = world.simulator.requests()
        for (const one of Object.values(provider.operations)) {
          for (const { check } of [...stepsOf(one), ...removalStepsOf(one)])
            expect(await check(world.api, [], world.clock)).toEqual([])
        }
        expect(world.simulator.requests()).toBe(before)
      },
    },
  ]
}
