/** Commands that Slack delivers a second time, because it did not hear that the first one arrived. */

/** More than are typed within the minutes in which Slack delivers again; it only bounds memory. */
const maxKept = 1_000

export class Twins {
  /** Trigger ids, the oldest first: Slack makes one for each command, and it is the same in both deliveries. */
  readonly #seen = new Set<string>()

  /** Whether this command came before. An empty id is nobody's. */
  isTwin(triggerId: string): boolean {
    if (triggerId === '') return false
    if (this.#seen.has(triggerId)) return true
    this.#seen.add(triggerId)
    const [oldest] = this.#seen
    if (this.#seen.size > maxKept && oldest !== undefined) this.#seen.delete(oldest)
    return false
  }
}
