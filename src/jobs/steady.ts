/** Whether the clock on the wall has run evenly of late, by which alone nobody can tell that a claim has run out. */

/** More than any clock is slewed by between two looks. */
const jumpMs = 1_000

/**
 * A clock that jumps ahead ends all claims at once, also those of a process that is in the middle of a write. Each is
 * renewed within a third of its time by whoever still lives, so it is enough to take over nothing for a while.
 */
export class SteadyClock {
  readonly #now: () => number
  readonly #monotonic: () => number
  readonly #whileMs: number
  #apart: number
  #since: number

  /**
   * @param now the clock on the wall, in milliseconds, by which claims are dated.
   * @param monotonic milliseconds that nobody sets, from any beginning.
   * @param whileMs how long no jump must have been seen; a clock that was just made has seen nothing yet.
   */
  constructor(now: () => number, monotonic: () => number, whileMs: number) {
    this.#now = now
    this.#monotonic = monotonic
    this.#whileMs = whileMs
    this.#apart = now() - monotonic()
    this.#since = monotonic()
  }

  isSteady(): boolean {
    const monotonic = this.#monotonic()
    const apart = this.#now() - monotonic
    if (Math.abs(apart - this.#apart) > jumpMs) this.#since = monotonic
    this.#apart = apart
    return monotonic - this.#since >= this.#whileMs
  }
}
