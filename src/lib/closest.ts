/** The known word that somebody may have meant. */
import { distance } from 'fastest-levenshtein'
import { comparable } from './text.js'

/** In characters. Longer words were pasted, not mistyped, and are not compared. */
const MAX_WORD_LENGTH = 64
const MAX_CANDIDATES = 2_000

/** Undefined when none is near: at most every second character may differ. */
function closest(word: string, known: readonly string[]): string | undefined {
  if (word.length > MAX_WORD_LENGTH) return undefined
  const typed = comparable(word)
  const candidates = known
    .slice(0, MAX_CANDIDATES)
    .filter(
      (candidate) => candidate.length <= MAX_WORD_LENGTH && gap(candidate, typed) <= maxDistance(candidate, typed),
    )
    .map((candidate) => ({ candidate, name: comparable(candidate) }))
    .sort((one, other) => gap(one.name, typed) - gap(other.name, typed))
  let nearest: { candidate: string; distance: number } | undefined
  for (const { candidate, name } of candidates) {
    // From here on the lengths alone differ by more.
    if (nearest && gap(name, typed) >= nearest.distance) break
    const letters = distance(typed, name)
    if (letters > maxDistance(name, typed) || (nearest && letters >= nearest.distance)) continue
    nearest = { candidate, distance: letters }
  }
  return nearest?.candidate
}

/** The question that goes behind a refusal, as a sentence of its own or with a semicolon; empty when nothing is near. */
export function didYouMean(word: string, known: readonly string[], did: ' Did' | '; did' = ' Did'): string {
  const near = closest(word, known)
  return near === undefined ? '' : `${did} you mean "${near}"?`
}

const gap = (one: string, other: string) => Math.abs(one.length - other.length)
const maxDistance = (one: string, other: string) => Math.max(one.length, other.length) / 2
