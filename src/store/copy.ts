/** Copies a SQLite file to Postgres, all or nothing. Afterwards Dolly runs there, and no longer on the file. */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { sql, type Transaction } from 'kysely'
import { ConnectionError, TemporaryError } from '../errors.js'
import { type AuditKeys, type AuditReport, verifyAudit } from './audit-chain.js'
import { NO_CLAIM } from './claims.js'
import { isPostgres, openDatabase } from './database.js'
import { lockDatabase } from './lock.js'
import { describeUrl } from './postgres-problems.js'
import { findRunningProcess } from './processes.js'
import { askIfRestored } from './restored.js'
import type { CopyTable, Database, Schema } from './schema.js'
import { hasTable } from './sqlite.js'

type Table = keyof Schema

/**
 * Which tables are copied, each after the tables that it references. The others are about the processes that use a database now.
 */
const treatments: Record<Table, 'copy' | 'leave'> = {
  jobs: 'copy',
  events: 'copy',
  messages: 'copy',
  approvals: 'copy',
  workflowSteps: 'copy',
  drafts: 'copy',
  presets: 'copy',
  schedules: 'copy',
  homes: 'copy',
  settings: 'copy',
  audit: 'copy',
  auditHead: 'copy',
  processes: 'leave',
  slots: 'leave',
  rateLimits: 'leave',
  seen: 'leave',
  copies: 'leave',
}

/** All tables there are, and which of them are copied, in this order. */
export const allTables = Object.keys(treatments).filter((table): table is Table => table in treatments)
export const copiedTables = allTables.filter((table) => treatments[table] === 'copy')

/** How many rows one statement copies. */
const BATCH = 200
/** How long to wait for the locks of an earlier copy that the server hasn't ended yet, in milliseconds. */
const MAX_WAIT_MS = 30_000
/** How long to try to reach the target, in milliseconds. */
const OPEN_WITHIN_MS = 10_000
/** For the whole copy, in milliseconds. After that the connection is given up as dead. */
const MAX_COPY_MS = 30 * 60_000

export interface CopyReport {
  /** Where the rows are, for people: `the database dolly on db.example:5432`. */
  target: string
  /** When an earlier call copied them, in milliseconds since 1970; null if this one did. */
  copiedBefore: number | null
  /** The copied tables, with how many rows each has there. */
  rows: ReadonlyMap<Table, number>
  /** How many of the jobs haven't ended. */
  liveJobs: number
  /** Of the rows there. The file's own audit has the same. */
  audit: AuditReport
}

interface CopyOptions {
  /** For verifying the audit. */
  keys: AuditKeys
  /** Milliseconds since 1970. */
  now: number
  /** How long a Dolly that uses the file may take to end, in milliseconds. Default 15 000. */
  waitMs?: number
}

/**
 * Copies all rows of a SQLite file into an empty database on Postgres, in one transaction, and marks the file so that no Dolly
 * starts on it any more. The mark is committed first: if this process dies between the two commits, Dolly starts on neither, and
 * another call finds out whether the copy arrived.
 *
 * @param file path of the SQLite file. It is brought to the newest schema, as by a start, and locked meanwhile.
 * @param url `postgres://…`, a database without any rows of Dolly.
 * @throws ConnectionError for what the operator must fix. The file can be used as before, unless the message says otherwise.
 */
export async function copyDatabase(file: string, url: string, { keys, now, waitMs }: CopyOptions): Promise<CopyReport> {
  assertDirection(file, url)
  const unlock = await lockDatabase(file, {
    advice: 'stop that one, and run this command again.',
    ...(waitMs !== undefined && { waitMs }),
  })
  try {
    return await withDatabase(file, async (source) => {
      await askIfRestored(source, now)
      return await withDatabase(url, async (target) => await copyRows({ source, file, target, url }, keys, now))
    })
  } finally {
    unlock()
  }
}

/**
 * Refuses a file that was copied to another database: its jobs run there, and would be done twice.
 *
 * @throws ConnectionError that says where they went.
 */
export async function refuseCopied(db: Database, file: string): Promise<void> {
  const copy = await findCopy(db)
  if (!copy) return
  const { target, finishedAt } = copy
  throw new ConnectionError(
    finishedAt === null
      ? `A copy of the database ${file} to ${target} broke off at its very end, so its jobs may go on there. ` +
          'Run "dolly db copy" again: it finds out, and finishes the copy.'
      : `The database ${file} was copied to ${target} on ${day(finishedAt)}, and its jobs go on there: here each would be done ` +
          'a second time. Set DATABASE_URL to that database. How to go back to the file is in docs/operating.md.',
  )
}

