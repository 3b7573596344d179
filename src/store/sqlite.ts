/** SQLite for Kysely, without its own waiting: better-sqlite3 would stop the whole process while another one writes. */
import { setTimeout as delay } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  type SelectModifierNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from 'kysely'
import { LRUCache } from 'lru-cache'
import { DatabaseError } from '../errors.js'
import { createFile } from './file.js'
import { camelCase, snakeCase, toRows } from './names.js'
import type { Database } from './schema.js'

const MIN_PAUSE_MS = 10
const MAX_PAUSE_MS = 100
/** How many statements stay prepared: more than there are, apart from lists of each length. */
const MAX_PREPARED = 500

/**
 * One open file. A query that finds it locked by another process is tried again between other work until its time is up;
 * then it throws a DatabaseError and surely is not carried out later.
 *
 * @param sqlite opened with a busy timeout of 0.
 * @param busyTimeoutMs answers how long one query, or the begin of one transaction, waits in all, in milliseconds.
 */
export function sqliteDialect(sqlite: Sqlite.Database, busyTimeoutMs: () => number): Dialect {
  return {
    createDriver: () => new SqliteDriver(sqlite, busyTimeoutMs),
    createQueryCompiler: () => new QueryCompiler(),
    createAdapter: () => new SqliteAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  }
}

/** Drops `for update` and `skip locked`, which SQLite doesn't have: a transaction that writes locks the whole file. */
class QueryCompiler extends SqliteQueryCompiler {
  protected override visitSelectModifier(node: SelectModifierNode): void {
    if (node.modifier === undefined || !/^(ForUpdate|ForNoKeyUpdate|ForShare|SkipLocked)$/.test(node.modifier))
      super.visitSelectModifier(node)
  }

  protected override sanitizeIdentifier(name: string): string {
    return super.sanitizeIdentifier(snakeCase(name))
  }
}

/**
 * Opens a file, which is created where it's missing.
 *
 * @param deadline as `performance.now()` counts, in milliseconds.
 */
