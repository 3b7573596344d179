/** Who works at which job and until when nobody else may, and which jobs are due. */
import type { ExpressionBuilder } from 'kysely'
import type { Job } from '../domain/job.js'
import { type Database, type Lease, MAX_CLAIM_MS, type Schema, toJob } from './schema.js'

/**
 * Takes due jobs of a connection under a lease, longest due first. The outer conditions repeat the inner ones because
 * Postgres checks only those again after it waited for another worker's row lock.
 */
export async function claimDueJobs(
  db: Database,
  wanted: { connection: string; states: readonly Job['state'][]; limit: number },
  lease: Lease,
): Promise<Job[]> {
  const { connection, states, limit } = wanted
  return await claim(db, limit, lease, (job) =>
    job.and([job('connection', '=', connection), job('state', 'in', [...states])]),
  )
}

/** Takes due jobs that no connection's workers take: of connections that are not in this list, or waiting for a person. */
export async function claimWaitingJobs(
  db: Database,
  { connections, limit }: { connections: readonly string[]; limit: number },
  lease: Lease,
): Promise<Job[]> {
  return await claim(db, limit, lease, (job) =>
    job.or([job('state', '=', 'uncertain'), job('connection', 'not in', [...connections])]),
  )
}

type Jobs = ExpressionBuilder<Schema, 'jobs'>

async function claim(
  db: Database,
  limit: number,
  lease: Lease,
  isWanted: (job: Jobs) => ReturnType<Jobs['and']>,
): Promise<Job[]> {
  // It works at no job any more when it asks for the next ones: what it still holds it could not give back, because the
  // disk was full.
  await db
    .updateTable('jobs')
    .set({ leaseOwner: null, leaseUntil: null })
    .where('leaseOwner', '=', lease.worker)
    .execute()
  const rows = await db
    .updateTable('jobs')
    .set({ leaseOwner: lease.worker, leaseUntil: lease.now + lease.leaseMs })
    .where('id', 'in', (due) =>
      due
        .selectFrom('jobs')
        .select('id')
        .where(isWanted)
        .where('dueAt', '<=', lease.now)
        .where((row) => isFree(row, lease))
        .orderBy('dueAt')
        .limit(limit),
    )
    .where((row) => isFree(row, lease))
    .returningAll()
    .execute()
  return rows.map(toJob).sort((one, other) => (one.dueAt ?? 0) - (other.dueAt ?? 0))
}

/** A pause that a provider or Slack asked for is longer only once in a while, and asked for again. */
const MAX_PAUSE_MS = 60_000
/** Nor is a reminder planned for later. */
const MAX_REMINDER_MS = 4 * 86_400_000

/**
 * Makes due what was planned for a later time, because after a stop, or when the clock was set, nobody knows how far
 * that is away: running steps at once, and all that waits because somebody asked for a pause within a minute.
 */
export async function makeLiveJobsDue(db: Database, now: number): Promise<void> {
  await db
    .updateTable('jobs')
    .set({ dueAt: now })
    .where('state', '=', 'working')
    .where('dueAt', '>', now)
    .where('unreachableSince', 'is', null)
    .execute()
  const latest = now + MAX_PAUSE_MS
  // People take days to answer; no reminder is planned sooner than that.
  await db
    .updateTable('jobs')
    .set({ dueAt: latest })
    .where('dueAt', '>', latest)
    .where('state', '!=', 'uncertain')
    .execute()
  const reminder = now + MAX_REMINDER_MS
  await db.updateTable('jobs').set({ dueAt: reminder }).where('dueAt', '>', reminder).execute()
  await db
    .updateTable('jobs')
    .set({ tellerUntil: latest })
    .where('tellerUntil', '>', latest)
    .where('teller', 'is', null)
    .execute()
}

function isFree(row: ExpressionBuilder<Schema, 'jobs'>, { now, takesOver = true }: Lease) {
  const isOver = takesOver ? [row('leaseUntil', '<', now), row('leaseUntil', '>', now + MAX_CLAIM_MS)] : []
  return row.or([row('leaseUntil', 'is', null), ...isOver])
}

/** Gives a claim back, where the work ended without a transition that did. */
export async function releaseLease(db: Database, jobId: string, worker: string): Promise<void> {
  await db
    .updateTable('jobs')
    .set({ leaseOwner: null, leaseUntil: null })
    .where('id', '=', jobId)
    .where('leaseOwner', '=', worker)
    .execute()
}

/** Keeps one claim alive, and answers whether there still was one to keep on the job as it was read. */
export async function renewLease(
  db: Database,
  { id, version }: Job,
  { worker, now, leaseMs }: Lease,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('jobs')
    .set({ leaseUntil: now + leaseMs })
    .where('id', '=', id)
    .where('version', '=', version)
    .where('leaseOwner', '=', worker)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Keeps the claims of these workers alive while they are still at them, those for telling too, until that time. */
export async function renewLeases(db: Database, workers: readonly string[], until: number): Promise<void> {
  await db.updateTable('jobs').set({ leaseUntil: until }).where('leaseOwner', 'in', workers).execute()
  await db.updateTable('jobs').set({ tellerUntil: until }).where('teller', 'in', workers).execute()
}
