/** Takes secrets out of text, in every form a server may quote them back. */

/** In characters. Redacting shorter ones would blank half of every sentence and hide nothing. */
export const MIN_SECRET_LENGTH = 8
/** How many fetched tokens are remembered: each is valid for minutes to hours. */
const MAX_FETCHED = 64
/** In characters; only this much of a longer secret is matched, and the rest that follows is removed with it. */
const MAX_FORM_LENGTH = 128
/** What is left of a secret without its blanks and signs must still tell it from words. */
const MIN_FORM_LENGTH = 6
const MASK = '••••'

export interface Redactor {
  /**
   * The text without any secret. Takes time in proportion to the text's length: cut it first.
   *
   * @param isCut whether the text went on; then the beginning of a secret at its end goes too.
   */
  redact(text: string, isCut?: boolean): string
  /** One more secret, such as a token that was just fetched. */
  add(secret: string): void
}

/** @param configured what dolly.yml and the environment hold; kept for as long as the process lives. */
export function createRedactor(configured: readonly string[]): Redactor {
  const lastingSecrets = new Set(configured.filter(isLongEnough))
  const lasting = [...lastingSecrets].map(formsOf)
  const fetched = new Map<string, Forms>()
  let all = byLength(lasting)
  return {
    redact(text, isCut = false) {
      let rest = text
      let letters = lettersOf(rest)
      for (const forms of all) {
        const clean = withoutForms(rest, letters, forms)
        if (clean === rest) continue
        rest = clean
        letters = lettersOf(rest)
      }
      return isCut ? withoutBeginning(rest, all) : rest
    },
    add(secret) {
      if (!isLongEnough(secret) || lastingSecrets.has(secret)) return
      const known = fetched.get(secret)
      // Those that are still in use are the last to be forgotten.
      fetched.delete(secret)
      fetched.set(secret, known ?? formsOf(secret))
      if (known) return
      const [oldest] = fetched.keys()
      if (fetched.size > MAX_FETCHED && oldest !== undefined) fetched.delete(oldest)
      all = byLength([...lasting, ...fetched.values()])
    },
  }
}

/** How one secret may be written. */
interface Forms {
  length: number
  secret: string
  /**
   * The letters of the secret, and of its base64, where they depend on what stands before it, such as the user name of a
   * Basic header. Of a long one its beginning: where a text was cut, there may be no more of it.
   */
  forms: readonly { letters: string; isLong: boolean }[]
}

function formsOf(secret: string): Forms {
  const encoded = [0, 1, 2].flatMap((before) => {
    const text = Buffer.from('\0'.repeat(before) + secret).toString('base64')
    // The first and the last letter are half their neighbours'.
    const own = text.replaceAll('=', '').slice(before === 0 ? 0 : before + 1, -1)
    return [own, own.replaceAll('+', '-').replaceAll('/', '_')]
  })
  const all = [secret, ...encoded.filter(isLongEnough)]
    .map((form) => lettersOf(form))
    .filter(({ length }) => length >= MIN_FORM_LENGTH)
  const forms = [...new Set(all)].map((letters) => ({
    letters: letters.slice(0, MAX_FORM_LENGTH),
    isLong: letters.length > MAX_FORM_LENGTH,
  }))
  return { length: secret.length, secret, forms }
}

/**
 * Any character escaped as in addresses, JSON or HTML, once or several times. All repetition is bounded, so that no text
 * makes it slow.
 */