function assertDirection(file: string, url: string): void {
  if (isPostgres(file))
    throw new ConnectionError('dolly db copy copies a SQLite file: name one, such as data/dolly.db.')
  if (!isPostgres(url)) {
    throw new ConnectionError(
      'dolly db copy copies to Postgres: set DATABASE_URL to the new database, such as postgres://user:password@host:5432/dolly.',
    )
  }
  if (!existsSync(file)) throw new ConnectionError(`There's no database at ${file}. Name the SQLite file to copy.`)
  if (!hasTable(file, 'jobs'))
    throw new ConnectionError(`${file} isn't a database of Dolly. Name the SQLite file to copy.`)
}

async function withDatabase<T>(address: string, work: (db: Database) => Promise<T>): Promise<T> {
  const options = { openWithinMs: OPEN_WITHIN_MS, busyTimeoutMs: MAX_COPY_MS, maxConnections: 1 }
  const db = await openDatabase(address, undefined, options)
  try {
    return await work(db)
  } finally {
    await db.destroy()
  }
}

interface Both {
  source: Database
  file: string
  target: Database
  url: string
}

async function copyRows({ source, file, target, url }: Both, keys: AuditKeys, now: number): Promise<CopyReport> {
  const name = describeUrl(url)
  const audit = await verifyAudit(source, keys)
  const copy: CopyTable = { id: randomUUID(), target: name, startedAt: now, finishedAt: null }
  let isMarked = false
  try {
    const { id, ...report } = await target.transaction().execute(async (into) => {
      await lockTables(into)
      const earlier = await findCopy(source)
      if (earlier && (await findCopy(into, earlier.id)))
        return { ...(await describe(into, keys)), copiedBefore: earlier.startedAt, id: earlier.id }
      if (earlier) assertUnfinished(earlier, file, name)
      await assertEmpty(into, name)
      const copied = await source.transaction().execute(async (from) => {
        for (const table of copiedTables) await copyTable(from, into, table)
        const there = await describe(into, keys)
        await assertSame(from, there, audit)
        await into
          .insertInto('copies')
          .values({ ...copy, finishedAt: now })
          .execute()
        await from.deleteFrom('copies').execute()
        await from.insertInto('copies').values(copy).execute()
        return there
      })
      // From here on no Dolly starts on the file. Next comes the commit on Postgres.
      isMarked = true
      return { ...copied, copiedBefore: null, id: copy.id }
    })
    await source.updateTable('copies').set({ finishedAt: now }).where('id', '=', id).execute()
    return { ...report, target: name }
  } catch (error) {
    const isUnknown = isMarked && error instanceof TemporaryError && error.mayHaveHappened
    if (isMarked && !isUnknown) await source.deleteFrom('copies').where('id', '=', copy.id).execute()
    throw explainFailure(error, { file, name, isUnknown })
  }
}

/** Keeps a Dolly that starts on the target from writing to it, and waits for an earlier copy that the server hasn't ended yet. */
async function lockTables(into: Transaction<Schema>): Promise<void> {
  await sql`set local lock_timeout = ${sql.lit(MAX_WAIT_MS)}`.execute(into)
  // Once the file is marked, what was committed here must survive a crash of the server.
  await sql`set local synchronous_commit = on`.execute(into)
  const tables = sql.join(allTables.map((table) => sql.table(table)))
  await sql`lock table ${tables} in share row exclusive mode`.execute(into)
}

async function findCopy(db: Database, id?: string): Promise<CopyTable | undefined> {
  const copies = db.selectFrom('copies').selectAll()
  return await (id === undefined ? copies : copies.where('id', '=', id)).executeTakeFirst()
}

/** A copy that isn't in the target is repeated only if it was never confirmed, and only to the same target. */
function assertUnfinished({ target, finishedAt }: CopyTable, file: string, name: string): void {
  if (finishedAt === null && target === name) return
  const what = finishedAt === null ? 'may have been copied' : `was copied on ${day(finishedAt)}`
  throw new ConnectionError(
    `The database ${file} ${what} to ${target}, and ${target === name ? 'nothing of it is there any more' : `not to ${name}`}. ` +
      'Set DATABASE_URL to where it went. How to copy it again from the start is in docs/operating.md.',
  )
}

