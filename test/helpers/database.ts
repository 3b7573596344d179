/** A new and empty database for one test: SQLite in memory, or one on the Postgres of this run. */
import { sql } from 'kysely'
import { inject } from 'vitest'
import { createDatabase, openDatabase } from '../../src/store/database.js'
import { postgresDialect } from '../../src/store/postgres.js'
import type { Database } from '../../src/store/schema.js'
import { newPostgresDatabase } from './postgres.js'

/** The database belongs to the caller until its `destroy()`. */
export async function openTestDatabase(): Promise<Database> {
  const postgres = inject('postgres')
  if (postgres === undefined) return await openDatabase(':memory:')
  return reuse(free.pop() ?? (await newPostgresDatabase()), postgres.reset)
}

/** Those of earlier tests, empty again: to copy the template takes a hundred times as long as to delete all rows. */
const free: string[] = []

function reuse(address: string, reset: string): Database {
  const limits = { max: 4, statementMs: 30_000, lockMs: 2_000, connectMs: 30_000, wholeMs: 32_000 }
  const db = createDatabase(postgresDialect(address, limits, { warn: () => {} }))
  const close = db.destroy.bind(db)
  let closing: Promise<void> | undefined
  const giveBack = async () => {
    const isReset = await sql
      .raw(reset)
      .execute(db)
      .then(
        () => true,
        () => false,
      )
    await close()
    if (isReset) free.push(address)
  }
  return Object.assign(db, {
    destroy: async () => {
      closing ??= giveBack()
      await closing
    },
  })
}
