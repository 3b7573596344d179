/** Takes secrets out of text, in every form a server may quote them back. */

/** In characters. Redacting shorter ones would blank half of every sentence and hide nothing. */
export const minSecretLength = 8
/** How many fetched tokens are remembered: each is valid for minutes to hours. */
const maxFetched = 64
/** In characters; only this much of a longer secret is matched, and the rest that follows is removed with it. */
const maxPatternLength = 128
const mask = '••••'

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
      const decoded = decodedLetters(text)
      return all.reduce((rest, forms) => withoutSecret(rest, forms, decoded, isCut), text)
    },
    add(secret) {
      if (!isLongEnough(secret) || lastingSecrets.has(secret)) return
      const known = fetched.get(secret)
      // Those that are still in use are the last to be forgotten.
      fetched.delete(secret)
      fetched.set(secret, known ?? formsOf(secret))
      if (known) return
      const [oldest] = fetched.keys()
      if (fetched.size > maxFetched && oldest !== undefined) fetched.delete(oldest)
      all = byLength([...lasting, ...fetched.values()])
    },
  }
}

/** How one secret may be written. */
interface Forms {
  length: number
  /** No form has fewer characters, so that a shorter text needs no search: most texts are short, and most tokens long. */
  least: number
  /**
   * As it is, and in base64, where its letters depend on what stands before it, such as the user name of a Basic header. Of a
   * long one its beginning: where a text was cut, there may be no more of it.
   */
  plain: readonly string[]
  isLong: boolean
  /** A part of each of these that has only letters and digits: where it is not among a text's decoded letters, no form is. */
  cores: readonly string[]
  /** The same with any of its characters escaped, as in addresses, forms, JSON and HTML, upper or lower case, once or twice. */
  escaped: RegExp
  /** The beginning of any of these at the very end of a text that was cut there. */
  begun: RegExp
}

function formsOf(secret: string): Forms {
  const encoded = [0, 1, 2].flatMap((before) => {
    const text = Buffer.from('\0'.repeat(before) + secret).toString('base64')
    // The first and the last letter are half their neighbours'.
    const own = text.replaceAll('=', '').slice(before === 0 ? 0 : before + 1, -1)
    return [own, own.replaceAll('+', '-').replaceAll('/', '_')]
  })
  const plain = [...new Set([secret, ...encoded])].filter(isLongEnough)
  const patterns = plain.map((form) => [...form.slice(0, maxPatternLength)].map(anyEscape))
  const whole = patterns.map((pattern, at) => {
    const rest = (plain[at]?.length ?? 0) > maxPatternLength ? '[^\\s"\'<>&,;]*' : ''
    return pattern.join('') + rest
  })
  const begun = patterns.map((pattern) => {
    const [least, more] = [pattern.slice(0, 4).join(''), pattern.slice(4)]
    return least + more.reduceRight((rest, one) => `(?:${one}${rest})?`, '')
  })
  return {
    length: secret.length,
    least: Math.min(...plain.map(({ length }) => length), maxPatternLength),
    plain: plain.map((form) => form.slice(0, maxPatternLength)),
    isLong: plain.some(({ length }) => length > maxPatternLength),
    cores: plain.map((form) => coreOf(form.slice(0, maxPatternLength))),
    escaped: new RegExp(whole.join('|'), 'g'),
    begun: new RegExp(`(?:${begun.join('|')})$`),
  }
}

/** One character, as it is or escaped. All repetition is bounded, so that no text makes the pattern slow. */
function anyEscape(character: string): string {
  const hex = (byte: number) =>
    [...byte.toString(16).padStart(2, '0')].map((digit) => `[${digit}${digit.toUpperCase()}]`).join('')
  const percent = [...Buffer.from(character)].map((byte) => `%(?:25){0,3}${hex(byte)}`).join('')
  const inJson = [...Array(character.length).keys()].map((at) => {
    const code = character.charCodeAt(at)
    return `\\\\{1,3}u${hex(code >> 8)}${hex(code & 255)}`
  })
  const ways = [escapeForPattern(character), percent, inJson.join(''), ...(others[character] ?? [])]
  return `(?:${ways.join('|')})`
}

/** What else may stand for a character: in forms, in JSON and in HTML. */
const others: Readonly<Record<string, readonly string[]>> = {
  ' ': ['\\+'],
  '"': ['\\\\{1,3}"', '&quot;', '&#34;'],
  '/': ['\\\\{1,3}\\/'],
  '\\': ['\\\\{2,4}'],
  '&': ['&amp;', '&#38;'],
  '<': ['&lt;', '&#60;'],
  '>': ['&gt;', '&#62;'],
  "'": ['&#39;', '&#x27;', '&apos;'],
}

function escapeForPattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

function withoutSecret(text: string, forms: Forms, decoded: string, isCut: boolean): string {
  const { least, plain, isLong, cores, escaped, begun } = forms
  if (text.length < least && !isCut) return text
  let clean = text
  const found = plain.filter((form) => clean.includes(form))
  if (!isLong) for (const form of found) clean = clean.replaceAll(form, mask)
  const mayBeEscaped = /[%\\&+]/.test(clean) && cores.some((core) => decoded.includes(core))
  if (mayBeEscaped || (isLong && found.length > 0)) clean = clean.replaceAll(escaped, mask)
  if (!isCut) return clean
  const end = Math.max(clean.length - maxPatternLength * maxEscapeLength, 0)
  return clean.slice(0, end) + clean.slice(end).replace(begun, mask)
}

/** The longest way to write one character: `%252525e2%25252582%252525ac`. */
const maxEscapeLength = 32

/** Its longest run of letters and digits; empty, and so a part of every text, where that is too short to tell anything. */
function coreOf(form: string): string {
  const runs = [...form.matchAll(/[a-z0-9_.-]+/gi)].map(({ 0: run, index }) =>
    // An escape that begins with the character before it may take some of it.
    index === 0 || /[%\\]/.test(form[index - 1] ?? '') ? run.slice(maxTakenByEscape) : run,
  )
  const core = runs.reduce((longest, run) => (run.length > longest.length ? run : longest), '')
  return core.length < 4 ? '' : core
}

const maxTakenByEscape = 6

/** A text whose letters, digits and signs are none of them escaped any more, neither as in addresses nor as in JSON. */
function decodedLetters(text: string): string {
  if (!/[%\\]/.test(text)) return text
  return text.replaceAll(/%(?:25){0,3}([2-7][0-9a-f])|\\{1,3}u00([2-7][0-9a-f])/gi, (_, inAddress, inJson) =>
    String.fromCharCode(Number.parseInt(inAddress ?? inJson, 16)),
  )
}

/** Longest first, so that a secret that contains another goes as a whole. */
function byLength(forms: readonly Forms[]): Forms[] {
  return [...forms].sort((one, other) => other.length - one.length)
}

const isLongEnough = (text: string) => text.length >= minSecretLength
