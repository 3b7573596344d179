/** The suite every provider must pass, against its simulator. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { StartOptions } from '../../sandbox/providers/server.js'
import type { Simulator } from '../../sandbox/providers/simulator.js'
import { ConnectionError, TemporaryError, UserError } from '../../src/errors.js'
import { createApi } from '../../src/providers/http.js'
import {
  type Api,
  type Attempt,
  type Observation,
  type Operation,
  type Provider,
  type Ref,
  readWritten,
  type Step,
  type Written,
} from '../../src/providers/provider.js'
import { assertDrawable } from '../../src/slack/form/view.js'
import { herds } from '../helpers/herds.js'
import { observed } from '../helpers/observed.js'

/** Finds the value behind a label of a picker, as a person who chooses from the list does. */
export type Pick = (picker: string, label: string, values?: Record<string, string>) => Promise<string>

export interface OperationExample {
  /** What the form hands over, before it is parsed. */
  params(pick: Pick): Promise<Record<string, unknown>>
  /** Input that the provider refuses, each with the status it is refused with. */
  refused: readonly { status: number; params(pick: Pick): Promise<Record<string, unknown>> }[]
  /** Index of the step that takes time and may fail, where it is not the first. */
  watchedStep?: number
  /** How the reason reads when that step fails, where it differs from the provider's usual one. */
  failure?: string
  /** Makes a step write that otherwise has nothing to do. Called before the steps that lead to it. */
  arrange?(simulator: Simulator, step: number): void
}

export interface ProviderExample {
  start(options: StartOptions): Promise<Simulator>
  operations: Readonly<Record<string, OperationExample>>
  /** What a picker needs to know, and `isFixed` where its list does not grow with the number of apps. */
  pickers?: Readonly<Record<string, { values?(pick: Pick): Promise<Record<string, string>>; isFixed?: true }>>
  /** Values of the simulator's connection that nobody may ever read. Default: its token. */
  secrets?(connection: Simulator['connection']): string[]
  /** How a failed job's reason reads with the switch `fail-next`. */
  failure: string
}

const START = Date.UTC(2026, 7, 21, 9, 0, 0)
const CLONE_MS = 10_000
const MANY = 2_000
/** Operations onto something that is there already. */
const OVERWRITING = ['sync', 'copy-bits']

