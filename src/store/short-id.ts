/** Ids that people say and type. */
import { randomInt } from 'node:crypto'

/** Five characters without look-alikes: short enough to say aloud, checked against the table by its primary key. */
export function shortId(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789'
  return Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]).join('')
}
