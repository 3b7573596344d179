/** How much work something is, whatever else the machine does meanwhile. */
import { expect } from 'vitest'

const TRIES = 3

/**
 * Expects that the work takes less than so many milliseconds of this process's own CPU time, in one of three tries: a busy
 * machine slows down one of them, but work that grows with the square of a text is too slow in all. Not for work that
 * remembers its result: only the fastest try counts.
 *
 * @param hint names the input in a failure.
 */
export async function expectCpuBelow(maxMs: number, work: () => unknown, hint?: string): Promise<void> {
  let leastMs = Number.POSITIVE_INFINITY
  for (let tried = 0; tried < TRIES && leastMs >= maxMs; tried += 1) {
    const began = process.cpuUsage()
    await work()
    const { user, system } = process.cpuUsage(began)
    leastMs = Math.min(leastMs, (user + system) / 1_000)
  }
  expect(leastMs, hint).toBeLessThan(maxMs)
}
