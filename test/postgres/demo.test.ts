/** The demo and a Postgres. */
import { expect, it, onTestFinished } from 'vitest'
import { demoDatabase } from '../../sandbox/demo-database.js'
import { openDatabase } from '../../src/store/database.js'
import { startPostgres } from '../helpers/postgres.js'

it('takes an empty one, and leaves alone one that a Dolly has used', async () => {
  const server = await startPostgres()
  onTestFinished(() => server.remove())
  expect(await demoDatabase(server.url)).toEqual({ url: server.url })
  await (await openDatabase(server.url)).destroy()
  expect(await demoDatabase(server.url)).toEqual({
    refusal: 'The database of DATABASE_URL has tables of a Dolly. Name an empty one, or unset DATABASE_URL.',
  })
}, 60_000)
