/** Pure: text for Slack. Escapes other people's text, shortens names, writes times. */
import { cut, MAX_FOREIGN_TEXT_LENGTH, plainText } from '../lib/text.js'

/**
 * Escapes other people's text for mrkdwn: it can form no mention, link, command, emoji, quote or formatting.
 *
 * Slack has escapes for `&`, `<` and `>` but none for its formatting marks, so those are replaced by look-alikes. An invisible
 * character beside the mark would work too, but it would be copied along with names from a thread, and nobody could see why
 * the name isn't found. An underscore inside a word formats nothing and stays, because names are full of them.
 */
export function mrkdwn(text: string, maxLength = MAX_TEXT_LENGTH): string {
  return plainText(text, maxLength)
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
      // Also the last colon before the end, because a colon of ours may follow.
      const isLastWord = at + word.length === whole.length && /^[\p{L}\p{N}_+'-]+$/u.test(word.slice(last + 1))
      return word.slice(0, last).replaceAll(':', '∶') + (isLastWord ? '∶' : ':') + word.slice(last + 1)
    })
    .replace(/^>/, '›')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
}

const MAX_TEXT_LENGTH = 500

/** Writes the three characters that Slack takes for its own as entities; for code, where nothing else is formatted. */
export function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** Undoes Slack's three entities once: "&amp;lt;" becomes "&lt;", which somebody typed. */
export function unescapeSlack(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
}

/** For a name in a sentence. */
const MAX_NAME_LENGTH = 80

/** A name short enough for a sentence. A long one loses its middle, because the place is often at the end. */
export function brief(name: string, maxLength = MAX_NAME_LENGTH): string {
  const isShort = name.length <= MAX_FOREIGN_TEXT_LENGTH
  const text = isShort ? plainText(name, MAX_FOREIGN_TEXT_LENGTH) : name
  if (isShort && text.length <= maxLength) return text
  // Only both ends: finding the character boundaries of all of it would take long.
  const tail = Math.floor(maxLength / 3)
  const start = cut(`${plainText(text.slice(0, 2 * maxLength))}…`, maxLength - tail)
  // Don't start inside a character.
  const end = plainText(text.slice(-tail)).replace(/^[\p{M}\ufffd\p{Join_Control}]+/u, '')
  return `${start}${end}`
}

/**
 * A label without the place of the thing: "shop-api (Shop / production)", "shop-web in Shop / staging on flock-1" and
 * "Production / Frankfurt / shop" become "shop-api", "shop-web" and "shop".
 */
export function ownName(label: string): string {
  const parts = label.replace(/ \(.*$/s, '').split(' / ')
  const withoutPlace = (name = '') => /^(.+) in .*$/s.exec(name)?.[1]
  // A place after the name may have slashes of its own.
  return withoutPlace(parts[0]) ?? withoutPlace(parts.at(-1)) ?? parts.at(-1) ?? label
}

/** Several names, short enough for a sentence: the first ones, and how many more there are. */
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

/** As `mrkdwn`, in at most `maxLength` characters of what Slack gets: an escaped character may take five. */
export function mrkdwnWithin(maxLength: number, text: string): string {
  for (let length = maxLength; ; length = Math.floor(length * 0.8)) {
    const escaped = mrkdwn(text, length)
    if (escaped.length <= maxLength) return escaped
  }
}

/**
 * "source → target" as one line of plain text, in at most `maxLength` characters. Both always show: one may use the room
 * that the other doesn't need. Arrows inside names are replaced, so that they don't pass for ours.
 */
export function fromTo(from: string, to: string, maxLength: number): string {
  const [source, target] = [from, to].map((text) => plainText(text, maxLength).replaceAll('→', '›')) as [string, string]
  const room = maxLength - ' → '.length
  const end = cut(target, Math.max(Math.floor(room / 2), room - source.length))
  return `${cut(source, room - end.length)} → ${end}`
}

/** So many are named; more would be no sentence. */
const MAX_APPROVERS = 10

/** The people and user groups who can approve, as mrkdwn: "<@U1>, <@U2> or <!subteam^S1>". `by` as in an access rule. */
export function approverNames(by: readonly string[]): string {
  if (by.includes('members')) return 'any other full member'
  const names = by.slice(0, MAX_APPROVERS).map((id) => (id.startsWith('S') ? `<!subteam^${id}>` : `<@${id}>`))
  if (by.length > names.length) names.push(`${by.length - names.length} more`)
  return names.length > 1 ? `${names.slice(0, -1).join(', ')} or ${names.at(-1)}` : names.join('')
}

/** The first of these people, and how many more: "@ann, @ben, 3 more". */
export function peopleNames(ids: readonly string[]): string {
  const names = ids.slice(0, MAX_APPROVERS).map((id) => `<@${id}>`)
  return [...names, ...(ids.length > names.length ? [`${ids.length - names.length} more`] : [])].join(', ')
}

/** A time that Slack shows in the reader's own time zone. `ms` since 1970. */
export function time(ms: number): string {
  const fallback = new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
  return `<!date^${Math.floor(ms / 1000)}^{time}|${fallback} UTC>`
}

/** The same with its day: "today at 9:13". */
export function dateAndTime(ms: number): string {
  const fallback = new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
  return `<!date^${Math.floor(ms / 1000)}^{date_short_pretty} at {time}|${fallback} UTC>`
}

/** "12 s", "2 min 5 s", "1 h 3 min". */
export function inWords(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
