/** Opens the database, a SQLite file or Postgres, and brings it to the newest schema. */
import { existsSync } from 'node:fs'
import { type Dialect, Kysely, type Migration, type MigrationProvider, Migrator, sql } from 'kysely'
import { ConnectionError, DatabaseError } from '../errors.js'
import type { Log } from '../lib/log.js'
import { explainOpenFailure } from './file.js'
import * as initial from './migrations/001-initial.js'
import * as approvals from './migrations/002-approvals.js'
import * as presets from './migrations/003-presets.js'
import * as follow from './migrations/004-follow.js'
import * as audit from './migrations/005-audit.js'
import * as workflow from './migrations/006-workflow.js'
import * as retry from './migrations/007-retry.js'
import * as copies from './migrations/008-copies.js'
import * as replicas from './migrations/009-replicas.js'
import { postgresDialect } from './postgres.js'
import { assertLimits, describeUrl, explainAccess, explainRefusal, reasonOf } from './postgres-problems.js'
import type { Database, Schema } from './schema.js'
import { isSqliteError, openSqlite, sqliteDialect } from './sqlite.js'
import { retryWhileAway } from './transaction.js'

/** In order; a migration that was released is never edited. */
export const migrations: Record<string, Migration> = {
  '001-initial': initial,
  '002-approvals': approvals,
  '003-presets': presets,
  '004-follow': follow,
  '005-audit': audit,
  '006-workflow': workflow,
  '007-retry': retry,
  '008-copies': copies,
  '009-replicas': replicas,
}

/** How long a statement waits for a row that another transaction holds, at most. In milliseconds. */
const MAX_LOCK_MS = 2_000
/** Added to the statement timeout of Postgres for the way there and back, in milliseconds. */
const ANSWER_MARGIN_MS = 300
const NEWER_BESIDE_THIS =
  "a newer Dolly has added to this database; this one runs beside it, and leaves alone what it doesn't know"
/** In milliseconds. */
const MAX_MIGRATION_MS = 60_000

interface OpenOptions {
  /** How long one query waits for others, in milliseconds: for the file, or for a row of Postgres. Default 30 000. */
  busyTimeoutMs?: number
  /** The same for opening it. Default 30 000. */
  openWithinMs?: number
  /** How many connections to Postgres it may open. Default 4. */
  maxConnections?: number
  /** Whether this process has opened it before, so that there is nothing to migrate. Default false. */
  isMigrated?: boolean
  log?: Pick<Log, 'warn'>
}

/** Whether an address is one of Postgres. All others are paths of SQLite files. */
export function isPostgres(address: string): boolean {
  return /^postgres(ql)?:\/\//.test(address)
}

/**
 * Whether there's no database of Dolly yet at an address, so that opening it would create one.
 *
 * @throws ConnectionError when Postgres can't be asked.
 */
export async function isMissing(address: string): Promise<boolean> {
  if (!isPostgres(address)) return !existsSync(address)
  const db = await openPostgres(address, migrations, { isMigrated: true, maxConnections: 1 })
  try {
    return !(await hasMigrations(db))
  } catch (error) {
    throw explainAccess(address, error) ?? error
  } finally {
    await db.destroy()
  }
}

/** What people read of an address where it's missing. */
export function explainMissing(address: string): string {
  return isPostgres(address) ? `Dolly has no tables in ${describeUrl(address)}.` : `There's no database at ${address}.`
}

/**
 * Opens a database and brings it to the newest schema. A SQLite file is created where it's missing. A query that waits too long
 * throws a DatabaseError.
 *
 * @param address path of a SQLite file, or `postgres://…`.
 * @param known all migrations there are; others only in tests.
 * @throws ConnectionError when it can't be opened, is locked by another process or belongs to a newer Dolly.
 */
export async function openDatabase(address: string, known = migrations, options: OpenOptions = {}): Promise<Database> {
  return isPostgres(address) ? await openPostgres(address, known, options) : await openFile(address, known, options)
}

async function openFile(
  file: string,
  known: Record<string, Migration>,
  { busyTimeoutMs = 30_000, openWithinMs = 30_000 }: OpenOptions,
): Promise<Database> {
  const deadline = performance.now() + openWithinMs
  const sqlite = await openSqlite(file, deadline).catch((error) => {
    throw explainOpenFailure(file, error)
  })
  let waitMs = Math.max(deadline - performance.now(), 0)
  const database = createDatabase(sqliteDialect(sqlite, () => waitMs))
  try {
    await migrateFile(database, file, known)
  } catch (error) {
    await database.destroy()
    const isForeign = error instanceof DatabaseError || isSqliteError(error)
    throw isForeign ? explainOpenFailure(file, error) : error
  }
  waitMs = busyTimeoutMs
  return database
}

