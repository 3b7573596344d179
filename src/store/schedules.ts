/**
 * The schedules table. A run is claimed by moving `dueAt` ahead with a compare-and-set on the version: a process that stops in the
 * middle of it leaves the schedule due again. The transaction that makes its job moves `nextAt`, so each time is run once.
 */
import type { Transaction } from 'kysely'
import { type EndedRun, MAX_SCHEDULES, type Schedule } from '../domain/schedule.js'
import { type Actor, type AuditRow, recordAct } from './audit.js'
import { type Capabilities, isKnownOperation } from './capabilities.js'
import { markHomes } from './homes.js'
import { takeAdvisoryLock } from './postgres.js'
import type { Database, ScheduleTable, Schema } from './schema.js'
import { shortId } from './short-id.js'
import { inTransaction, retryWhileInDoubt } from './transaction.js'

/** How long one process may take to start a run, in milliseconds. Then the schedule is due again. */
const MAX_RUN_MS = 2 * 60_000

export type NewSchedule = Omit<
  ScheduleTable,
  'id' | 'dueAt' | 'pausedAt' | 'lastJob' | 'retrySince' | 'failures' | 'createdAt' | 'version'
>

export type Scheduling =
  | { kind: 'created'; schedule: Schedule }
  /** This very submission was taken before. */
  | { kind: 'repeated'; schedule: Schedule }
  /** This owner has as many as one may have. */
  | { kind: 'full' }

export async function createSchedule(
  db: Database,
  wanted: NewSchedule,
  now: number,
  newId = shortId,
): Promise<Scheduling> {
  // A try or two may be lost to an id that was taken, or to the same submission elsewhere; five are a bug.
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const scheduling = await retryWhileInDoubt(
      async () => await inTransaction(db, (transaction) => tryToCreate(transaction, { ...wanted, id: newId() }, now)),
    )
    if (scheduling) return scheduling
  }
  throw new Error('No schedule could be inserted although nothing stood in the way.')
}

/** Undefined if something took its id or its submission meanwhile. */
async function tryToCreate(
  transaction: Transaction<Schema>,
  wanted: NewSchedule & { id: string },
  now: number,
): Promise<Scheduling | undefined> {
  const { owner, submission } = wanted
  await takeAdvisoryLock(transaction, `schedules of ${owner}`)
  const schedules = transaction.selectFrom('schedules')
  const repeated = await schedules.selectAll().where('submission', '=', submission).executeTakeFirst()
  if (repeated) return { kind: 'repeated', schedule: repeated }
  const owned = schedules.where('owner', '=', owner)
  const { count } = await owned.select((row) => row.fn.countAll<number>().as('count')).executeTakeFirstOrThrow()
  if (count >= MAX_SCHEDULES) return { kind: 'full' }
  const row = { ...wanted, dueAt: wanted.nextAt, failures: 0, createdAt: now, version: 1 }
  const schedule = await transaction
    .insertInto('schedules')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst()
  if (!schedule) return undefined
  await note(transaction, 'schedule_made', schedule, { actor: owner, channel: schedule.channel }, now)
  return { kind: 'created', schedule }
}

export async function findSchedule(db: Database, id: string): Promise<Schedule | null> {
  return (await db.selectFrom('schedules').selectAll().where('id', '=', id).executeTakeFirst()) ?? null
}

/** The schedules of a person with these ids, oldest first. */
export async function listSchedules(db: Database, owners: readonly string[]): Promise<Schedule[]> {
  const owned = db
    .selectFrom('schedules')
    .selectAll()
    .where('owner', 'in', [...owners])
  return await owned.orderBy('createdAt').orderBy('id').execute()
}

/**
 * Claims schedules that are due, longest due first. Each is due again in two minutes, unless its run changes that.
 *
 * @param capabilities what this process can run; absent if it's the only one.
 */
