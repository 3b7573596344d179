/** Postgres for Kysely. Every wait has a limit, a lost connection is an error like any other, and values fit the columns. */
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  sql,
  type Transaction,
} from 'kysely'
import pg from 'pg'
import { DatabaseError } from '../errors.js'
import type { Log } from '../lib/log.js'
import type { Schema } from './schema.js'

export interface PoolLimits {
  /** How many connections at most. */
  max: number
  /** How long one statement may take, in milliseconds. */
  statementMs: number
  /** How long one statement waits for a row that another transaction holds, in milliseconds. */
  lockMs: number
  /** How long a query waits for a connection, in milliseconds. */
  connectMs: number
  /**
   * How long one statement, or one transaction with all of its statements, may take in all, in milliseconds: then nobody is at
   * the other end.
   */
  wholeMs: number
}

/** A process that stands still in the middle of a transaction would hold its rows for ever. In milliseconds. */
const MAX_IDLE_IN_TRANSACTION_MS = 5_000

/**
 * Connections to Postgres.
 *
 * @param url `postgres://user:password@host:port/database?sslmode=…`
 * @param log hears of connections that end while nobody uses them.
 */
export function postgresDialect(url: string, limits: PoolLimits, log: Pick<Log, 'warn'>): Dialect {
  return {
    createDriver: () => new PostgresDriver(openPool(url, limits, log), limits.wholeMs),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createAdapter: () => new PostgresAdapter(),
    createIntrospector: (db) => new PostgresIntrospector(db),
  }
}

function openPool(url: string, { max, statementMs, lockMs, connectMs }: PoolLimits, log: Pick<Log, 'warn'>): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: connectMs,
    statement_timeout: statementMs,
    lock_timeout: lockMs,
    idle_in_transaction_session_timeout: MAX_IDLE_IN_TRANSACTION_MS,
    keepAlive: true,
    application_name: 'dolly',
    types: { getTypeParser: parserOf },
  })
  const lost = (error: Error) => log.warn({ reason: error.message }, 'a connection to the database was lost')
  // Without listeners either event would end the process: one for connections at rest, one for those in use.
  pool.on('error', lost)
  pool.on('connect', (client) => client.on('error', lost))
  return pool
}

/** A count, and a time in milliseconds, come as text because they might not fit a number. Ours do. */
const INT8 = 20

function parserOf(type: number) {
  return type === INT8 ? Number : pg.types.getTypeParser(type)
}

class PostgresDriver implements Driver {
  readonly #pool: pg.Pool
  readonly #wholeMs: number

  constructor(pool: pg.Pool, wholeMs: number) {
    this.#pool = pool
    this.#wholeMs = wholeMs
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<PostgresConnection> {
    try {
      return new PostgresConnection(await this.#pool.connect(), performance.now() + this.#wholeMs)
    } catch (error) {
      throw explain(error, false)
    }
  }

  async beginTransaction(connection: PostgresConnection): Promise<void> {
    connection.isInTransaction = true
    await connection.executeQuery(CompiledQuery.raw('begin'))
  }

  async commitTransaction(connection: PostgresConnection): Promise<void> {
    // From here on nobody knows, until the answer has come.
    connection.isInTransaction = false
    const { command } = await connection.executeQuery(CompiledQuery.raw('commit'))
    // Postgres answers so, and not with an error, when a statement had failed whose error nobody passed on.
    if (command === 'ROLLBACK') throw new Error('A transaction was rolled back, because a statement in it had failed.')
  }

  async rollbackTransaction(connection: PostgresConnection): Promise<void> {
    // What a lost connection left open, the server rolls back. Its loss must not hide why we are here.
    if (!connection.isLost) await connection.executeQuery(CompiledQuery.raw('rollback')).catch(() => undefined)
    connection.isInTransaction = false
  }

  async releaseConnection(connection: PostgresConnection): Promise<void> {
    connection.release()
  }

  async destroy(): Promise<void> {
    await this.#pool.end()
  }
}

class PostgresConnection implements DatabaseConnection {
  isInTransaction = false
  isLost = false
  readonly #client: pg.PoolClient
  /** As `performance.now()` counts. */
  readonly #deadline: number

  constructor(client: pg.PoolClient, deadline: number) {
    this.#client = client
    this.#deadline = deadline
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R> & { command: string }> {
    const query_timeout = Math.max(Math.ceil(this.#deadline - performance.now()), 1)
    try {
      const query = { text: sql, values: parameters.map(toValue), query_timeout }
      const { rows, rowCount, command } = await this.#client.query(query)
      return { rows, numAffectedRows: BigInt(rowCount ?? 0), command }
    } catch (error) {
      this.isLost ||= isLost(error)
      throw explain(error, !this.isInTransaction && !/^select\b/i.test(sql))
    }
  }

  // biome-ignore lint/correctness/useYield: nothing here reads so much that it must come in parts
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('Streams are not supported.')
  }

  /** A connection that did not answer in time is closed: its answer may still come, to another question. */
  release(): void {
    this.#client.release(this.isLost)
  }
}

/** A value that the columns take: flags are 0 or 1, as in SQLite, numbers are whole, and no text has a NUL in it. */
function toValue(value: unknown): unknown {
  if (typeof value === 'boolean') return Number(value)
  if (typeof value === 'number') return Math.floor(value)
  if (typeof value === 'string') return value.replaceAll('\0', '')
  return value
}

/** Errors that pass. A statement that was refused with one of them surely wasn't carried out. */
const PASSING_CODES: ReadonlySet<string> = new Set([
  '40001', // serialization failure
  '40P01', // deadlock
  '53100', // disk full
  '53200', // out of memory
  '53300', // too many connections
  '55P03', // a lock wasn't to be had in time
  '57014', // the statement took too long
])

/** The server ends this connection, or doesn't take new ones now: a restart, a failover, a limit on idle transactions. */
const LOST_CODES = /^(08|57P|25P0[34])/

function isLost(error: unknown): boolean {
  return !(error instanceof pg.DatabaseError) || LOST_CODES.test(error.code ?? '')
}

/** @param isChange whether the statement changes something or commits: without its answer it may have been carried out. */
function explain(error: unknown, isChange: boolean): unknown {
  const isPassing = error instanceof pg.DatabaseError && PASSING_CODES.has(error.code ?? '')
  if (isPassing) return new DatabaseError('The database is busy.', { mayHaveHappened: false, cause: error })
  if (!isLost(error)) return error
  return new DatabaseError("The database didn't answer.", { mayHaveHappened: isChange, cause: error })
}

/** Two transactions that wait for each other, or one that waited too long for a row: it surely changed nothing. */
export function isConflict(error: unknown): boolean {
  const { cause } = error instanceof DatabaseError ? error : {}
  return cause instanceof pg.DatabaseError && ['40001', '40P01', '55P03'].includes(cause.code ?? '')
}

/** A row like it was committed by another transaction meanwhile. */
export function isDuplicate(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '23505'
}

/**
 * Waits for all transactions that hold this name, and holds it until the end of this one: for what a count bounds, where no
 * row is there to be locked. On SQLite every transaction is alone anyway.
 */
export async function takeTurn(transaction: Transaction<Schema>, name: string): Promise<void> {
  if (transaction.getExecutor().adapter instanceof PostgresAdapter)
    await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(transaction)
}
