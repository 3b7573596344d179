/** Keeps calls within another side's rate limits: the interface, and the limiter of a process that is alone. */

/** A limit: at most `burst` calls at once, and `perMinute` in the long run. */
export interface RateLimit {
  /** What is limited. A narrower limit begins with the name of the wider one and a space: `chat.postMessage C1`. */
  name: string
  perMinute: number
  burst: number
}

/** Counts calls, for all processes that share the limits. */
export interface RateLimiter {
  /**
   * Takes one call from each of these limits, or from none.
   *
   * @param limits the narrowest first.
   * @param who asks, such as a channel: when calls are scarce, those that wait in one process take turns.
   * @returns 0 if they were taken, else in how many milliseconds to ask again.
   */
  take(limits: readonly RateLimit[], who: string): Promise<number>
  /**
   * Stops calls after a 429, which doesn't say which limit it is about: the narrowest is paused, and a wider one too if another
   * of its narrower limits is paused already.
   *
   * @param ms from now.
   */
  pause(limits: readonly RateLimit[], ms: number): Promise<void>
}

/** How long the turn of one that waits is kept. */
const TURN_KEPT_MS = 5_000

/** Counts in memory, for a process that is alone. */
export class InMemoryRateLimiter implements RateLimiter {
  readonly #elapsed: () => number
  /** By name. One that is full again is dropped. */
  readonly #buckets = new Map<string, Bucket>()

  /** @param elapsed monotonic milliseconds: the other side doesn't measure with our wall clock. */
  constructor(elapsed: () => number) {
    this.#elapsed = elapsed
  }

  /** How many limits are in memory, because calls were taken from them recently. */
  get size(): number {
    return this.#buckets.size
  }

  async take(limits: readonly RateLimit[], who: string): Promise<number> {
    const now = this.#elapsed()
    for (const [name, bucket] of this.#buckets) if (bucket.isFull(now)) this.#buckets.delete(name)
    const buckets = limits.map((limit) => this.#bucket(limit, now))
    for (const bucket of buckets) {
      const waitMs = bucket.waitFor(who, now)
      if (waitMs > 0) return waitMs
    }
    for (const bucket of buckets) bucket.take(who)
    return 0
  }

  async pause([narrowest, ...wider]: readonly RateLimit[], ms: number): Promise<void> {
    if (!narrowest) return
    const now = this.#elapsed()
    this.#bucket(narrowest, now).pause(now + ms)
    for (const limit of wider) {
      const others = [...this.#buckets].filter(([name]) => name !== narrowest.name && name.startsWith(`${limit.name} `))
      if (others.some(([, bucket]) => bucket.isPaused(now))) this.#bucket(limit, now).pause(now + ms)
    }
  }

  #bucket(limit: RateLimit, now: number): Bucket {
    const known = this.#buckets.get(limit.name) ?? new Bucket(limit, now)
    this.#buckets.set(limit.name, known)
    return known
  }
}

/** A token bucket that starts full. When it runs low, those that wait take turns, one call each. */
class Bucket {
  readonly #limit: RateLimit
  #left: number
  /** In the future while the other side asked us to pause. */
  #asOf: number
  /** Who has to wait, in the order of their turns, and until when each turn is kept. */
  readonly #line = new Map<string, number>()

  constructor(limit: RateLimit, now: number) {
    this.#limit = limit
    this.#left = limit.burst
    this.#asOf = now
  }

  waitFor(who: string, now: number): number {
    this.#catchUp(now)
    const line = [...this.#line.keys()]
    const turn = line.includes(who) ? line.indexOf(who) : line.length
    const perMs = this.#limit.perMinute / 60_000
    // A thousandth of a call is a rounding error, and no reason to wait.
    const missing = turn + 1 - this.#left - 0.001
    const waitMs = Math.ceil(Math.max(missing / perMs, 0) + Math.max(this.#asOf - now, 0))
    if (waitMs > 0) this.#line.set(who, now + waitMs + TURN_KEPT_MS)
    return waitMs
  }

  take(who: string): void {
    this.#line.delete(who)
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

  isFull(now: number): boolean {
    this.#catchUp(now)
    return this.#left >= this.#limit.burst && this.#line.size === 0
  }

  #catchUp(now: number): void {
    for (const [other, until] of this.#line) if (until < now) this.#line.delete(other)
    if (now <= this.#asOf) return
    this.#left = Math.min(this.#limit.burst, this.#left + ((now - this.#asOf) * this.#limit.perMinute) / 60_000)
    this.#asOf = now
  }
}
