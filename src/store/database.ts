/** Opens the database: Kysely over better-sqlite3, brought to the newest schema. The only file that knows SQLite. */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Sqlite from 'better-sqlite3'
import { CamelCasePlugin, Kysely, type Migration, Migrator, SqliteDialect, sql } from 'kysely'
import { ConnectionError } from '../errors.js'
import * as jobsAndEvents from './migrations/001-jobs-and-events.js'
import * as replies from './migrations/002-replies.js'
import type { Database, Schema } from './schema.js'

/** In order; a migration that was released is never edited. */
const migrations: Record<string, Migration> = {
  '001-jobs-and-events': jobsAndEvents,
  '002-replies': replies,
}

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
  sqlite.pragma('busy_timeout = 5000')

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