export function describeProvider(provider: Provider, example: ProviderExample): void {
  let clock = START
  let simulator: Simulator
  let api: Api
  let secrets: string[] = []
  /** Everything a person could get to read, checked for the token after each test. */
  let told: string[] = []

  async function start(options: StartOptions = {}): Promise<void> {
    simulator = await example.start({ now: () => clock, cloneMs: CLONE_MS, ...options })
    api = connect()
  }

  /** A client with a timeout below the delay of the switch `slow` when `timeoutMs` is given. */
  function connect(timeoutMs?: number): Api {
    const options = provider.client(provider.connection.parse(simulator.connection))
    secrets = example.secrets?.(simulator.connection) ?? [simulator.connection.token ?? '']
    return createApi('example-prod', { ...options, ...(timeoutMs !== undefined && { timeoutMs }) }, 1)
  }

  beforeEach(async () => {
    clock = START
    told = []
    await start()
  })

  afterEach(async () => {
    await simulator.close()
    expect(secrets.every((secret) => secret.length > 8)).toBe(true)
    for (const secret of secrets) for (const text of told) expect(text).not.toContain(secret)
  })

  const pick: Pick = async (picker, label, values = {}) => {
    const options = await provider.pickers[picker]?.(api, values)
    const found = options?.find((option) => option.label === label)
    if (!found) throw new Error(`The picker ${picker} has no "${label}".`)
    return found.value
  }

  async function failureOf<E extends Error>(kind: new (...all: never[]) => E, promise: Promise<unknown>): Promise<E> {
    const error: unknown = await promise.then(
      () => new Error('It was expected to fail.'),
      (error: unknown) => error,
    )
    if (!(error instanceof kind)) throw error
    told.push(error.message)
    return error
  }

  async function look(operation: Operation, step: number, written: Written): Promise<Observation> {
    const { ref } = readWritten(written)
    const stored = operation.ref.parse(JSON.parse(JSON.stringify(ref)))
    const observations = await observed(stepOf(operation, step).check(api, [stored], clock))
    expect(observations).toHaveLength(1)
    told.push(JSON.stringify(observations))
    return observations[0] ?? { phase: 'working' }
  }

  /** Looks until a step has ended, with the provider's clock running. */
  async function settle(operation: Operation, step: number, written: Written): Promise<Observation & { ref: Ref }> {
    const { ref, observation: end } = readWritten(written)
    let latest = ref
    if (end) return { ...end, ref }
    for (let round = 0; round < 20; round++) {
      const observation = await look(operation, step, latest)
      latest = observation.ref ?? latest
      if (observation.phase !== 'working') return { ...observation, ref: latest }
      clock += CLONE_MS / 4
    }
    throw new Error(`${operation.title}: step ${step} is still working.`)
  }

  /** Carries out all steps before the given one and answers what they made. */
  async function reach(operation: Operation, step: number, params: Record<string, unknown>): Promise<Ref | null> {
    let before: Ref | null = null
    for (let index = 0; index < step; index++) {
      if (stepOf(operation, index).when?.(params) === false) continue
      const settled = await settle(operation, index, await run(operation, index, params, before))
      expect(settled.phase).toBe('done')
      before = settled.ref
    }
    return before
  }

  function attempt(baseline = ''): Attempt {
    return { job: 'k7f3q', since: new Date(clock - 1_000), baseline, tries: 1, searchedForMs: 0, now: clock }
  }

  function run(operation: Operation, index: number, params: Record<string, unknown>, before: Ref | null, via = api) {
    return stepOf(operation, index).run(via, params, before, attempt())
  }

  const carriedOut = () => simulator.writes().filter((write) => write.status < 300)

  describe('its declaration', () => {
    test('has a title for every operation and field, and a picker behind every name', () => {
      for (const operation of Object.values(provider.operations)) {
        expect(operation.title.length).toBeLessThanOrEqual(24)
        const schema = z.toJSONSchema(operation.fields, { io: 'input' })
        const keys = Object.keys(schema.properties ?? {})
        expect(keys.length).toBeGreaterThan(0)
        for (const [key, property] of Object.entries(schema.properties ?? {})) {
          if (typeof property !== 'object') throw new Error(`${key} is not described.`)
          expect(property.title, `title of ${key}`).toMatch(/\S/)
          expect(property.description, `description of ${key}`).toMatch(/\S/)
          if (property.picker !== undefined) expect(Object.keys(provider.pickers)).toContain(property.picker)
          if (property.dependsOn !== undefined)
            expect(keys).toEqual(expect.arrayContaining(property.dependsOn as string[]))
        }
      }
    })

    test('can be drawn as forms within all limits of Slack', () => {
      expect(() => assertDrawable(provider)).not.toThrow()
    })

    test('has an example for every operation', () => {
      expect(Object.keys(example.operations).sort()).toEqual(Object.keys(provider.operations).sort())
    })
  })

  test.each(Object.keys(provider.pickers))('the picker %s lists everything to the end', async (name) => {
    const { values, isFixed } = example.pickers?.[name] ?? {}
    const known = (await values?.(pick)) ?? {}
    const few = (await provider.pickers[name]?.(api, known))?.length ?? 0
    expect(few).toBeGreaterThan(0)
    await simulator.close()
    await start({ count: 230 })
    const options = (await provider.pickers[name]?.(api, known)) ?? []
    expect(options).toHaveLength(isFixed ? few : few + 230)
    expect(new Set(options.map((option) => option.value)).size).toBe(options.length)
    expect(options.every((option) => option.label !== '' && option.value !== '' && option.value.length <= 150)).toBe(
      true,
    )
  })

  test('no field takes the name of what it lists for its id', async () => {
    for (const { fields } of Object.values(provider.operations)) {
      const { properties = {} } = z.toJSONSchema(fields, { io: 'input' })
      for (const [key, property] of Object.entries(properties)) {
        if (typeof property !== 'object' || typeof property.picker !== 'string') continue
        const known = (await example.pickers?.[property.picker]?.values?.(pick)) ?? {}
        const takes = (id: string) => z.safeParse(fields.shape[key], property.items ? [id] : id).success
        for (const { value, label } of (await provider.pickers[property.picker]?.(api, known)) ?? []) {
          expect(takes(value), `${key} takes "${value}"`).toBe(true)
          // Where a thing has no other id than its name there is nothing to confuse.
          if (label !== value) expect(takes(label), `${key} takes "${label}"`).toBe(false)
        }
      }
    }
  })

  test('one look at many jobs takes few calls', async () => {
    await simulator.close()
    await start({ count: MANY })
    const herd = herds[provider.id]
    if (!herd) throw new Error(`There is no herd of ${provider.name}.`)
    const refs = await herd.refs(provider, api, MANY)
    expect(refs).toHaveLength(MANY)
    const before = simulator.requests()
    const operation = provider.operations[herd.operation]
    const observations = await observed(operation?.steps[0].check(api, refs, clock))
    expect(observations).toHaveLength(MANY)
    expect(simulator.requests() - before).toBe(herd.collections(MANY))
  })

  test('no jobs take no call', async () => {
    const before = simulator.requests()
    for (const { steps } of Object.values(provider.operations)) {
      for (const step of steps) expect(await step.check(api, [], clock)).toEqual([])
    }
    expect(simulator.requests()).toBe(before)
  })

  for (const [name, operation] of Object.entries(provider.operations)) {
    const operationExample = example.operations[name]
    if (!operationExample) continue
    const last = operation.steps.length - 1
    const given = async () => operation.fields.parse(await operationExample.params(pick))

    describe(`its operation ${name}`, () => {
      test('runs and ends', async () => {
        const params = await given()
        const before = await reach(operation, last, params)
        const ref = await run(operation, last, params, before)
        if (!readWritten(ref).observation) expect((await look(operation, last, ref)).phase).toBe('working')
        expect((await settle(operation, last, ref)).phase).toBe('done')
      })

      test('has one lock for one target', async () => {
        expect(operation.lock(await given())).toBe(operation.lock(await given()))
      })

      const watched = operationExample.watchedStep ?? 0

      test('says before anything is done what will and will not be copied', async () => {
        const { copied, notCopied } = operation.preview(await given(), { name: 'shop-api-2' })
        for (const sentence of [copied, notCopied]) expect(sentence).toMatch(/^\p{Lu}.*\.$/su)
      })

      test('warns of nothing that nobody chose, unless it overwrites something', async () => {
        const { required = [] } = z.toJSONSchema(operation.fields, { io: 'input' })
        const chosen = Object.entries(await operationExample.params(pick)).filter(([key]) => required.includes(key))
        const { warning } = operation.preview(operation.fields.parse(Object.fromEntries(chosen)), {
          name: 'shop-api-2',
        })
        if (OVERWRITING.includes(name)) expect(warning).toContain('overwritten')
        else expect(warning).toBeUndefined()
      })

      test('tells the reason of a failure', async () => {
        const params = await given()
        const before = await reach(operation, watched, params)
        simulator.setSwitch('fail-next', true)
        const settled = await settle(operation, watched, await run(operation, watched, params, before))
        expect(settled).toMatchObject({ phase: 'failed', detail: operationExample.failure ?? example.failure })
      })

      test('keeps watching a status it does not know', async () => {
        const params = await given()
        const ref = await run(operation, watched, params, await reach(operation, watched, params))
        simulator.setSwitch('unknown-status', true)
        expect(await look(operation, watched, ref)).toMatchObject({
          phase: 'working',
          detail: expect.stringMatching(/\w/),
        })
        simulator.setSwitch('unknown-status', false)
        expect((await settle(operation, watched, ref)).phase).toBe('done')
      })

      test.each(operationExample.refused)('a refusal with $status is for the person', async ({ status, params }) => {
        const parsed = operation.fields.parse(await params(pick))
        const error = await failureOf(UserError, run(operation, 0, parsed, null))
        expect(error.status).toBe(status)
        expect(carriedOut()).toEqual([])
      })

      test('a refused token is for the operator', async () => {
        const params = await given()
        simulator.setSwitch('token-refused', true)
        const error = await failureOf(ConnectionError, run(operation, 0, params, null))
        expect(error.message).toContain('example-prod')
      })

      test('a rate limit surely did nothing and says when to come back', async () => {
        const params = await given()
        simulator.setSwitch('rate-limited', true)
        const error = await failureOf(TemporaryError, run(operation, 0, params, null))
        expect(error).toMatchObject({ mayHaveHappened: false, retryAfterMs: 30_000 })
      })

      test.each(['down', 'html'])('with the switch "%s" it is tried later', async (fault) => {
        const params = await given()
        simulator.setSwitch(fault, true)
        await failureOf(TemporaryError, run(operation, 0, params, null))
        expect(carriedOut()).toEqual([])
      })

      test('a write that took too long may have happened', async () => {
        const params = await given()
        simulator.setSwitch('slow', true)
        const error = await failureOf(TemporaryError, run(operation, 0, params, null, connect(150)))
        expect(error.message).toContain('within 0.15 s')
      })

      for (const index of operation.steps.keys()) {
        const step = stepOf(operation, index)
        if (!step.find) continue

        test(`finds what its step "${step.title}" did when the answer was lost`, async () => {
          const params = await given()
          operationExample.arrange?.(simulator, index)
          const before = await reach(operation, index, params)
          const asked = attempt(await step.baseline?.(api, params, before))
          simulator.setSwitch('lose-answer', true)
          const written = carriedOut().length
          const error = await failureOf(TemporaryError, run(operation, index, params, before))
          expect(error.mayHaveHappened).toBe(true)
          expect(carriedOut()).toHaveLength(written + 1)
          const found = await step.find?.(api, params, before, asked)
          if (!found) throw new Error('It was not found.')
          expect((await settle(operation, index, found)).phase).toBe('done')
          // Still found when the work had already ended by the time somebody asked.
          expect(await step.find?.(api, params, before, asked)).toEqual(found)
          expect(carriedOut()).toHaveLength(written + 1)
        })

        test(`knows that its step "${step.title}" did nothing when the write was dropped`, async () => {
          const params = await given()
          operationExample.arrange?.(simulator, index)
          const before = await reach(operation, index, params)
          const asked = attempt(await step.baseline?.(api, params, before))
          simulator.setSwitch('drop-write', true)
          const written = carriedOut().length
          const error = await failureOf(TemporaryError, run(operation, index, params, before))
          expect(error.mayHaveHappened).toBe(true)
          expect(carriedOut()).toHaveLength(written)
          expect(await step.find?.(api, params, before, asked)).toBeNull()
        })

        if (!step.baseline) continue

        test(`takes nothing that was there before for what its step "${step.title}" did`, async () => {
          const params = await given()
          operationExample.arrange?.(simulator, index)
          const before = await reach(operation, index, params)
          await settle(operation, index, await run(operation, index, params, before))
          const baseline = await step.baseline?.(api, params, before).catch((error: unknown) => error)
          // It may as well be refused, before anything is sent.
          if (baseline instanceof UserError) return
          expect(await step.find?.(api, params, before, attempt(`${baseline}`))).toBeNull()
        })
      }
    })
  }

  test('a picker without permission is for the operator', async () => {
    simulator.setSwitch('no-permission', true)
    const pickers = Object.values(provider.pickers)
    const outcomes = await Promise.allSettled(pickers.map((picker) => picker(api, {})))
    const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
    expect(reasons.length).toBeGreaterThan(0)
    for (const reason of reasons) await failureOf(ConnectionError, Promise.reject(reason))
  })
}

/** The first step takes null and the others a ref: the list of steps has forgotten which is which. */
function stepOf(operation: Operation, index: number): Step<Record<string, unknown>, Ref | null, Ref> {
  const step = operation.steps[index]
  if (!step) throw new Error(`${operation.title} has no step ${index}.`)
  return step as Step<Record<string, unknown>, Ref | null, Ref>
}
