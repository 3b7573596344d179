/** Shortens texts that are too long for an index. */
import { createHash } from 'node:crypto'

/** Postgres refuses more than 2,704 bytes in all columns of an index entry together. */
const MAX_INDEXED_BYTES = 1_000
/** In characters, of up to four bytes each. */
const KEPT_LENGTH = 200

/** The text itself, or if it's too long its beginning and a digest of the whole. Different texts stay different. */
export function indexable(text: string): string {
  if (Buffer.byteLength(text) <= MAX_INDEXED_BYTES) return text
  const digest = createHash('sha256').update(text).digest('hex')
  // The cut can split the last character in two; Buffer replaces the half, which no database takes.
  return `${Buffer.from(text.slice(0, KEPT_LENGTH))} sha256:${digest}`
}
