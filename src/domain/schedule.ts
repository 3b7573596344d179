/** Pure: presets that run on a schedule, and what follows when a run couldn't start. */
import type { Job } from './job.js'

export interface Schedule {
  /** Short enough to be typed. */
  id: string
  presetId: string
  /** Its name, for when it is gone. */
  preset: string
  connection: string
  operation: string
  /** What is cloned and where to, in words, as of the last run. */
  source: string
  target: string
  cron: string
  /** Such as Europe/Berlin. */
  zone: string
  /** Slack user id of the person in whose name it runs. */
  owner: string
  /** Where it was made. Threads of a preset for "here" go there, unless Slack says that the owner has left. */
  channel: string
  /** When it is due next by its cron, in milliseconds since 1970; null if never. */
  nextAt: number | null
  /** When it needs attention: `nextAt`, or later while a run is being started or tried again; null while it is paused. */
  dueAt: number | null
  pausedAt: number | null
  /** What happens to times that were missed while Dolly was stopped: the latest is run, or none. */
  missed: 'run' | 'skip'
  /** The latest job it made. */
  lastJob: string | null
  /** Since when the present run is tried again; null while it isn't. */
  retrySince: number | null
  /** How many runs in a row couldn't start. */
  failures: number
  createdAt: number
  /** Grows by one with every change; the compare-and-set of every write. */
  version: number
}

/** Of one person. */
export const MAX_SCHEDULES = 50
/** A schedule is paused after this many runs in a row that couldn't start. */
export const MAX_FAILURES = 5
/** A time counts as missed if it is this long ago, in milliseconds. */
const MISSED_AFTER_MS = 10 * 60_000
/** How often a run is tried again that can't start for the moment, and for how long, in milliseconds. */
const RETRY_EVERY_MS = 5 * 60_000
const RETRY_FOR_MS = 60 * 60_000

/** What the end of a run changes in its schedule, in the transaction that makes its job. */
export interface EndedRun {
  id: string
  /** As it was when the run began; if it has changed since, nothing is done. */
  version: number
  nextAt: number | null
  failures: number
  pausedAt: number | null
}

/** What a run that started changes. */
export function startedRun({ id, version }: Schedule, nextAt: number | null): EndedRun {
  return { id, version, nextAt, failures: 0, pausedAt: null }
}

/** What a run that could not start changes. */
export function failedRun(schedule: Schedule, nextAt: number | null, now: number): EndedRun {
  const failures = schedule.failures + 1
  return { ...startedRun(schedule, nextAt), failures, pausedAt: failures >= MAX_FAILURES ? now : null }
}

/** Whether a time is so long ago that it was missed. */
export function isMissed(due: number, now: number): boolean {
  return now - due > MISSED_AFTER_MS
}

/** When a run is tried again that can't start for the moment; null when it has been tried long enough. */
export function retryAt(firstTry: number, now: number): number | null {
  const at = now + RETRY_EVERY_MS
  return at - firstTry > RETRY_FOR_MS ? null : at
}

/** One job per due time, also if two processes run it. */
export function submissionOf({ id }: Pick<Schedule, 'id'>, due: number): string {
  return `schedule:${id}:${due}`
}

/** The lock of a job that only says that a run couldn't start: it writes to nothing. */
export function failedRunLock({ id }: Pick<Schedule, 'id'>): string {
  return `${FAILED_RUN}${id}`
}

/** Id of the schedule whose run couldn't start, as this job says; null for every other job. */
export function scheduleOfFailedRun({ step, lock }: Pick<Job, 'step' | 'lock'>): string | null {
  return step === '' && lock.startsWith(FAILED_RUN) ? lock.slice(FAILED_RUN.length) : null
}

const FAILED_RUN = 'schedule '
