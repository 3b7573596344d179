/** Checks for `dolly doctor` whether Dolly can work with a Postgres. Only reads. */
import { Kysely, sql } from 'kysely'
import type { DatabaseFinding } from './check.js'
import { postgresDialect } from './postgres.js'
import { DROPPED_LIMITS, describeUrl, explainAccess, STANDBY } from './postgres-problems.js'
import type { Database, Schema } from './schema.js'
import { describeSchema, readSchemaVersion, type SchemaVersion } from './schema-version.js'

/** Two connections, to compare their sessions. Times in milliseconds; the lock timeout is one that no server has by default. */
const LIMITS = { max: 2, statementMs: 10_000, connectMs: 10_000, lockMs: 9_876, wholeMs: 15_000 }
/** The oldest supported version. */
const MIN_VERSION = 14
/** What one replica opens at most. */
const CONNECTIONS_OF_A_REPLICA = 7
/** More than a slow answer explains, in milliseconds. */
const MAX_CLOCK_DIFFERENCE_MS = 10_000

/**
 * @param wallClock milliseconds since 1970.
 * @returns a sentence for each problem and warning, or one that all is well. Never rejects.
 */
export async function checkPostgres(address: string, wallClock: () => number): Promise<DatabaseFinding[]> {
  // A connection that is lost also fails the query that uses it.
  const db = new Kysely<Schema>({ dialect: postgresDialect(address, LIMITS, { warn() {} }) })
  try {
    const facts = await readFacts(db)
    const isShared = await sharesSessions(db)
    return judgeFacts(describeUrl(address), { ...facts, isShared, schema: await readSchemaVersion(db) }, wallClock())
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const sentence = explainAccess(address, error)?.message ?? `Dolly can't use ${describeUrl(address)} (${reason}).`
    return [{ result: 'failed', sentence }]
  } finally {
    await db.destroy()
  }
}

/** What a server says about itself and the session. */
export interface DatabaseFacts {
  version: string
  /** The first part of the version, such as 18. */
  major: number
  isStandby: boolean
  isReadOnly: boolean
  /** Whether its user may create tables; null if there's no schema for them. */
  mayCreate: boolean | null
  /** Whether its user may write to the tables that are there; null if there are none. */
  mayWrite: boolean | null
  /** In milliseconds. */
  lockTimeout: number
  synchronousCommit: string
  /** For users who aren't superusers. */
  maxConnections: number
  usedConnections: number
  /** Milliseconds since 1970. */
  time: number
  /** Whether a proxy gives one session of the server to several clients in turn. */
  isShared: boolean
  schema: SchemaVersion
}

type ServerFacts = Omit<DatabaseFacts, 'isShared' | 'schema'>

async function readFacts(db: Database): Promise<ServerFacts> {
  const { rows } = await sql<ServerFacts>`
    select
      current_setting('server_version') as "version",
      current_setting('server_version_num')::int / 10000 as "major",
      pg_is_in_recovery() as "isStandby",
      current_setting('transaction_read_only') = 'on' as "isReadOnly",
      has_schema_privilege(current_schema(), 'create') as "mayCreate",
      (
        select bool_and(has_table_privilege(oid, 'insert') and has_table_privilege(oid, 'update') and has_table_privilege(oid, 'delete'))
        from pg_class where relkind = 'r' and relname in ('jobs', 'events') and relnamespace = current_schema()::regnamespace
      ) as "mayWrite",
      (select setting::int from pg_settings where name = 'lock_timeout') as "lockTimeout",
      current_setting('synchronous_commit') as "synchronousCommit",
      current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as "maxConnections",
      (select count(*) from pg_stat_activity where datid is not null) as "usedConnections",
      (extract(epoch from clock_timestamp()) * 1000)::bigint as "time"
  `.execute(db)
  const [facts] = rows
  if (!facts) throw new Error('it answered without a row')
  return facts
}

/** A proxy keeps a session for a client that is in a transaction, and gives it to another one after that. */
async function sharesSessions(db: Database): Promise<boolean> {
  const sessionOf = async (client: Database) => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(client)
    return rows[0]?.pid
  }
  return await db.connection().execute(async (one) => {
    const before = await sessionOf(one)
    return await db.transaction().execute(async (other) => {
      const meanwhile = await sessionOf(other)
      return meanwhile === before || (await sessionOf(one)) !== before
    })
  })
}

/**
 * Says what is wrong with a database, or that all is well.
 *
 * @param place as `describeUrl` says it.
 * @param wallClock of this machine, milliseconds since 1970.
 */
export function judgeFacts(place: string, facts: DatabaseFacts, wallClock: number): DatabaseFinding[] {
  const { version, major, isStandby, isReadOnly, mayCreate, mayWrite, isShared, maxConnections, schema } = facts
  const free = Math.max(maxConnections - facts.usedConnections, 0)
  const problems = [
    major < MIN_VERSION && `Postgres ${version} is too old: use ${MIN_VERSION} or newer.`,
    (isStandby || isReadOnly) && STANDBY,
    mayCreate === null && 'there is no schema to create tables in: check the search_path of the user in DATABASE_URL.',
    mayCreate === false &&
      'the user in DATABASE_URL may not create tables. Make it the owner: alter database … owner to ….',
    mayWrite === false &&
      'the user in DATABASE_URL may not write to its tables. Make it their owner: alter table … owner to ….',
    isShared
      ? 'a proxy in front of it shares sessions between clients, as PgBouncer does with pool_mode=transaction. Point DATABASE_URL to Postgres itself.'
      : facts.lockTimeout !== LIMITS.lockMs && DROPPED_LIMITS,
    free < CONNECTIONS_OF_A_REPLICA &&
      `only ${free} of ${maxConnections} connections are free. Each replica needs ${CONNECTIONS_OF_A_REPLICA}: raise max_connections.`,
  ].filter((problem) => problem !== false)
  const name = place.replace('the', 'The')
  const good = `${name} answers: Postgres ${version}, ${free} of ${maxConnections} connections free. ${describeSchema(schema)}`
  return [
    ...problems.map((problem) => ({ result: 'failed', sentence: `${name}: ${problem}` }) as const),
    ...(problems.length === 0 ? [{ result: 'ok', sentence: good } as const] : []),
    ...warningsAbout(facts, wallClock).map((sentence) => ({ result: 'warning', sentence }) as const),
  ]
}

function warningsAbout({ synchronousCommit, time, schema }: DatabaseFacts, wallClock: number): string[] {
  const seconds = Math.round(Math.abs(time - wallClock) / 1_000)
  return [
    schema.newer.length > 0 &&
      `a newer Dolly has added ${schema.newer.join(', ')} to the database. This one runs beside it, and leaves alone what it doesn't know.`,
    synchronousCommit === 'off' &&
      "synchronous_commit is off, so a crash of Postgres can lose Dolly's last commits, and something may be cloned twice. Turn it on.",
    seconds * 1_000 > MAX_CLOCK_DIFFERENCE_MS &&
      `the database's clock is ${seconds} s ${time > wallClock ? 'ahead of' : 'behind'} this machine's. Dolly goes by the database's clock: check which one is right.`,
  ].filter((warning) => warning !== false)
}
