/** Recognises commands that Slack delivers twice because it did not hear that the first one arrived. */
import { LRUCache } from 'lru-cache'

/** More than people type while Slack may still redeliver. */
const MAX_TRIGGER_IDS = 1_000

/**
 * Returns a function that says whether a command was delivered before. Slack makes one trigger id per command, the same in
 * both deliveries. An empty id never counts as a repeat.
 */
export function createRedeliveryCheck(): (triggerId: string) => boolean {
  const seen = new LRUCache<string, true>({ max: MAX_TRIGGER_IDS })
  return (triggerId) => {
    if (triggerId === '') return false
    const isRedelivery = seen.has(triggerId)
    if (!isRedelivery) seen.set(triggerId, true)
    return isRedelivery
  }
}
