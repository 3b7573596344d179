/**
 * Text objects rewritten so that the drawing library shows them as Slack does. It reads all text as Markdown; what Slack
 * does not format becomes a numeric character reference, which Markdown shows and never interprets.
 */
import { isRecord } from '../workspace/api.js'

const CODE = /```[\s\S]*?```|`[^`\n]+`/
const UNTOUCHED = /<[^<>\n]+>|https?:\/\/[^\s<>|]+|:[a-z0-9_+'-]+:/
const ENTITY = /&(?:amp|lt|gt);/
const MARKS = /[*_~]/
const INDENT = /(?<=^|\n) +/
const LINE_START = /(?<=(?:^|\n)\s*)[#+=-]/
const MARKDOWN_ONLY = /[[\]|\\]/
const mrkdwnPart = new RegExp(
  [CODE, UNTOUCHED, ENTITY, MARKS, INDENT, LINE_START, MARKDOWN_ONLY].map((part) => `(${part.source})`).join('|'),
  'g',
)
const PLAIN_PART = /(:[a-z0-9_+'-]+:)|(&(?:amp|lt|gt);)|([!-/:-@[-`{-~])|((?<=^|\n) +)/g

/** The same blocks with their text objects rewritten, and without block ids, which the library would use as DOM ids. */
export function forLibrary(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(forLibrary)
  if (!isRecord(value)) return value
  if (typeof value.text === 'string') {
    if (value.type === 'plain_text') return { type: 'plain_text', text: escapePlain(value.text, value.emoji !== false) }
    if (value.type === 'mrkdwn') return { type: 'mrkdwn', text: escapeMrkdwn(value.text) }
  }
  const parts = Object.entries(value).filter(([key]) => key !== 'block_id')
  return Object.fromEntries(parts.map(([key, part]) => [key, forLibrary(part)]))
}

/** Plain text: nothing is formatted but emoji, and not even those when the app said so. */
function escapePlain(text: string, withEmoji: boolean): string {
  return text.replaceAll(PLAIN_PART, (all, emoji?: string, known?: string, sign?: string) => {
    if (emoji) return withEmoji ? all : references(all)
    if (known) return references(decoded(known))
    return sign ? references(sign) : nonBreaking(all)
  })
}

/** Slack's mrkdwn: its own formatting stays, Markdown's is defused. */
function escapeMrkdwn(text: string): string {
  return text.replaceAll(mrkdwnPart, (all: string, ...rest: unknown[]) => {
    const [inCode, kept, known, mark, spaces] = rest
    const offset = rest.find((part) => typeof part === 'number') ?? 0
    // In code nothing can be escaped, and the library would double the asterisks: a look-alike stands in for them.
    if (inCode) return decoded(all).replaceAll('*', '∗')
    if (kept) return all
    // At the start of a line an escaped ">" still makes a quote.
    if (known) return known === '&gt;' && isLineStart(text, offset) ? all : references(decoded(all))
    if (mark) return canFormat(text, offset) ? all : references(all)
    return spaces ? nonBreaking(all) : references(all)
  })
}

/** Whether a mark at this place can open or close formatting: it touches a word on one side only. */
function canFormat(text: string, offset: number): boolean {
  const before = text.charAt(offset - 1)
  const after = text.charAt(offset + 1)
  const opens = !/[\p{L}\p{N}]/u.test(before) && /\S/.test(after)
  const closes = /\S/.test(before) && !/[\p{L}\p{N}]/u.test(after)
  return opens || closes
}

function isLineStart(text: string, offset: number): boolean {
  return offset === 0 || text.charAt(offset - 1) === '\n'
}

function references(text: string): string {
  return [...text].map((sign) => `&#${sign.codePointAt(0)};`).join('')
}

function nonBreaking(spaces: string): string {
  return '\u00a0'.repeat(spaces.length)
}

/** Undoes Slack's three escapes. */
function decoded(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
}
