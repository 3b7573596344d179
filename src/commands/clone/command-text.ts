/** Pure: the text of a command → words and `field=value` pairs, parsed once from left to right. */
import { UserError } from '../../errors.js'
import { comparable } from '../../lib/text.js'
import { blank, closingQuotes, invisible, withoutInvisibleEdges } from '../../lib/typed-text.js'
import { brief, unescapeSlack } from '../../slack/text.js'

export interface CommandText {
  /** Everything that is not `field=value`, in order. */
  words: string[]
  /** Values by field key, both as typed. */
  values: Record<string, string>
}

/** A phone turns two hyphens into one of these. */
const dash = String.raw`\-\u2010-\u2015\u2212\ufe58\ufe63\uff0d`
const COMMA = ',;，；、﹐﹔'

/** The pieces of the text. Within each, no character fits two neighbouring parts, so a match never backtracks. */
const fragments = {
  /** Blanks between words, and invisible characters around them. */
  space: new RegExp(`[${blank}${invisible}]+`, 'uy'),
  /** The name of a field and an equals sign of any width, with or without dashes and blanks: `name=`, `—Name =`, `name＝`. */
  key: new RegExp(`([\\p{L}\\p{N}\\p{M}_${dash}${invisible}]+)(?:[${blank}][${blank}${invisible}]*)?[=＝﹦]`, 'uy'),
  /** Joins another piece to a value. */
  separator: new RegExp(`[${blank}${invisible}]*[${COMMA}][${blank}${invisible}]*`, 'uy'),
  /** A word or a value up to the next blank. */
  bare: new RegExp(`[^${blank}]+`, 'uy'),
} as const

/** Quotes that are apostrophes too, as in 'it's fine': they end a value only at the end of a word. */
const APOSTROPHES = "'’‘′＇´`"
const edge = new RegExp(`^(?:$|[${blank}${invisible}${COMMA}])`, 'u')
const hasBlank = new RegExp(`[${blank}]`, 'u')
const endsInComma = new RegExp(`[${COMMA}]$`)
const dashesBefore = new RegExp(`^[${dash}]+`, 'u')

/**
 * Parses `connection operation field=value …` as Slack sends it. Any pair of quotation marks encloses several words,
 * invisible characters at the edge of a word and dashes before it are ignored, and commas join pieces of one value. Runs in
 * linear time.
 *
 * @throws UserError for a quotation mark that is never closed, and for a field that appears twice.
 */
export function parseCommandText(sent: string): CommandText {
  // Slack sends three characters as entities.
  const text = unescapeSlack(sent)
  const words: string[] = []
  const values = new Map<string, string>()
  const given = new Set<string>()
  /** Opening marks without a closing one in the rest of the text: searching again each time would be quadratic. */
  const unclosed = new Set<string>()
  let at = 0

  take('space')
  while (at < text.length) {
    const key = take('key')?.[1]
    if (key === undefined) {
      words.push(withoutLeadingDashes(takeQuoted() ?? withoutTrailingCommas(takeBare())))
    } else {
      const name = withoutLeadingDashes(withoutInvisibleEdges(key))
      if (given.has(comparable(name))) {
        throw new UserError(`${brief(name)} appears twice. Write it once, with commas between several values.`)
      }
      given.add(comparable(name))
      const space = take('space')?.[0] ?? ''
      // `a= b=c`: after a space the next field begins, and the value is empty.
      values.set(name, hasBlank.test(space) && isNext('key') ? '' : takeValue())
    }
    take('space')
  }
  return { words: words.filter(Boolean), values: Object.fromEntries(values) }

  /** Moves past this fragment if it comes next. */
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

  /** The text between two quotation marks; undefined unless one comes next and one closes it. */
  function takeQuoted(): string | undefined {
    const opening = text[at] ?? ''
    const closing = closingQuotes(opening)
    if (closing === undefined || unclosed.has(opening)) return undefined
    for (let end = at + 1; end < text.length; end += 1) {
      const mark = text[end] ?? ''
      if (!closing.includes(mark)) continue
      if (APOSTROPHES.includes(mark) && !edge.test(text.slice(end + 1, end + 3))) continue
      const inner = text.slice(at + 1, end)
      at = end + 1
      return inner
    }
    unclosed.add(opening)
    return undefined
  }

  /** One piece or several joined by commas, up to a space or the next field. */
  function takeValue(): string {
    const pieces: string[] = []
    let [joiner, isQuoted] = ['', false]
    while (at < text.length) {
      const quoted = takeQuoted()
      if (quoted === undefined && closingQuotes(text[at] ?? '') !== undefined) {
        throw new UserError(
          `The quote before "${brief(text.slice(at + 1))}" is never closed. Add one at the end of the value.`,
        )
      }
      const piece = quoted ?? takeBare()
      pieces.push(joiner, piece)
      isQuoted = quoted !== undefined
      if (quoted === undefined && endsInComma.test(piece)) {
        take('space')
        if (isNext('key')) break
        joiner = ' '
      } else {
        const separator = take('separator')?.[0].trim()
        if (separator === undefined || isNext('key')) break
        joiner = `${separator} `
      }
    }
    // A comma after the last piece joins nothing.
    const last = pieces.at(-1) ?? ''
    if (!isQuoted) pieces.splice(-1, 1, withoutTrailingCommas(last))
    return pieces.join('')
  }
}

function withoutTrailingCommas(word: string): string {
  let end = word.length
  while (end > 0 && COMMA.includes(word[end - 1] ?? '')) end -= 1
  return word.slice(0, end)
}

function withoutLeadingDashes(word: string): string {
  return word.replace(dashesBefore, '')
}
