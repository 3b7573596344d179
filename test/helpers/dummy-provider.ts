/** A provider that keeps everything in arrays and misbehaves on demand, for the tests of src/jobs. */
import { z } from 'zod'
import type { Job } from '../../src/domain/job.js'
import { ConnectionError } from '../../src/errors.js'
import {
  type Api,
  type Attempt,
  type Connection,
  defineOperation,
  defineProvider,
  type Ended,
  type Observation,
  type Ref,
  type Written,
} from '../../src/providers/provider.js'

/** What the next write does. */
export type Mood = 'works' | { throws: Error; carriesOut: boolean }

export interface DummyWorld {
  /** Every write that took effect, in order. */
  made: { id: string; name: string; step: string }[]
  /** Ids of what was deleted, in order. */
  removed: string[]
  writes: number
  polls: number
  /** What the next write does; then it works again. */
  mood: Mood
  /** What a write waits for before it takes effect, and a poll for its answer; null if neither waits. */
  held: Promise<unknown> | null
  /** How a write has ended by the time it is answered or found; null while it has to be polled. */
  ended: Omit<Ended, 'ref'> | null
  /** What the last search for a lost write got to know about its answer. */
  lost: Attempt['lost'] | null
  /** What a poll answers. */
  observation: Observation | Error
  /** Ids of what cannot be polled, while the rest can. */
  hidden: string[]
  /** What a search for a lost write does. */
  findThrows: Error | null
}

export function dummyWorld(): DummyWorld {
  return {
    made: [],
    removed: [],
    writes: 0,
    polls: 0,
    mood: 'works',
    held: null,
    ended: null,
    lost: null,
    observation: { phase: 'working', detail: 'copying' },
    hidden: [],
    findThrows: null,
  }
}

const fields = z.object({
  name: z
    .string()
    .regex(/^[a-z-]+$/, 'Use small letters.')
    .meta({ title: 'Name' }),
  deploy: z.boolean().default(false).meta({ title: 'Deploy' }),
})

/** Operations `clone` (clone → deploy, both can be found again; can be deleted) and `blind` (nothing can be found again). */
export function dummyConnection(world: DummyWorld, name = 'dummy-one'): Connection {
  const write = async (step: string, cloneName: string) => {
    await world.held
    world.writes += 1
    const mood = world.mood
    world.mood = 'works'
    const id = `${step}-${world.writes}`
    if (mood === 'works' || mood.carriesOut) world.made.push({ id, name: cloneName, step })
    if (mood !== 'works') throw mood.throws
    return written({ id })
  }
  const remove = (id: string) => {
    const { mood } = world
    world.mood = 'works'
    if (mood === 'works' || mood.carriesOut) world.removed.push(id)
    if (mood !== 'works') throw mood.throws
    return written({ id })
  }
  const written = <R extends Ref>(ref: R): Written<R> => (world.ended ? { ref, ...world.ended } : ref)
  const find = (step: string, cloneName: string, { lost }: Attempt) => {
    world.lost = lost
    if (world.findThrows) throw world.findThrows
    const found = world.made.find((made) => made.step === step && made.name === cloneName)
    return found ? written({ id: found.id }) : null
  }
  const check = async (_api: Api, refs: readonly { id: string }[]) => {
    world.polls += 1
    await world.held
    const { observation } = world
    if (observation instanceof Error) throw observation
    const { ref: _, ...seen } = observation
    return refs.map(({ id }) => (world.hidden.includes(id) ? new ConnectionError(`No right to see ${id}.`) : seen))
  }
  const shared = {
    fields,
    ref: z.object({ id: z.string() }),
    lock: (params: z.infer<typeof fields>) => `name ${params.name}`,
    summary: (named: Readonly<Record<string, string>>) => ({ from: 'source', to: named.name ?? '' }),
    preview: () => ({ copied: 'All of it.', notCopied: 'Nothing is left out.' }),
    copiesData: true,
    deadlineMs: 600_000,
  }
  const clone = defineOperation({
    ...shared,
    title: 'Clone a thing',
    steps: [
      {
        id: 'clone',
        title: 'Clone the thing',
        doing: 'Cloning the thing',
        run: async (_api, params) => write('clone', params.name),
        find: async (_api, params, _before, attempt) => find('clone', params.name, attempt),
        check,
      },
      {
        id: 'deploy',
        title: 'Deploy the clone',
        doing: 'Deploying the clone',
        when: (params) => params.deploy,
        run: async (_api, params) => write('deploy', params.name),
        find: async (_api, params, _before, attempt) => find('deploy', params.name, attempt),
        check,
      },
    ],
    removal: {
      loses: 'The thing and its data.',
      steps: [
        {
          id: 'remove',
          title: 'Delete the thing',
          doing: 'Deleting the thing',
          run: async (_api, _params, ref) => remove(ref.id),
          find: async (_api, _params, ref) => (world.removed.includes(ref.id) ? written(ref) : null),
          check,
        },
      ],
    },
  })
  const blind = defineOperation({
    ...shared,
    title: 'Clone blindly',
    steps: [
      {
        id: 'clone',
        title: 'Clone the thing',
        doing: 'Cloning the thing',
        run: async (_api, params) => write('blind', params.name),
        check,
      },
    ],
  })
  const provider = defineProvider({
    id: 'dummy',
    name: 'Dummy',
    connection: z.object({}),
    client: () => ({ baseUrl: 'http://127.0.0.1', headers: {}, errorMessage: () => undefined }),
    pickers: {},
    operations: { clone, blind },
  })
  const unused = async (): Promise<never> => {
    throw new Error('The dummy makes no requests.')
  }
  const expiry = { defaultMs: null, maxMs: null, atEnd: 'delete' } as const
  const api = { get: unused, post: unused, put: unused, patch: unused, delete: unused }
  return { name, provider, host: 'dummy.example', expiry, api }
}

/** The words of its provider about a job, as its thread shows them. */
export function describeDummyJob(job: Job, now: number) {
  const steps = new Map([['clone', { title: 'Clone', doing: 'Cloning' }]])
  return { job, title: 'Clone', provider: 'Dummy', steps, typicalMs: null, now }
}
