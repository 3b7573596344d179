/** Reads of the jobs table beyond one job: what earlier jobs say about the next one, and which jobs there are. */
import type { Job } from '../domain/job.js'
import { type Database, toJob } from './schema.js'

/** The jobs that a person asked for last, newest first. */
export async function findRecentJobs(db: Database, requester: string, limit: number): Promise<Job[]> {
  const jobs = db.selectFrom('jobs').selectAll().where('requester', '=', requester)
  return (await jobs.orderBy('createdAt', 'desc').limit(limit).execute()).map(toJob)
}

/**
 * The targets that the newest jobs of a connection made or may still make, in words. Removals have the target of what they
 * delete, and what ended without a ref made nothing.
 */
export async function findTargets(db: Database, connection: string, limit: number): Promise<string[]> {
  const jobs = db
    .selectFrom('jobs')
    .select('target')
    .where('connection', '=', connection)
    .where('removes', 'is', null)
    .where('removedAt', 'is', null)
    .where((job) => job.or([job('endedAt', 'is', null), job('ref', 'is not', null)]))
  return (await jobs.orderBy('createdAt', 'desc').limit(limit).execute()).map(({ target }) => target)
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
    .select(['runSince', 'endedAt'])
    .where('connection', '=', connection)
    .where('operation', '=', operation)
    .where('state', '=', 'succeeded')
    .where('step', '=', lastStep)
    .orderBy('endedAt', 'desc')
    .limit(20)
    .execute()
  if (rows.length < MIN_SAMPLES) return null
  const durations = rows.map((row) => (row.endedAt ?? row.runSince) - row.runSince).sort((one, other) => one - other)
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
