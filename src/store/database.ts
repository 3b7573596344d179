/** Opens the database, a SQLite file or Postgres, and brings it to the newest schema. */
import { CamelCasePlugin, type Dialect, Kysely, type Migration, Migrator, sql } from 'kysely'
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
import { describeUrl, explainNoAnswer, postgresDialect } from './postgres.js'
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
}

/** Nobody holds a row for longer, in milliseconds. */
const MAX_LOCK_MS = 2_000
/** For its way there and back, a statement may take this much longer than Postgres itself may, in milliseconds. */
const ANSWER_MARGIN_MS = 300
/** In milliseconds. */
const MAX_MIGRATION_MS = 60_000

interface OpenOptions {
  /** How long one query waits for others, in milliseconds: for the file, or for a row of Postgres. Default 30 000. */
  busyTimeoutMs?: number
  /** The same for opening it. Default 30 000. */
  openWithinMs?: number
  /** How many connections to Postgres it may open. Default 4. */
  maxConnections?: number
  log?: Pick<Log, 'warn'>
}

/** Whether an address is one of Postgres. All others are paths of SQLite files. */
export function isPostgres(address: string): boolean {
  return /^postgres(ql)?:\/\//.test(address)
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
  { busyTimeoutMs = 30_000, openWithinMs = 30_000, maxConnections = 4, log = { warn() {} } }: OpenOptions,
): Promise<Database> {
  const limits = {
    max: maxConnections,
    statementMs: busyTimeoutMs,
    // Short enough for a second try: see `inTransaction`.
    lockMs: Math.min(Math.ceil(busyTimeoutMs / 3), MAX_LOCK_MS),
    connectMs: busyTimeoutMs,
    wholeMs: busyTimeoutMs + ANSWER_MARGIN_MS,
  }
  // A migration waits for those of other processes, which takes longer than any other statement may.
  const patience = { statementMs: MAX_MIGRATION_MS, lockMs: MAX_MIGRATION_MS, wholeMs: 2 * MAX_MIGRATION_MS }
  const patient = { max: 1, ...patience, connectMs: openWithinMs }
  const once = createDatabase(postgresDialect(url, patient, log))
  try {
    await retryWhileAway(openWithinMs, () => migrate(once, describeUrl(url), known))
  } catch (error) {
    throw error instanceof DatabaseError ? explainNoAnswer(url, error) : error
  } finally {
    await once.destroy()
  }
  return createDatabase(postgresDialect(url, limits, log))
}

/** Kysely with the tables and the spelling of columns; the schema is whatever is there. */
export function createDatabase(dialect: Dialect): Database {
  return new Kysely<Schema>({ dialect, plugins: [new CamelCasePlugin()] })
}

/**
 * All or nothing, and one process at a time: Kysely runs SQLite's migrations outside of any transaction, so that a kill
 * between two statements, or two starts on a new file, would leave tables that no migration fits any more.
 */
async function migrateFile(database: Database, file: string, known: Record<string, Migration>): Promise<void> {
  await database.connection().execute(async (connection) => {
    await sql`begin immediate`.execute(connection)
    try {
      await migrate(connection, `The database ${file}`, known)
      await sql`commit`.execute(connection)
    } catch (error) {
      // SQLite may have rolled back by itself, as on a full disk.
      await sql`rollback`.execute(connection).catch(() => undefined)
      throw error
    }
  })
}

/** With Postgres all or nothing, and one process at a time. */
async function migrate(database: Database, name: string, known: Record<string, Migration>): Promise<void> {
  const unknown = (await appliedMigrations(database)).filter((migration) => !(migration in known))
  if (unknown.length > 0) {
    throw new ConnectionError(
      `${name} was written by a newer Dolly (it has "${unknown.join('", "')}"). ` +
        'Start that version again, or point DATABASE_URL to another database.',
    )
  }
  const migrator = new Migrator({ db: database, provider: { getMigrations: async () => known } })
  const { error } = await migrator.migrateToLatest()
  if (error) throw error
}

async function appliedMigrations(database: Database): Promise<string[]> {
  const tables = await database.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some((table) => table.name === 'kysely_migration')) return []
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(database)
  return rows.map((row) => row.name)
}
