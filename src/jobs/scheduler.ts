/** Starts the workers: asks with every tick what is due, and starts only those that have something to do. */
import cron, { type ScheduledTask } from 'node-cron'
import { DatabaseError } from '../errors.js'
import type { Log } from '../lib/log.js'
import { within } from '../lib/within.js'
import { withoutLogFields } from '../log-fields.js'
import type { DueWork } from '../store/due-work.js'

/** A loop that does due work. */
export interface Worker {
  name: string
  /** How many runs of it may be under way at once. Default 1. */
  maxConcurrent?: number
  /** How many runs the due work is worth; 0 if none of it is this worker's. */
  countDue(due: readonly DueWork[]): number
  /**
   * Does what is due and returns whether it did anything, so that there may be more.
   *
   * @param stopping aborted when the scheduler stops: finish what has begun, begin nothing more.
   * @param runAgainIn asks for one more run in so many milliseconds, which may be before the next tick.
   */
  runOnce(stopping: AbortSignal, runAgainIn: (ms: number) => void): Promise<boolean>
}

interface SchedulerOptions {
  /** 1 to 60, a divisor of 60 for even ticks. */
  tickSeconds: number
  /** Whether other processes tick too: then ticks get a jitter, so that they don't all query at the same moment. Default false. */
  isShared?: boolean
  workers: readonly Worker[]
  /** All that is due now. */
  findDueWork(): Promise<readonly DueWork[]>
  /** Called when the clock was set; what was planned by it is to be made due. */
  onClockSet(byMs: number): Promise<void>
  /** Milliseconds since 1970. */
  now(): number
  /** Monotonic milliseconds. */
  elapsed(): number
  log: Pick<Log, 'warn' | 'error'>
}

/** A clock that is slewed drifts by less than this within a second. */
const MAX_DRIFT_MS = 1_000
const CLOCK_CHECK_EVERY_MS = 1_000
/** Ticks that may be missing before the process counts as not ready, and the least time they take, in milliseconds. */
const MAX_MISSED_TICKS = 3
const MIN_MISSED_MS = 30_000
/** Why a process isn't ready. */
export const NO_DATABASE = 'the database is away'
const NO_TICK = 'the scheduler has stopped'

/** A shared tick comes later by up to this part of the interval, which is ±20 % between two. */
const JITTER = 0.4

export class Scheduler {
  readonly #options: SchedulerOptions
  /** Runs under way, by their worker. */
  readonly #running = new Map<Worker, Set<Promise<void>>>()
  /** Workers that had no run free for all that was due. */
  readonly #missed = new Set<Worker>()
  /** Runs that workers asked for at a time of their own. */
  readonly #alarms = new Map<Worker, { timer: NodeJS.Timeout; at: number }>()
  readonly #stopping = new AbortController()
  readonly #clockCheck: NodeJS.Timeout
  #task: ScheduledTask
  #clockOffsetMs: number
  #dispatch: Promise<void> | undefined
  /** Whether something may have become due since the present dispatch asked. */
  #isAskedAgain = false
  /** Whether the database was away at the last query. */
  #isAway = false
  /** The last tick, and the last answer to what is due. */
  #tickedAt: number
  #readAt: number

  constructor(options: SchedulerOptions) {
    this.#options = options
    this.#clockOffsetMs = options.now() - options.elapsed()
    this.#tickedAt = options.elapsed()
    this.#readAt = this.#tickedAt
    this.#task = this.#schedule()
    // A timer of its own: it is monotonic, and node-cron's next tick may be hours away once the clock was set back.
    this.#clockCheck = setInterval(() => this.#checkClock(), CLOCK_CHECK_EVERY_MS)
  }

