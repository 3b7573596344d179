/** `dolly migrate` on Postgres. */
import { expect, it } from 'vitest'
import { describeMigration } from '../../src/cli/migrate.js'
import { migrations } from '../../src/store/database.js'
import { migrateDatabase } from '../../src/store/migrate.js'
import { newPostgresDatabase } from '../helpers/postgres.js'

it('a database that is up to date stays as it is, and one that is away is named', async () => {
  const url = await newPostgresDatabase()
  expect(describeMigration(await migrateDatabase(url))).toMatch(
    new RegExp(`^The database \\S+ on \\S+ has the newest schema already, ${Object.keys(migrations).at(-1)}\\.$`),
  )
  const away = Object.assign(new URL(url), { port: '1' }).href
  await expect(migrateDatabase(away)).rejects.toThrow(/^Dolly can't reach the database \S+ on 127\.0\.0\.1:1 /)
})
