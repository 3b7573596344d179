/** Functions over the jobs table. Every change is a compare-and-set that writes its event in the same transaction. */
import type { Insertable } from 'kysely'
import { afterClearing } from '../domain/acts.js'
import type { ApprovalRequest, Job, Transition } from '../domain/job.js'
import type { EndedRun } from '../domain/schedule.js'
import { UserError } from '../errors.js'
import { cut, MAX_FOREIGN_TEXT_LENGTH } from '../lib/text.js'
import { NO_CLAIM } from './claims.js'
import { insertEvent } from './events.js'
import { insertRoot, reopenLeft } from './messages.js'
import { endRemoval, startRemoval } from './removals.js'
import { endRun } from './schedules.js'
import { type Database, type JobTable, toJob } from './schema.js'
import { shortId } from './short-id.js'
import { inTransaction } from './transaction.js'
import { insertStep } from './workflow-steps.js'

/** What a submission knows of the job it wants. */
export interface NewJob {
  connection: string
  operation: string
  /** Id of the operation's first step. */
  step: string
  params: Readonly<Record<string, unknown>>
  /** Keys of the params that are deleted when the job ends. */
  personal?: readonly string[]
  /** What was picked, in words; see `Job`. Never of those. */
  labels?: Readonly<Record<string, string>>
  /** Key of the draft it came from, which is used up. */
  draft?: string
  source: string
  target: string
  lock: string
  submission: string
  requester: string
  mentionOnSuccess: boolean
  /** Default true. */
  mentionOnFailure?: boolean
  /** Who must agree first; absent if nobody. */
  approval?: ApprovalRequest | null
  /** What the end of a scheduled run changes in its schedule, in the same transaction. */
  endedRun?: EndedRun
  /** Slack's id of the run of a workflow's step that waits for the job to end. */
  workflowStep?: string
  /** Why a scheduled run can't start: the job has failed from the beginning, and its thread says so. */
  failure?: string
  /** The ended job whose result this one deletes. Its thread is this one's too. */
  removes?: Job
  /** Id of the first step of that job, if it runs again when that is deleted. */
  retryFrom?: string | null
  /** Whether it does so because an expiry ended, and not because the requester asked for it. */
  isExpiry?: boolean
  /** How long what it makes is kept, in milliseconds; absent for no expiry. */
  keepForMs?: number | null
  /** The channel in which it was requested, if the server knows it. */
  askedIn?: string | null
  channel: string
}

export type Creation =
  | { kind: 'created'; job: Job }
  /** This very submission was taken before. */
  | { kind: 'repeated'; job: Job }
  /** Somebody else's live job holds the lock. */
  | { kind: 'locked'; holder: Job }

const NOTHING_TO_DELETE =
  "There's nothing left to delete: it's gone, someone is already deleting it, or its job runs again."

/**
 * Makes the job and its first event durable, or says which job is in the way.
 *
 * @throws UserError when what it should delete is gone, or is being deleted.
 * @throws ScheduleChanged when the schedule is no longer as it was when its run began.
 * @throws StepRefused when the workflow's step was refused meanwhile.
 */