export async function openSqlite(file: string, deadline: number): Promise<Sqlite.Database> {
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

/** Opens a file that is there, as it is. @throws SqliteError when it can't be opened. */
export function openExisting(file: string): Sqlite.Database {
  return new Sqlite(file, { timeout: 0, fileMustExist: true })
}

/**
 * Empties the write-ahead log of a file, which holds deleted rows until it happens to be overwritten. While another process
 * reads, it stays as it is until the next time. Does nothing on Postgres.
 */
export async function truncateWal(db: Database): Promise<void> {
  if (db.getExecutor().adapter instanceof SqliteAdapter) await sql`pragma wal_checkpoint(truncate)`.execute(db)
}

/** Whether a file is a SQLite database that has this table. Changes nothing in it. */
export function hasTable(file: string, table: string): boolean {
  try {
    const sqlite = new Sqlite(file, { readonly: true })
    const found = sqlite.prepare("select 1 from sqlite_master where type = 'table' and name = ?").get(table)
    sqlite.close()
    return found !== undefined
  } catch {
    return false
  }
}

export function isSqliteError(error: unknown): boolean {
  return error instanceof Sqlite.SqliteError
}

/**
 * Tries again for as long as another process has the file.
 *
 * @param deadline as `performance.now()` counts, in milliseconds.
 * @throws DatabaseError when it is still locked then; `attempt` is not called any more.
 */
export async function retryWhileBusy<T>(deadline: number, attempt: () => T | Promise<T>): Promise<T> {
  for (let pauseMs = MIN_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
    try {
      return await attempt()
    } catch (error) {
      if (!isBusy(error)) throw error
    }
    const leftMs = deadline - performance.now()
    if (leftMs <= 0) throw busy()
    // With jitter: two processes that wait for each other would collide again.
    await delay(Math.min(pauseMs * (0.5 + Math.random() / 2), leftMs))
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY')
}

function busy(): DatabaseError {
  return new DatabaseError('The database is busy.', { mayHaveHappened: false })
}

/** One at a time, first come first served. */
class Mutex {
  #isTaken = false
  readonly #waiting = new Set<() => void>()

  /** @throws DatabaseError when it is not our turn by then. */
  async take(deadline: number): Promise<void> {
    if (!this.#isTaken) {
      this.#isTaken = true
      return
    }
    await new Promise<void>((resolve, reject) => {
      const begin = () => {
        clearTimeout(timer)
        // Yields to other work first: otherwise many queued waiters would run in one go.
        setImmediate(resolve)
      }
      const giveUp = () => {
        this.#waiting.delete(begin)
        reject(busy())
      }
      const timer = setTimeout(giveUp, Math.max(deadline - performance.now(), 0))
      this.#waiting.add(begin)
    })
  }

  give(): void {
    const [begin] = this.#waiting
    if (!begin) {
      this.#isTaken = false
      return
    }
    this.#waiting.delete(begin)
    begin()
  }
}

/** Statements after which a prepared one may have other columns. */
const CHANGES_SCHEMA = /^\s*(create|alter|drop)\b/i

interface Prepared {
  /** Returns each row as a list of values, if it returns rows. */
  statement: Sqlite.Statement<unknown[], unknown[]>
  /** The names of its columns, in camelCase. Empty if it returns no rows. */
  columns: readonly string[]
}

class SqliteDriver implements Driver {
  readonly sqlite: Sqlite.Database
  readonly busyTimeoutMs: () => number
  /** Whose transaction is open: SQLite runs all statements of a connection inside it. */
  readonly transaction = new Mutex()
  /** Only the first of those who want to write asks again and again; reads pass by them. */
  readonly writers = new Mutex()
  readonly #prepared = new LRUCache<string, Prepared>({ max: MAX_PREPARED })

  constructor(sqlite: Sqlite.Database, busyTimeoutMs: () => number) {
    this.sqlite = sqlite
    this.busyTimeoutMs = busyTimeoutMs
  }

  async init(): Promise<void> {}

  /** SQLite re-prepares a statement by itself after a change of the schema, but the names of its columns are read only here. */
  prepare(sql: string): Prepared {
    const known = this.#prepared.get(sql)
    if (known) return known
    const statement = this.sqlite.prepare<unknown[], unknown[]>(sql)
    const columns = statement.reader ? statement.columns().map(({ name }) => camelCase(name)) : []
    const prepared = { statement: statement.reader ? statement.raw() : statement, columns }
    this.#prepared.set(sql, prepared)
    return prepared
  }

  forgetPrepared(): void {
    this.#prepared.clear()
  }

  async acquireConnection(): Promise<SqliteConnection> {
    return new SqliteConnection(this)
  }

  /** Every transaction writes: it takes the lock here, so that it never has to wait, and to give up, in its middle. */
  async beginTransaction(connection: SqliteConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'))
  }

  async commitTransaction(connection: SqliteConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'))
  }

  async rollbackTransaction(connection: SqliteConnection): Promise<void> {
    connection.rollBack()
  }

  async releaseConnection(connection: SqliteConnection): Promise<void> {
    connection.rollBack()
  }

  async destroy(): Promise<void> {
    this.sqlite.close()
  }
}

class SqliteConnection implements DatabaseConnection {
  readonly #driver: SqliteDriver
  #isInTransaction = false
  #isWriter = false

  constructor(driver: SqliteDriver) {
    this.#driver = driver
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const deadline = performance.now() + this.#driver.busyTimeoutMs()
    // No wait helps a statement in the middle of a transaction, which has the lock already. Its commit may still meet one.
    if (this.#isInTransaction)
      return await retryWhileBusy(/^commit$/i.test(sql) ? deadline : 0, () =>
        this.#run<R>(this.#driver.prepare(sql), parameters),
      )
    try {
      return await retryWhileBusy(deadline, async () => {
        const prepared = this.#driver.prepare(sql)
        if (!prepared.statement.readonly && !this.#isWriter) {
          await this.#driver.writers.take(deadline)
          this.#isWriter = true
        }
        await this.#driver.transaction.take(deadline)
        this.#isInTransaction = true
        return this.#run<R>(prepared, parameters)
      })
    } finally {
      this.#giveTurns()
    }
  }

  // biome-ignore lint/correctness/useYield: nothing here reads so much that it must come in parts
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('Streams are not supported.')
  }

  /** Undoes what was not committed. SQLite may have done so by itself, as on a full disk. */
  rollBack(): void {
    if (this.#isInTransaction && this.#driver.sqlite.open) this.#run(this.#driver.prepare('rollback'), [])
    this.#giveTurns()
  }

  #run<R>({ statement, columns }: Prepared, parameters: readonly unknown[]): QueryResult<R> {
    const values = parameters.map((value) => (typeof value === 'boolean' ? Number(value) : value))
    try {
      if (statement.reader) return { rows: toRows<R>(columns, statement.all(values)) }
      const { changes, lastInsertRowid } = statement.run(values)
      if (CHANGES_SCHEMA.test(statement.source)) this.#driver.forgetPrepared()
      return { numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid), rows: [] }
    } finally {
      if (this.#isInTransaction && !this.#driver.sqlite.inTransaction) {
        this.#isInTransaction = false
        this.#driver.transaction.give()
      }
    }
  }

  #giveTurns(): void {
    if (this.#isInTransaction || !this.#isWriter) return
    this.#isWriter = false
    this.#driver.writers.give()
  }
}
