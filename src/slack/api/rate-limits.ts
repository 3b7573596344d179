/** How many calls Slack would take right now: a rate limit per method and channel, and one per method in the workspace. */
import { MAX_PAUSE_MS } from '../limits.js'

/** At most `burst` calls at once, and `perMinute` in the long run. */
interface Pace {
  perMinute: number
  burst: number
}

/**
 * How often the methods we use may be called, in one channel and in all of a workspace together. From
 * docs.slack.dev/apis/web-api/rate-limits: a message a second in a channel with short bursts above it and several hundred
 * a minute in a workspace; tier 3 is fifty a minute and tier 4 a hundred, here so that no minute has more with its burst.
 */
const paces = {
  'chat.postMessage': { channel: { perMinute: 60, burst: 4 }, workspace: { perMinute: 240, burst: 20 } },
  'chat.update': { workspace: { perMinute: 45, burst: 5 } },
  'conversations.history': { workspace: { perMinute: 45, burst: 5 } },
  'conversations.replies': { workspace: { perMinute: 45, burst: 5 } },
  'views.publish': { workspace: { perMinute: 80, burst: 20 } },
} as const satisfies Record<string, { channel?: Pace; workspace: Pace }>

export type Method = keyof typeof paces

/** How long a waiting channel's turn is kept for it. */
const TURN_KEPT_MS = 5_000

export class RateLimits {
  readonly #elapsed: () => number
  /** By method, and by method and channel. One that is full again is dropped. */
  readonly #limits = new Map<string, RateLimit>()

  /** @param elapsed monotonic milliseconds: Slack doesn't measure with our wall clock. */
  constructor(elapsed: () => number) {
    this.#elapsed = elapsed
  }

  /** How many limits are kept, because calls were taken from them recently. */
  get size(): number {
    return this.#limits.size
  }

  /** Takes one call and answers 0, or takes nothing and answers in how many milliseconds to ask again. */
  spend(method: Method, channel: string): number {
    const now = this.#elapsed()
    for (const [key, limit] of this.#limits) if (limit.isFull(now)) this.#limits.delete(key)
    const limits = [this.#inChannel(method, channel, now), this.#inWorkspace(method, now)].filter(
      (limit) => limit !== null,
    )
    for (const limit of limits) {
      const waitMs = limit.waitFor(channel, now)
      if (waitMs > 0) return waitMs
    }
    for (const limit of limits) limit.take(channel)
    return 0
  }

  /**
   * Slack said that there were too many calls, but not where: for a method with a limit per channel it means the channel,
   * unless another one is paused as well.
   */
  pause(method: Method, channel: string, ms: number): void {
    const now = this.#elapsed()
    const until = now + Math.min(ms, MAX_PAUSE_MS)
    const inChannel = this.#inChannel(method, channel, now)
    const others = [...this.#limits].filter(([key, limit]) => key.startsWith(`${method} `) && limit !== inChannel)
    inChannel?.pause(until)
    if (!inChannel || others.some(([, limit]) => limit.isPaused(now))) this.#inWorkspace(method, now).pause(until)
  }

  #inChannel(method: Method, channel: string, now: number): RateLimit | null {
    const pace = paces[method]
    return 'channel' in pace ? this.#limit(`${method} ${channel}`, pace.channel, now) : null
  }

  #inWorkspace(method: Method, now: number): RateLimit {
    return this.#limit(method, paces[method].workspace, now)
  }

  #limit(key: string, pace: Pace, now: number): RateLimit {
    const known = this.#limits.get(key) ?? new RateLimit(pace, now)
    this.#limits.set(key, known)
    return known
  }
}

/** A token bucket that starts full. When it runs low, the waiting channels take turns, one call each. */
class RateLimit {
  readonly #pace: Pace
  #left: number
  /** In the future while Slack asked us to pause. */
  #asOf: number
  /** Channels that have to wait, in the order of their turns, and until when each turn is kept. */
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
    // A thousandth of a call is a rounding error, and no reason to wait.
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