async function assertEmpty(into: Transaction<Schema>, name: string): Promise<void> {
  const running = await findRunningProcess(into)
  if (running !== undefined)
    throw new ConnectionError(
      `A running Dolly uses ${name} (${running}). Stop it, and set DATABASE_URL to an empty database.`,
    )
  const rows = await countRows(into, [...copiedTables, 'copies'])
  const head = await into.selectFrom('auditHead').select('id').where('seq', '=', 0).executeTakeFirst()
  // The row that a migration creates.
  if (head) rows.delete('auditHead')
  const filled = [...rows].filter(([, count]) => count > 0)
  if (filled.length === 0) return
  const list = filled.map(([table, count]) => `${table}: ${count}`).join(', ')
  throw new ConnectionError(
    `There are rows of a Dolly in ${name} (${list}), and a copy would mix two of them. Create an empty database, and set DATABASE_URL to it.`,
  )
}

type Row = Record<string, unknown>

/** In batches by SQLite's rowid. The copied rows have no claims. */
async function copyTable(from: Transaction<Schema>, into: Transaction<Schema>, table: Table): Promise<void> {
  await sql`delete from ${sql.table(table)}`.execute(into)
  let last = -1
  for (;;) {
    const { rows } = await sql<Row & { rowid: number }>`
      select rowid, ${sql.table(table)}.* from ${sql.table(table)} where rowid > ${last} order by rowid limit ${sql.lit(BATCH)}
    `.execute(from)
    const values = rows.map(({ rowid: _, ...row }) => ('claimToken' in row ? { ...row, ...NO_CLAIM } : row))
    if (values.length > 0) await insertRows(into, table, values)
    if (rows.length < BATCH) return
    last = rows.at(-1)?.rowid ?? last
  }
}

async function insertRows(into: Transaction<Schema>, table: Table, rows: readonly Row[]): Promise<void> {
  const columns = Object.keys(rows[0] ?? {})
  const values = rows.map((row) => sql`(${sql.join(columns.map((column) => row[column]))})`)
  await sql`
    insert into ${sql.table(table)} (${sql.join(columns.map((column) => sql.ref(column)))}) values ${sql.join(values)}
  `.execute(into)
}

async function countRows(db: Database, tables: readonly Table[]): Promise<Map<Table, number>> {
  const counts = new Map<Table, number>()
  for (const table of tables) {
    const { rows } = await sql<{ count: number }>`select count(*) as count from ${sql.table(table)}`.execute(db)
    counts.set(table, rows[0]?.count ?? 0)
  }
  return counts
}

async function describe(db: Database, keys: AuditKeys): Promise<Pick<CopyReport, 'rows' | 'liveJobs' | 'audit'>> {
  const { liveJobs } = await db
    .selectFrom('jobs')
    .select((job) => job.fn.countAll<number>().as('liveJobs'))
    .where('endedAt', 'is', null)
    .executeTakeFirstOrThrow()
  return { rows: await countRows(db, copiedTables), liveJobs, audit: await verifyAudit(db, keys) }
}

async function assertSame(
  from: Transaction<Schema>,
  there: Pick<CopyReport, 'rows' | 'audit'>,
  audit: AuditReport,
): Promise<void> {
  const rows = await countRows(from, copiedTables)
  const different = copiedTables.filter((table) => rows.get(table) !== there.rows.get(table))
  if (different.length > 0) throw new Error(`Not all rows of ${different.join(', ')} arrived.`)
  if (!isDeepStrictEqual(there.audit, audit)) throw new Error('The audit differs there.')
}

function explainFailure(error: unknown, { file, name, isUnknown }: { file: string; name: string; isUnknown: boolean }) {
  if (error instanceof ConnectionError || !(error instanceof Error)) return error
  const reason = error.cause instanceof Error ? error.cause.message : error.message
  return new ConnectionError(
    isUnknown
      ? `The copy is complete, but ${name} didn't confirm it (${reason}). No Dolly starts on ${file} now. ` +
          'Run the same command again: it finds out whether the copy arrived, and repeats it if not.'
      : `The copy to ${name} broke off (${reason}). Nothing was copied, and ${file} is as it was. Run the same command again.`,
  )
}

/** Of milliseconds since 1970: `2026-11-30 14:02 UTC`. */
function day(time: number): string {
  return `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
