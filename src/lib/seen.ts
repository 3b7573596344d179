/** Remembers what must not come twice, such as a signed request. */

/**
 * Notes a key, and answers whether it was noted before.
 *
 * @param until when it may be forgotten, in milliseconds since 1970.
 * @throws TemporaryError when the database doesn't answer.
 */
export type SeenBefore = (key: string, until: number) => Promise<boolean>

/**
 * For a process that is alone. Bounded by time only: dropping entries when it is full would let a repeated request in.
 *
 * @param now milliseconds since 1970.
 */
export function seenInMemory(now: () => number): SeenBefore {
  const forgetAt = new Map<string, number>()
  return async (key, until) => {
    const at = now()
    for (const [old, oldUntil] of forgetAt) if (oldUntil < at) forgetAt.delete(old)
    if (forgetAt.has(key)) return true
    forgetAt.set(key, until)
    return false
  }
}
