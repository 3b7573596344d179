/** Checks of an operation's removal: it deletes what its job made, all of that, and nothing else. */
import { expect } from 'vitest'
import { z } from 'zod'
import { ConnectionError, TemporaryError, UserError } from '../../../src/errors.js'
import { type Api, type Ref, readWritten } from '../../../src/providers/provider.js'
import { altered } from '../../helpers/altered.js'
import { type Check, failureOf, type Subject } from './checks.js'
import { type AnyStep, CLONE_MS, removalStepsOf, stepsOf, type World } from './world.js'

/** The answers of the form may be gone when something is deleted. */
const NO_ANSWERS = {}
const FAULTS = ['down', 'html', 'rate-limited', 'token-refused']

export function removalChecks({ name, operation, example }: Subject): Check[] {
  const steps = stepsOf(operation)
  const last = steps.at(-1)
  const title = `${name}: deletes what it made, and nothing else`
  if (example.overwrites) {
    return [
      {
        title,
        run() {
          const rule =
            'what was there before the job must not be deleted: an operation that overwrites has no `removal`'
          expect(operation.removal, rule).toBeUndefined()
        },
      },
    ]
  }
  const removal = removalStepsOf(operation)
  const [first] = removal
  if (!first || !last) {
    return [
      {
        title,
        run() {
          throw new Error(
            'An operation that makes something has `removal`; one that does not is `overwrites: true` in the example.',
          )
        },
      },
    ]
  }

  /** Carries out a whole job, and answers the ref of what it made. */
  async function make(world: World, isOurs = true, change = isOurs ? undefined : example.others.target): Promise<Ref> {
    const { params } = await world.fill(operation, example, change)
    const ref = await world.reach(operation, steps.length, params, { isOurs })
    if (!ref) throw new Error('Nothing was made.')
    return ref
  }

  /** Carries out the steps of the removal before the given one; by default all of them. */
  async function remove(world: World, made: Ref, count = removal.length): Promise<Ref> {
    let ref = made
    for (const step of removal.slice(0, count)) {
      const end = await world.end(operation, step, await world.write(step, NO_ANSWERS, ref))
      expect(end, `"${step.title}" did not end well`).toMatchObject({ phase: 'done' })
      ref = end.ref
    }
    return ref
  }

  async function expectGone(world: World, ref: Ref): Promise<void> {
    expect(await world.end(operation, last as AnyStep, ref), 'the thing is gone').toMatchObject({ phase: 'failed' })
  }

  /** What a poll of several refs says, an error in place of an observation. */
  async function observe(world: World, refs: readonly Ref[], via: Api = world.api) {
    const answers = await world
      .reading('check', () => (first as AnyStep).check(via, refs, world.clock))
      .catch((error: unknown) => refs.map(() => error))
    for (const answer of answers ?? []) world.shown.push(JSON.stringify(answer))
    return (answers ?? []).map((one) => (one instanceof Error ? one : z.looseObject({ phase: z.string() }).parse(one)))
  }

  return [
    {
      title,
      async run(world) {
        const before = await world.everything()
        let ref = await make(world)
        for (const step of removal) {
          const writes = world.simulator.writes().length
          const end = await world.end(operation, step, await world.write(step, NO_ANSWERS, ref))
          expect(end).toMatchObject({ phase: 'done' })
          expect(await world.poll(operation, step, end.ref), 'it is done when it is gone').toMatchObject({
            phase: 'done',
          })
          const sent = world.simulator.writes().slice(writes)
          expect(
            sent.map(({ method, path }) => `${method} ${path}`),
            `"${step.title}" makes one write`,
          ).toHaveLength(1)
          ref = end.ref
        }
        await expectGone(world, ref)
        expect(await world.everything(), 'all lists are as they were before the job').toEqual(before)
      },
    },
    ...steps.map((step, index) => ({
      title: `${name}: deletes what a job leaves behind that fails at its step "${step.id}"`,
      async run(world: World) {
        const before = await world.everything()
        const { params } = await world.fill(operation, example)
        example.arrange?.(world.simulator, index)
        const ref = await world.reach(operation, index, params)
        world.simulator.setSwitch('fail-next', true)
        const end = await world.end(operation, step, await world.write(step, params, ref))
        world.simulator.setSwitch('fail-next', false)
        await remove(world, end.ref)
        expect(await world.everything(), 'all lists are as they were before the job').toEqual(before)
      },
    })),
    {
      title: `${name}: says that it was already gone, and deletes nothing twice`,
      async run(world) {
        const ref = await make(world)
        await remove(world, ref)
        const writes = world.simulator.writes().length
        for (const [index, step] of removal.entries()) {
          const { observation } = readWritten(await world.write(step, NO_ANSWERS, ref))
          expect(observation, `"${step.title}" ends at once`).toMatchObject({ phase: 'done' })
          if (index === 0) expect(observation?.detail).toMatch(/already gone/)
        }
        expect(world.simulator.writes()).toHaveLength(writes)
      },
    },
    {
      title: `${name}: never deletes what somebody else made under its name`,
      async run(world) {
        const ref = await make(world)
        await remove(world, ref)
        await make(world, false, async () => ({}))
        const [before, writes] = [await world.everything(), world.simulator.writes().length]
        for (const step of removal) {
          // The thing is another, or it is gone: either is right.
          const written = await world.write(step, NO_ANSWERS, ref).catch((error: unknown) => error)
          if (written instanceof UserError) break
          if (written instanceof Error) throw written
        }
        expect(world.simulator.writes()).toHaveLength(writes)
        world.clock += CLONE_MS
        expect(await world.everything()).toEqual(before)
      },
    },
    {
      title: `${name}: deletes nothing that is not provably what it made`,
      async run(world) {
        const ref = await make(world)
        for (const [index, step] of removal.entries()) {
          const before = await remove(world, ref, index)
          const writes = world.simulator.writes().length
          const proof = String(ref[[example.proof ?? 'id'].flat()[index] ?? ''])
          const api = altering(world.api, (text) => text.replaceAll(proof, another(proof)))
          // Its answers tell of another thing under the same address.
          const written = await step.run(api, NO_ANSWERS, before, world.attempt()).catch((error: unknown) => error)
          if (written instanceof Error && !isSorted(written)) throw written
          expect(world.simulator.writes(), `"${step.title}" must look at \`proof\` of the example`).toHaveLength(writes)
        }
      },
    },
    ...removal.flatMap((step, index) => lostChecks(step, index)),
    {
      title: `${name}: calls it gone only when it is gone`,
      async run(world) {
        const ref = await make(world)
        // Together with another one, because for a single thing no list is read.
        const refs = example.others.isRefused ? [ref] : [ref, await make(world, false)]
        const expectThere = async (api?: Api) => {
          for (const seen of await observe(world, refs, api))
            if (!(seen instanceof Error))
              expect(seen).toMatchObject({ phase: 'working', detail: expect.stringMatching(/\w/) })
        }
        await expectThere()
        for (const fault of [...FAULTS, 'unknown-status']) {
          world.simulator.setSwitch(fault, true)
          await expectThere()
          world.simulator.setSwitch(fault, false)
          // A client may pause after a refused login.
          world.api = world.connect()
        }
        // Rows that can't be read, and rows that a list leaves out, are no evidence.
        const proofs = [example.proof ?? 'id'].flat().map((key) => String(ref[key]))
        const isOurs = (row: unknown) => proofs.some((proof) => JSON.stringify(row).includes(proof))
        const replaceRows = (change: (row: unknown) => unknown[]) => (text: string) =>
          JSON.stringify(JSON.parse(text, (_key, value) => (Array.isArray(value) ? value.flatMap(change) : value)))
        await expectThere(
          altering(
            world.api,
            replaceRows((row) => (isOurs(row) ? [null] : [row])),
          ),
        )
        await expectThere(
          altering(
            world.api,
            replaceRows((row) => (isOurs(row) ? [] : [row])),
          ),
        )
        await remove(world, ref)
        const phases = async (some: readonly Ref[]) =>
          (await observe(world, some)).map((seen) => (seen instanceof Error ? seen : seen.phase))
        const expected = refs.length > 1 ? ['done', 'working'] : ['done']
        expect(await phases(refs)).toEqual(expected)
        expect(await phases(refs.toReversed())).toEqual(expected.toReversed())
      },
    },
    {
      title: `${name}: a deletion that the provider can't take now is tried later, or is for the operator`,
      async run(world) {
        const ref = await make(world)
        const attempt = (fault: string) => {
          world.simulator.setSwitch(fault, true)
          return first.run(world.api, NO_ANSWERS, ref, world.attempt())
        }
        for (const fault of FAULTS) {
          if (fault === 'token-refused') await failureOf(world, ConnectionError, attempt(fault))
          else expect((await failureOf(world, TemporaryError, attempt(fault))).mayHaveHappened, fault).toBe(false)
          world.simulator.setSwitch(fault, false)
          world.api = world.connect()
        }
        await remove(world, ref)
      },
    },
  ]

  function lostChecks(step: AnyStep, index: number): Check[] {
    return [
      {
        title: `${name}: finds out what came of "${step.title}" when the answer was lost`,
        async run(world) {
          const made = await make(world)
          const ref = await remove(world, made, index)
          const written = world.carriedOut().length
          world.simulator.setSwitch('lose-answer', true)
          const error = await failureOf(world, TemporaryError, step.run(world.api, NO_ANSWERS, ref, world.attempt()))
          expect(error.mayHaveHappened).toBe(true)
          // Until the write counts as absent it isn't sent again.
          const { absentAfterMs = 10_000 } = step
          let found = null
          for (let searchedForMs = 0; !found && searchedForMs < absentAfterMs; searchedForMs += 1_000) {
            found = await world.find(step, NO_ANSWERS, ref, world.attempt({ lost: {}, searchedForMs }))
            world.clock += 1_000
          }
          if (!found) throw new Error('`find` never noticed that the thing is gone.')
          expect((await world.end(operation, step, found)).phase).toBe('done')
          expect(world.carriedOut(), 'nothing is sent again').toHaveLength(written + 1)
        },
      },
      {
        title: `${name}: knows that "${step.title}" did nothing when the write was dropped`,
        async run(world) {
          const ref = await remove(world, await make(world), index)
          const written = world.carriedOut().length
          world.simulator.setSwitch('drop-write', true)
          const error = await failureOf(world, TemporaryError, step.run(world.api, NO_ANSWERS, ref, world.attempt()))
          expect(error.mayHaveHappened).toBe(true)
          expect(await world.find(step, NO_ANSWERS, ref, world.attempt({ lost: {} }))).toBeNull()
          const again = await world.write(step, NO_ANSWERS, ref)
          expect((await world.end(operation, step, again)).phase).toBe('done')
          expect(world.carriedOut()).toHaveLength(written + 1)
        },
      },
    ]
  }
}

/** A client whose answers to reads are altered as JSON. */
function altering(api: Api, change: (text: string) => string): Api {
  return altered(api, (body) => JSON.parse(change(JSON.stringify(body))))
}

/** Whether an error is one of the three kinds, and no bug. */
const isSorted = (error: Error) =>
  error instanceof UserError || error instanceof ConnectionError || error instanceof TemporaryError

/** Another id of the same shape. */
function another(id: string): string {
  return `${id.slice(0, -1)}${id.endsWith('0') ? '1' : '0'}`
}
