/** Suggests the known word that somebody may have meant. */
import { distance } from 'fastest-levenshtein'
import { comparable } from './text.js'

/** In characters. Longer words were pasted, not mistyped. */
const MAX_WORD_LENGTH = 64
const MAX_CANDIDATES = 2_000

/** Undefined if none is near: at most half of the characters may differ. */
function closest(word: string, known: readonly string[]): string | undefined {
  if (word.length > MAX_WORD_LENGTH) return undefined
  const typed = comparable(word)
  const candidates = known
    .slice(0, MAX_CANDIDATES)
    .filter(
      (candidate) =>
        candidate.length <= MAX_WORD_LENGTH && lengthDifference(candidate, typed) <= maxDistance(candidate, typed),
    )
    .map((candidate) => ({ candidate, name: comparable(candidate) }))
    .sort((one, other) => lengthDifference(one.name, typed) - lengthDifference(other.name, typed))
  let nearest: { candidate: string; distance: number } | undefined
  for (const { candidate, name } of candidates) {
    // All further candidates differ more in length alone.
    if (nearest && lengthDifference(name, typed) >= nearest.distance) break
    const letters = distance(typed, name)
    if (letters > maxDistance(name, typed) || (nearest && letters >= nearest.distance)) continue
    nearest = { candidate, distance: letters }
  }
  return nearest?.candidate
}

/** " Did you mean …?" to append to an error, as its own sentence or after a semicolon; empty if nothing is near. */
export function didYouMean(word: string, known: readonly string[], did: ' Did' | '; did' = ' Did'): string {
  const near = closest(word, known)
  return near === undefined ? '' : `${did} you mean "${near}"?`
}

const lengthDifference = (one: string, other: string) => Math.abs(one.length - other.length)
const maxDistance = (one: string, other: string) => Math.max(one.length, other.length) / 2
