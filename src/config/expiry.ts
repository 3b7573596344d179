/** A connection's `expiry:` in dolly.yml: how long what is made there is kept. */
import { z } from 'zod'
import { durationAsTyped, parseDuration } from '../lib/duration.js'
import type { ExpiryPolicy } from '../providers/provider.js'
import { expectType, problemIssue } from './issues.js'

const HOUR = 3_600_000
const MIN_MS = HOUR
const MAX_MS = 90 * 24 * HOUR
const EXPECTED = 'expected a time from 1h to 90d, such as 12h or 7d'

const duration = z.string(EXPECTED).transform((text, context) => {
  const ms = parseDuration(text)
  if (ms !== null && ms >= MIN_MS && ms <= MAX_MS) return ms
  context.addIssue({ code: 'custom', message: EXPECTED })
  return z.NEVER
})

/** All of it is optional. Without a default the longest time counts as one. */
export const expirySchema = z
  .strictObject(
    {
      default: duration.nullish(),
      max: duration.nullish(),
      // biome-ignore lint/suspicious/noThenProperty: a key of dolly.yml, and nothing awaits this object.
      then: z.enum(['delete', 'ask']).nullish(),
    },
    { error: expectType('expected a mapping with the keys "default", "max" and "then"') },
  )
  .nullish()
  .transform((given, context): ExpiryPolicy => {
    const maxMs = given?.max ?? null
    const defaultMs = given?.default ?? maxMs
    if (maxMs !== null && defaultMs !== null && defaultMs > maxMs)
      context.addIssue({ ...problemIssue(`is longer than max, which is ${durationAsTyped(maxMs)}`), path: ['default'] })
    return { defaultMs, maxMs, atEnd: given?.then ?? 'ask' }
  })
