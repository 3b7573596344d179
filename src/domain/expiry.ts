/** Pure: when what a job made expires, and when people are warned. */

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** How long before the end people are warned, in milliseconds. */
const WARNINGS_MS = [DAY, HOUR]

/** When an expiry needs attention next: the first warning that is still to come, or the end. Times are milliseconds since 1970. */
export function nextExpiryDue(expiresAt: number, now: number): number {
  const warnings = WARNINGS_MS.map((before) => expiresAt - before).filter((at) => at > now)
  return Math.min(...warnings, expiresAt)
}

/** What a job that succeeded sets: from now on, what it made has an end. */
export function expiryAfter(keepForMs: number | null, now: number): { expiresAt?: number; expiryDueAt?: number } {
  if (keepForMs === null) return {}
  const expiresAt = now + keepForMs
  return { expiresAt, expiryDueAt: nextExpiryDue(expiresAt, now) }
}
