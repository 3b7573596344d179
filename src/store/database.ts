/** Opens the database: Kysely over better-sqlite3, brought to the newest schema. The only file that knows SQLite. */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Sqlite from 'better-sqlite3'
import { CamelCasePlugin, Kysely, type Migration, Migrator, SqliteDialect, sql } from 'kysely'
import { ConnectionError } from '../errors.js'
import * as jobsAndEvents from './migrations/001-jobs-and-events.js'
import * as replies from './migrations/002-replies.js'
import * as personalParams from './migrations/003-personal-params.js'
import * as lostWrites from './migrations/005-lost-writes.js'
import type { Database, Schema } from './schema.js'

/** In order; a migration that was released is never edited. */
const migrations: Record<string, Migration> = {
  '001-jobs-and-events': jobsAndEvents,
  '002-replies': replies,
  '003-personal-params': personalParams,
  '005-lost-writes': lostWrites,
}

const busyTimeoutMs = 5_000

/**
 * Opens the SQLite file, creates it where missing and migrates it.
 *
 * @throws ConnectionError when the file belongs to a newer Dolly.
 */
export async function openDatabase(file: string): Promise<Database> {
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true })
  const sqlite = new Sqlite(file)
  sqlite.pragma('journal_mode = WAL')
  // FULL, because a job is promised to a person once it is committed: it must survive a power cut, not only a crash.
  sqlite.pragma('synchronous = FULL')
  sqlite.pragma('foreign_keys = ON')
  sqlite.pragma(`busy_timeout = ${busyTimeoutMs}`)
  // Deleted rows are overwritten and not only unlinked. VACUUM would do it too, by copying the whole file each time.
  sqlite.pragma('secure_delete = ON')

  const database = new Kysely<Schema>({
    dialect: new SqliteDialect({ database: sqlite }),
    plugins: [new CamelCasePlugin()],
  })
  try {
    await migrate(database, file)
  } catch (error) {
    await database.destroy()
    throw error
  }
  return database
}

/**
 * Empties the write-ahead log, which holds deleted rows until it happens to be overwritten. While another process reads
 * it stays as it is, until the next time.
 */
export async function emptyLog(db: Database): Promise<void> {
  await db.connection().execute(async (connection) => {
    // Waiting would hold up everything else: the driver is synchronous.
    await sql`pragma busy_timeout = 0`.execute(connection)
    await sql`pragma wal_checkpoint(truncate)`.execute(connection)
    await sql`pragma busy_timeout = ${sql.lit(busyTimeoutMs)}`.execute(connection)
  })
}

async function migrate(database: Database, file: string): Promise<void> {
  const unknown = (await appliedMigrations(database)).filter((name) => !(name in migrations))
  if (unknown.length > 0) {
    throw new ConnectionError(
      `The database ${file} was written by a newer Dolly (it has "${unknown.join('", "')}"). ` +
        'Start that version again, or point DATABASE_URL to another file.',
    )
  }
  const migrator = new Migrator({ db: database, provider: { getMigrations: async () => migrations } })
  const { error } = await migrator.migrateToLatest()
  if (error) throw error
}

async function appliedMigrations(database: Database): Promise<string[]> {
  const tables = await database.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some((table) => table.name === 'kysely_migration')) return []
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(database)
  return rows.map((row) => row.name)
}
