/** Texts that an index can hold. */
import { createHash } from 'node:crypto'

/** Postgres refuses a row of an index with more than 2,704 bytes in all its columns together. */
const MAX_INDEXED_BYTES = 1_000
/** In characters; at most four bytes each. */
const KEPT_LENGTH = 200

/** The text as it is, or if it's too long its beginning and a digest of all of it: two are equal only if the texts are. */
export function indexable(text: string): string {
  if (Buffer.byteLength(text) <= MAX_INDEXED_BYTES) return text
  const digest = createHash('sha256').update(text).digest('hex')
  // A lone half of a character, which neither database takes, can only be the last one.
  return `${Buffer.from(text.slice(0, KEPT_LENGTH))} sha256:${digest}`
}
