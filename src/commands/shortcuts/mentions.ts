/** Pure: what a message may mean: a job by its id, or an entry of a list by its name, its id or a link that has either. */
import { comparable, MAX_FOREIGN_TEXT_LENGTH } from '../../lib/text.js'
import type { Option } from '../../providers/provider.js'
import { ownName, unescapeSlack } from '../../slack/text.js'

const MAX_JOBS = 10
/** Shorter ones are ordinary words, or parts of them. */
const MIN_NAME_LENGTH = 3
const MIN_ID_LENGTH = 6

/**
 * Ids of jobs in a message as Slack sends it, in order. Most words of five letters are none, so one of these counts only as
 * code, after the word "job", or with a digit in it.
 */
export function mentionedJobs(text: string): string[] {
  const id = '([abcdefghjkmnpqrstuvwxyz2-9]{5})'
  const found = text
    .slice(0, MAX_FOREIGN_TEXT_LENGTH)
    .matchAll(new RegExp(`\`${id}\`|\\bjob[ :#*]{1,3}${id}\\b|\\b(?=[a-z]*\\d)${id}\\b`, 'gi'))
  const ids = [...found].flatMap(([, ...groups]) => groups.filter((group) => group !== undefined))
  return [...new Set(ids.map((one) => one.toLowerCase()))].slice(0, MAX_JOBS)
}

/** The words of a message, each between spaces. A word with dots, such as a host, is there without what follows the first one too. */
export function wordsOf(text: string): string {
  // Mentions of people and channels say nothing about apps.
  const plain = unescapeSlack(text.slice(0, MAX_FOREIGN_TEXT_LENGTH).replaceAll(/<[@#!][^>]*>/g, ' '))
  const words = inWords(plain)
  const starts = words.flatMap((word) => (word.includes('.') ? [word.slice(0, word.indexOf('.'))] : []))
  return ` ${[...words, ...starts].join(' ')} `
}

function inWords(text: string): string[] {
  const words = comparable(text).split(/[^\p{L}\p{N}\p{M}._-]+/u)
  return words.map((word) => word.replaceAll(/^[._-]+|[._-]+$/g, '')).filter(Boolean)
}

/** What a message means of a list. */
export interface Mention {
  /** The entry's id, or a name that several of them have: the form then says so. */
  value: string
  /** The more of it the message has, the better. */
  weight: number
}

/** Beyond every length of a name. */
const EXACT = 10_000

/** The entry that the words of a message name best, by id, by label or by its own name; null if they name none. */
export function mentionedOption(words: string, options: readonly Option[]): Mention | null {
  const has = (name: string) => words.includes(` ${inWords(name).join(' ')} `)
  const found = options.flatMap(({ value, label }) => {
    const own = ownName(label)
    const isExact = (value.length >= MIN_ID_LENGTH && has(value)) || (own !== label && has(label))
    if (!isExact && (own.length < MIN_NAME_LENGTH || !has(own))) return []
    return [{ value, own, weight: (isExact ? EXACT : 0) + Math.min(own.length, EXACT - 1) }]
  })
  const weight = found.reduce((max, one) => Math.max(max, one.weight), 0)
  const [first, ...others] = found.filter((one) => one.weight === weight)
  return first ? { value: others.length > 0 ? first.own : first.value, weight } : null
}
