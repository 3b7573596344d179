/** Takes secrets out of text, in every encoding in which a server may quote them. */

/** In characters. Redacting shorter ones would blank out ordinary words. */
export const MIN_SECRET_LENGTH = 8
/** Fetched tokens that are kept; each is valid for minutes to hours. */
const MAX_FETCHED = 64
/** In characters. Of a longer secret only this much is matched, and what follows it is removed as well. */
const MAX_FORM_LENGTH = 128
/** In characters. Shorter forms, after dropping spaces and signs, would match ordinary words. */
const MIN_FORM_LENGTH = 6
const MASK = '••••'

export interface Redactor {
  /**
   * The text without any secret. Takes time in proportion to the text's length: cut it first.
   *
   * @param isCut whether the text was cut; then a secret that begins at its end is removed as well.
   */
  redact(text: string, isCut?: boolean): string
  /** Adds a secret, such as a token that was just fetched. */
  add(secret: string): void
}

/** @param configured secrets of dolly.yml and the environment; they are never dropped. */
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
      // The least recently used token is dropped first.
      fetched.delete(secret)
      fetched.set(secret, known ?? formsOf(secret))
      if (known) return
      const [oldest] = fetched.keys()
      if (fetched.size > MAX_FETCHED && oldest !== undefined) fetched.delete(oldest)
      all = byLength([...lasting, ...fetched.values()])
    },
  }
}

/** The forms in which one secret may be written. */
interface Forms {
  length: number
  secret: string
  /**
   * The letters of the secret and of its base64, which depends on how many bytes stand before it, such as the user name of a
   * Basic header. Only the beginning of a long one, because a cut text may hold no more of it.
   */
  forms: readonly { letters: string; isLong: boolean }[]
}

function formsOf(secret: string): Forms {
  const encoded = [0, 1, 2].flatMap((before) => {
    const text = Buffer.from('\0'.repeat(before) + secret).toString('base64')
    // The first and the last letter also encode bits of the neighbouring bytes.
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

/** A character escaped as in URLs, JSON or HTML, once or several times. Repetition is bounded, so no text makes it slow. */
const ESCAPES =
  /%(?:25){0,4}([0-9a-f]{2})|\\{1,4}u(d[89ab][0-9a-f]{2})\\{1,4}u(d[c-f][0-9a-f]{2})|\\{1,4}(?:u([0-9a-f]{4})|x([0-9a-f]{2}))|&(?:amp;){0,4}(?:#x0{0,4}([0-9a-f]{1,6})|#0{0,4}(\d{1,7})|(amp|lt|gt|quot|apos|sol|plus|equals));/gi
/** A nested or single escape that was cut off. */
const BEGUN_ESCAPE = /(?:%(?:25){0,4}[0-9a-f]?|\\{1,4}[ux]?[0-9a-f]{0,3}|&(?:amp;){0,4}[#a-z0-9]{0,8}){1,3}$/i
const WIDE = /[^\0-\x7f]/gu
const INVISIBLES = /[\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}]/gu
/** Some encodings write these for a space, or before a character. */
const SIGNS = /[+\\]+/g
const BLANKS = /\s+/g
/** For escapes of escapes. */
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
 * A text with all escapes undone, byte by byte as Latin-1, without spaces, plus signs, backslashes and invisible characters:
 * two ways to write the same secret have the same letters. `places` is the index in the text where each letter begins, with
 * the end of the text after the last one.
 */
interface Letters {
  letters: string
  /** Absent while only the letters are compared: keeping places costs far more. */
  places?: readonly number[]
}

function lettersOf(text: string): string {
  return withoutEscapes({ letters: Buffer.from(text.replaceAll(INVISIBLES, ' ')).toString('latin1') }).letters
}

function placedLettersOf(text: string): Required<Letters> {
  const all = { letters: text, places: Array.from({ length: text.length }, (_, at) => at) }
  const { letters, places = [] } = withoutEscapes(rewritten(all, WIDE, ([character]) => bytesOf(character)))
  return { letters, places: [...places, text.length] }
}

function withoutEscapes(text: Letters): Letters {
  let read = text
  // Dropping characters may complete an escape. Spaces go last, because they separate a secret from its neighbours.
  for (const drop of [SIGNS, BLANKS]) {
    for (let pass = 0; pass < MAX_PASSES && read.letters.search(ESCAPES) !== -1; pass += 1) {
      read = rewritten(read, ESCAPES, unescaped)
    }
    read = rewritten(read, drop, () => '')
  }
  return read
}

/** As `replaceAll`; each replacement gets the place where the replaced text began. */
function rewritten(read: Letters, pattern: RegExp, write: (found: RegExpMatchArray) => string): Letters {
  const { letters: text, places } = read
  if (text.search(pattern) === -1) return read
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
  return { letters: letters + text.slice(at), ...(places && { places: moved }) }
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
  // A secret without letters and digits has only one form.
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

/** The parts of the text where a form is written. */
function spansOf(
  { letters: form, isLong }: Forms['forms'][number],
  letters: string,
  places: readonly number[],
  text: string,
) {
  const spans: { from: number; to: number }[] = []
  for (let at = letters.indexOf(form); at !== -1; at = letters.indexOf(form, at + form.length)) {
    // Without the spaces after its last letter.
    const last = places[at + form.length - 1] ?? 0
    const next = places[at + form.length] ?? text.length
    const to = isLong
      ? next + (/^[^\s"'<>&,;]*/.exec(text.slice(next))?.[0].length ?? 0)
      : last + text.slice(last, next).trimEnd().length
    spans.push({ from: places[at] ?? 0, to })
  }
  return spans
}

/** Removes the beginning of a secret at the end of a cut text. */
function withoutBeginning(text: string, all: readonly Forms[]): string {
  const tail = text.slice(-MAX_FORM_LENGTH * MAX_ESCAPE_LENGTH)
  // What looks like a cut escape may be letters of the secret, and escapes may be nested.
  const starts = [tail, tail.replace(BEGUN_ESCAPE, '')].flatMap((end) => {
    const { letters, places } = placedLettersOf(end)
    const found = [letters, letters.replace(BEGUN_ESCAPE, '')].map((some) => beginningIn(some, all))
    return found.flatMap((at) => (at === undefined ? [] : [places[at] ?? 0]))
  })
  if (starts.length === 0) return text
  return text.slice(0, text.length - tail.length + Math.min(...starts)) + MASK
}

/** The first index from which all letters up to the end are the beginning of a secret. */
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

/** This many letters of a secret at the end of a cut text count as its beginning. */
const MIN_BEGUN = 4
/** The longest way to write one character: `%252525e2%25252582%252525ac`. */
const MAX_ESCAPE_LENGTH = 32

/** Longest first, so that a secret that contains another is removed as a whole. */
function byLength(forms: readonly Forms[]): Forms[] {
  return [...forms].sort((one, other) => other.length - one.length)
}

const isLongEnough = (text: string) => text.length >= MIN_SECRET_LENGTH
