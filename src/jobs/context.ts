/** What every worker shares: the database, the connections, a name for its leases and the time. */

import type { Job, JobInput, TransitionContext } from '../domain/job.js'
import { next } from '../domain/machine.js'
import { type Connection, type Operation, operationOf, type Step } from '../providers/provider.js'
import { releaseLease, renewLeases } from '../store/claims.js'
import { applyTransition } from '../store/jobs.js'
import type { Database, Lease } from '../store/schema.js'

export interface WorkerContext {
  db: Database
  connections: ReadonlyMap<string, Connection>
  /** Unique among all rounds of all processes that share the database. */
  worker: string
  /** How long a claim stands without being renewed, in milliseconds. */
  leaseMs: number
  now(): number
  /** For how long the clock was seen to run evenly, as by a `SteadyClock`. Default: always. */
  steadyForMs?(): number
  /** 0 to 1; spreads looks out in time. */
  random(): number
  log: Log
  /** Told whenever a connection refuses what only its operator can mend. Default: nobody is. */
  refused?(connection: string, reason: string): void
}

/** The part of pino that the rooms below app use. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What this worker claims jobs with at this at. */
export function leaseOf({ worker, now, leaseMs, steadyForMs = always }: WorkerContext): Lease {
  // Whoever still lives renews a claim within a third of its time.
  return { worker, now: now(), leaseMs, takesOver: steadyForMs() >= leaseMs / 2 }
}

const always = () => Number.POSITIVE_INFINITY

/** A step as the workers see it: they pass params and refs through without knowing their shape. */
export type AnyStep = Step<Job['params'], Job['ref'], NonNullable<Job['ref']>>

/** A job with everything that is needed to work at it. */
export interface Task {
  job: Job
  connection: Connection
  operation: Operation
  step: AnyStep
}

/**
 * Works at those of the claimed jobs that can be worked at, as `runAll` does. The others wait until their step is there
 * again, and their threads are told: nothing is written for a job whose step is not the one that was planned.
 */
export async function runTasks(
  context: WorkerContext,
  jobs: readonly Job[],
  work: (task: Task) => Promise<boolean>,
): Promise<boolean> {
  const tasks: Task[] = []
  const stranded: { job: Job }[] = []
  for (const job of jobs) {
    const task = openTask(context, job)
    if (task) tasks.push(task)
    else stranded.push({ job })
  }
  const areLeft = await runAll(context, stranded, ({ job }) => leaveStranded(context, job))
  return (await runAll(context, tasks, work)) || areLeft
}

function openTask(context: WorkerContext, job: Job): Task | null {
  const connection = context.connections.get(job.connection)
  const operation = operationOf(connection?.provider, job.operation)
  const step = operation?.steps.find(({ id }) => id === job.step)
  if (!connection || !operation || !step) return null
  return { job, connection, operation, step: step as AnyStep }
}

/** Reports a claimed job that this version or configuration can't continue, and puts it off for a while. */
export async function leaveStranded(context: WorkerContext, job: Job): Promise<boolean> {
  const connection = context.connections.get(job.connection)
  const operation = operationOf(connection?.provider, job.operation)
  const reason = !connection
    ? `dolly.yml no longer has the connection ${job.connection}.`
    : `This version of Dolly has no ${operation ? `step “${job.step}”` : `operation “${job.operation}”`}.`
  if (job.strandedSince === null) context.log.error({ job: job.id, reason }, 'a job cannot go on; it waits')
  return (await advance(context, job, { kind: 'stranded', reason })) !== null
}

/** Renews the workers' claims three times within each lease, and looks at the clock every second, as long as it lives. */
export class Heartbeat {
  readonly #timers: readonly NodeJS.Timeout[]

  constructor(context: WorkerContext, workers: readonly string[]) {
    const renew = () => {
      renewLeases(context.db, workers, context.now() + context.leaseMs).catch((error) =>
        context.log.error({ err: error }, 'leases could not be renewed'),
      )
    }
    // No tick of the wall's clock may come for long after it was set back.
    this.#timers = [setInterval(renew, context.leaseMs / 3), setInterval(() => context.steadyForMs?.(), 1_000)]
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer)
  }
}

/** SQLite answers before the loop turns: this many at a time leave Slack's requests and the timers their turn. */
const JOBS_PER_EVENT_LOOP_TURN = 50

/**
 * Works at claimed jobs side by side. A job whose work breaks, because the disk is full or we have a bug, is logged and
 * given back: it is due again with the next tick, and the others are not held up.
 *
 * @param work answers whether it moved the job.
 * @returns whether any job was moved, so that there may be more to do at once.
 */
export async function runAll<T extends { job: Job }>(
  context: WorkerContext,
  items: readonly T[],
  work: (item: T) => Promise<boolean>,
): Promise<boolean> {
  const begun: Promise<boolean>[] = []
  for (const item of items) {
    if (begun.length % JOBS_PER_EVENT_LOOP_TURN === JOBS_PER_EVENT_LOOP_TURN - 1)
      await new Promise((resolve) => setImmediate(resolve))
    begun.push(runOne(context, item, work))
  }
  return (await Promise.all(begun)).includes(true)
}

async function runOne<T extends { job: Job }>(context: WorkerContext, item: T, work: (item: T) => Promise<boolean>) {
  const { job } = item
  try {
    return await work(item)
  } catch (error) {
    context.log.error({ job: job.id, err: error }, 'working at a job broke; it is tried again')
    await releaseLease(context.db, job.id, context.worker).catch(() => undefined)
    return false
  }
}

/** Id of the step after this one that these params ask for; null after the last. */
export function followingStep({ job, operation, step: present }: Task): string | null {
  const place = operation.steps.findIndex(({ id }) => id === present.id)
  return operation.steps.find((step, at) => at > place && (step.when?.({ ...job.params }) ?? true))?.id ?? null
}

/** Applies a input under this worker's lease; null when the lease was lost or the job has moved on. */
export async function advance(
  context: WorkerContext,
  job: Job,
  input: JobInput,
  options: { keepLease: boolean } = { keepLease: false },
): Promise<Job | null> {
  const operation = operationOf(context.connections.get(job.connection)?.provider, job.operation)
  const transition: TransitionContext = {
    now: context.now(),
    jitter: context.random(),
    pollEveryMs: operation?.pollEveryMs,
    steadyMs: context.steadyForMs?.(),
  }
  const hold = { worker: context.worker, keep: options.keepLease }
  const changed = await applyTransition(context.db, job, next(job, input, transition), transition.now, hold)
  if (changed) context.log.debug({ job: job.id, state: changed.state, after: input.kind }, 'job moved')
  else context.log.warn({ job: job.id, input: input.kind }, 'another worker has this job; nothing was changed')
  return changed
}
