/** What every worker of the house shares: the database, the connections, a name for its leases and the time. */
import { type Connection, type Operation, operationOf, type Step } from '../providers/provider.js'
import { applyTransition, releaseLease, renewLeases } from '../store/jobs.js'
import type { Database, Lease } from '../store/schema.js'
import { type Happening, type Job, type Moment, next } from './machine.js'

export interface House {
  db: Database
  connections: ReadonlyMap<string, Connection>
  /** Unique among all processes that share the database. */
  worker: string
  /** How long a claim stands without being renewed, in milliseconds. */
  leaseMs: number
  now(): number
  /** Whether the clock has run evenly of late, as in a `SteadyClock`. Default: it has. */
  isSteady?(): boolean
  /** 0 to 1; spreads looks out in time. */
  random(): number
  log: Log
}

/** The part of pino that the rooms below app use. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What this worker claims jobs with at this moment. */
export function leaseOf({ worker, now, leaseMs, isSteady = () => true }: House): Lease {
  return { worker, now: now(), leaseMs, takesOver: isSteady() }
}

/** A step as the workers see it: they pass params and refs through without knowing their shape. */
export type AnyStep = Step<Job['params'], Job['ref'], NonNullable<Job['ref']>>

/** A job with everything that is needed to work at it. */
export interface Task {
  job: Job
  connection: Connection
  operation: Operation
  step: AnyStep
}

/** Those of the jobs that can be worked at. One that asks for something this version does not know waits until one does. */
export function openTasks(house: House, jobs: readonly Job[]): Task[] {
  return jobs.map((job) => openTask(house, job)).filter((task) => task !== null)
}

function openTask(house: House, job: Job): Task | null {
  const connection = house.connections.get(job.connection)
  const operation = operationOf(connection?.provider, job.operation)
  const step = operation?.steps[job.step]
  if (!connection || !operation || !step) {
    const wanted = { job: job.id, connection: job.connection, operation: job.operation, step: job.step }
    house.log.error(wanted, 'a job asks for a step that this version does not have; it waits')
    return null
  }
  return { job, connection, operation, step: step as AnyStep }
}

/** Renews this worker's claims three times within each lease, for as long as it lives. */
export class Heartbeat {
  readonly #timer: NodeJS.Timeout

  constructor(house: House) {
    this.#timer = setInterval(() => {
      renewLeases(house.db, { worker: house.worker, now: house.now(), leaseMs: house.leaseMs }).catch((error) =>
        house.log.error({ err: error }, 'leases could not be renewed'),
      )
    }, house.leaseMs / 3)
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}

/**
 * Works at claimed jobs side by side. A job whose work breaks, because the disk is full or we have a bug, is logged and
 * given back: it is due again, and the others are not held up.
 */
export async function workAt<T extends { job: Job }>(
  house: House,
  items: readonly T[],
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  await Promise.all(
    items.map(async (item) => {
      const { job } = item
      try {
        await work(item)
      } catch (error) {
        house.log.error({ job: job.id, err: error }, 'working at a job broke; it is tried again')
        await releaseLease(house.db, job.id, house.worker).catch(() => undefined)
      }
    }),
  )
}

/** Index of the step after this one that these params ask for; null after the last. */
export function followingStep({ job, operation }: Task): number | null {
  const index = operation.steps.findIndex((step, at) => at > job.step && (step.when?.({ ...job.params }) ?? true))
  return index === -1 ? null : index
}

/** Applies a happening under this worker's lease; null when the lease was lost or the job has moved on. */
export async function advance(
  house: House,
  job: Job,
  happening: Happening,
  options: { keepLease: boolean } = { keepLease: false },
): Promise<Job | null> {
  const operation = operationOf(house.connections.get(job.connection)?.provider, job.operation)
  const moment: Moment = { now: house.now(), jitter: house.random(), lookEveryMs: operation?.lookEveryMs }
  const hold = { worker: house.worker, keep: options.keepLease }
  const changed = await applyTransition(house.db, job, next(job, happening, moment), moment.now, hold)
  if (changed) house.log.debug({ job: job.id, state: changed.state, after: happening.kind }, 'job moved')
  else house.log.warn({ job: job.id, happening: happening.kind }, 'another worker has this job; nothing was changed')
  return changed
}
