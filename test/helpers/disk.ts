/** A database that can't be written for a while: another process holds it, or the disk is full. */
import Sqlite from 'better-sqlite3'
import { sql } from 'kysely'
import type { Database } from '../../src/store/schema.js'

/** Locks the file like another process in the middle of a long write; call the result to release it. */
export function hold(file: string): () => void {
  const other = new Sqlite(file)
  other.exec('begin immediate')
  return () => void other.close()
}

/**
 * Makes these writes fail as on a full disk, until the result is called.
 *
 * @param writes as in a trigger: `update of due_at on jobs`.
 * @param when the rows, by what they become: `new.due_at is null`.
 */
export async function fill(db: Database, writes: string, when = '1'): Promise<() => Promise<void>> {
  const fails = sql`raise(abort, 'database or disk is full')`
  await sql`create temp trigger full before ${sql.raw(writes)} when ${sql.raw(when)} begin select ${fails}; end`.execute(
    db,
  )
  return async () => void (await sql`drop trigger full`.execute(db))
}
