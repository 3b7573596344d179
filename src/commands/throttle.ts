/** How often one person may ask: a burst at once, then one by one. */
import { LRUCache } from 'lru-cache'
import { inWords } from '../slack/text.js'

/** How many requests go through at once, and how often one after that, in milliseconds. */
export interface Allowance {
  burst: number
  everyMs: number
}

export const allowances = {
  command: { burst: 10, everyMs: 3_000 },
  /** Each command leads to a few pages, some of them sent again after a correction. */
  submission: { burst: 30, everyMs: 1_000 },
  /** In messages and on the Home tab: people page through lists quickly. */
  click: { burst: 30, everyMs: 1_000 },
  /** A text box that lists depend on reports every character. */
  choice: { burst: 60, everyMs: 500 },
  /** One notice on top of a form is enough. */
  notice: { burst: 1, everyMs: 10_000 },
} as const satisfies Record<string, Allowance>

/** More people than ever type at the same time. */
const MAX_PEOPLE = 1_000

/** What a person reads after too many requests. `advice` is what to do after the wait. */
export function tooManyRequests(waitMs: number, advice: string): string {
  return `That was a lot at once. Wait ${inWords(waitMs)}, then ${advice}.`
}

/** A leaky bucket per person. */
export class Throttle {
  readonly #allowance: Allowance
  /** When each person's bucket is empty again, in monotonic milliseconds. */
  readonly #emptyAt = new LRUCache<string, number>({ max: MAX_PEOPLE })

  constructor(allowance: Allowance = allowances.command) {
    this.#allowance = allowance
  }

  /**
   * Takes one request of this person, or answers how long they should wait, in milliseconds.
   *
   * @param elapsed monotonic milliseconds: a clock that is set back would lock everyone out.
   */
  take(person: string, elapsed: number): { waitMs: number } {
    const { burst, everyMs } = this.#allowance
    const emptyAt = Math.max(this.#emptyAt.get(person) ?? 0, elapsed)
    const waitMs = emptyAt + everyMs - (elapsed + burst * everyMs)
    this.#emptyAt.set(person, waitMs > 0 ? emptyAt : emptyAt + everyMs)
    return { waitMs: Math.max(waitMs, 0) }
  }

  /** How many people it keeps count of. */
  get size(): number {
    return this.#emptyAt.size
  }
}
