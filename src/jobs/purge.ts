/** Deletes drafts that were never confirmed, old signatures and rate limits, and rows that are older than dolly.yml allows. */
import { purgeAudit } from '../store/audit-chain.js'
import { purgeExpired } from '../store/drafts.js'
import { purgeRateLimits } from '../store/rate-limits.js'
import { purgeEvents, purgeJobs } from '../store/retention.js'
import { purgeSeen } from '../store/seen.js'
import type { WorkerContext } from './context.js'
import type { Worker } from './scheduler.js'

const PURGE_EVERY_MS = 60_000

/** How long ended jobs, their events and the audit are kept, in milliseconds; null for ever. */
export interface Keep {
  jobsMs: number | null
  eventsMs: number | null
  auditMs: number | null
}

/** The worker that deletes, once a minute and a bounded number of rows each time. */
export function purgeWorker({ db, now, elapsed, log }: WorkerContext, { jobsMs, eventsMs, auditMs }: Keep): Worker {
  let lastRunAt = Number.NEGATIVE_INFINITY
  const older = async (ms: number | null, purge: (before: number) => Promise<number>) =>
    ms === null ? 0 : await purge(now() - ms)
  return {
    name: 'purge',
    countDue: () => (elapsed() - lastRunAt >= PURGE_EVERY_MS ? 1 : 0),
    runOnce: async () => {
      lastRunAt = elapsed()
      const events = await older(eventsMs, (before) => purgeEvents(db, before))
      const jobs = await older(jobsMs, (before) => purgeJobs(db, before))
      const audit = await older(auditMs, (before) => purgeAudit(db, before))
      if (events + jobs + audit > 0)
        log.info({ jobs, events, audit }, 'old rows were deleted, as keep in dolly.yml says')
      await purgeRateLimits(db, now())
      await purgeSeen(db, now())
      // Last, because it empties the log of all that was deleted.
      await purgeExpired(db, now())
      return false
    },
  }
}
