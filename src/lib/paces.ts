/** How often something may be done that another side limits: what is asked of all who keep count, and how one process does. */

/** A limit: at most `burst` calls at once, and `perMinute` in the long run. */
export interface Pace {
  /** What is limited. The narrower of two paces is named after the wider one, a space, and what it is about. */
  name: string
  perMinute: number
  burst: number
}

/** Keeps count of calls, for all processes that share the limits. */
export interface Paces {
  /**
   * Takes one call from each of these, or from none.
   *
   * @param paces the narrowest first.
   * @param who asks: where calls are scarce, those of one process that wait for them take turns.
   * @returns 0 if they were taken, else in how many milliseconds to ask again.
   */
  take(paces: readonly Pace[], who: string): Promise<number>
  /**
   * The other side says that there were too many calls, but not of which pace: it was the narrowest, unless another one of its
   * kind is paused as well. Then all of them are.
   *
   * @param ms from now.
   */
  pause(paces: readonly Pace[], ms: number): Promise<void>
}

/** How long the turn of one that waits is kept. */
const TURN_KEPT_MS = 5_000

/** The count of a process that is alone. */
export class PacesInMemory implements Paces {
  readonly #elapsed: () => number
  /** By name. One that is full again is dropped. */
  readonly #buckets = new Map<string, Bucket>()

  /** @param elapsed monotonic milliseconds: the other side doesn't measure with our wall clock. */
  constructor(elapsed: () => number) {
    this.#elapsed = elapsed
  }

  /** How many paces are kept, because calls were taken from them recently. */
  get size(): number {
    return this.#buckets.size
  }

  async take(paces: readonly Pace[], who: string): Promise<number> {
    const now = this.#elapsed()
    for (const [name, bucket] of this.#buckets) if (bucket.isFull(now)) this.#buckets.delete(name)
    const buckets = paces.map((pace) => this.#bucket(pace, now))
    for (const bucket of buckets) {
      const waitMs = bucket.waitFor(who, now)
      if (waitMs > 0) return waitMs
    }
    for (const bucket of buckets) bucket.take(who)
    return 0
  }

  async pause([narrowest, ...wider]: readonly Pace[], ms: number): Promise<void> {
    if (!narrowest) return
    const now = this.#elapsed()
    this.#bucket(narrowest, now).pause(now + ms)
    for (const pace of wider) {
      const others = [...this.#buckets].filter(([name]) => name !== narrowest.name && name.startsWith(`${pace.name} `))
      if (others.some(([, bucket]) => bucket.isPaused(now))) this.#bucket(pace, now).pause(now + ms)
    }
  }

  #bucket(pace: Pace, now: number): Bucket {
    const known = this.#buckets.get(pace.name) ?? new Bucket(pace, now)
    this.#buckets.set(pace.name, known)
    return known
  }
}

/** A token bucket that starts full. When it runs low, those that wait take turns, one call each. */
class Bucket {
  readonly #pace: Pace
  #left: number
  /** In the future while the other side asked us to pause. */
  #asOf: number
  /** Who has to wait, in the order of their turns, and until when each turn is kept. */
  readonly #line = new Map<string, number>()

  constructor(pace: Pace, now: number) {
    this.#pace = pace
    this.#left = pace.burst
    this.#asOf = now
  }

  waitFor(who: string, now: number): number {
    this.#catchUp(now)
    const line = [...this.#line.keys()]
    const turn = line.includes(who) ? line.indexOf(who) : line.length
    const perMs = this.#pace.perMinute / 60_000
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
    return this.#left >= this.#pace.burst && this.#line.size === 0
  }

  #catchUp(now: number): void {
    for (const [other, until] of this.#line) if (until < now) this.#line.delete(other)
    if (now <= this.#asOf) return
    this.#left = Math.min(this.#pace.burst, this.#left + ((now - this.#asOf) * this.#pace.perMinute) / 60_000)
    this.#asOf = now
  }
}
