/** Scheduled runs: which time is due, what happens to missed ones, and who is told when a run can't start. */
import {
  type EndedRun,
  failedRun,
  failedRunLock,
  isMissed,
  MAX_FAILURES,
  retryAt,
  type Schedule,
  startedRun,
  submissionOf,
} from '../domain/schedule.js'
import { lastRun, nextRun, parseCron } from '../lib/cron.js'
import { createJob, ScheduleChanged } from '../store/jobs.js'
import { claimDueSchedules, endRun, postponeRun } from '../store/schedules.js'
import { capabilitiesOf, type WorkerContext } from './context.js'

/** What a run came to. Reasons are plain sentences for the owner, who reads them in `channel`. */
export type RunOutcome =
  | { kind: 'started' }
  /** It can't start, and trying again changes nothing. */
  | { kind: 'refused'; reason: string; channel: string }
  /** It can't start for the moment. */
  | { kind: 'later'; reason: string; channel: string }

/**
 * Starts one run as the schedule's owner, with everything that `now` checks. The job that it makes ends the run in the same
 * transaction.
 *
 * @throws ScheduleChanged when the schedule is no longer as it was.
 */
export type StartRun = (schedule: Schedule, submission: string, endedRun: EndedRun) => Promise<RunOutcome>

/** Each asks a provider. More wait for the next run. */
const MAX_SCHEDULES_PER_RUN = 10

/** Runs the schedules that are due. Returns whether any was. */
export async function runDueSchedules(context: WorkerContext, startRun: StartRun): Promise<boolean> {
  if (!context.membership.mayWork()) return false
  const claimed = await claimDueSchedules(context.db, MAX_SCHEDULES_PER_RUN, context.now(), capabilitiesOf(context))
  await Promise.all(
    claimed.map((schedule) =>
      runOne(context, startRun, schedule).catch((error) => {
        const about = { schedule: schedule.id, err: error }
        if (error instanceof ScheduleChanged) context.log.info(about, 'a schedule has changed meanwhile')
        else context.log.error(about, 'a scheduled run broke; it is tried again')
      }),
    ),
  )
  return claimed.length > 0
}

async function runOne(context: WorkerContext, startRun: StartRun, schedule: Schedule): Promise<void> {
  const { db } = context
  const now = context.now()
  const read = parseCron(schedule.cron)
  const cron = 'cron' in read ? read.cron : null
  const planned = schedule.nextAt ?? now
  // Of all that were missed, only the latest is run.
  const due = (cron && lastRun(cron, schedule.zone, planned, now)) ?? planned
  const nextAt = cron && nextRun(cron, schedule.zone, Math.max(due, now))
  if (schedule.missed === 'skip' && isMissed(due, now) && schedule.retrySince === null) {
    await endRun(db, { ...startedRun(schedule, nextAt), failures: schedule.failures }, null)
    context.log.info({ schedule: schedule.id, due }, 'a missed run was skipped')
    return
  }
  const outcome = await startRun(schedule, submissionOf(schedule, due), startedRun(schedule, nextAt)).catch((error) => {
    if (error instanceof ScheduleChanged) throw error
    context.log.error({ schedule: schedule.id, err: error }, 'a scheduled run broke')
    return { kind: 'later', reason: 'Something broke on our side.', channel: schedule.owner } as const
  })
  if (outcome.kind === 'started') return
  const retrySince = schedule.retrySince ?? now
  const again = outcome.kind === 'later' ? retryAt(retrySince, now) : null
  if (again !== null) {
    context.log.warn({ schedule: schedule.id, reason: outcome.reason }, 'a scheduled run has to wait')
    return await postponeRun(db, schedule, { dueAt: again, retrySince })
  }
  await fail(context, schedule, { due, nextAt, reason: outcome.reason, channel: outcome.channel })
}

/**
 * The owner is told by a job that has failed from the beginning: its thread is kept and told like every other, and stands where
 * the preset's threads go. Others in the channel where the schedule was made may not read what it clones.
 */
async function fail(
  context: WorkerContext,
  schedule: Schedule,
  { due, nextAt, reason, channel }: { due: number; nextAt: number | null; reason: string; channel: string },
): Promise<void> {
  const now = context.now()
  const endedRun = failedRun(schedule, nextAt, now)
  const { id, preset, connection, operation, source, target, owner } = schedule
  const paused =
    endedRun.pausedAt === null
      ? ''
      : ` That's ${MAX_FAILURES} runs in a row that couldn't start, so I paused the schedule. To resume it, type /clone-app schedule resume ${id}.`
  const failed = await createJob(
    context.db,
    {
      connection,
      operation,
      step: '',
      params: {},
      source,
      target,
      lock: failedRunLock(schedule),
      submission: submissionOf(schedule, due),
      requester: owner,
      mentionOnSuccess: false,
      channel,
      endedRun,
      failure: `The scheduled run of "${preset}" couldn't start. ${reason}${paused}`,
    },
    now,
  )
  // There is a job for this time already, as after a restored backup: only the run is left to end.
  if (failed.kind !== 'created') await endRun(context.db, endedRun, null)
  context.log.warn({ schedule: id, reason, failures: endedRun.failures }, 'a scheduled run could not start')
}
