/** The helpers that give tests a real Postgres. */
import { spawnSync } from 'node:child_process'
import { sql } from 'kysely'
import pg from 'pg'
import { expect, it, onTestFinished } from 'vitest'
import { openDatabase } from '../../src/store/database.js'
import { openTestDatabase } from '../helpers/database.js'
import { newPostgresDatabase, startPostgres } from '../helpers/postgres.js'

it('opens a database on Postgres that has tables and no rows', async () => {
  const db = await openTestDatabase()
  const { rows } = await sql<{ version: string }>`select version()`.execute(db)
  expect(rows[0]?.version).toMatch(/^PostgreSQL/)
  expect(await db.selectFrom('jobs').selectAll().execute()).toEqual([])
  await db.destroy()
})

it('gives each caller a database of its own', async () => {
  const addresses = [await newPostgresDatabase(), await newPostgresDatabase()] as const
  const [one, other] = [await openDatabase(addresses[0]), await openDatabase(addresses[1])]
  await one.insertInto('processes').values({ id: 'p1', name: 'one', renewedAt: 1 }).execute()
  expect(await other.selectFrom('processes').selectAll().execute()).toEqual([])
  await Promise.all([one.destroy(), other.destroy()])
})

it('keeps port and data of a server that is stopped, started, and killed', async () => {
  const server = await startPostgres()
  onTestFinished(() => server.remove())
  const ask = async (question: string) => {
    const client = new pg.Client(server.url)
    client.on('error', () => {})
    await client.connect()
    return { client, rows: (await client.query(question)).rows }
  }
  await (await ask('create table kept as select 1 as one')).client.end()
  await server.stop()
  await expect(ask('select 1')).rejects.toThrow('ECONNREFUSED')
  await server.start()
  const { client, rows } = await ask('select one from kept')
  expect(rows).toEqual([{ one: 1 }])
  await server.restartAtOnce()
  await expect(client.query('select 1')).rejects.toThrow(/terminat|not queryable/)
  const after = await ask('select one from kept')
  expect(after.rows).toEqual([{ one: 1 }])
  await after.client.end()
})

it('leaves the exit code alone of a process that started a server: a run of tests that failed must end with one', () => {
  const program = `
    import { startPostgres } from './sandbox/postgres.ts'
    const server = await startPostgres()
    await server.remove()
    process.exitCode = 3
  `
  const { status } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program])
  expect(status).toBe(3)
})
