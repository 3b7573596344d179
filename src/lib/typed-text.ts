/** Pure: text that people type and paste, with all kinds of quotation marks and invisible characters. */

/** For a character class: zero-width marks, soft hyphens, direction marks. */
export const invisible = String.raw`\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\ufff9-\ufffb`
/** For a character class: blanks of any width, line breaks, control characters. */
export const blank = String.raw`\p{White_Space}\p{Cc}\u2800`

/** Every opening quotation mark with its closing ones. Some programs curl only one of the two. */
const quotes: Readonly<Record<string, string>> = {
  '"': '"”“',
  '“': '”"“',
  '”': '”"“',
  '„': '“”"‟',
  '‟': '”"',
  '＂': '＂"',
  '″': '″"”',
  '〝': '〞〟',
  '«': '»',
  '»': '«»',
  '‹': '›',
  '›': '‹›',
  '「': '」',
  '『': '』',
  "'": "'’‘",
  '‘': "’'‘",
  '’': "’'‘",
  '‚': "‘’'",
  '‛': "’'",
  '＇': "＇'",
  '′': "′'’",
  // On many keyboards typed instead of the straight one; also around copied code.
  '`': "`´'",
  '´': "´`'",
}

/** The closing marks for this opening mark; undefined if it is no quotation mark. */
export function closingQuotes(opening: string): string | undefined {
  return Object.hasOwn(quotes, opening) ? quotes[opening] : undefined
}

const invisibleStart = new RegExp(`^[${invisible}]+`, 'u')
const isInvisible = new RegExp(`[${invisible}]`, 'u')

/** Without invisible characters at both ends. Keeps the variation selector at the end of an emoji. */
export function withoutInvisibleEdges(word: string): string {
  let end = word.length
  while (end > 0 && word[end - 1] !== '\ufe0f' && isInvisible.test(word[end - 1] ?? '')) end -= 1
  return word.slice(0, end).replace(invisibleStart, '')
}

/**
 * The names in a text, separated by commas, semicolons and line breaks of any kind. Spaces are part of a name; quotation
 * marks around it are not.
 */
export function namesIn(text: string): string[] {
  return withoutMarksAroundAll(trimmed(text))
    .split(/[,;，；、﹐﹔\n\r\u2028\u2029]/)
    .map((name) => unquoted(trimmed(name)))
    .filter(Boolean)
}

/** `"a, b"` is two names. So is `"a", "b"`, whose first quotation ends before the end of the text. */
function withoutMarksAroundAll(text: string): string {
  const closing = closingQuotes(text[0] ?? '') ?? ''
  const end = [...closing].map((mark) => text.indexOf(mark, 1)).filter((at) => at !== -1)
  return Math.min(...end) === text.length - 1 ? text.slice(1, -1) : text
}

/** Without spaces and invisible characters at both ends. */
export function trimmed(text: string): string {
  return withoutInvisibleEdges(text.trim()).trim()
}

/** Without a pair of quotation marks around the whole. */
export function unquoted(name: string): string {
  const isQuoted = name.length > 2 && closingQuotes(name[0] ?? '')?.includes(name.at(-1) ?? '')
  return isQuoted ? name.slice(1, -1).trim() : name
}
