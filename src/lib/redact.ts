/** Takes secrets out of text, in whatever form a server may quote them back. */

/** Shorter ones would blank half of every sentence and hide nothing. In characters. */
export const minSecretLength = 8
/** Tokens live for minutes to hours: of those fetched at run time, so many are remembered. */
const maxFetched = 64
/** In characters; of a longer secret, what follows its beginning goes with it. */
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
    redact: (text, isCut = false) => all.reduce((rest, forms) => withoutSecret(rest, forms, isCut), text),
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
  /** As it is, and in base64, where its letters depend on what stands before it, such as the user name of a Basic header. */
  plain: readonly string[]
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
    least: Math.min(...plain.map(({ length }) => length)),
    plain,
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

function withoutSecret(text: string, { least, plain, escaped, begun }: Forms, isCut: boolean): string {
  if (text.length < least && !isCut) return text
  let clean = text
  for (const form of plain) if (clean.includes(form)) clean = clean.replaceAll(form, mask)
  if (/[%\\&+]/.test(clean)) clean = clean.replaceAll(escaped, mask)
  return isCut ? clean.replace(begun, mask) : clean
}

/** Longest first, so that a secret that contains another goes as a whole. */
function byLength(forms: readonly Forms[]): Forms[] {
  return [...forms].sort((one, other) => other.length - one.length)
}

const isLongEnough = (text: string) => text.length >= minSecretLength
