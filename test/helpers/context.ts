/** A worker context with a database in memory, one dummy connection, and clocks that only move when a test moves them. */

import type { Job, JobInput } from '../../src/domain/job.js'
import { next } from '../../src/domain/machine.js'
import type { Thread } from '../../src/domain/thread.js'
import { newMemory, type WorkerContext } from '../../src/jobs/context.js'
import { handleExpiries } from '../../src/jobs/expire.js'
import { pollDueJobs } from '../../src/jobs/poll.js'
import { reconcileLostWrites } from '../../src/jobs/reconcile.js'
import { releaseRememberedClaims } from '../../src/jobs/tasks.js'
import { handleWaitingJobs } from '../../src/jobs/waiting.js'
import { writeNextJob } from '../../src/jobs/write.js'
import { type DueWork, findDueWork } from '../../src/store/due-work.js'
import { readEvents } from '../../src/store/events.js'
import { applyTransition, createJob, findJob } from '../../src/store/jobs.js'
import { readThread } from '../../src/store/messages.js'
import type { NewJob } from '../../src/store/new-job.js'
import { alone } from '../../src/store/processes.js'
import type { Database } from '../../src/store/schema.js'
import { openTestDatabase } from './database.js'
import { type DummyWorld, dummyConnection, dummyWorld } from './dummy-provider.js'

export const silentLog = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** One run of the workers that reconcile and write. */
export async function runDueJobs(context: WorkerContext, connection: string): Promise<boolean> {
  const hasReconciled = await reconcileLostWrites(context, connection)
  return (await writeNextJob(context, connection)) || hasReconciled
}

export interface TestContext extends WorkerContext {
  world: DummyWorld
  /** Lets time pass by both clocks, in milliseconds. */
  pass(ms: number): void
  /**
   * Lets time pass in steps of so many milliseconds until a job or an expiry is due, but never longer than `maxMs`. It ends where
   * one step after the other would have found the first work.
   *
   * @returns how much has passed.
   */
  passUntilDue(stepMs: number, maxMs: number): Promise<number>
  /** Sets the wall clock ahead, or back, by so many milliseconds. */
  setClock(byMs: number): void
  /** Runs all workers until nothing is due at this moment. */
  runUntilIdle(): Promise<void>
  ask(draft?: Partial<NewJob>): Promise<Job>
  job(id: string): Promise<Job>
  /** Writes what happens to a job, one input after the other, and returns it as it is then. */
  go(id: string, ...inputs: JobInput[]): Promise<Job>
  thread(id: string): Promise<Thread>
  kinds(id: string): Promise<string[]>
}

export async function testContext(overrides: Partial<WorkerContext> = {}): Promise<TestContext> {
  const world = dummyWorld()
  const connection = dummyConnection(world)
  let now = Date.parse('2026-01-01T00:00:00Z')
  let elapsed = 0
  let asked = 0
  const context: TestContext = {
    db: overrides.db ?? (await openTestDatabase()),
    connections: new Map([[connection.name, connection]]),
    membership: alone,
    memory: newMemory(),
    now: () => now,
    elapsed: () => elapsed,
    random: () => 0.5,
    log: silentLog,
    world,
    pass: (ms) => {
      now += ms
      elapsed += ms
    },
    passUntilDue: async (stepMs, maxMs) => {
      const dueAt = (await nextDueAt(context.db)) ?? Number.POSITIVE_INFINITY
      const passed = Math.min(Math.max(Math.ceil((dueAt - now) / stepMs), 1) * stepMs, maxMs)
      context.pass(passed)
      return passed
    },
    setClock: (byMs) => {
      now += byMs
    },
    runUntilIdle: async () => {
      await releaseRememberedClaims(context)
      const isOfJobs = ({ kind }: DueWork) => kind !== 'notify' && kind !== 'seal'
      const isDue = async () => (await findDueWork(context.db, context.now())).some(isOfJobs)
      while (
        (await isDue()) &&
        ((await runDueJobs(context, connection.name)) ||
          (await pollDueJobs(context, connection.name)) ||
          (await handleWaitingJobs(context)) ||
          (await handleExpiries(context)))
      );
    },
    ask: async (draft = {}) => {
      asked += 1
      const creation = await createJob(context.db, { ...newJob(asked), ...draft }, now)
      if (creation.kind !== 'created') throw new Error(`The job is ${creation.kind}.`)
      return creation.job
    },
    job: async (id) => {
      const job = await findJob(context.db, id)
      if (!job) throw new Error(`There is no job ${id}.`)
      return job
    },
    go: async (id, ...inputs) => {
      for (const input of inputs) {
        const job = await context.job(id)
        await applyTransition(context.db, job, next(job, input, { now, jitter: 0 }), now, null)
      }
      return await context.job(id)
    },
    thread: async (id) => {
      const thread = await readThread(context.db, id)
      if (!thread) throw new Error(`There is no thread of job ${id}.`)
      return thread
    },
    kinds: async (id) => (await readEvents(context.db, id)).map((event) => event.kind),
    ...overrides,
  }
  return context
}

async function nextDueAt(db: Database): Promise<number | null> {
  const { dueAt, expiryDueAt } = await db
    .selectFrom('jobs')
    .select((job) => [
      job.fn.min('dueAt').as('dueAt'),
      job.fn.min('expiryDueAt').filterWhere('removalJob', 'is', null).as('expiryDueAt'),
    ])
    .executeTakeFirstOrThrow()
  return dueAt !== null && expiryDueAt !== null ? Math.min(dueAt, expiryDueAt) : (dueAt ?? expiryDueAt)
}

export function newJob(number: number): NewJob {
  return {
    connection: 'dummy-one',
    operation: 'clone',
    step: 'clone',
    params: { name: 'copy', deploy: false },
    source: 'shop-api',
    target: `copy-${number}`,
    lock: `lock ${number}`,
    submission: `submission ${number}`,
    requester: 'U1',
    mentionOnSuccess: false,
    channel: 'C1',
  }
}
