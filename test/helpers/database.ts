/** A new and empty database for one test: SQLite in memory, or one on the Postgres of this run. */
import { inject } from 'vitest'
import { openDatabase } from '../../src/store/database.js'
import type { Database } from '../../src/store/schema.js'
import { newPostgresDatabase } from './postgres.js'

export async function openTestDatabase(): Promise<Database> {
  return await openDatabase(inject('postgres') === undefined ? ':memory:' : await newPostgresDatabase())
}
