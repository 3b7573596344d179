/** A new and empty database for one test: SQLite in memory, or one on the Postgres of this run. */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { openDatabase } from '../../src/store/database.js'
import type { Database } from '../../src/store/schema.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** Address of the template that test/helpers/postgres.ts made; absent where tests use SQLite. */
    postgres?: string
  }
}

export async function openTestDatabase(): Promise<Database> {
  const template = inject('postgres')
  return await openDatabase(template === undefined ? ':memory:' : await copyOf(template))
}

/** A database of its own: a copy of the template, which has the tables and no rows. */
async function copyOf(template: string): Promise<string> {
  const name = `test_${randomUUID().replaceAll('-', '')}`
  const server = new pg.Client(withName(template, 'postgres'))
  await server.connect()
  await server.query(`create database ${name} template ${new URL(template).pathname.slice(1)}`)
  await server.end()
  return withName(template, name)
}

function withName(address: string, name: string): string {
  return Object.assign(new URL(address), { pathname: `/${name}` }).href
}
