/** Work that is done whole or not at all. */
import { Transaction } from 'kysely'
import type { Database, Schema } from './schema.js'

/** Does it in the caller's transaction if `db` is one, and in its own otherwise. */
export async function inTransaction<T>(
  db: Database,
  work: (transaction: Transaction<Schema>) => Promise<T>,
): Promise<T> {
  return db instanceof Transaction ? await work(db) : await db.transaction().execute(work)
}
