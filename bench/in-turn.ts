/** Two measurements side by side: the same block of each, again and again in turn, so that whatever else the machine does meets both. */

/** Medians of all rounds. */
export interface Pair {
  ours: number
  rivals: number
}

/**
 * @param ours measures one block, and returns how long it took or how much it did.
 * @param rivals the same of the rival.
 * @param rounds how many blocks of each, after one of each that doesn't count.
 */
export async function inTurn(
  rounds: number,
  ours: () => Promise<number>,
  rivals: () => Promise<number>,
): Promise<Pair> {
  const figures: { ours: number[]; rivals: number[] } = { ours: [], rivals: [] }
  for (let round = 0; round <= rounds; round += 1) {
    const [one, other] = [await ours(), await rivals()]
    if (round === 0) continue
    figures.ours.push(one)
    figures.rivals.push(other)
  }
  return { ours: median(figures.ours), rivals: median(figures.rivals) }
}

export function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((one, other) => one - other)
  const middle = sorted.length / 2
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle) - 1] ?? 0)) / 2
}

/** Milliseconds of `work`. */
export async function timed(work: () => unknown): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}
