/** Functions over the jobs table. Every change is a compare-and-set that writes its event in the same transaction. */
import type { Insertable, Selectable, Transaction } from 'kysely'
import { afterClearing } from '../domain/acts.js'
import type { Job, Transition } from '../domain/job.js'
import { UserError } from '../errors.js'
import { lockUnheld, NO_CLAIM } from './claims.js'
import { toStoredDetail } from './detail.js'
import { insertEvent } from './events.js'
import { markHomes, type StaleHomes } from './homes.js'
import { indexable } from './indexable.js'
import { insertRoot, reopenLeft } from './messages.js'
import { firstEvent, type NewJob, newRow } from './new-job.js'
import { isDuplicate } from './postgres.js'
import { endRemoval, startRemoval } from './removals.js'
import { endRun } from './schedules.js'
import { type Database, type JobTable, type Schema, toJob } from './schema.js'
import { inTransaction, retryWhileInDoubt } from './transaction.js'
import { insertStep } from './workflow-steps.js'

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
  /** Ids that this call tried. One of them may be in the database, after a try whose answer was lost. */
  const ids = new Set<string>()
  // Two tries may be lost to an id that was taken or a holder that ended between the two statements; five are a bug.
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const creation = await retryWhileInDoubt(async () => await tryToCreate(db, wanted, now, ids))
    if (creation) return creation
  }
  throw new Error('No job could be inserted although nothing stood in the way.')
}

async function tryToCreate(db: Database, wanted: NewJob, now: number, ids: Set<string>): Promise<Creation | undefined> {
  const row = newRow(wanted, now)
  ids.add(row.id)
  const created = await inTransaction(db, async (transaction) => await insertJob(transaction, row, wanted, now)).catch(
    (error: unknown) => {
      if (error instanceof InsertRefused || error instanceof NothingToDelete) return error
      throw error
    },
  )
  if (created && !(created instanceof Error)) return { kind: 'created', job: toJob(created) }

  const submitted = await findSubmitted(db, wanted.submission)
  if (submitted) return { kind: ids.has(submitted.id) ? 'created' : 'repeated', job: submitted }
  if (created instanceof NothingToDelete) throw new UserError(NOTHING_TO_DELETE)

  const holder = await findHolder(db, wanted.connection, wanted.lock)
  return holder ? { kind: 'locked', holder } : undefined
}

/** Undefined if its id, its submission or its lock is taken. */
async function insertJob(
  transaction: Transaction<Schema>,
  row: Insertable<JobTable>,
  wanted: NewJob,
  now: number,
): Promise<Selectable<JobTable> | undefined> {
  const { removes, requester, isExpiry } = wanted
  const by = isExpiry
    ? { actor: null, ...(removes && { version: removes.version }) }
    : { actor: requester, channel: wanted.askedIn ?? null }
  const ids = removes && { removes: removes.id, removalJob: row.id, ...by }
  const homes: StaleHomes = new Set()
  const thread = ids && (await startRemoval(transaction, ids, now, homes))
  if (thread === null) throw new NothingToDelete()
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
    await insertEvent(transaction, job, firstEvent(wanted), now, homes)
    await insertRoot(transaction, inserted.id, thread ?? { channel: inserted.channel, ts: null })
    await transaction
      .deleteFrom('drafts')
      .where('id', '=', wanted.draft ?? '')
      .execute()
    await markHomes(transaction, homes, now)
  }
  // Without a job there is no removal either.
  else if (thread) throw new InsertRefused()
  return inserted
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
    .where('lock', '=', indexable(lock))
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
  claim: Claim,
): Promise<Job | null> {
  return await retryWhileInDoubt(async (isRepeat) => {
    const changed = await inTransaction(db, async (transaction) => {
      const homes: StaleHomes = new Set()
      const changed = await change(transaction, job, transition, now, claim, homes)
      if (homes.size > 0) await markHomes(transaction, homes, now)
      return changed
    }).catch((error: unknown) => {
      // Two jobs with the same target came to life at once: the unique index refuses the second.
      if (error instanceof NothingToDelete || (transition.set.endedAt === null && isDuplicate(error))) return null
      throw error
    })
    return changed ?? (isRepeat ? await findChanged(db, job, transition, now, claim) : null)
  })
}