  /** Asks at once what is due: somebody submitted, clicked or finished something. */
  wake(): void {
    if (this.#stopping.signal.aborted) return
    this.#isAskedAgain = true
    // The person who asked isn't the one whom the work is for.
    this.#dispatch ??= withoutLogFields(() => this.#dispatchAll())
  }

  /** Why due work isn't done now, in a few words; undefined if it is. Slow work is still work. */
  whyNotReady(): string | undefined {
    if (this.#isAway) return NO_DATABASE
    const { elapsed, tickSeconds } = this.#options
    const lateMs = elapsed() - Math.min(this.#tickedAt, this.#readAt)
    return lateMs > Math.max(MAX_MISSED_TICKS * tickSeconds * 1_000, MIN_MISSED_MS) ? NO_TICK : undefined
  }

  /** No new runs; resolves when those under way have ended, or after this many milliseconds, whichever is first. */
  async stop(withinMs: number): Promise<'finished' | 'cut short'> {
    this.#stopping.abort()
    clearInterval(this.#clockCheck)
    for (const { timer } of this.#alarms.values()) clearTimeout(timer)
    await this.#task.destroy()
    const runs = [...this.#running.values()].flatMap((some) => [...some])
    const finished = Promise.all([this.#dispatch, ...runs]).then(() => 'finished' as const)
    return (await within(withinMs, finished)) ?? 'cut short'
  }

  #schedule(): ScheduledTask {
    const { tickSeconds, isShared = false } = this.#options
    const maxRandomDelay = isShared ? tickSeconds * 1_000 * JITTER : 0
    const when = tickSeconds >= 60 ? '0 * * * * *' : `*/${tickSeconds} * * * * *`
    return cron.schedule(when, () => this.#tick(), { maxRandomDelay })
  }

  #tick(): void {
    this.#tickedAt = this.#options.elapsed()
    this.wake()
  }

  async #dispatchAll(): Promise<void> {
    try {
      while (this.#isAskedAgain && !this.#stopping.signal.aborted) {
        this.#isAskedAgain = false
        const due = await this.#options.findDueWork()
        this.#isAway = false
        this.#readAt = this.#options.elapsed()
        for (const worker of this.#options.workers) this.#startDue(worker, worker.countDue(due))
      }
    } catch (error) {
      // Once per outage: with every tick it would fill the log.
      if (!this.#isAway) this.#options.log.error({ err: error }, 'what is due could not be read; each tick tries again')
      this.#isAway = error instanceof DatabaseError
    } finally {
      this.#dispatch = undefined
    }
  }

  #startDue(worker: Worker, count: number): void {
    const free = (worker.maxConcurrent ?? 1) - (this.#running.get(worker)?.size ?? 0)
    if (count > free) this.#missed.add(worker)
    for (let run = 0; run < Math.min(count, free); run += 1) this.#start(worker)
  }

  #start(worker: Worker): void {
    if (this.#stopping.signal.aborted) return
    const runs = this.#running.get(worker) ?? new Set()
    this.#running.set(worker, runs)
    const run = this.#run(worker).then((hasWorked) => {
      runs.delete(run)
      // One that finds nothing, because other replicas have every slot, leaves what's left to those that still run.
      if (!hasWorked && runs.size > 0) return
      // Only this worker: several whose work keeps breaking would wake each other forever.
      if (this.#missed.delete(worker)) this.#startDue(worker, 1)
    })
    runs.add(run)
  }

  async #run(worker: Worker): Promise<boolean> {
    const runAgainIn = (ms: number) => this.#startIn(worker, ms)
    try {
      const hasWorked = await worker.runOnce(this.#stopping.signal, runAgainIn)
      // Work makes work: a finished write has something to say, a finished step has a next one.
      if (hasWorked) this.wake()
      return hasWorked
    } catch (error) {
      this.#options.log.error({ err: error, worker: worker.name }, 'a worker broke')
      return false
    }
  }

  /** The earliest wish of a worker counts: its reason is not over because another run came in between. */
  #startIn(worker: Worker, ms: number): void {
    const at = this.#options.elapsed() + ms
    const set = this.#alarms.get(worker)
    if (this.#stopping.signal.aborted || (set && set.at <= at)) return
    clearTimeout(set?.timer)
    const ring = () => {
      this.#alarms.delete(worker)
      this.#startDue(worker, 1)
    }
    this.#alarms.set(worker, { timer: setTimeout(() => withoutLogFields(ring), ms), at })
  }

  #checkClock(): void {
    const offsetMs = this.#options.now() - this.#options.elapsed()
    const byMs = Math.round(offsetMs - this.#clockOffsetMs)
    this.#clockOffsetMs = offsetMs
    if (Math.abs(byMs) <= MAX_DRIFT_MS) return
    this.#options.log.warn({ byMs }, 'the clock was set; all live jobs are due now')
    this.#afterClockSet(byMs).catch((error) =>
      this.#options.log.error({ err: error }, 'live jobs could not be made due'),
    )
  }

  async #afterClockSet(byMs: number): Promise<void> {
    const old = this.#task
    this.#task = this.#schedule()
    await old.destroy()
    await this.#options.onClockSet(byMs)
    this.wake()
  }
}