const ESCAPES =
  /%(?:25){0,4}([0-9a-f]{2})|\\{1,4}u(d[89ab][0-9a-f]{2})\\{1,4}u(d[c-f][0-9a-f]{2})|\\{1,4}(?:u([0-9a-f]{4})|x([0-9a-f]{2}))|&(?:amp;){0,4}(?:#x0{0,4}([0-9a-f]{1,6})|#0{0,4}(\d{1,7})|(amp|lt|gt|quot|apos|sol|plus|equals));/gi
/** An escape that was cut off, or one of several inside each other. */
const BEGUN_ESCAPE = /(?:%(?:25){0,4}[0-9a-f]?|\\{1,4}[ux]?[0-9a-f]{0,3}|&(?:amp;){0,4}[#a-z0-9]{0,8}){1,3}$/i
const WIDE = /[^\0-\x7f]/gu
const INVISIBLES = /[\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}]/gu
/** What some ways of escaping write in place of a blank, or before a character. */
const SIGNS = /[+\\]+/g
const BLANKS = /\s+/g
/** An escape of an escape of … is undone so often. */
const MAX_PASSES = 5

const named: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  sol: '/',
  plus: '+',
  equals: '=',
}

/**
 * What a text says when nothing in it is escaped, byte by byte as Latin-1, and without blanks, plus signs, backslashes and
 * what nobody sees: two ways to write the same secret have the same letters. `places` has where in the text each of them
 * begins, and behind the last one the end of the text.
 */
interface Letters {
  letters: string
  places: readonly number[]
}

function lettersOf(text: string): string {
  return readLetters(text, undefined).letters
}

function placedLettersOf(text: string): Letters {
  const { letters, places = [] } = readLetters(text, indicesOf(text))
  return { letters, places: [...places, text.length] }
}

const indicesOf = (text: string) => Array.from({ length: text.length }, (_, at) => at)

interface Rewritten {
  letters: string
  places: readonly number[] | undefined
}

function readLetters(text: string, indices: readonly number[] | undefined): Rewritten {
  let read = indices
    ? rewritten({ letters: text, places: indices }, WIDE, ([character]) => bytesOf(character))
    : { letters: Buffer.from(text.replaceAll(INVISIBLES, ' ')).toString('latin1'), places: undefined }
  // What is dropped may have stood in the midst of an escape. Blanks go last: they keep a secret from what is beside it.
  for (const drop of [SIGNS, BLANKS]) {
    for (let pass = 0; pass < MAX_PASSES && read.letters.search(ESCAPES) !== -1; pass += 1) {
      read = rewritten(read, ESCAPES, unescaped)
    }
    read = rewritten(read, drop, () => '')
  }
  return read
}

/** As `replaceAll`; what is written in place of something stands where that began. */
function rewritten(
  { letters: text, places }: Rewritten,
  pattern: RegExp,
  write: (found: RegExpMatchArray) => string,
): Rewritten {
  if (text.search(pattern) === -1) return { letters: text, places }
  let letters = ''
  const moved: number[] = []
  let at = 0
  for (const found of text.matchAll(pattern)) {
    const written = write(found)
    letters += text.slice(at, found.index) + written
    if (places) {
      for (let index = at; index < found.index; index += 1) moved.push(places[index] ?? 0)
      for (let index = 0; index < written.length; index += 1) moved.push(places[found.index] ?? 0)
    }
    at = found.index + found[0].length
  }
  if (places) for (let index = at; index < text.length; index += 1) moved.push(places[index] ?? 0)
  return { letters: letters + text.slice(at), places: places && moved }
}

function unescaped([written, inAddress, high, low, inJson, inCode, inHtml, decimal, name]: RegExpMatchArray): string {
  if (inAddress !== undefined) return String.fromCharCode(Number.parseInt(inAddress, 16))
  if (name !== undefined) return named[name.toLowerCase()] ?? written
  if (high && low) return bytesOf(String.fromCharCode(Number.parseInt(high, 16), Number.parseInt(low, 16)))
  const hex = inJson ?? inCode ?? inHtml
  const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
  return code > 0x10ffff ? ' ' : bytesOf(String.fromCodePoint(code))
}

const bytesOf = (character: string) => Buffer.from(character.replace(INVISIBLES, ' ')).toString('latin1')

function withoutForms(text: string, letters: string, { secret, forms }: Forms): string {
  // Few signs and no letters: that has but one form.
  if (forms.length === 0) return text.replaceAll(secret, MASK)
  const found = forms.filter((form) => letters.includes(form.letters))
  if (found.length === 0) return text
  const { places } = placedLettersOf(text)
  const spans = found.flatMap((form) => spansOf(form, letters, places, text))
  spans.sort((one, other) => one.from - other.from)
  let clean = ''
  let at = 0
  for (const { from, to } of spans) {
    if (from >= at) clean += text.slice(at, from) + MASK
    at = Math.max(at, to)
  }
  return clean + text.slice(at)
}

/** Where in the text a form is written. */
function spansOf(
  { letters: form, isLong }: Forms['forms'][number],
  letters: string,
  places: readonly number[],
  text: string,
) {
  const spans: { from: number; to: number }[] = []
  for (let at = letters.indexOf(form); at !== -1; at = letters.indexOf(form, at + form.length)) {
    // Blanks behind its last letter are no part of it.
    const last = places[at + form.length - 1] ?? 0
    const next = places[at + form.length] ?? text.length
    const to = isLong
      ? next + (/^[^\s"'<>&,;]*/.exec(text.slice(next))?.[0].length ?? 0)
      : last + text.slice(last, next).trimEnd().length
    spans.push({ from: places[at] ?? 0, to })
  }
  return spans
}

/** A secret that was cut off together with the text: its beginning at the very end goes too. */
function withoutBeginning(text: string, all: readonly Forms[]): string {
  const tail = text.slice(-MAX_FORM_LENGTH * MAX_ESCAPE_LENGTH)
  // What looks like an escape that was cut may be letters of the secret, and one escape may be written in another.
  const starts = [tail, tail.replace(BEGUN_ESCAPE, '')].flatMap((end) => {
    const { letters, places } = placedLettersOf(end)
    const found = [letters, letters.replace(BEGUN_ESCAPE, '')].map((some) => beginningIn(some, all))
    return found.flatMap((at) => (at === undefined ? [] : [places[at] ?? 0]))
  })
  if (starts.length === 0) return text
  return text.slice(0, text.length - tail.length + Math.min(...starts)) + MASK
}

/** Where the letters go on to their end like the beginning of a secret. */
function beginningIn(letters: string, all: readonly Forms[]): number | undefined {
  const end = letters.slice(-MAX_FORM_LENGTH)
  let first: number | undefined
  for (const form of all.flatMap(({ forms }) => forms)) {
    const begin = form.letters.slice(0, MIN_BEGUN)
    for (let at = end.indexOf(begin); at !== -1; at = end.indexOf(begin, at + 1)) {
      if (form.letters.startsWith(end.slice(at))) first = Math.min(first ?? at, at)
    }
  }
  return first === undefined ? undefined : letters.length - end.length + first
}

/** So many letters of a secret at the end of a cut text are taken for its beginning. */
const MIN_BEGUN = 4
/** The longest way to write one character: `%252525e2%25252582%252525ac`. */
const MAX_ESCAPE_LENGTH = 32

/** Longest first, so that a secret that contains another goes as a whole. */
function byLength(forms: readonly Forms[]): Forms[] {
  return [...forms].sort((one, other) => other.length - one.length)
}

const isLongEnough = (text: string) => text.length >= MIN_SECRET_LENGTH
