/** One simulator with a clock, and an operation carried out against it the way the jobs do. */
import { expect } from 'vitest'
import type { StartOptions } from '../../../sandbox/providers/server.js'
import type { Simulator, Write } from '../../../sandbox/providers/simulator.js'
import { createApi } from '../../../src/providers/http.js'
import {
  type Api,
  type Attempt,
  type Observation,
  type Operation,
  type Option,
  type Provider,
  type Ref,
  readWritten,
  type Step,
  type Written,
} from '../../../src/providers/provider.js'
import { setPicked } from '../../../src/slack/form/answers.js'
import { fieldsOf } from '../../../src/slack/form/fields.js'
import type { Answers, OperationExample, Pick, ProviderExample } from './example.js'

export const START = Date.UTC(2026, 7, 21, 9, 0, 0)
export const CLONE_MS = 10_000
export const MINUTE = 60_000
export const OUR_JOB = 'k7f3q'
const OTHER_JOB = 'p4x8m'

/** A step that has forgotten what comes before it. */
export type AnyStep = Step<Record<string, unknown>, Ref | null, Ref>

/** Answers of a form in all their shapes. */
export interface Filled {
  /** As the form hands them over. */
  raw: Record<string, unknown>
  /** As the operation's schema gives them back. */
  params: Record<string, unknown>
  /** In the words that a person chose. */
  named: Record<string, string>
}

export class World {
  clock = START
  simulator: Simulator
  api: Api
  /** What `pick` found so far, with the picker it came from. */
  readonly picked: { picker: string; value: string }[] = []
  /** Everything a person could get to read; checked for secrets at the end. */
  readonly shown: string[] = []
  #secrets: string[] = []

  private constructor(
    readonly provider: Provider,
    readonly example: ProviderExample,
    simulator: Simulator,
  ) {
    this.simulator = simulator
    this.api = this.connect()
  }

  static async open(provider: Provider, example: ProviderExample): Promise<World> {
    let world: World | undefined
    const simulator = await example.start({ now: () => world?.clock ?? START, cloneMs: CLONE_MS })
    world = new World(provider, example, simulator)
    return world
  }

  /** Starts again with another simulator. */
  async restart(options: StartOptions): Promise<void> {
    await this.simulator.close()
    this.simulator = await this.example.start({ now: () => this.clock, cloneMs: CLONE_MS, ...options })
    this.api = this.connect()
  }

  /** @param timeoutMs for every request, also for one that asks for more. */
  connect(timeoutMs?: number): Api {
    const { connection } = this.simulator
    this.#secrets = this.example.secrets?.(connection) ?? [connection.token ?? '']
    const api = createApi('example-prod', this.provider.client(this.provider.connection.parse(connection)), 1)
    if (timeoutMs === undefined) return api
    const within =
      (send: Api['post']): Api['post'] =>
      (path, schema, options) =>
        send(path, schema, { ...options, timeoutMs })
    const { get, post, put, patch, delete: remove } = api
    return {
      ...api,
      get: within(get),
      post: within(post),
      put: within(put),
      patch: within(patch),
      delete: within(remove),
    }
  }

  async close(): Promise<void> {
    await this.simulator.close()
  }

  refuseSecrets(): void {
    for (const secret of this.#secrets) {
      expect(
        secret.length,
        'A secret of fewer than nine letters is found by chance: `secrets` of the example',
      ).toBeGreaterThan(8)
      for (const text of this.shown) expect(text, 'people can read a secret of the connection').not.toContain(secret)
    }
  }

  readonly pick: Pick = async (picker, label, values = {}) => {
    const options = await this.list(picker, values)
    const found = options.find((option) => option.label === label)
    if (!found)
      throw new Error(
        `The picker ${picker} has no "${label}", only ${options.map((one) => `"${one.label}"`).join(', ')}.`,
      )
    this.picked.push({ picker, value: found.value })
    return found.value
  }

  async list(picker: string, values: Record<string, string> = {}): Promise<Option[]> {
    const options = await this.reading(`the picker ${picker}`, () => this.provider.pickers[picker]?.(this.api, values))
    return options ?? []
  }

  /** What a picker needs to know before it lists anything. */
  async valuesFor(picker: string): Promise<Record<string, string>> {
    return (await this.example.pickers?.[picker]?.values?.(this.pick)) ?? {}
  }

  /** What all lists hold, by picker. */
  async everything(): Promise<Map<string, string[]>> {
    const held = new Map<string, string[]>()
    for (const picker of Object.keys(this.provider.pickers)) {
      const options = await this.list(picker, await this.valuesFor(picker))
      held.set(picker, options.map(({ value }) => value).sort())
    }
    return held
  }