export async function claimDueSchedules(
  db: Database,
  limit: number,
  now: number,
  capabilities?: Capabilities,
): Promise<Schedule[]> {
  const rows = await db
    .with('due', (schedules) =>
      schedules
        .selectFrom('schedules')
        .select('id')
        .where('dueAt', '<=', now)
        .$if(capabilities !== undefined, (mine) =>
          mine.where((row) =>
            capabilities ? isKnownOperation(capabilities, 'schedules', row.ref('dueAt'), now) : row.lit(true),
          ),
        )
        .orderBy('dueAt')
        .limit(limit)
        .forUpdate()
        .skipLocked(),
    )
    .updateTable('schedules')
    .set((row) => ({ dueAt: now + MAX_RUN_MS, version: row('version', '+', 1) }))
    .where('id', 'in', (wanted) => wanted.selectFrom('due').select('id'))
    .returningAll()
    .execute()
  return rows.sort((one, other) => (one.nextAt ?? 0) - (other.nextAt ?? 0))
}

/** Tries a claimed run again at this time. Nothing happens if the schedule has changed since. */
export async function postponeRun(
  db: Database,
  { id, version }: Schedule,
  set: { dueAt: number; retrySince: number },
): Promise<void> {
  await changeSchedule(db, { id, version }, set)
}

/**
 * Ends a claimed run, in the transaction that makes its job if there's one. A pause after runs that couldn't start is nobody's
 * act, and noted in the audit all the same.
 *
 * @returns false if the schedule has changed since: then nothing was changed.
 */
export async function endRun(
  db: Database | Transaction<Schema>,
  { nextAt, failures, pausedAt, ...claimed }: EndedRun,
  job: { id: string; source: string; target: string } | null,
): Promise<boolean> {
  const made = job && { lastJob: job.id, source: job.source, target: job.target }
  const dueAt = pausedAt === null ? nextAt : null
  return await inTransaction(db, async (transaction) => {
    const set = { nextAt, dueAt, failures, pausedAt, retrySince: null, ...made }
    const changed = await changeSchedule(transaction, claimed, set)
    if (changed && pausedAt !== null)
      await note(transaction, 'schedule_paused', changed, { actor: null, channel: null }, pausedAt)
    return changed !== null
  })
}

/** Pauses a schedule, or lets it go on at `nextAt`. Null if it has changed since it was read. */
export async function setPaused(
  db: Database,
  schedule: Schedule,
  { pausedAt, nextAt }: Pick<Schedule, 'pausedAt' | 'nextAt'>,
  by: Actor,
  now: number,
): Promise<Schedule | null> {
  return await inTransaction(db, async (transaction) => {
    const changed = await changeSchedule(transaction, schedule, {
      pausedAt,
      nextAt,
      dueAt: pausedAt === null ? nextAt : null,
      failures: 0,
      retrySince: null,
    })
    if (changed) await note(transaction, pausedAt === null ? 'schedule_resumed' : 'schedule_paused', changed, by, now)
    return changed
  })
}

async function changeSchedule(
  db: Database | Transaction<Schema>,
  { id, version }: Pick<Schedule, 'id' | 'version'>,
  set: Partial<Schedule>,
): Promise<Schedule | null> {
  const row = await db
    .updateTable('schedules')
    .set({ ...set, version: version + 1 })
    .where('id', '=', id)
    .where('version', '=', version)
    .returningAll()
    .executeTakeFirst()
  return row ?? null
}

/** Returns whether it was there. */
export async function deleteSchedule(db: Database, schedule: Schedule, by: Actor, now: number): Promise<boolean> {
  return await inTransaction(db, async (transaction) => {
    const gone = await transaction.deleteFrom('schedules').where('id', '=', schedule.id).executeTakeFirst()
    if (gone.numDeletedRows === 0n) return false
    await note(transaction, 'schedule_deleted', schedule, by, now)
    return true
  })
}

/** For the audit, and for the owner's open Home tab. */
async function note(
  transaction: Transaction<Schema>,
  action: 'schedule_made' | 'schedule_paused' | 'schedule_resumed' | 'schedule_deleted',
  { id, preset, cron, zone, owner: requester, connection, operation, source, target }: Schedule,
  by: Pick<AuditRow, 'actor' | 'channel'>,
  now: number,
): Promise<void> {
  const details = { detail: `${id}: ${preset}, ${cron} (${zone})` }
  await recordAct(transaction, { action, requester, connection, operation, source, target, ...by, details }, now)
  await markHomes(transaction, new Set([requester]), now)
}
