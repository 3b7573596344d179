/** Sees when the clock on the wall was set, after which alone nobody can tell by it how long ago something was. */

/** More than any clock is slewed by between two looks. */
const JUMP_MS = 1_000

/**
 * A clock that jumps ahead ends all claims and waits at once, also those of a process that is in the middle of a write;
 * one that is set back makes everything wait for what was planned before. So no claim is taken over and no absence is
 * believed until the clock was seen to run evenly for as long.
 */
export class SteadyClock {
  readonly #now: () => number
  readonly #monotonic: () => number
  readonly #onJump: (byMs: number) => void
  #apart: number
  #since: number

  /**
   * @param now the clock on the wall, in milliseconds.
   * @param monotonic milliseconds that nobody sets, from any beginning.
   * @param onJump told by how much the clock was set, as soon as somebody looks.
   */
  constructor(now: () => number, monotonic: () => number, onJump: (byMs: number) => void = () => {}) {
    this.#now = now
    this.#monotonic = monotonic
    this.#onJump = onJump
    this.#apart = now() - monotonic()
    this.#since = monotonic()
  }

  /** For how long no jump was seen, in milliseconds; a clock that was just made has seen nothing yet. */
  steadyForMs(): number {
    const monotonic = this.#monotonic()
    const jumpedBy = this.#now() - monotonic - this.#apart
    this.#apart += jumpedBy
    if (Math.abs(jumpedBy) > JUMP_MS) {
      this.#since = monotonic
      this.#onJump(jumpedBy)
    }
    return monotonic - this.#since
  }
}
