/** Opens the database: Kysely over better-sqlite3, brought to the newest schema. Only this file, lock.ts and sqlite.ts know SQLite. */
import Sqlite from 'better-sqlite3'
import { CamelCasePlugin, Kysely, type Migration, Migrator, sql } from 'kysely'
import { ConnectionError, TemporaryError } from '../errors.js'
import { createFile, explainOpenFailure } from './file.js'
import * as initial from './migrations/001-initial.js'
import * as approvals from './migrations/002-approvals.js'
import * as presets from './migrations/003-presets.js'
import * as follow from './migrations/004-follow.js'
import * as audit from './migrations/005-audit.js'
import * as workflow from './migrations/006-workflow.js'
import * as retry from './migrations/007-retry.js'
import type { Database, Schema } from './schema.js'
import { retryWhileBusy, sqliteDialect } from './sqlite.js'

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

interface OpenOptions {
  /** How long one query waits while another process holds the file, in milliseconds. Default 30 000. */
  busyTimeoutMs?: number
  /** The same for opening it. Default 30 000. */
  openWithinMs?: number
}

/**
 * Opens the SQLite file, creates it where missing and migrates it. A query that finds it locked throws a TemporaryError
 * when its time is up, and surely is not carried out later.
 *
 * @param known all migrations there are; others only in tests.
 * @throws ConnectionError when the file cannot be opened, is not a SQLite file, is locked by another process or belongs to a
 *   newer Dolly.
 */
export async function openDatabase(
  file: string,
  known = migrations,
  { busyTimeoutMs = 30_000, openWithinMs = 30_000 }: OpenOptions = {},
): Promise<Database> {
  const deadline = performance.now() + openWithinMs
  const sqlite = await openFile(file, deadline).catch((error) => {
    throw explainOpenFailure(file, error)
  })
  let waitMs = Math.max(deadline - performance.now(), 0)
  const dialect = sqliteDialect(sqlite, () => waitMs)
  const database = new Kysely<Schema>({ dialect, plugins: [new CamelCasePlugin()] })
  try {
    await migrate(database, file, known)
  } catch (error) {
    await database.destroy()
    const isForeign = error instanceof TemporaryError || error instanceof Sqlite.SqliteError
    throw isForeign ? explainOpenFailure(file, error) : error
  }
  waitMs = busyTimeoutMs
  return database
}

async function openFile(file: string, deadline: number): Promise<Sqlite.Database> {
  if (file !== ':memory:') createFile(file)
  const sqlite = new Sqlite(file, { timeout: 0 })
  try {
    // While another process uses a file that is not switched over yet, this is refused.
    await retryWhileBusy(deadline, () => sqlite.pragma('journal_mode = WAL'))
    // FULL, because a job is promised to a person once it is committed: it must survive a power cut, not only a crash.
    sqlite.pragma('synchronous = FULL')
    sqlite.pragma('foreign_keys = ON')
    // Deleted rows are overwritten and not only unlinked. VACUUM would do it too, by copying the whole file each time.
    sqlite.pragma('secure_delete = ON')
    return sqlite
  } catch (error) {
    sqlite.close()
    throw error
  }
}

/**
 * Empties the write-ahead log, which holds deleted rows until it happens to be overwritten. While another process reads
 * it stays as it is, until the next time.
 */
export async function truncateWal(db: Database): Promise<void> {
  await sql`pragma wal_checkpoint(truncate)`.execute(db)
}

/**
 * All or nothing, and one process at a time: Kysely runs SQLite's migrations outside of any transaction, so that a kill
 * between two statements, or two starts on a new file, would leave tables that no migration fits any more.
 */
async function migrate(database: Database, file: string, known: Record<string, Migration>): Promise<void> {
  await database.connection().execute(async (connection) => {
    await sql`begin immediate`.execute(connection)
    try {
      const unknown = (await appliedMigrations(connection)).filter((name) => !(name in known))
      if (unknown.length > 0) {
        throw new ConnectionError(
          `The database ${file} was written by a newer Dolly (it has "${unknown.join('", "')}"). ` +
            'Start that version again, or point DATABASE_URL to another file.',
        )
      }
      const migrator = new Migrator({ db: connection, provider: { getMigrations: async () => known } })
      const { error } = await migrator.migrateToLatest()
      if (error) throw error
      await sql`commit`.execute(connection)
    } catch (error) {
      // SQLite may have rolled back by itself, as on a full disk.
      await sql`rollback`.execute(connection).catch(() => undefined)
      throw error
    }
  })
}

async function appliedMigrations(database: Database): Promise<string[]> {
  const tables = await database.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some((table) => table.name === 'kysely_migration')) return []
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(database)
  return rows.map((row) => row.name)
}
