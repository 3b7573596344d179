/**
 * Every provider's answer comes in here: it is bounded before it's parsed, and each text in it is cut, normalised and redacted
 * before anything else reads it. This happens in slices of milliseconds, so that the event loop isn't blocked.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Redactor } from '../lib/redact.js'
import { cut, foreignText } from '../lib/text.js'
import { listLimits } from './paging.js'

export const MAX_BODY_BYTES = 10 * 1024 * 1024
/** Beyond these, parsing alone takes longer than people wait: `[[[[…`, or a million small objects. */
const MAX_DEPTH = 64
const MAX_MARKS = 250_000
const CHARACTERS_PER_PIECE = 500_000
const PIECE_MS = 20

/** An answer beyond our limits. Its message completes a sentence: "hoody answered … with more than 10 MB". */
export class AnswerTooLarge extends Error {}

export type Answer = { isJson: true; value: unknown } | { isJson: false }

/**
 * An answer's body as JSON. An empty one is null, which the schema may accept or not.
 *
 * @param isVerbatim leaves its texts unchanged: neither cut nor redacted.
 * @throws AnswerTooLarge
 */
export async function readAnswer(text: string, redact: Redactor['redact'], isVerbatim = false): Promise<Answer> {
  if (text.trim() === '') return { isJson: true, value: null }
  await refuseTangled(text)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { isJson: false }
  }
  return { isJson: true, value: await cleaned(value, (words) => (isVerbatim ? words : foreignText(words, redact))) }
}

/** Where providers and the servers before them write the id of a request. */
const REQUEST_ID_HEADERS = ['x-vcap-request-id', 'x-request-id', 'request-id', 'x-correlation-id']
const MAX_REQUEST_ID_LENGTH = 200

/** The provider's own id of a request, for asking its support about it. */
export function requestIdOf(headers: Headers, redact: Redactor['redact']): string | undefined {
  const [id] = REQUEST_ID_HEADERS.flatMap((name) => headers.get(name) ?? [])
  return id === undefined ? undefined : cut(foreignText(id, redact), MAX_REQUEST_ID_LENGTH) || undefined
}

/** Counts what makes parsing slow, ignoring strings. */
async function refuseTangled(text: string): Promise<void> {
  let [depth, marks, isString] = [0, 0, false]
  for (let at = 0; at < text.length; at += 1) {
    if (at % CHARACTERS_PER_PIECE === CHARACTERS_PER_PIECE - 1) await nextTurn()
    const character = text.charCodeAt(at)
    if (isString) {
      if (character === BACKSLASH) at += 1
      else if (character === QUOTE) isString = false
    } else if (character === QUOTE) isString = true
    else if (character === COMMA || character === COLON) marks += 1
    else if (character === BRACKET || character === BRACE) {
      marks += 1
      depth += 1
    } else if (character === CLOSING_BRACKET || character === CLOSING_BRACE) depth -= 1
    if (depth > MAX_DEPTH) throw new AnswerTooLarge(`more than ${MAX_DEPTH} levels`)
    if (marks > MAX_MARKS) throw new AnswerTooLarge('more values than Dolly reads at once')
  }
}

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a]
const [BRACKET, CLOSING_BRACKET, BRACE, CLOSING_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d]

/** Cleans each text and each key of a value in place, because it may be large. */
async function cleaned(value: unknown, clean: (text: string) => string): Promise<unknown> {
  const top: Holder = { value }
  const waiting: Holder[] = [top]
  let began = performance.now()
  for (let holder = waiting.pop(); holder; holder = waiting.pop()) {
    const keys = Object.keys(holder)
    if (keys.length > listLimits.rows) {
      throw new AnswerTooLarge(`a list of more than ${listLimits.rows.toLocaleString('en')} entries`)
    }
    for (const key of keys) {
      if (performance.now() - began > PIECE_MS) {
        await nextTurn()
        began = performance.now()
      }
      const one = holder[key]
      if (typeof one === 'string') holder[key] = clean(one)
      else if (isHolder(one)) waiting.push(one)
      if (!Array.isArray(holder)) rename(holder, key, clean(key))
    }
  }
  return top.value
}

interface Holder {
  [key: string]: unknown
}

const isHolder = (value: unknown): value is Holder => typeof value === 'object' && value !== null

function rename(holder: Holder, from: string, to: string): void {
  if (from === to) return
  // Defined, not assigned: the key may be something every object has, such as `__proto__`.
  Object.defineProperty(holder, to, { value: holder[from], enumerable: true, configurable: true, writable: true })
  delete holder[from]
}