async function openPostgres(
  url: string,
  known: Record<string, Migration>,
  {
    isMigrated = false,
    busyTimeoutMs = 30_000,
    maxConnections = 4,
    openWithinMs = 30_000,
    log = { warn() {} },
  }: OpenOptions,
): Promise<Database> {
  if (!isMigrated) await migratePostgres(url, known, { openWithinMs, log })
  const limits = {
    max: maxConnections,
    statementMs: busyTimeoutMs,
    // Short enough for a second try in `inTransaction`.
    lockMs: Math.min(Math.ceil(busyTimeoutMs / 3), MAX_LOCK_MS),
    connectMs: busyTimeoutMs,
    wholeMs: busyTimeoutMs + ANSWER_MARGIN_MS,
  }
  return createDatabase(postgresDialect(url, limits, log))
}

async function migratePostgres(
  url: string,
  known: Record<string, Migration>,
  { openWithinMs, log }: { openWithinMs: number; log: Pick<Log, 'warn'> },
): Promise<void> {
  // A migration waits for those of other processes, so it gets more time than other statements.
  const patience = { statementMs: MAX_MIGRATION_MS, lockMs: MAX_MIGRATION_MS, wholeMs: 2 * MAX_MIGRATION_MS }
  const once = createDatabase(postgresDialect(url, { max: 2, ...patience, connectMs: openWithinMs }, log))
  let isFirst = true
  try {
    await retryWhileAway(openWithinMs, async () => {
      try {
        await assertLimits(once, url, patience.lockMs)
        const newer = await migrateBesideNewer(once, known)
        if (newer.length > 0) log.warn({ migrations: newer }, NEWER_BESIDE_THIS)
      } catch (error) {
        const refusal = explainRefusal(url, error)
        if (refusal) throw refusal
        if (error instanceof DatabaseError && isFirst) {
          isFirst = false
          log.warn(
            { database: describeUrl(url), reason: reasonOf(error) },
            "the database doesn't answer yet; trying again",
          )
        }
        throw error
      }
    })
  } catch (error) {
    throw explainAccess(url, error) ?? error
  } finally {
    await once.destroy()
  }
}

/**
 * Kysely with the tables; the schema is whatever is there. Rows are in camelCase, also those that its introspection reads: of
 * what that returns, only the names of tables are right.
 */
export function createDatabase(dialect: Dialect): Database {
  return new Kysely<Schema>({ dialect })
}

/**
 * All or nothing, and one process at a time: Kysely runs SQLite's migrations outside of any transaction, so that a kill
 * between two statements, or two starts on a new file, would leave tables that no migration fits any more.
 */
async function migrateFile(database: Database, file: string, known: Record<string, Migration>): Promise<void> {
  await database.connection().execute(async (connection) => {
    await sql`begin immediate`.execute(connection)
    try {
      const newer = await newerMigrations(connection, known)
      if (newer.length > 0) throw explainNewer(file, newer)
      await migrate(connection, async () => known)
      await sql`commit`.execute(connection)
    } catch (error) {
      // SQLite may have rolled back by itself, as on a full disk.
      await sql`rollback`.execute(connection).catch(() => undefined)
      throw error
    }
  })
}

/**
 * All or nothing, and one process at a time.
 *
 * @param database Postgres, with two connections: one holds the lock while the other one asks.
 * @returns the migrations of a newer release, which stay as they are.
 */
async function migrateBesideNewer(database: Database, known: Record<string, Migration>): Promise<string[]> {
  let newer: string[] = []
  await migrate(database, async () => {
    // Kysely calls this under its own lock, so no other process can migrate between this and its own check.
    newer = await newerMigrations(database, known)
    // They were applied already, so none of these runs. Without them Kysely reports a corrupted database.
    const placeholders = newer.map((name): [string, Migration] => [name, { up: async () => {} }])
    return { ...known, ...Object.fromEntries(placeholders) }
  })
  return newer
}

async function migrate(database: Database, getMigrations: MigrationProvider['getMigrations']): Promise<void> {
  // Kysely sorts applied migrations by the clock of the machine that ran them, which may have been wrong.
  const migrator = new Migrator({ db: database, provider: { getMigrations }, allowUnorderedMigrations: true })
  const { error } = await migrator.migrateToLatest()
  if (error) throw error
}

export function explainNewer(file: string, newer: readonly string[]): ConnectionError {
  return new ConnectionError(
    `The database ${file} was written by a newer Dolly (it has "${newer.join('", "')}"). ` +
      'Start that version again, or point DATABASE_URL to another database.',
  )
}

/** Names of the migrations that were applied and that this release doesn't know. */
async function newerMigrations(database: Database, known: Record<string, Migration>): Promise<string[]> {
  if (!(await hasMigrations(database))) return []
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(database)
  return rows.map((row) => row.name).filter((name) => !(name in known))
}

async function hasMigrations(database: Database): Promise<boolean> {
  const tables = await database.introspection.getTables({ withInternalKyselyTables: true })
  return tables.some((table) => table.name === 'kysely_migration')
}
