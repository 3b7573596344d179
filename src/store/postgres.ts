/** Postgres for Kysely. Every wait has a limit, a lost connection is an error like any other, and values fit the columns. */
import { setTimeout as delay } from 'node:timers/promises'
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely'
import pg from 'pg'
import { ConnectionError, TemporaryError } from '../errors.js'
import type { Log } from '../lib/log.js'

export interface PoolLimits {
  /** How many connections at most. */
  max: number
  /** How long one statement may take, in milliseconds. */
  statementMs: number
  /** How long one statement waits for a row that another transaction holds, in milliseconds. */
  lockMs: number
  /** How long a query waits for a connection, in milliseconds. */
  connectMs: number
}

/** A process that stands still in the middle of a transaction would hold its rows for ever. In milliseconds. */
const MAX_IDLE_IN_TRANSACTION_MS = 5_000
/** Between two attempts to reach it, in milliseconds. */
const RETRY_EVERY_MS = 1_000
/** How much longer than the server's own limit we wait for an answer, in milliseconds: then nobody is at the other end. */
const ANSWER_MARGIN_MS = 2_000

/**
 * Connections to Postgres.
 *
 * @param url `postgres://user:password@host:port/database?sslmode=…`
 * @param log hears of connections that end while nobody uses them.
 */
export function postgresDialect(url: string, limits: PoolLimits, log: Pick<Log, 'warn'>): Dialect {
  return {
    createDriver: () => new PostgresDriver(openPool(url, limits, log)),
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
    query_timeout: statementMs + ANSWER_MARGIN_MS,
    keepAlive: true,
    application_name: 'dolly',
    types: { getTypeParser: parserOf },
  })
  const lost = (error: Error) => log.warn({ err: error }, 'a connection to the database was lost')
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

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<PostgresConnection> {
    try {
      return new PostgresConnection(await this.#pool.connect())
    } catch (error) {
      throw explain(error, false)
    }
  }

  async beginTransaction(connection: PostgresConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin'))
    connection.isInTransaction = true
  }

  async commitTransaction(connection: PostgresConnection): Promise<void> {
    // From here on nobody knows, until the answer has come.
    connection.isInTransaction = false
    await connection.executeQuery(CompiledQuery.raw('commit'))
  }

  async rollbackTransaction(connection: PostgresConnection): Promise<void> {
    connection.isInTransaction = false
    // What a lost connection left open, the server has rolled back.
    if (!connection.isLost) await connection.executeQuery(CompiledQuery.raw('rollback'))
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

  constructor(client: pg.PoolClient) {
    this.#client = client
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    try {
      const { rows, rowCount } = await this.#client.query(sql, parameters.map(toValue))
      return { rows, numAffectedRows: BigInt(rowCount ?? 0) }
    } catch (error) {
      this.isLost ||= isLost(error)
      throw explain(error, !this.isInTransaction)
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

/**
 * Tries again for as long as the database doesn't answer.
 *
 * @param deadline as `performance.now()` counts, in milliseconds.
 */
export async function retryWhileAway<T>(deadline: number, attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof TemporaryError) || performance.now() + RETRY_EVERY_MS > deadline) throw error
    }
    await delay(RETRY_EVERY_MS)
  }
}

/** Host and name of a database, without its user and password. */
export function describeUrl(url: string): string {
  const { host, pathname } = new URL(url)
  return `The database ${decodeURIComponent(pathname.slice(1)) || 'postgres'} on ${host || 'this machine'}`
}

/** What the operator reads. */
export function explainNoAnswer(url: string, error: TemporaryError): ConnectionError {
  const reason = error.cause instanceof Error ? error.cause.message : error.message
  return new ConnectionError(
    `${describeUrl(url)} can't be reached (${reason}). Check DATABASE_URL, and that Postgres runs.`,
  )
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

/** @param isWhole whether the statement stands for itself or commits: without its answer it may have been carried out. */
function explain(error: unknown, isWhole: boolean): unknown {
  const isPassing = error instanceof pg.DatabaseError && PASSING_CODES.has(error.code ?? '')
  if (isPassing) return new TemporaryError('The database is busy.', { mayHaveHappened: false })
  if (!isLost(error)) return error
  const message = 'The database did not answer.'
  return Object.assign(new TemporaryError(message, { mayHaveHappened: isWhole }), { cause: error })
}
