/** Functions over the jobs table. Every change is a compare-and-set that writes its event in the same transaction. */
import { randomInt } from 'node:crypto'
import type { Insertable } from 'kysely'
import type { Job, Transition } from '../domain/job.js'
import { cut, MAX_FOREIGN_TEXT_LENGTH } from '../lib/text.js'
import { insertEvent } from './events.js'
import { insertRoot } from './messages.js'
import { type Database, type JobTable, toJob } from './schema.js'

/** What a submission knows of the job it wants. */
export interface NewJob {
  connection: string
  operation: string
  /** Id of the operation's first step. */
  step: string
  params: Readonly<Record<string, unknown>>
  /** Keys of the params that are deleted when the job ends. */
  personal?: readonly string[]
  /** Key of the draft it came from, which is used up. */
  draft?: string
  source: string
  target: string
  lock: string
  submission: string
  requester: string
  mentionOnSuccess: boolean
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

/** Makes the job and its first event durable, or says which job stands in the way. */
export async function createJob(db: Database, wanted: NewJob, now: number): Promise<Creation> {
  // Two tries may be lost to an id that was taken or a holder that ended between the two statements; five are a bug.
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const row = newRow(wanted, now)
    const created = await db.transaction().execute(async (transaction) => {
      const inserted = await transaction
        .insertInto('jobs')
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .returningAll()
        .executeTakeFirst()
      if (inserted) {
        await insertEvent(transaction, toJob(inserted), { kind: 'queued' }, now)
        await insertRoot(transaction, inserted.id, inserted.channel)
        await transaction
          .deleteFrom('drafts')
          .where('id', '=', wanted.draft ?? '')
          .execute()
      }
      return inserted
    })
    if (created) return { kind: 'created', job: toJob(created) }

    const repeated = await findSubmitted(db, wanted.submission)
    if (repeated) return { kind: 'repeated', job: repeated }

    const holder = await findHolder(db, wanted.connection, wanted.lock)
    if (holder) return { kind: 'locked', holder }
  }
  throw new Error('No job could be inserted although nothing stood in the way.')
}

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
 * @param claim the worker's token, and whether it keeps the claim for what comes next; null for a person's click.
 * @returns the job as it is now, or null when somebody else was first and nothing was changed.
 */
export async function applyTransition(
  db: Database,
  job: Job,
  transition: Transition,
  now: number,
  claim: { token: string; keep: boolean } | null,
): Promise<Job | null> {
  return await db.transaction().execute(async (transaction) => {
    const { ref, ...plain } = transition.set
    let update = transaction
      .updateTable('jobs')
      .set({
        ...plain,
        ...(plain.detail ? { detail: toStoredDetail(job, plain.detail) } : {}),
        ...(ref === undefined ? {} : { ref: ref && JSON.stringify(ref) }),
        ...(plain.endedAt ? { personalParams: null } : {}),
        ...(claim?.keep ? {} : { claimToken: null }),
        version: job.version + 1,
      })
      .where('id', '=', job.id)
      .where('version', '=', job.version)
      .where('state', '=', job.state)
    if (claim) update = update.where('claimToken', '=', claim.token)
    const row = await update.returningAll().executeTakeFirst()
    if (!row) return null
    const changed = toJob(row)
    if (transition.event) {
      // The event belongs to the step it happened in, which a finished step has already left.
      const { event } = transition
      const stored = event.detail ? { ...event, detail: toStoredDetail(job, event.detail) } : event
      await insertEvent(transaction, { ...changed, step: job.step }, stored, now)
    }
    return changed
  })
}

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

/** Minimum sample for a median. */
const MIN_SAMPLES = 3

/**
 * Median duration of the last twenty successful jobs that went as far as this one will, in milliseconds; null while there
 * are too few of them.
 */
export async function typicalDurationMs(
  db: Database,
  { connection, operation, lastStep }: { connection: string; operation: string; lastStep: string },
): Promise<number | null> {
  const rows = await db
    .selectFrom('jobs')
    .select(['createdAt', 'endedAt'])
    .where('connection', '=', connection)
    .where('operation', '=', operation)
    .where('state', '=', 'succeeded')
    .where('step', '=', lastStep)
    .orderBy('endedAt', 'desc')
    .limit(20)
    .execute()
  if (rows.length < MIN_SAMPLES) return null
  const durations = rows.map((row) => (row.endedAt ?? row.createdAt) - row.createdAt).sort((one, other) => one - other)
  return durations[Math.floor(durations.length / 2)] ?? null
}

/** When the last job before this one ended that had the same target, by its lock; null when there was none. */
export async function endOfEarlierJob(db: Database, job: Job): Promise<number | null> {
  const row = await db
    .selectFrom('jobs')
    .select((earlier) => earlier.fn.max('endedAt').as('endedAt'))
    .where('connection', '=', job.connection)
    .where('operation', '=', job.operation)
    .where('lock', '=', job.lock)
    .where('createdAt', '<=', job.createdAt)
    .where('id', '!=', job.id)
    .executeTakeFirst()
  return row?.endedAt ?? null
}

/** How many live jobs wait until dolly.yml names their connection again, for each that is not in this list. */
export async function countStrandedJobs(
  db: Database,
  connections: readonly string[],
): Promise<{ connection: string; jobs: number }[]> {
  return await db
    .selectFrom('jobs')
    .select((row) => ['connection', row.fn.countAll<number>().as('jobs')])
    .where('endedAt', 'is', null)
    .where('connection', 'not in', [...connections])
    .groupBy('connection')
    .execute()
}

/** Ids of the jobs of these connections that a provider works on. */
export async function findRunningJobs(db: Database, connections: readonly string[]): Promise<string[]> {
  const rows = await db
    .selectFrom('jobs')
    .select('id')
    .where('connection', 'in', [...connections])
    .where('state', '=', 'working')
    .execute()
  return rows.map(({ id }) => id)
}

function newRow({ personal = [], draft: _, ...job }: NewJob, now: number): Insertable<JobTable> {
  const entries = Object.entries(job.params)
  const some = (isPersonal: boolean) =>
    JSON.stringify(Object.fromEntries(entries.filter(([key]) => personal.includes(key) === isPersonal)))
  return {
    ...job,
    id: newId(),
    params: some(false),
    personalParams: personal.length > 0 ? some(true) : null,
    state: 'queued',
    stepSince: now,
    attempt: 0,
    dueAt: now,
    isUnreachableReported: false,
    canDismiss: false,
    createdAt: now,
    version: 1,
  }
}

/** Five characters without look-alikes: short enough to say aloud, checked against the table by its primary key. */
function newId(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789'
  return Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]).join('')
}
