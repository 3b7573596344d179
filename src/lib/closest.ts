/** The known word that somebody may have meant. */

/** Undefined when none is near: at most every second character may differ. */
function closest(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance <= Math.max(word.length, candidate.length) / 2)
    .sort((one, other) => one.distance - other.distance)
  return ranked[0]?.candidate
}

/** The question that goes behind a refusal, as a sentence of its own or with a semicolon; empty when nothing is near. */
export function didYouMean(word: string, known: readonly string[], did: ' Did' | '; did' = ' Did'): string {
  const near = closest(word, known)
  return near === undefined ? '' : `${did} you mean "${near}"?`
}

/** Levenshtein's: how many characters must be added, removed or replaced. */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, at) => at)
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1)
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1))
    }
    previous = current
  }
  return previous[to.length] ?? 0
}