type Claim = { token: string; keep: boolean } | null

/**
 * Applies transitions to several jobs in one transaction, all or nothing, because each commit waits for the disk.
 * A job that has changed meanwhile, or that somebody else is changing, is left out.
 *
 * @returns the jobs that were changed, as they are now.
 */
export async function applyTransitions(
  db: Database,
  changes: readonly { job: Job; transition: Transition; token: string }[],
  now: number,
): Promise<Job[]> {
  return await retryWhileInDoubt(async (isRepeat) => {
    const changed = await inTransaction(db, async (transaction) => {
      const unheld = await lockUnheld(
        transaction,
        changes.map(({ job }) => job.id),
      )
      const homes: StaleHomes = new Set()
      const moved: Job[] = []
      for (const { job, transition, token } of changes) {
        const claim = { token, keep: false }
        const one = unheld.has(job.id) ? await change(transaction, job, transition, now, claim, homes) : null
        if (one) moved.push(one)
      }
      if (homes.size > 0) await markHomes(transaction, homes, now)
      return moved
    })
    if (!isRepeat) return changed
    const ids = new Set(changed.map(({ id }) => id))
    for (const { job, transition, token } of changes) {
      const found = ids.has(job.id) ? null : await findChanged(db, job, transition, now, { token, keep: false })
      if (found) changed.push(found)
    }
    return changed
  })
}

/** The job as it is now, if an earlier try made this change and its answer was lost; null if it didn't, or that can't be told. */
async function findChanged(
  db: Database,
  { id, version }: Job,
  { event }: Transition,
  now: number,
  claim: Claim,
): Promise<Job | null> {
  const row = await db.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst()
  if (!row) return null
  if (!event) return claim?.keep && row.claimToken === claim.token && row.version === version + 1 ? toJob(row) : null
  const { kind, actor = null } = event
  const made = await db
    .selectFrom('events')
    .select(['kind', 'at', 'actor'])
    .where('jobId', '=', id)
    .where('seq', '=', version + 1)
    .executeTakeFirst()
  return made?.kind === kind && made.at === now && made.actor === actor ? toJob(row) : null
}

async function change(
  transaction: Transaction<Schema>,
  job: Job,
  transition: Transition,
  now: number,
  claim: Claim,
  homes: StaleHomes,
): Promise<Job | null> {
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
      ...(plain.endedAt ? { personalParams: null, isPersonalGone: job.isPersonalGone || job.personal.length > 0 } : {}),
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
    if ((await startRemoval(transaction, ids, now, homes)) === null) throw new NothingToDelete()
  }
  if (transition.event) {
    // The event belongs to the step it happened in, which a finished step has already left.
    const { event } = transition
    const stored = event.detail ? { ...event, detail: toStoredDetail(job, event.detail) } : event
    await insertEvent(transaction, { ...changed, step: job.step }, stored, now, homes)
  }
  if (changed.removes !== null && plain.endedAt) {
    const cleared = await endRemoval(transaction, changed, now, homes)
    if (cleared && changed.retryFrom !== null) {
      const again = afterClearing(cleared, { step: changed.retryFrom, actor: changed.requester }, { now, jitter: 0 })
      // This removal holds the lock until now, so no other job can take it in between.
      if (again) await change(transaction, cleared, again, now, null, homes)
    }
  }
  if (livesAgain) await reopenLeft(transaction, job.id)
  return changed
}

/** Rolls back the start of a removal: what it deletes is gone, or another removal has begun. */
class NothingToDelete extends Error {}
