/** A database whose disk is full for some writes. */
import { sql } from 'kysely'
import { inject } from 'vitest'
import type { Database } from '../../src/store/schema.js'

/**
 * Makes these writes fail as on a full disk, until the result is called.
 *
 * @param writes as in a trigger: `update of due_at on jobs`.
 * @param when the rows, by what they become: `new.due_at is null`.
 */
export async function fill(db: Database, writes: string, when = 'true'): Promise<() => Promise<void>> {
  const [what, where] = [sql.raw(writes), sql.raw(when)]
  if (inject('postgres') === undefined) {
    const fails = sql`raise(abort, 'database or disk is full')`
    await sql`create temp trigger disk_is_full before ${what} when ${where} begin select ${fails}; end`.execute(db)
    return async () => void (await sql`drop trigger disk_is_full`.execute(db))
  }
  const body = "begin raise exception 'database or disk is full'; end"
  await sql`create function disk_is_full() returns trigger language plpgsql as ${sql.lit(body)}`.execute(db)
  await sql`create trigger disk_is_full before ${what} for each row when (${where}) execute function disk_is_full()`.execute(
    db,
  )
  return async () => void (await sql`drop function disk_is_full cascade`.execute(db))
}

/** Lets a database grow no more, until the result is called: what takes a new page of SQLite, or a job of Postgres, fails. */
export async function fillUp(db: Database): Promise<() => Promise<void>> {
  if (inject('postgres') !== undefined) return await fill(db, 'insert on jobs')
  const setMost = async (pages: number) => void (await sql`pragma max_page_count = ${sql.lit(pages)}`.execute(db))
  // SQLite takes the present size for the least.
  await setMost(1)
  return () => setMost(1_000_000)
}
