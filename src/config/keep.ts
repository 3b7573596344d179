/** The key `keep` of dolly.yml: how long ended jobs, their events and the audit stay in the database. */
import { z } from 'zod'
import { expectType } from './issues.js'

const DAY_MS = 24 * 60 * 60_000
const DURATION = 'expected a number of days from 1 to 3650 such as 90d, or forever'

const Duration = z
  .string(DURATION)
  .regex(/^(forever|[1-9]\d{0,3}d)$/, DURATION)
  .transform((text) => (text === 'forever' ? null : Number.parseInt(text, 10) * DAY_MS))
  .refine((ms) => ms === null || ms <= 3_650 * DAY_MS, DURATION)

/** More than a year, so that last year's clone can still be deleted from its thread, and an auditor finds a whole year. */
const DEFAULT = '400d'

/** In milliseconds; null for ever. */
export const Keep = z
  .strictObject(
    { jobs: Duration.prefault(DEFAULT), events: Duration.prefault(DEFAULT), audit: Duration.prefault(DEFAULT) },
    { error: expectType('expected a mapping with the keys "jobs", "events" and "audit"') },
  )
  .prefault({})
  .transform(({ jobs, events, audit }) => ({ jobsMs: jobs, eventsMs: events, auditMs: audit }))
export type Keep = z.output<typeof Keep>
