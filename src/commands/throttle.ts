/** How often one person may ask: a burst at once, then one by one. */

const burst = 10
const everyMs = 3_000
/** More people than type at the same moment; it only bounds memory. */
const mostPeople = 1_000

export class Throttle {
  /** Until when each person's requests so far are paid for, in milliseconds; the least recent first. */
  readonly #paidUntil = new Map<string, number>()

  /**
   * Takes one request of this person, or answers how long they should wait, in milliseconds.
   *
   * @param elapsed milliseconds by a clock that nobody sets: set back, it would lock everyone out.
   */
  take(person: string, elapsed: number): { waitMs: number } {
    const paidUntil = Math.max(this.#paidUntil.get(person) ?? 0, elapsed)
    const waitMs = paidUntil + everyMs - (elapsed + burst * everyMs)
    this.#paidUntil.delete(person)
    this.#paidUntil.set(person, waitMs > 0 ? paidUntil : paidUntil + everyMs)
    const [oldest] = this.#paidUntil.keys()
    if (this.#paidUntil.size > mostPeople && oldest !== undefined) this.#paidUntil.delete(oldest)
    return { waitMs: Math.max(waitMs, 0) }
  }

  /** How many people it remembers. */
  get size(): number {
    return this.#paidUntil.size
  }
}
