/** Postgres for Kysely: every wait has a deadline, a lost connection is a DatabaseError, and values are converted for the columns. */
import {
  type BinaryOperationNode,
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  OperatorNode,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  PrimitiveValueListNode,
  type QueryResult,
  sql,
  type Transaction,
} from 'kysely'
import pg from 'pg'
import { DatabaseError } from '../errors.js'
import type { Log } from '../lib/log.js'
import { withoutLogFields } from '../log-fields.js'
import { camelCase, snakeCase, toRows } from './names.js'
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
   * How long one statement, or one transaction with all its statements, may take in all, in milliseconds. After that the
   * connection is given up as dead.
   */
  wholeMs: number
}

/** In milliseconds. A process that freezes in the middle of a transaction would otherwise hold its locks for ever. */
const MAX_IDLE_IN_TRANSACTION_MS = 5_000

/**
 * Connections to Postgres.
 *
 * @param url `postgres://user:password@host:port/database?sslmode=…`
 * @param log is told of connections that break.
 */
export function postgresDialect(url: string, limits: PoolLimits, log: Pick<Log, 'warn'>): Dialect {
  return {
    createDriver: () => new PostgresDriver(openPool(url, limits, log), limits.wholeMs),
    createQueryCompiler: () => new QueryCompiler(),
    createAdapter: () => new PostgresAdapter(),
    createIntrospector: (db) => new PostgresIntrospector(db),
  }
}

class QueryCompiler extends PostgresQueryCompiler {
  /** Postgres refuses `in ()`, which SQLite takes for false. */
  protected override visitBinaryOperation(node: BinaryOperationNode): void {
    const { operator, rightOperand } = node
    const isEmpty = PrimitiveValueListNode.is(rightOperand) && rightOperand.values.length === 0
    const word = isEmpty && OperatorNode.is(operator) ? operator.operator : undefined
    if (word === 'in') this.append('false')
    else if (word === 'not in') this.append('true')
    else super.visitBinaryOperation(node)
  }

  protected override sanitizeIdentifier(name: string): string {
    return super.sanitizeIdentifier(snakeCase(name))
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
  // It belongs to all, not to the request or job that opened it.
  const lost = (error: Error) =>
    withoutLogFields(() => log.warn({ reason: error.message }, 'a connection to the database was lost'))
  // Without listeners either event would end the process: one for connections in use, both for idle ones.
  pool.on('connect', (client) => client.on('error', lost))
  pool.on('error', () => {})
  return pool
}

/** The type of counts and times. pg returns it as text, because it may not fit a number; ours always fit. */
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
    // From here until the answer comes it's unknown whether the transaction was committed.
    connection.isInTransaction = false
    const { command } = await connection.executeQuery(CompiledQuery.raw('commit'))
    // If a statement failed and its error was swallowed, Postgres answers the commit with ROLLBACK, not with an error.
    if (command === 'ROLLBACK') throw new Error('A transaction was rolled back, because a statement in it had failed.')
  }

  async rollbackTransaction(connection: PostgresConnection): Promise<void> {
    // If the connection is lost, the server rolls back by itself. The error that brought us here is the one to report.
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

  /** One statement: pg answers several with a list. */
  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R> & { command: string }> {
    const query_timeout = Math.max(Math.ceil(this.#deadline - performance.now()), 1)
    const query = { text: sql, values: parameters.map(toValue), query_timeout, rowMode: 'array' } as const
    const { fields, rows, rowCount, command } = await this.#client.query(query).catch((error: unknown) => {
      this.isLost ||= isLost(error)
      throw explain(error, !this.isInTransaction && !/^select\b/i.test(sql))
    })
    const columns = fields.map(({ name }) => camelCase(name))
    return { rows: toRows<R>(columns, rows), numAffectedRows: BigInt(rowCount ?? 0), command }
  }

  // biome-ignore lint/correctness/useYield: nothing here reads so much that it must come in parts
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('Streams are not supported.')
  }

  /** Closes a connection that didn't answer in time: its late answer would be taken for that of the next query. */
  release(): void {
    this.#client.release(this.isLost)
  }
}

/** Converts a value for the columns: flags are 0 or 1, as in SQLite, numbers are whole, and no text has a NUL in it. */
function toValue(value: unknown): unknown {
  if (typeof value === 'boolean') return Number(value)
  if (typeof value === 'number') return Math.floor(value)
  if (typeof value === 'string') return value.replaceAll('\0', '')
  return value
}

/** Temporary errors. A statement that fails with one of them surely wasn't carried out. */
const PASSING_CODES: ReadonlySet<string> = new Set([
  '40001', // serialization failure
  '40P01', // deadlock
  '53100', // disk full
  '53200', // out of memory
  '53300', // too many connections
  '55P03', // lock timeout
  '57014', // statement timeout
])

/** The server ends this connection or takes no new ones: a restart, a failover, the timeout of idle transactions. */
const LOST_CODES = /^(08|57P|25P0[34])/

function isLost(error: unknown): boolean {
  return !(error instanceof pg.DatabaseError) || LOST_CODES.test(error.code ?? '')
}

/** @param isChange whether the statement changes something or commits, so that it may have happened if its answer was lost. */
function explain(error: unknown, isChange: boolean): unknown {
  // Postgres quotes values there, in the worst case a whole row, and what people typed must not be logged.
  if (error instanceof pg.DatabaseError) error.detail = undefined
  const isPassing = error instanceof pg.DatabaseError && PASSING_CODES.has(error.code ?? '')
  if (isPassing) return new DatabaseError('The database is busy.', { mayHaveHappened: false, cause: error })
  if (!isLost(error)) return error
  return new DatabaseError("The database didn't answer.", { mayHaveHappened: isChange, cause: error })
}

/** Whether a transaction failed because of another one: a serialization failure, a deadlock or a lock timeout. It changed nothing. */
export function isConflict(error: unknown): boolean {
  const { cause } = error instanceof DatabaseError ? error : {}
  return cause instanceof pg.DatabaseError && ['40001', '40P01', '55P03'].includes(cause.code ?? '')
}

/** Whether a unique index refused the row, because another transaction committed one with the same key. */
export function isDuplicate(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '23505'
}

/**
 * Takes a transaction-level advisory lock: only one transaction at a time holds a name. For limits on the number of rows, where
 * there's no row to lock. SQLite needs none, because only one transaction writes at a time.
 */
export async function takeAdvisoryLock(transaction: Transaction<Schema>, name: string): Promise<void> {
  if (transaction.getExecutor().adapter instanceof PostgresAdapter)
    await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(transaction)
}