export async function createJob(db: Database, wanted: NewJob, now: number): Promise<Creation> {
  // Two tries may be lost to an id that was taken or a holder that ended between the two statements; five are a bug.
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const row = newRow(wanted, now)
    const created = await db
      .transaction()
      .execute(async (transaction) => {
        const { removes, requester, isExpiry } = wanted
        const by = isExpiry
          ? { actor: null, ...(removes && { version: removes.version }) }
          : { actor: requester, channel: wanted.askedIn ?? null }
        const ids = removes && { removes: removes.id, removalJob: row.id, ...by }
        const thread = ids && (await startRemoval(transaction, ids, now))
        if (thread === null) throw new UserError(NOTHING_TO_DELETE)
        const inserted = await transaction
          .insertInto('jobs')
          .values(row)
          .onConflict((conflict) => conflict.doNothing())
          .returningAll()
          .executeTakeFirst()
        if (inserted) {
          const job = toJob(inserted)
          if (wanted.endedRun && !(await endRun(transaction, wanted.endedRun, job))) throw new ScheduleChanged()
          if (wanted.workflowStep !== undefined) await insertStep(transaction, job.id, wanted.workflowStep, now)
          await insertEvent(transaction, job, firstEvent(wanted), now)
          await insertRoot(transaction, inserted.id, thread ?? { channel: inserted.channel, ts: null })
          await transaction
            .deleteFrom('drafts')
            .where('id', '=', wanted.draft ?? '')
            .execute()
        }
        // Without a job there is no removal either.
        else if (thread) throw new InsertRefused()
        return inserted
      })
      .catch((error: unknown) => {
        if (error instanceof InsertRefused) return undefined
        throw error
      })
    if (created) return { kind: 'created', job: toJob(created) }

    const repeated = await findSubmitted(db, wanted.submission)
    if (repeated) return { kind: 'repeated', job: repeated }

    const holder = await findHolder(db, wanted.connection, wanted.lock)
    if (holder) return { kind: 'locked', holder }
  }
  throw new Error('No job could be inserted although nothing stood in the way.')
}

function firstEvent({ approval, failure, isExpiry, endedRun }: NewJob): NonNullable<Transition['event']> {
  if (failure !== undefined) return { kind: 'failed', detail: cut(failure, MAX_DETAIL_LENGTH) }
  const kind = approval ? 'approval_requested' : 'queued'
  return isExpiry || endedRun ? { kind, actor: null } : { kind }
}

/** Someone has paused or deleted the schedule, or another process has run it. */
export class ScheduleChanged extends Error {}

/** Rolls a transaction back. */
class InsertRefused extends Error {}

/** The live job that holds this lock of a connection. */
export async function findHolder(db: Database, connection: string, lock: string): Promise<Job | null> {
  const row = await db
    .selectFrom('jobs')
    .selectAll()
    .where('connection', '=', connection)
    .where('lock', '=', lock)
    .where('endedAt', 'is', null)
    .executeTakeFirst()
  return row ? toJob(row) : null
}

/** The job that this submission became. */
export async function findSubmitted(db: Database, submission: string): Promise<Job | null> {
  const row = await db.selectFrom('jobs').selectAll().where('submission', '=', submission).executeTakeFirst()
  return row ? toJob(row) : null
}

export async function findJob(db: Database, id: string): Promise<Job | null> {
  const row = await db.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst()
  return row ? toJob(row) : null
}

/**
 * Writes a transition and its event, if the job is still as it was read and, for a worker, still claimed with its token.
 * The end of a job deletes its personal answers.
 *
 * @param db may be a transaction of the caller's, who rolls it back where this returns null.
 * @param claim the worker's token, and whether it keeps the claim for what comes next; null for a person's click, which takes
 * the claim from a worker only where it changes the job's state.
 * @returns the job as it is now, or null when somebody else was first and nothing was changed.
 */
