/** A real Postgres that all tests of a run share. */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import type { TestProject } from 'vitest/node'
import { startPostgres } from '../../sandbox/postgres.js'
import { openDatabase } from '../../src/store/database.js'

export { type PostgresServer, startPostgres } from '../../sandbox/postgres.js'

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
