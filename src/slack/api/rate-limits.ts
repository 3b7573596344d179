/** How many calls Slack would take right now: a budget per method and channel, and one per method in the workspace. */
import { MAX_PAUSE_MS, type Method, type Pace, paces } from '../limits.js'

/** A channel that does not come when it is its turn is waited for so long. */
const TURN_KEPT_MS = 5_000

export class RateLimits {
  readonly #elapsed: () => number
  /** By method, and by method and channel. One that is full again is forgotten. */
  readonly #budgets = new Map<string, RateLimit>()

  /** @param elapsed milliseconds that nobody sets, from any beginning: Slack measures without our clock on the wall. */
  constructor(elapsed: () => number) {
    this.#elapsed = elapsed
  }

  /** How many budgets are kept, because something was taken from them of late. */
  get size(): number {
    return this.#budgets.size
  }

  /** Takes one call and answers 0, or takes nothing and answers in how many milliseconds to ask again. */
  spend(method: Method, channel: string): number {
    const now = this.#elapsed()
    for (const [key, budget] of this.#budgets) if (budget.isAtRest(now)) this.#budgets.delete(key)
    const budgets = [this.#inChannel(method, channel, now), this.#inWorkspace(method, now)].filter(
      (budget) => budget !== null,
    )
    for (const budget of budgets) {
      const waitMs = budget.waitFor(channel, now)
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
    const now = this.#elapsed()
    const until = now + Math.min(ms, MAX_PAUSE_MS)
    const inChannel = this.#inChannel(method, channel, now)
    const others = [...this.#budgets].filter(([key, budget]) => key.startsWith(`${method} `) && budget !== inChannel)
    inChannel?.pause(until)
    if (!inChannel || others.some(([, budget]) => budget.isPaused(now))) this.#inWorkspace(method, now).pause(until)
  }

  #inChannel(method: Method, channel: string, now: number): RateLimit | null {
    const pace = paces[method]
    return 'channel' in pace ? this.#budget(`${method} ${channel}`, pace.channel, now) : null
  }

  #inWorkspace(method: Method, now: number): RateLimit {
    return this.#budget(method, paces[method].workspace, now)
  }

  #budget(key: string, pace: Pace, now: number): RateLimit {
    const known = this.#budgets.get(key) ?? new RateLimit(pace, now)
    this.#budgets.set(key, known)
    return known
  }
}

/** Full when at rest. What is scarce goes round the channels that wait for it, one call each. */
class RateLimit {
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
    this.#catchUp(now)
    const line = [...this.#line.keys()]
    const turn = line.includes(channel) ? line.indexOf(channel) : line.length
    const perMs = this.#pace.perMinute / 60_000
    // A thousandth of a call is a rounding error, and no reason to wait for another round.
    const missing = turn + 1 - this.#left - 0.001
    const waitMs = Math.ceil(Math.max(missing / perMs, 0) + Math.max(this.#asOf - now, 0))
    if (waitMs > 0) this.#line.set(channel, now + waitMs + TURN_KEPT_MS)
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

  /** Whether it is as good as new. */
  isAtRest(now: number): boolean {
    this.#catchUp(now)
    return this.#left >= this.#pace.burst && this.#line.size === 0
  }

  #catchUp(now: number): void {
    for (const [other, until] of this.#line) if (until < now) this.#line.delete(other)
    if (now <= this.#asOf) return
    this.#left = Math.min(this.#pace.burst, this.#left + ((now - this.#asOf) * this.#pace.perMinute) / 60_000)
    this.#asOf = now
  }
}
