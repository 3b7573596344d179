/** Pure: the text behind a command → words and `field=value` pairs, read once from left to right. */

import { UserError } from '../../errors.js'
import { comparable } from '../../lib/text.js'
import { blank, closingQuotes, invisible, withoutInvisibleEdges } from '../../lib/typed-text.js'
import { brief, unescapeSlack } from '../../slack/text.js'

export interface CommandText {
  /** What is no `field=value`, in order. */
  words: string[]
  /** Values by field key, both as typed. */
  values: Record<string, string>
}

/** A phone turns two hyphens into one of these. */
const dash = String.raw`\-\u2010-\u2015\u2212\ufe58\ufe63\uff0d`
const COMMA = ',;，；、﹐﹔'

/** What the text is made of. In each, no character fits two neighbouring parts, so nothing is tried twice. */
const fragments = {
  /** Blanks between words, and invisible characters around them. */
  gap: new RegExp(`[${blank}${invisible}]+`, 'uy'),
  /** The name of a field and an equals sign of any width, with or without dashes and blanks: `name=`, `—Name =`, `name＝`. */
  key: new RegExp(`([\\p{L}\\p{N}\\p{M}_${dash}${invisible}]+)(?:[${blank}][${blank}${invisible}]*)?[=＝﹦]`, 'uy'),
  /** Joins another piece to a value. */
  separator: new RegExp(`[${blank}${invisible}]*[${COMMA}][${blank}${invisible}]*`, 'uy'),
  /** A word or a value up to the next blank. */
  bare: new RegExp(`[^${blank}]+`, 'uy'),
} as const

/** These are apostrophes as well, so they end a value only at the end of a word: 'it's fine'. */
const APOSTROPHES = "'’‘′＇´`"
const edge = new RegExp(`^(?:$|[${blank}${invisible}${COMMA}])`, 'u')
const hasBlank = new RegExp(`[${blank}]`, 'u')
const endsInComma = new RegExp(`[${COMMA}]$`)
const dashesBefore = new RegExp(`^[${dash}]+`, 'u')

/**
 * Reads `connection operation field=value …` as Slack sends it. Any pair of quotation marks encloses several words,
 * invisible characters at the edge of a word and dashes before it are ignored, and commas join pieces of one value. Takes
 * time in proportion to the text.
 *
 * @throws UserError for a quotation mark without a second one, and a field that is given twice.
 */
export function parseCommandText(sent: string): CommandText {
  // Slack sends three characters as entities.
  const text = unescapeSlack(sent)
  const words: string[] = []
  const values = new Map<string, string>()
  const given = new Set<string>()
  /** Opening marks that are never closed from here on: searching again for each would take quadratic time. */
  const endless = new Set<string>()
  let at = 0

  take('gap')
  while (at < text.length) {
    const key = take('key')?.[1]
    if (key === undefined) {
      words.push(withoutDashes(takeQuoted() ?? withoutCommasBehind(takeBare())))
    } else {
      const name = withoutDashes(withoutInvisibleEdges(key))
      if (given.has(comparable(name))) {
        throw new UserError(`${brief(name)} is given twice. Give it once; several values go with commas.`)
      }
      given.add(comparable(name))
      const gap = take('gap')?.[0] ?? ''
      // Behind a blank the next field ends an empty value.
      values.set(name, hasBlank.test(gap) && isNext('key') ? '' : takeValue())
    }
    take('gap')
  }
  return { words: words.filter(Boolean), values: Object.fromEntries(values) }

  /** Moves on behind this fragment if it is what comes next. */
  function take(name: keyof typeof fragments): RegExpExecArray | null {
    const fragment = fragments[name]
    fragment.lastIndex = at
    const found = fragment.exec(text)
    if (found) at += found[0].length
    return found
  }

  function isNext(name: keyof typeof fragments): boolean {
    const before = at
    const found = take(name) !== null
    at = before
    return found
  }

  function takeBare(): string {
    return withoutInvisibleEdges(take('bare')?.[0] ?? '')
  }

  /** What two quotation marks enclose, as it is; undefined when none comes next or none ends it. */
  function takeQuoted(): string | undefined {
    const opening = text[at] ?? ''
    const closing = closingQuotes(opening)
    if (closing === undefined || endless.has(opening)) return undefined
    for (let end = at + 1; end < text.length; end += 1) {
      const mark = text[end] ?? ''
      if (!closing.includes(mark)) continue
      if (APOSTROPHES.includes(mark) && !edge.test(text.slice(end + 1, end + 3))) continue
      const inner = text.slice(at + 1, end)
      at = end + 1
      return inner
    }
    endless.add(opening)
    return undefined
  }

  /** One piece or several that commas join, up to a blank or the next field. */
  function takeValue(): string {
    const pieces: string[] = []
    let [joiner, isQuoted] = ['', false]
    while (at < text.length) {
      const quoted = takeQuoted()
      if (quoted === undefined && closingQuotes(text[at] ?? '') !== undefined) {
        throw new UserError(
          `The quotation mark before "${brief(text.slice(at + 1))}" is never closed. Add one at the end of the value.`,
        )
      }
      const piece = quoted ?? takeBare()
      pieces.push(joiner, piece)
      isQuoted = quoted !== undefined
      if (quoted === undefined && endsInComma.test(piece)) {
        take('gap')
        if (isNext('key')) break
        joiner = ' '
      } else {
        const separator = take('separator')?.[0].trim()
        if (separator === undefined || isNext('key')) break
        joiner = `${separator} `
      }
    }
    // Behind the last piece it joins nothing.
    const last = pieces.at(-1) ?? ''
    if (!isQuoted) pieces.splice(-1, 1, withoutCommasBehind(last))
    return pieces.join('')
  }
}

function withoutCommasBehind(word: string): string {
  let end = word.length
  while (end > 0 && COMMA.includes(word[end - 1] ?? '')) end -= 1
  return word.slice(0, end)
}

function withoutDashes(word: string): string {
  return word.replace(dashesBefore, '')
}
