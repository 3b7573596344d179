/** How many calls Slack would take right now: a budget per method and channel, and one per method in the workspace. */
import { type Method, type Pace, paces } from './limits.js'

/** A channel that does not come when it is its turn is waited for so long. */
const turnKeptMs = 5_000

export class Budgets {
  readonly #now: () => number
  /** By method, and by method and channel. */
  readonly #budgets = new Map<string, Budget>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** Takes one call and answers 0, or takes nothing and answers in how many milliseconds to ask again. */
  spend(method: Method, channel: string): number {
    const budgets = [this.#inChannel(method, channel), this.#inWorkspace(method)].filter((budget) => budget !== null)
    for (const budget of budgets) {
      const waitMs = budget.waitFor(channel, this.#now())
      if (waitMs > 0) return waitMs
    }
    for (const budget of budgets) budget.take(channel)
    return 0
  }

  /**
   * Slack said that there were too many. It does not say of what: for a method with a budget per channel it means the
   * channel, unless another one is being waited for as well.
   */
  pause(method: Method, channel: string, ms: number): void {
    const until = this.#now() + ms
    const inChannel = this.#inChannel(method, channel)
    const others = [...this.#budgets].filter(([key, budget]) => key.startsWith(`${method} `) && budget !== inChannel)
    inChannel?.pause(until)
    if (!inChannel || others.some(([, budget]) => budget.isPaused(this.#now()))) this.#inWorkspace(method).pause(until)
  }

  #inChannel(method: Method, channel: string): Budget | null {
    const pace = paces[method]
    return 'channel' in pace ? this.#budget(`${method} ${channel}`, pace.channel) : null
  }

  #inWorkspace(method: Method): Budget {
    return this.#budget(method, paces[method].workspace)
  }

  #budget(key: string, pace: Pace): Budget {
    const known = this.#budgets.get(key) ?? new Budget(pace, this.#now())
    this.#budgets.set(key, known)
    return known
  }
}

/** Full when at rest. What is scarce goes round the channels that wait for it, one call each. */
class Budget {
  readonly #pace: Pace
  #left: number
  /** In the future while Slack wants to be left alone. */
  #asOf: number
  /** Channels that were told to wait, in the order of their turns, and until when each turn is kept. */
  readonly #line = new Map<string, number>()

  constructor(pace: Pace, now: number) {
    this.#pace = pace
    this.#left = pace.burst
    this.#asOf = now
  }

  waitFor(channel: string, now: number): number {
    for (const [other, until] of this.#line) if (until < now) this.#line.delete(other)
    const line = [...this.#line.keys()]
    const turn = line.includes(channel) ? line.indexOf(channel) : line.length
    const perMs = this.#pace.perMinute / 60_000
    if (now > this.#asOf) {
      this.#left = Math.min(this.#pace.burst, this.#left + (now - this.#asOf) * perMs)
      this.#asOf = now
    }
    // A thousandth of a call is a rounding error, and no reason to wait for another round.
    const missing = turn + 1 - this.#left - 0.001
    const waitMs = Math.ceil(Math.max(missing / perMs, 0) + Math.max(this.#asOf - now, 0))
    if (waitMs > 0) this.#line.set(channel, now + waitMs + turnKeptMs)
    return waitMs
  }

  take(channel: string): void {
    this.#line.delete(channel)
    this.#left -= 1
  }

  pause(until: number): void {
    this.#left = 1
    this.#asOf = until
    this.#line.clear()
  }

  isPaused(now: number): boolean {
    return this.#asOf > now
  }
}
