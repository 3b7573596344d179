/** Pure: names with placeholders, such as `{source}-{user}-{n}`. */
import { comparable } from '../lib/text.js'

/** `source`: the name of what is cloned. `user`: who asks. `date`: as 20261130. `n`: the first free number. */
export const TEMPLATE_WORDS = ['source', 'user', 'date', 'n'] as const

/** What replaces the placeholders of a template except `n`, in any spelling. */
export type TemplateWords = Readonly<Record<'source' | 'user' | 'date', string>>

const placeholder = /\{(source|user|date|n)\}/g
/** More copies under one name than anybody keeps. */
const MAX_NUMBER = 99
/** Names often become the first part of an address, which takes no more. */
const MAX_NAME_LENGTH = 63

/** Whether a text has a placeholder. */
export function isTemplate(text: string): boolean {
  return text.search(placeholder) !== -1
}

/**
 * Fills in a template. A name that is too long loses the end of the source, which is its longest part, and never more of it
 * than it has to.
 *
 * @param accepts whether the field takes this name.
 * @param isTaken whether something has this name already. Only asked where the template has a number to choose.
 * @returns undefined if no name fits; the text as it is if it is no template.
 */
export function expandTemplate(
  template: string,
  words: TemplateWords,
  { accepts, isTaken }: { accepts(name: string): boolean; isTaken(name: string): boolean },
): string | undefined {
  if (!isTemplate(template)) return template
  const isNumbered = template.includes('{n}')
  const source = slug(words.source) || 'clone'
  const fixed = { user: slug(words.user) || 'someone', date: words.date }
  // What is too long with one number is too long with the next.
  let length = source.length
  for (let number = 1; number <= (isNumbered ? MAX_NUMBER : 1); number += 1) {
    const withSource = (part: string) => fill(template, { ...fixed, source: part.replace(/-+$/, ''), n: `${number}` })
    length = Math.min(length, Math.max(MAX_NAME_LENGTH - withSource('').length, 1))
    while (length > 1 && !accepts(withSource(source.slice(0, length)))) length -= 1
    const name = withSource(source.slice(0, length))
    if (!accepts(name)) return undefined
    if (!isNumbered || !isTaken(name)) return name
  }
  return undefined
}

function fill(template: string, words: Readonly<Record<string, string>>): string {
  return template.replaceAll(placeholder, (_, word: string) => words[word] ?? '')
}

/** Lower-case letters, digits and single hyphens: what every provider takes in a name. */
export function slug(text: string): string {
  return comparable(text)
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
}
