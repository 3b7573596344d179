/** Pure: what people type and paste, with quotation marks of all kinds and invisible characters. */

/** For a character class: zero-width marks, soft hyphens, direction marks. */
export const invisible = String.raw`\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\ufff9-\ufffb`
/** For a character class: blanks of any width, line breaks, control characters. */
export const blank = String.raw`\p{White_Space}\p{Cc}\u2800`

/** Every opening quotation mark with those that end it. Some programs curl only one of two. */
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
  // Typed on many keyboards in place of the straight one, and around what was copied as code.
  '`': "`´'",
  '´': "´`'",
}

/** The marks that end a quotation which begins with this one; undefined for what is no quotation mark. */
export function closingQuotes(opening: string): string | undefined {
  return Object.hasOwn(quotes, opening) ? quotes[opening] : undefined
}

const invisibleStart = new RegExp(`^[${invisible}]+`, 'u')
const isInvisible = new RegExp(`[${invisible}]`, 'u')

/** Without invisible characters at either end. An emoji may end in a variation selector, which stays. */
export function withoutInvisibleEdges(word: string): string {
  let end = word.length
  while (end > 0 && word[end - 1] !== '\ufe0f' && isInvisible.test(word[end - 1] ?? '')) end -= 1
  return word.slice(0, end).replace(invisibleStart, '')
}

/**
 * The names in a text: commas, semicolons and line breaks of any kind stand between them, blanks are part of a name, and
 * quotation marks around one are not.
 */
export function namesIn(text: string): string[] {
  return withoutMarksAroundAll(trimmed(text))
    .split(/[,;，；、﹐﹔\n\r\u2028\u2029]/)
    .map((name) => unquoted(trimmed(name)))
    .filter(Boolean)
}

/** `"a, b"` is two names, and so are `"a", "b"`, whose first mark ends before the end. */
function withoutMarksAroundAll(text: string): string {
  const closing = closingQuotes(text[0] ?? '') ?? ''
  const end = [...closing].map((mark) => text.indexOf(mark, 1)).filter((at) => at !== -1)
  return Math.min(...end) === text.length - 1 ? text.slice(1, -1) : text
}

/** Without blanks and invisible characters at either end. */
export function trimmed(text: string): string {
  return withoutInvisibleEdges(text.trim()).trim()
}

/** Without a pair of quotation marks around all of it. */
export function unquoted(name: string): string {
  const isQuoted = name.length > 2 && closingQuotes(name[0] ?? '')?.includes(name.at(-1) ?? '')
  return isQuoted ? name.slice(1, -1).trim() : name
}
