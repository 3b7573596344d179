/** Pure: makes foreign text safe to store and to compare. The order is always cut, normalise, redact, escape. */
import type { Redactor } from './redact.js'

/**
 * In characters; four times what a thread shows of any one text. Everything that reads foreign text cuts it to this first,
 * so that no pattern below can take long.
 */
export const MAX_FOREIGN_TEXT_LENGTH = 4_096

/**
 * Foreign text made safe to store: cut, one line, without invisible characters and secrets. It is escaped for mrkdwn only
 * where it is shown, with `mrkdwn` of slack/text.ts.
 */
export function foreignText(text: string, redact: Redactor['redact']): string {
  if (text.length <= MAX_FOREIGN_TEXT_LENGTH) return redact(visibleLine(text), false)
  // A copy, because a slice would keep the whole original in memory.
  const start = Buffer.from(text.slice(0, MAX_FOREIGN_TEXT_LENGTH)).toString()
  return redact(visibleLine(start), true)
}

/**
 * Cuts between characters as people see them, never inside an emoji. Replaces lone surrogates, because Slack refuses a text
 * that contains one.
 */
export function cut(whole: string, maxLength: number): string {
  // A little more than is kept, so that the last character is complete.
  const text = whole.slice(0, maxLength + 32).replaceAll(/\p{Surrogate}/gu, '\ufffd')
  if (whole.length <= maxLength) return text
  // Fast path: none of these characters combines with another.
  if (/^[\n -\u02ff]*$/.test(text)) return `${text.slice(0, Math.max(maxLength - 1, 0))}…`
  let kept = ''
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (kept.length + segment.length > maxLength - 1) break
    kept += segment
  }
  return `${kept}…`
}

/**
 * One visible line of bounded length, without control characters, direction marks and invisible characters other than the
 * joiners that scripts and emoji need. Empty if nothing in it is visible.
 */
export function plainText(text: string, maxLength = 500): string {
  const line = visibleLine(text.slice(0, MAX_FOREIGN_TEXT_LENGTH))
  const isCut = text.length > MAX_FOREIGN_TEXT_LENGTH && line.length <= maxLength
  return /[\p{L}\p{N}\p{P}\p{S}\p{Surrogate}]/u.test(line) ? cut(isCut ? `${line}…` : line, maxLength) : ''
}

/**
 * The form in which names are compared, so that names that look alike are equal: one Unicode form (NFKC), no invisible
 * characters, one case, single spaces, and plain hyphens and apostrophes in place of those that phones and word processors
 * type.
 */
export function comparable(text: string): string {
  // A fast path, because lists have thousands of plain names.
  if (text.length <= MAX_FOREIGN_TEXT_LENGTH && /^[!-~]+(?: [!-~]+)*$/.test(text)) return text.toLowerCase()
  const seen = text
    .slice(0, MAX_FOREIGN_TEXT_LENGTH)
    // First, because they would hide how many marks follow each other.
    .replaceAll(/[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\ufff9-\ufffb]/gu, '')
    // No script puts more marks on a letter, and sorting thousands of them takes quadratic time.
    .replaceAll(/(\p{M}{30})\p{M}+/gu, '$1')
    .normalize('NFKC')
    .replaceAll(/[\s\p{Cc}\u2800]+/gu, ' ')
    .replaceAll(/[\p{Pd}\u2212]/gu, '-')
    .replaceAll(/[’‘ʼ]/g, "'")
    .trim()
  // Upper case expands letters such as ß, and lower case first turns ẞ into ß.
  const folded = seen.toLowerCase().toUpperCase().toLowerCase().normalize('NFKC')
  // A second dot on an i is invisible; it comes from İ, or from an i with a combining dot.
  return folded.replaceAll(/(?<=[ijịį])\u0307/g, '')
}

function visibleLine(text: string): string {
  if (/^[\x21-\x7e]*$/.test(text)) return text
  return text
    .replaceAll(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]+/gu, ' ')
    .replaceAll(/(?!\u200c|\u200d|\ufe0f)[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gu, '')
    .trim()
}
