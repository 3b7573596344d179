/** Suggests the known word that somebody may have meant. */
import { distance } from 'fastest-levenshtein'
import { comparable } from './text.js'

/** In characters. Longer words were pasted, not mistyped. */
const MAX_WORD_LENGTH = 64
const MAX_CANDIDATES = 2_000

/** The one that begins with it, or the nearest: at most half of the characters may differ. Undefined if there is none. */
export function closest(word: string, known: readonly string[]): string | undefined {
  if (word.length > MAX_WORD_LENGTH) return undefined
  const typed = comparable(word)
  const candidates = known
    .slice(0, MAX_CANDIDATES)
    .filter(({ length }) => length <= MAX_WORD_LENGTH)
    .map((candidate) => ({ candidate, name: comparable(candidate) }))
  const [begun, another] = candidates.filter(({ name }) => typed !== '' && name.startsWith(typed))
  if (begun && !another) return begun.candidate
  const near = candidates
    .map(({ candidate, name }) => {
      const lengths = Math.abs(name.length - typed.length)
      return { candidate, letters: distance(typed, name), lengths, max: Math.max(name.length, typed.length) / 2 }
    })
    .filter(({ letters, max }) => letters <= max)
    .sort((one, other) => one.letters - other.letters || one.lengths - other.lengths)
  return near[0]?.candidate
}

/** " Did you mean …?" to append to an error, as its own sentence or after a semicolon; empty if nothing is near. */
export function didYouMean(word: string, known: readonly string[], did: ' Did' | '; did' = ' Did'): string {
  const near = closest(word, known)
  return near === undefined ? '' : `${did} you mean "${near}"?`
}
