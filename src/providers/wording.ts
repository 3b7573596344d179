/** Pure: words for people, made of what vendors say. */
import { ConnectionError, UserError } from '../errors.js'
import type { Named, Option } from './provider.js'

type Remark = string | null | undefined

/** An option whose description lists those of the remarks that aren't empty. */
export function describedOption(value: string, label: string, ...remarks: Remark[]): Option {
  const description = remarks.filter(Boolean).join(' · ')
  return { value, label, ...(description && { description }) }
}

/** The place of a thing whose list can't say where it lives. Access rules treat such a source as if it could be anywhere. */
export const UNKNOWN_PLACE = 'an unknown place'

/** An option with its place, which is also the first of its remarks. */
export function placedOption(value: string, label: string, place: Remark, ...remarks: Remark[]): Option {
  return { ...describedOption(value, label, place, ...remarks), place: place || UNKNOWN_PLACE }
}

/**
 * What was chosen in a field, with its place: "shop-api in production". A name typed without a list has no place. For both ends
 * of a `summary`: access rules compare these words.
 */
export function placed(named: Named, field: string): string {
  const [name = '', place] = [named[field], named[`${field}.place`]]
  return place === undefined ? name : `${name} in ${place}`
}

/** One sentence of those parts that aren't empty: "The code, secrets, health checks." */
export function sentence(...parts: (string | false | null | undefined)[]): string {
  return `${parts.filter(Boolean).join(', ')}.`
}

export function withPeriod(sentence: string): string {
  return sentence.replace(/\.?$/, '.')
}

/** A refusal with one more sentence; any other error unchanged. */
export function withSentence(words: string, error: unknown): unknown {
  const message = error instanceof Error ? `${withPeriod(error.message)} ${words}` : words
  if (error instanceof UserError) return new UserError(message, { field: error.field, status: error.status })
  return error instanceof ConnectionError ? new ConnectionError(message, { status: error.status }) : error
}

/** Shows only the end of every long id: with some vendors it is part of an address that opens for anyone who knows it. */
export function maskIds(text: string): string {
  // Matches whole runs first: a pattern for their ends too would try each hyphen of a long run again and again.
  return text.replace(/[0-9a-f-]{24,}/gi, (run) => {
    let [from, to] = [0, run.length]
    while (run[from] === '-') from += 1
    while (to > from && run[to - 1] === '-') to -= 1
    return to - from < 24 ? run : `${run.slice(0, from)}…${run.slice(to - 4)}`
  })
}

/** Removes credentials from addresses in a vendor's text: a build log may quote `https://user:token@host`. */
export function withoutCredentials(text: string): string {
  // Up to the last @ before a slash, because a password may contain one. The lookbehind reads no part twice.
  return text.replace(/(?<=:\/\/)[^\s/]+@/g, '••••@')
}
