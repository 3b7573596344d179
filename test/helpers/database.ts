/** New and empty databases for tests: SQLite, or on the Postgres of this run in the project `postgres`. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { type KyselyPlugin, sql } from 'kysely'
import pg from 'pg'
import { inject } from 'vitest'
import { createDatabase, openDatabase } from '../../src/store/database.js'
import { postgresDialect } from '../../src/store/postgres.js'
import type { Database } from '../../src/store/schema.js'
import { newPostgresDatabase } from './postgres.js'

/** A database of one process, in memory where it's SQLite. It's the caller's until its `destroy()`. */
export async function openTestDatabase(): Promise<Database> {
  if (inject('postgres') === undefined) return await openDatabase(':memory:')
  const open = connected.pop() ?? connect(await takePostgresDatabase())
  let closing: Promise<void> | undefined
  const closeOnce = async () => {
    if (await resetRows(open)) connected.push(open)
    else await open.destroy()
  }
  const destroy = async () => {
    closing ??= closeOnce()
    await closing
  }
  const refuseOnceClosed: KyselyPlugin = {
    transformQuery: ({ node }) => {
      if (closing) throw new Error('This test has closed its database.')
      return node
    },
    transformResult: async ({ result }) => result,
  }
  return Object.assign(open.withPlugin(refuseOnceClosed), { destroy })
}

/** A database for several processes, which may hold it up and die. Its caller closes it. */
export interface SharedDatabase {
  /** As DATABASE_URL has it. */
  readonly address: string
  /**
   * Connects one more process.
   *
   * @param busyTimeoutMs how long its queries wait for the others, in milliseconds.
   */
  open(busyTimeoutMs?: number): Promise<Database>
  /** Lets nobody write until the result is called, as another process in the middle of a long write. */
  hold(): Promise<() => Promise<void>>
  /** Ends all processes at once, in the middle of whatever they do, and connects one to what they leave. */
  crash(): Promise<Database>
  /** Closes all connections that are open, and deletes all rows. */
  close(): Promise<void>
}

export async function shareTestDatabase(): Promise<SharedDatabase> {
  return inject('postgres') === undefined ? shareFile() : sharePostgres(await takePostgresDatabase())
}

function shareFile(): SharedDatabase {
  const folder = mkdtempSync(join(tmpdir(), 'dolly-shared-'))
  let file = join(folder, 'dolly.db')
  let copies = 0
  const opened: Database[] = []
  const open = async (busyTimeoutMs = 30_000) => {
    const db = await openDatabase(file, undefined, { busyTimeoutMs })
    opened.push(db)
    return db
  }
  return {
    get address() {
      return file
    },
    open,
    hold: async () => {
      const other = new Sqlite(file)
      other.exec('begin immediate')
      return async () => void other.close()
    },
    // Dead processes leave their file, without what wasn't committed.
    crash: async () => {
      copies += 1
      const left = join(folder, `left-${copies}.db`)
      for (const suffix of ['', '-wal']) if (existsSync(file + suffix)) copyFileSync(file + suffix, left + suffix)
      file = left
      return await open()
    },
    close: async () => {
      await Promise.all(opened.map((db) => db.destroy()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function sharePostgres(address: string): SharedDatabase {
  let opened: Database[] = []
  const open = async (busyTimeoutMs?: number) => {
    const db = connect(address, busyTimeoutMs)
    opened.push(db)
    return db
  }
  return {
    address,
    open,
    hold: async () => {
      const other = new pg.Client(address)
      await other.connect()
      const { rows } = await other.query('select tablename as name from pg_tables where schemaname = current_schema()')
      await other.query(`begin; lock table ${rows.map(({ name }) => name).join(', ')} in exclusive mode`)
      return async () => void (await other.end())
    },
    crash: async () => {
      const killer = new pg.Client(address)
      await killer.connect()
      const others = 'datname = current_database() and pid <> pg_backend_pid()'
      await killer.query(`select pg_terminate_backend(pid, 10000) from pg_stat_activity where ${others}`)
      await killer.end()
      // Theirs would wait for transactions that never end.
      opened = []
      return await open()
    },
    close: async () => {
      const isReset = await resetRows(opened.at(-1) ?? (await open()))
      await Promise.all(opened.map((db) => db.destroy()))
      if (isReset) free.push(address)
    },
  }
}

/** Databases of earlier tests, empty again: to copy the template takes a hundred times as long as to delete all rows. */
const free: string[] = []
/**
 * Those that still have connections, so that Postgres doesn't have to start a process for each. pg closes them after 10 s
 * without use.
 */
const connected: Database[] = []

async function takePostgresDatabase(): Promise<string> {
  return free.pop() ?? (await newPostgresDatabase())
}

/** Opens it without checking for migrations. */
function connect(address: string, busyTimeoutMs = 30_000): Database {
  const lockMs = Math.min(busyTimeoutMs, 2_000)
  const limits = { max: 4, statementMs: Math.max(busyTimeoutMs, 1_000), lockMs, connectMs: 30_000, wholeMs: 32_000 }
  return createDatabase(postgresDialect(address, limits, { warn: () => {} }))
}

/** Returns whether it is like new: a test may have left more than rows. */
async function resetRows(db: Database): Promise<boolean> {
  return await sql
    .raw(inject('postgres')?.reset ?? '')
    .execute(db)
    .then(
      () => true,
      () => false,
    )
}
