/** Commands that Slack delivers a second time, because it did not hear that the first one arrived. */

/** Only bounds memory: more than are typed while Slack may still redeliver. */
const MAX_KEPT = 1_000

export class Redeliveries {
  /** Trigger ids, the oldest first: Slack makes one for each command, and it is the same in both deliveries. */
  readonly #seen = new Set<string>()

  /** Whether this command was delivered before. An empty id never counts as a repeat. */
  isRedelivery(triggerId: string): boolean {
    if (triggerId === '') return false
    if (this.#seen.has(triggerId)) return true
    this.#seen.add(triggerId)
    const [oldest] = this.#seen
    if (this.#seen.size > MAX_KEPT && oldest !== undefined) this.#seen.delete(oldest)
    return false
  }
}
