/** Pure: how providers put into words what their vendors say. */
import type { Named, Option } from './provider.js'

/** An option whose description is whatever is known of these remarks. */
export function describedOption(value: string, label: string, ...remarks: (string | null | undefined)[]): Option {
  const description = remarks.filter(Boolean).join(' · ')
  return { value, label, ...(description && { description }) }
}

/** The place of a thing whose list cannot say where it lives. Rules treat a source there as one that could be anywhere. */
export const UNKNOWN_PLACE = 'an unknown place'

/**
 * What was chosen in a field, with its place: "shop-api in production". A name that was typed where there is no list has none.
 * For both ends of a `summary`, because rules of access compare these words.
 */
export function placed(named: Named, field: string): string {
  const [name = '', place] = [named[field], named[`${field}.place`]]
  return place === undefined ? name : `${name} in ${place}`
}

/** One sentence out of what is true of these parts: "The code, secrets, health checks." */
export function sentence(...parts: (string | false | null | undefined)[]): string {
  return `${parts.filter(Boolean).join(', ')}.`
}

/** Shows only the end of every long id: some vendors build an address out of it, and whoever knows the address is in. */
export function maskIds(text: string): string {
  // Whole runs first: a pattern that names their ends as well tries each hyphen of a long run again and again.
  return text.replace(/[0-9a-f-]{24,}/gi, (run) => {
    let [from, to] = [0, run.length]
    while (run[from] === '-') from += 1
    while (to > from && run[to - 1] === '-') to -= 1
    return to - from < 24 ? run : `${run.slice(0, from)}…${run.slice(to - 4)}`
  })
}

/** Takes the credentials out of addresses in a vendor's words: a log of a build may quote `https://user:token@host`. */
export function withoutCredentials(text: string): string {
  // Up to the last @ before a slash, for a password may have one of its own. Looking back, no part is read twice.
  return text.replace(/(?<=:\/\/)[^\s/]+@/g, '••••@')
}
