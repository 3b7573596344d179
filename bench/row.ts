/** What every row of the benchmark has in common. Each is a file in bench/rows/, named after its id, that exports `row`. */

export interface Row {
  /** What it measures, as the table says it. */
  title: string
  /** How long it may take, in milliseconds; then it's ended and the others go on. */
  maxMs: number
  measure(options: Options): Promise<Figure[]>
}

export interface Options {
  /** Small numbers, for a look whether it works: what it prints then proves nothing. */
  isQuick: boolean
}

/** One figure beside what it's compared with. */
export interface Figure {
  /** What was measured: "one by one, p99". */
  what: string
  ours: number
  /** What it's compared with, measured in the same run, or a limit. */
  theirs: number
  unit: 'ms' | 's' | 'MB' | 'calls' | 'jobs/s' | 'transactions/s' | '% of a core' | 'messages' | '×'
  /** Whom or what `theirs` belongs to: "bare Bolt", "poll interval + 1 s". */
  against: string
  /** What `ours / theirs` has to be. */
  goal: { atMost: number } | { atLeast: number }
  /** What stands behind the figure, in a sentence or two. */
  why: string
}

export function ratioOf({ ours, theirs }: Figure): number {
  return ours / theirs
}

/** Whether the figure reaches its goal, as far as it's printed: 1.004 is no miss of 1.00. */
export function isReached(figure: Figure): boolean {
  const ratio = Math.round(ratioOf(figure) * 100) / 100
  return 'atMost' in figure.goal ? ratio <= figure.goal.atMost : ratio >= figure.goal.atLeast
}
