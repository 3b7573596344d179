/** Measurements side by side: the same block of each, again and again in turn, so that whatever else the machine does meets all. */

/**
 * Runs a block of each, again and again in turn.
 *
 * @param rounds how many blocks of each, after one of each that doesn't count.
 * @param blocks by contestant; each returns what it measured.
 * @returns what the blocks of each contestant measured.
 */
export async function inTurn<Name extends string, T>(
  rounds: number,
  blocks: Readonly<Record<Name, () => Promise<T>>>,
): Promise<Record<Name, T[]>> {
  const names = Object.keys(blocks) as Name[]
  const figures = Object.fromEntries(names.map((name) => [name, [] as T[]])) as Record<Name, T[]>
  for (let round = 0; round <= rounds; round += 1) {
    for (const name of names) {
      const figure = await blocks[name]()
      if (round > 0) figures[name].push(figure)
    }
  }
  return figures
}

export function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((one, other) => one - other)
  const middle = sorted.length / 2
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle) - 1] ?? 0)) / 2
}

/** @param share 0 to 1: 0.99 for the figure that 99 of 100 don't exceed. */
export function quantile(figures: readonly number[], share: number): number {
  const sorted = figures.toSorted((one, other) => one - other)
  return sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? Number.NaN
}

/** Milliseconds of `work`. */
export async function timed(work: () => unknown): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

/** Milliseconds of this process's CPU that `work` takes. */
export async function cpuOf(work: () => unknown): Promise<number> {
  const began = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(began)
  return (user + system) / 1_000
}