  async fill(operation: Operation, { params }: OperationExample, change?: Answers): Promise<Filled> {
    const raw = { ...(await params(this.pick)), ...(await change?.(this.pick)) }
    const parsed = operation.fields.safeParse(raw)
    if (!parsed.success)
      throw new Error(
        `The fields refuse the example's answers: ${parsed.error.issues[0]?.path}: ${parsed.error.issues[0]?.message}`,
      )
    return { raw, params: parsed.data, named: await this.#name(operation, raw) }
  }

  async #name(operation: Operation, raw: Record<string, unknown>): Promise<Record<string, string>> {
    const answers = { values: {}, named: {} as Record<string, string>, picked: {} }
    const values = Object.fromEntries(
      Object.entries(raw).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])),
    )
    for (const field of fieldsOf(operation)) {
      const value = raw[field.key]
      if (value === undefined) continue
      if (!field.picker) answers.named[field.key] = String(value)
      else {
        // A refused answer may name what no list hangs on.
        const options = await this.list(field.picker, values).catch(() => [])
        const chosen = [value]
          .flat()
          .map((one) => options.find((option) => option.value === one) ?? { value: `${one}`, label: `${one}` })
        setPicked(answers, field, chosen)
      }
    }
    return answers.named
  }

  /** Answers of requests that changed something. */
  carriedOut(): readonly Write[] {
    return this.simulator.writes().filter((write) => write.status < 300)
  }

  /** Runs what may only read. */
  async reading<T>(what: string, work: () => Promise<T> | undefined): Promise<T | undefined> {
    const before = this.simulator.writes().length
    const answer = await work()
    const [write] = this.simulator.writes().slice(before)
    if (write) throw new Error(`${what} may only read, but it sent ${write.method} ${write.path}`)
    return answer
  }

  attempt(more: Partial<Attempt> = {}): Attempt {
    const since = new Date(this.clock - 15_000)
    return { job: OUR_JOB, since, baseline: '', tries: 1, searchedForMs: 0, now: this.clock, ...more }
  }

  /** What stands at the target before the first try of a step; empty where the step does not ask. */
  async baseline(step: AnyStep, params: Record<string, unknown>, before: Ref | null): Promise<string> {
    return (await this.reading('baseline', () => step.baseline?.(this.api, params, before))) ?? ''
  }

  async find(step: AnyStep, params: Record<string, unknown>, before: Ref | null, attempt: Attempt) {
    return (await this.reading('find', () => step.find?.(this.api, params, before, attempt))) ?? null
  }

  /** Notes the baseline and writes, as a job does. */
  async write(
    step: AnyStep,
    params: Record<string, unknown>,
    before: Ref | null,
    { isOurs = true, via = this.api } = {},
  ): Promise<Written> {
    const baseline = await this.baseline(step, params, before)
    return await step.run(via, params, before, this.attempt({ baseline, ...(!isOurs && { job: OTHER_JOB }) }))
  }

  /** Polls once what comes back from the database. */
  async poll(operation: Operation, step: AnyStep, ref: Ref): Promise<Observation> {
    const json: unknown = JSON.parse(JSON.stringify(ref))
    const stored = operation.ref.parse(json)
    expect(stored, '`ref` of the operation loses something when the ref comes back from the database').toEqual(json)
    const answers = (await this.reading('check', () => step.check(this.api, [stored], this.clock))) ?? []
    const [observation] = answers
    expect(answers, 'check answers one observation for each ref').toHaveLength(1)
    if (!observation || observation instanceof Error) throw observation ?? new Error('There is no observation.')
    this.shown.push(JSON.stringify(observation))
    for (const link of [observation.url, observation.consoleUrl])
      if (link !== undefined) expect(link).toMatch(/^https?:\/\//)
    return observation
  }

  /** Polls until a step has ended, with the provider's clock running. */
  async end(operation: Operation, step: AnyStep, written: Written): Promise<Observation & { ref: Ref }> {
    const { ref, observation } = readWritten(written)
    if (observation) this.shown.push(JSON.stringify(observation))
    if (observation) return { ...observation, ref }
    let latest = ref
    for (let poll = 0; poll < 20; poll += 1) {
      const seen = await this.poll(operation, step, latest)
      latest = seen.ref ?? latest
      if (seen.phase !== 'working') return { ...seen, ref: latest }
      this.clock += CLONE_MS / 4
    }
    throw new Error(`"${step.title}" is still working after ${(20 * CLONE_MS) / 4_000} s of the simulator's clock.`)
  }

  /** Carries out all steps before the given one and answers what they made. */
  async reach(
    operation: Operation,
    index: number,
    params: Record<string, unknown>,
    { isOurs = true } = {},
  ): Promise<Ref | null> {
    let before: Ref | null = null
    for (const step of stepsOf(operation).slice(0, index)) {
      if (step.when?.(params) === false) continue
      const end = await this.end(operation, step, await this.write(step, params, before, { isOurs }))
      expect(end, `"${step.title}" did not end well`).toMatchObject({ phase: 'done' })
      before = end.ref
    }
    return before
  }
}

/** The steps that delete what an operation made; none where it made nothing of its own. */
export function removalStepsOf({ removal }: Operation): AnyStep[] {
  return (removal?.steps ?? []).map((step) => step as AnyStep)
}

/** The first step takes null and the others a ref: a list of steps has forgotten which is which. */
export function stepsOf(operation: Operation): AnyStep[] {
  return operation.steps.map((step) => step as AnyStep)
}
