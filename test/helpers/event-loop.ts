/** How long the event loop was blocked. */

/** Runs the work; returns its value and the longest time between two turns of the event loop, in milliseconds. */
export async function longestGap<T>(work: () => Promise<T>): Promise<{ value: T; gapMs: number }> {
  let last = performance.now()
  let gapMs = 0
  const turn = () => {
    const now = performance.now()
    gapMs = Math.max(gapMs, now - last)
    last = now
  }
  const timer = setInterval(turn, 5)
  try {
    const value = await work()
    turn()
    return { value, gapMs }
  } finally {
    clearInterval(timer)
  }
}
