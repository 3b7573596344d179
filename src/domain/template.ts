/** Pure: names with placeholders, such as `{source}-{user}-{n}`. */
import { comparable } from '../lib/text.js'

/** `source`: the name of what is cloned. `user`: who asks. `date`: as 20261130. `n`: the first free number. */
export const TEMPLATE_WORDS = ['source', 'user', 'date', 'n'] as const

/** What replaces the placeholders of a template except `n`, in any spelling. */
export type TemplateWords = Readonly<Record<'source' | 'user' | 'date', string>>

const placeholder = /\{(source|user|date|n)\}/g
/** More copies under one name than anybody keeps. */
const MAX_NUMBER = 99
/** A name that is too long loses the end of the source, which is its longest part. */
const SOURCE_LENGTHS = [63, 40, 30, 20, 12, 6]

/** Whether a text has a placeholder. */
export function isTemplate(text: string): boolean {
  return text.search(placeholder) !== -1
}

/**
 * Fills in a template.
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
  for (let number = 1; number <= (isNumbered ? MAX_NUMBER : 1); number += 1) {
    const name = SOURCE_LENGTHS.map((length) =>
      fill(template, { ...fixed, source: source.slice(0, length).replace(/-+$/, ''), n: `${number}` }),
    ).find(accepts)
    if (name === undefined) return undefined
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
