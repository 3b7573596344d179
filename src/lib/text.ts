/** Pure: text from outside, made safe to keep and to compare. The order is always the same: cut, normalise, redact, escape. */
import type { Redactor } from './redact.js'

/**
 * The most that is read of any one foreign text, in characters: four times what a thread shows of it. Everything that
 * reads foreign text cuts to this first, so that no pattern below can take long.
 */
export const MAX_FOREIGN_TEXT_LENGTH = 4_096

/**
 * Foreign text as it may enter: one line, cut, nothing invisible in it, no secret. Where it is shown in mrkdwn it is
 * escaped there, by `mrkdwn` in slack/text.ts.
 *
 * @param redact takes secrets out of a text; see lib/redact.ts.
 */
export function foreignText(text: string, redact: Redactor['redact']): string {
  if (text.length <= MAX_FOREIGN_TEXT_LENGTH) return redact(visibleLine(text), false)
  return redact(visibleLine(copied(text.slice(0, MAX_FOREIGN_TEXT_LENGTH))), true)
}

/** A copy with its own memory: a slice keeps the whole original text alive. */
function copied(slice: string): string {
  return Buffer.from(slice).toString()
}

/**
 * Cuts between characters as people see them, never inside an emoji. A lone surrogate, for which
 * Slack refuses the whole text, becomes the replacement character.
 */
export function cut(whole: string, most: number): string {
  // A little more than is kept, so that a character that begins before the end is seen whole.
  const text = whole.slice(0, most + 32).replaceAll(/\p{Surrogate}/gu, '\ufffd')
  if (whole.length <= most) return text
  let kept = ''
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (kept.length + segment.length > most - 1) break
    kept += segment
  }
  return `${kept}…`
}

/**
 * One visible line of bounded length: no control character, no direction mark, nothing invisible but the
 * joiners that scripts and emoji need. Empty when nothing in it can be seen.
 */
export function plainText(text: string, most = 500): string {
  const line = visibleLine(text.slice(0, MAX_FOREIGN_TEXT_LENGTH))
  const isCut = text.length > MAX_FOREIGN_TEXT_LENGTH && line.length <= most
  return /[\p{L}\p{N}\p{P}\p{S}\p{Surrogate}]/u.test(line) ? cut(isCut ? `${line}…` : line, most) : ''
}

/**
 * What people see of a name, for telling whether two of them are the same: one Unicode form (NFKC), no invisible
 * characters, no difference of case, single blanks, and the plain hyphen and apostrophe for those that telephones and word
 * processors put in their place. Two names that look alike compare as equal.
 */
export function comparable(text: string): string {
  // Most names are plain, and lists have thousands of them.
  if (text.length <= MAX_FOREIGN_TEXT_LENGTH && /^[!-~]+(?: [!-~]+)*$/.test(text)) return text.toLowerCase()
  const seen = text
    .slice(0, MAX_FOREIGN_TEXT_LENGTH)
    // Before the marks are counted: between two of them it would hide how many there are.
    .replaceAll(/[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\ufff9-\ufffb]/gu, '')
    // No script sets more marks on a letter, and putting thousands of them in order takes the square of their number.
    .replaceAll(/(\p{M}{30})\p{M}+/gu, '$1')
    .normalize('NFKC')
    .replaceAll(/[\s\p{Cc}\u2800]+/gu, ' ')
    .replaceAll(/[\p{Pd}\u2212]/gu, '-')
    .replaceAll(/[’‘ʼ]/g, "'")
    .trim()
  // Capitals spell out what has none of its own, such as ß, and a capital ẞ is one only of the small letter.
  const folded = seen.toLowerCase().toUpperCase().toLowerCase().normalize('NFKC')
  // A small i has its dot already, so that nobody sees a second one: İ, or an i with a dot put on it.
  return folded.replaceAll(/(?<=[ijịį])\u0307/g, '')
}

function visibleLine(text: string): string {
  if (/^[\x21-\x7e]*$/.test(text)) return text
  return text
    .replaceAll(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]+/gu, ' ')
    .replaceAll(/(?!\u200c|\u200d|\ufe0f)[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gu, '')
    .trim()
}