export async function applyTransition(
  db: Database,
  job: Job,
  transition: Transition,
  now: number,
  claim: { token: string; keep: boolean } | null,
): Promise<Job | null> {
  return await inTransaction(db, async (transaction) => {
    const { ref, approval: _, ...plain } = transition.set
    const livesAgain = plain.endedAt === null
    if (livesAgain && (await findHolder(transaction, job.connection, job.lock)) !== null) return null
    // A click that leaves the job where it is leaves it to its worker too, which may be in the middle of a write.
    const keepsClaim = claim ? claim.keep : plain.state === undefined
    let update = transaction
      .updateTable('jobs')
      .set({
        ...plain,
        ...(plain.detail ? { detail: toStoredDetail(job, plain.detail) } : {}),
        ...(ref === undefined ? {} : { ref: ref && JSON.stringify(ref) }),
        ...(plain.endedAt
          ? { personalParams: null, isPersonalGone: job.isPersonalGone || job.personal.length > 0 }
          : {}),
        ...(keepsClaim ? {} : NO_CLAIM),
        version: job.version + 1,
      })
      .where('id', '=', job.id)
      .where('version', '=', job.version)
      .where('state', '=', job.state)
    if (claim) update = update.where('claimToken', '=', claim.token)
    const row = await update.returningAll().executeTakeFirst()
    if (!row) return null
    const changed = toJob(row)
    if (livesAgain && changed.removes !== null) {
      const { actor = changed.requester, channel = null } = transition.event ?? {}
      const ids = { removes: changed.removes, removalJob: changed.id, actor, channel }
      if ((await startRemoval(transaction, ids, now)) === null) throw new NothingToDelete()
    }
    if (transition.event) {
      // The event belongs to the step it happened in, which a finished step has already left.
      const { event } = transition
      const stored = event.detail ? { ...event, detail: toStoredDetail(job, event.detail) } : event
      await insertEvent(transaction, { ...changed, step: job.step }, stored, now)
    }
    if (changed.removes !== null && plain.endedAt) {
      const cleared = await endRemoval(transaction, changed, now)
      if (cleared && changed.retryFrom !== null) {
        const again = afterClearing(cleared, { step: changed.retryFrom, actor: changed.requester }, { now, jitter: 0 })
        // The lock is this removal's until this very moment, so no other job comes in between.
        if (again) await applyTransition(transaction, cleared, again, now, null)
      }
    }
    if (livesAgain) await reopenLeft(transaction, job.id)
    return changed
  }).catch((error: unknown) => {
    if (error instanceof NothingToDelete) return null
    throw error
  })
}

/** Rolls back a removal that would live again: what it deletes is gone, or another removal has begun. */
class NothingToDelete extends Error {}

/** In characters. */
const MAX_DETAIL_LENGTH = 2_000

/** A detail as it is stored: bounded, and without personal answers. */
function toStoredDetail(job: Job, detail: string): string {
  return cut(withoutPersonal(job, detail.slice(0, MAX_FOREIGN_TEXT_LENGTH)), MAX_DETAIL_LENGTH)
}

/** Takes personal answers out of a provider's words, which may quote them whole or up to where the words were cut. */
export function withoutPersonal({ params, personal }: Job, text: string): string {
  const words = personal.flatMap((key) => String(params[key] ?? '').split(/\s+/)).filter(({ length }) => length >= 8)
  return words.reduce((clean, word) => {
    const [before = '', ...after] = clean.split(word.slice(0, 16))
    const redacted = before + after.map((rest) => `••••${rest.replace(/^[^\s"',]*/, '')}`).join('')
    return redacted.replaceAll(/(••••)+/g, '••••')
  }, text)
}

function newRow(
  {
    personal = [],
    draft: _,
    isExpiry: __,
    endedRun: ___,
    workflowStep: ____,
    failure,
    removes,
    approval = null,
    ...job
  }: NewJob,
  now: number,
): Insertable<JobTable> {
  const entries = Object.entries(job.params)
  const some = (isPersonal: boolean) =>
    JSON.stringify(Object.fromEntries(entries.filter(([key]) => personal.includes(key) === isPersonal)))
  return {
    ...job,
    id: shortId(),
    params: some(false),
    personalParams: personal.length > 0 ? some(true) : null,
    labels: JSON.stringify(job.labels ?? {}),
    removes: removes?.id ?? null,
    ref: removes ? JSON.stringify(removes.ref) : null,
    approval: approval && JSON.stringify(approval),
    state: approval ? 'awaiting_approval' : 'queued',
    stepSince: now,
    attempt: 0,
    dueAt: approval?.expiresAt ?? now,
    isUnreachableReported: false,
    canDismiss: false,
    mentionOnFailure: job.mentionOnFailure ?? true,
    isMuted: false,
    isPersonalGone: false,
    createdAt: now,
    runSince: now,
    ...(failure !== undefined && {
      state: 'failed',
      // No step of it can be tried again.
      step: '',
      detail: cut(failure, MAX_DETAIL_LENGTH),
      personalParams: null,
      dueAt: null,
      endedAt: now,
    }),
    version: 1,
  }
}
