/** Pure: when what a job made expires, when people are warned, and what happens at the end. */
import type { Job, Transition } from './job.js'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** How long something may be kept, in milliseconds. */
export const MIN_KEEP_MS = HOUR
export const MAX_KEEP_MS = 90 * DAY

/** How long before the end people are warned, in milliseconds. */
const WARNINGS_MS = [DAY, HOUR]
/** The last warning comes this long before a deletion at least; a busy process may be a little late. */
const MIN_NOTICE_MS = HOUR - 5 * MINUTE
/** A warning that is late and comes within this of the end is the last one. */
const LAST_WARNING_MS = 2 * HOUR
/** How long after a removal that failed people are asked about it. */
const ASK_AFTER_FAILURE_MS = DAY

/** What the operator's `expiry:` says about a connection. Durations are milliseconds. */
export interface ExpiryPolicy {
  /** How long something is kept if nobody chooses; null for no expiry. */
  defaultMs: number | null
  /** How long it may be kept, from when someone chooses; null for no limit. */
  maxMs: number | null
  /** What happens at the end: it is deleted, or people are asked. */
  atEnd: 'delete' | 'ask'
}

/** Where dolly.yml says nothing. */
export const NO_EXPIRY: ExpiryPolicy = { defaultMs: null, maxMs: null, atEnd: 'ask' }

/** How long something is kept that was asked for earlier, or without a form: no longer than the operator allows by now. */
export function boundedKeep(keepForMs: number | null, { maxMs }: ExpiryPolicy): number | null {
  if (keepForMs === null || maxMs === null) return keepForMs ?? maxMs
  return Math.min(keepForMs, maxMs)
}

/** When an expiry needs attention next: the first warning that is still to come, or the end. Times are milliseconds since 1970. */
export function nextExpiryDue(expiresAt: number, now: number): number {
  const warnings = WARNINGS_MS.map((before) => expiresAt - before).filter((at) => at > now)
  return Math.min(...warnings, expiresAt)
}

type Expiry = Partial<Pick<Job, 'expiresAt' | 'expiryDueAt'>>

/** What a job sets when it has made something: from now on, that expires. */
export function expiryAfter(keepForMs: number | null, now: number): Expiry {
  if (keepForMs === null) return {}
  const expiresAt = now + keepForMs
  return { expiresAt, expiryDueAt: nextExpiryDue(expiresAt, now) }
}

/**
 * What a change of a job means for its expiry. It begins with the end of the job, also of one that failed or that nobody watches
 * any more, if that left something behind; a job that lives again has none.
 */
export function expiryAfterChange(job: Job, { endedAt, ref = job.ref }: Transition['set'], now: number): Expiry {
  if (job.removes !== null || endedAt === undefined) return {}
  if (endedAt === null) return { expiresAt: null, expiryDueAt: null }
  return ref === null ? {} : expiryAfter(job.keepForMs, now)
}

/**
 * The transition for an expiry that is due, or `delete` when the end has come and people were told that it's deleted then. As long
 * as a warning is missing, `expiryDueAt` lies before `expiresAt`.
 *
 * @param announced what people were last told would happen; null if nothing is known of that. An end that was announced as a
 * question is announced once more before it is a deletion.
 */
export function afterExpiryDue(
  job: Job,
  { atEnd, announced }: Pick<ExpiryPolicy, 'atEnd'> & { announced: ExpiryPolicy['atEnd'] | null },
  now: number,
): Transition | 'delete' {
  const { id, expiresAt, expiryDueAt } = job
  if (expiresAt === null || expiryDueAt === null) throw new Error(`Job ${id} has no expiry that could be due.`)
  const isWarned = expiryDueAt >= expiresAt
  if (atEnd === 'ask' && (isWarned || now >= expiresAt)) return asked
  if (isWarned && announced === 'delete') return 'delete'
  // Dolly may have been stopped over the last warning: then the end waits for an hour from this one on.
  const isTooLate = atEnd === 'delete' && expiresAt - now < MIN_NOTICE_MS
  const endsAt = isTooLate ? now + HOUR : expiresAt
  const isLast = endsAt - now <= LAST_WARNING_MS
  return {
    set: { expiresAt: endsAt, expiryDueAt: isLast ? endsAt : endsAt - HOUR },
    event: { kind: 'expiry_near', detail: atEnd },
  }
}

/** People are asked once what to do with it. Until someone answers, it stays. */
const asked: Transition = { set: { expiryDueAt: null }, event: { kind: 'expiry_reached', detail: 'ask' } }

/** Its removal at the end can't begin yet: try again in so many milliseconds. */
export function expiryPutOff(job: Job, waitMs: number, now: number): Transition {
  return { set: { expiryDueAt: Math.max(now + waitMs, job.expiresAt ?? now) }, event: null }
}

/** The removal at the end of this expiry has failed, and its thread shows that: a day later people are asked. */
export function afterFailedRemoval(job: Job, failedAt: number, now: number): Transition {
  const leftMs = failedAt + ASK_AFTER_FAILURE_MS - now
  // A clock that was set back must not put it off any further.
  return leftMs > 0 ? expiryPutOff(job, Math.min(leftMs, ASK_AFTER_FAILURE_MS), now) : asked
}

/** Whether what a job made has an end that can be moved. */
export function canExtend({ expiresAt, removalJob, removedAt }: Job): boolean {
  return expiresAt !== null && removalJob === null && removedAt === null
}

/**
 * The transition when somebody extends an expiry; null if it would end no later than now. An end that has passed counts
 * from now on.
 *
 * @param byMs how much longer, in milliseconds; null for no expiry, where the operator allows that.
 */
export function afterExtension(
  { expiresAt }: Job,
  { byMs, maxMs, actor }: { byMs: number | null; maxMs: number | null; actor: string },
  now: number,
): Transition | null {
  if (byMs === null) return { set: { expiresAt: null, expiryDueAt: null }, event: { kind: 'extended', actor } }
  const wanted = Math.max(expiresAt ?? now, now) + byMs
  const until = Math.min(wanted, now + (maxMs ?? MAX_KEEP_MS))
  if (expiresAt !== null && until <= expiresAt) return null
  return {
    set: { expiresAt: until, expiryDueAt: nextExpiryDue(until, now) },
    event: { kind: 'extended', actor },
  }
}
