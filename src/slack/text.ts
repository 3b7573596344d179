/** Pure: words for Slack. Other people's text made harmless, and times as a reader says them. */
import { cut, MAX_FOREIGN_TEXT_LENGTH, plainText } from '../lib/text.js'

/**
 * Other people's text made safe for mrkdwn: it can form no mention, link, command, emoji, quote or formatting.
 *
 * Slack has escapes for its three brackets but none for its formatting marks, so those are replaced by look-alikes. An
 * invisible character beside the mark would be the other way; it would travel along with every name that is copied out of
 * a thread, and nobody could see why it is not found. An underscore within a word formats nothing and stays as it is,
 * because names are full of them.
 */
export function mrkdwn(text: string, most = MAX_TEXT_LENGTH): string {
  return plainText(text, most)
    .replaceAll('*', '∗')
    .replaceAll('~', '∼')
    .replaceAll('`', 'ˋ')
    .replaceAll(/_+/g, (marks, at: number, whole: string) => {
      const isInWord = /[a-z0-9]/i.test(whole[at - 1] ?? '') && /[a-z0-9]/i.test(whole[at + marks.length] ?? '')
      return isInWord ? marks : 'ˍ'.repeat(marks.length)
    })
    .replaceAll(/\S+/g, (word, at: number, whole: string) => {
      const last = word.lastIndexOf(':')
      if (last === -1) return word
      // Also before the last word alone, because a colon of ours may follow.
      const isLastWord = at + word.length === whole.length && /^[\p{L}\p{N}_+'-]+$/u.test(word.slice(last + 1))
      return word.slice(0, last).replaceAll(':', '∶') + (isLastWord ? '∶' : ':') + word.slice(last + 1)
    })
    .replace(/^>/, '›')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
}

const MAX_TEXT_LENGTH = 500

/** Slack's three entities read once: "&amp;lt;" is what somebody wrote as "&lt;". */
export function unescapeSlack(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
}

/** How much of a name a sentence has room for. */
const MAX_NAME_LENGTH = 80

/**
 * A name as a sentence has room for it: what is too long loses its middle, for the place often stands at the end.
 *
 * @param most characters at most.
 */
export function brief(name: string, most = MAX_NAME_LENGTH): string {
  const isShort = name.length <= MAX_FOREIGN_TEXT_LENGTH
  const text = isShort ? plainText(name, MAX_FOREIGN_TEXT_LENGTH) : name
  if (isShort && text.length <= most) return text
  // Both ends only: to find where characters end in all of it takes long.
  const tail = Math.floor(most / 3)
  const start = cut(`${plainText(text.slice(0, 2 * most))}…`, most - tail)
  // Don't start inside a character.
  const end = plainText(text.slice(-tail)).replace(/^[\p{M}\ufffd\p{Join_Control}]+/u, '')
  return `${start}${end}`
}

/** Several names as a sentence has room for them: the first ones, and how many more there are. */
export function briefList(names: readonly string[]): string {
  const shown: string[] = []
  for (const name of names) {
    const next = brief(name)
    if (shown.length > 0 && [...shown, next].join(', ').length > 3 * MAX_NAME_LENGTH) break
    shown.push(next)
  }
  const more = names.length - shown.length
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

/**
 * As `mrkdwn`, in at most so many characters of what Slack gets: escaped, a character may take five. Only this text is
 * cut, never what stands beside it.
 *
 * @param write gives the plain text in at most so many characters.
 */
export function mrkdwnWithin(most: number, write: string | ((length: number) => string)): string {
  for (let length = most; ; length = Math.floor(length * 0.8)) {
    const escaped = mrkdwn(typeof write === 'string' ? write : write(length), length)
    if (escaped.length <= most) return escaped
  }
}

/**
 * From where and to where, in at most so many characters and as one line of plain text. Both ends always show, however long
 * one of them is: what one has no need of the other may have. An arrow in a name must not pass for ours.
 */
export function fromTo(from: string, to: string, most: number): string {
  const [source, target] = [from, to].map((text) => plainText(text, most).replaceAll('→', '›')) as [string, string]
  const room = most - ' → '.length
  const end = cut(target, Math.max(Math.floor(room / 2), room - source.length))
  return `${cut(source, room - end.length)} → ${end}`
}

/** A moment in milliseconds since 1970, which Slack shows in the reader's own time zone. */
export function time(ms: number): string {
  const fallback = new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
  return `<!date^${Math.floor(ms / 1000)}^{time}|${fallback} UTC>`
}

/** "12 s", "2 min 5 s", "1 h 3 min". */
export function inWords(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
