/** node-cron's tick, and the rounds it sets off: each at most once at a time, all finished before the clock has stopped. */
import cron, { type ScheduledTask } from 'node-cron'

/** Does what is due and answers whether there was anything. Must not throw; what it throws is handed to `onError`. */
export interface Round {
  name: string
  /**
   * @param stopping aborted when the clock stops: finish what is begun, begin nothing more.
   * @param againIn asks for one more go of this round in so many milliseconds, which may be before the next tick.
   */
  go(stopping: AbortSignal, againIn: (ms: number) => void): Promise<boolean>
}

export class Clock {
  readonly #rounds: readonly Round[]
  readonly #onError: (round: string, error: unknown) => void
  /** Rounds under way; `again` when somebody asked while they were. */
  readonly #underWay = new Map<Round, { again: boolean; done: Promise<void> }>()
  /** Rounds that asked to go again at a time of their own. */
  readonly #alarms = new Map<Round, { timer: NodeJS.Timeout; at: number }>()
  readonly #pattern: string
  #task: ScheduledTask
  readonly #stopping = new AbortController()

  /** @param everySeconds 1 to 60, a divisor of 60 for even ticks. */
  constructor(everySeconds: number, rounds: readonly Round[], onError: (round: string, error: unknown) => void) {
    this.#rounds = rounds
    this.#onError = onError
    this.#pattern = everySeconds >= 60 ? '0 * * * * *' : `*/${everySeconds} * * * * *`
    this.#task = this.#schedule()
  }

  /** For a clock that was set: node-cron waits for the time of its next tick, which may be hours away by now. */
  async restart(): Promise<void> {
    const old = this.#task
    if (this.#stopping.signal.aborted) return
    this.#task = this.#schedule()
    await old.destroy()
    this.wake()
  }

  #schedule(): ScheduledTask {
    return cron.schedule(this.#pattern, () => this.wake())
  }

  /** A tick at once: somebody submitted, clicked or finished something. */
  wake(): void {
    for (const round of this.#rounds) this.#start(round)
  }

  /** No new rounds; resolves when those under way have ended, or after this many milliseconds, whichever is first. */
  async stop(withinMs: number): Promise<'finished' | 'cut short'> {
    this.#stopping.abort()
    for (const { timer } of this.#alarms.values()) clearTimeout(timer)
    await this.#task.destroy()
    const finished = Promise.all([...this.#underWay.values()].map(({ done }) => done)).then(() => 'finished' as const)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'cut short'>((resolve) => {
      timer = setTimeout(() => resolve('cut short'), withinMs)
    })
    return await Promise.race([finished, late]).finally(() => clearTimeout(timer))
  }

  #start(round: Round): void {
    if (this.#stopping.signal.aborted) return
    const underWay = this.#underWay.get(round)
    if (underWay) {
      underWay.again = true
      return
    }
    const entry = { again: false, done: Promise.resolve() }
    this.#underWay.set(round, entry)
    entry.done = this.#run(round, entry)
  }

  /** The earliest of a round's wishes counts: what it is for is not over because another go came between. */
  #startIn(round: Round, ms: number): void {
    const at = performance.now() + ms
    const set = this.#alarms.get(round)
    if (this.#stopping.signal.aborted || (set && set.at <= at)) return
    clearTimeout(set?.timer)
    const ring = () => {
      this.#alarms.delete(round)
      this.#start(round)
    }
    this.#alarms.set(round, { timer: setTimeout(ring, ms), at })
  }

  async #run(round: Round, entry: { again: boolean }): Promise<void> {
    let didSomething = false
    try {
      didSomething = await round.go(this.#stopping.signal, (ms) => this.#startIn(round, ms))
    } catch (error) {
      this.#onError(round.name, error)
    }
    this.#underWay.delete(round)
    // Work makes work: a finished write is to be told, a finished step has a next one.
    if (didSomething) this.wake()
    else if (entry.again) this.#start(round)
  }
}
