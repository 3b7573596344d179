/** Brings a database to the newest schema without starting Dolly. */
import { createDatabase, isPostgres, openDatabase } from './database.js'
import { lockDatabase } from './lock.js'
import { describeUrl, explainAccess } from './postgres-problems.js'
import type { Database } from './schema.js'
import { readSchemaVersion, type SchemaVersion } from './schema-version.js'
import { openExisting, sqliteDialect } from './sqlite.js'

/** For reading the version, and for reaching Postgres, in milliseconds. */
const TIMEOUT_MS = 10_000

export interface Migrated {
  /** For people. */
  place: string
  before: SchemaVersion
  after: SchemaVersion
}

/**
 * Creates a SQLite file or tables that are missing, as a start does.
 *
 * @param waitMs how long a Dolly that uses a SQLite file may take to end, in milliseconds. Default 15 000.
 * @throws ConnectionError for what the operator must fix. Then the schema is as it was.
 */
export async function migrateDatabase(address: string, waitMs?: number): Promise<Migrated> {
  if (isPostgres(address)) return await migrateThere(address, describeUrl(address))
  // An older Dolly that runs on the file could not go on with the new schema.
  const advice = 'stop that one, and run this command again.'
  const unlock = await lockDatabase(address, { advice, ...(waitMs !== undefined && { waitMs }) })
  try {
    return await migrateThere(address, address)
  } finally {
    unlock()
  }
}

async function migrateThere(address: string, place: string): Promise<Migrated> {
  const before = await withDatabase(await openAsIs(address), address, readSchemaVersion)
  const db = await openDatabase(address, undefined, { openWithinMs: TIMEOUT_MS, maxConnections: 1 })
  return { place, before, after: await withDatabase(db, address, readSchemaVersion) }
}

async function openAsIs(address: string): Promise<Database> {
  return isPostgres(address)
    ? await openDatabase(address, undefined, { isMigrated: true, maxConnections: 1, busyTimeoutMs: TIMEOUT_MS })
    : createDatabase(sqliteDialect(openExisting(address), () => TIMEOUT_MS))
}

async function withDatabase<T>(db: Database, address: string, work: (db: Database) => Promise<T>): Promise<T> {
  try {
    return await work(db)
  } catch (error) {
    throw isPostgres(address) ? (explainAccess(address, error) ?? error) : error
  } finally {
    await db.destroy()
  }
}
