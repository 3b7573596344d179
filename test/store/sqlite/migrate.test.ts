/** `dolly migrate` on a SQLite file: from what to what, and never under a running Dolly. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest'
import { describeMigration } from '../../../src/cli/migrate.js'
import { migrations, openDatabase } from '../../../src/store/database.js'
import { lockDatabase } from '../../../src/store/lock.js'
import { migrateDatabase } from '../../../src/store/migrate.js'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dolly-migrate-'))
  file = join(folder, 'dolly.db')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const newest = Object.keys(migrations).at(-1)
const migrate = async () => describeMigration(await migrateDatabase(file, 0))

it('an older file is brought to the newest schema, and the next time there is nothing to do', async () => {
  const old = Object.entries(migrations).slice(0, 3)
  const db = await openDatabase(file, Object.fromEntries(old))
  await db.destroy()
  expect(await migrate()).toBe(`${file} was migrated from schema ${old.at(-1)?.[0]} to ${newest}.`)
  expect(await migrate()).toBe(`${file} has the newest schema already, ${newest}.`)
})

it('a file that is not there is created', async () => {
  expect(await migrate()).toBe(`${file} had no tables. They were created, with schema ${newest}.`)
})

it('a file that a running Dolly uses is left alone', async () => {
  onTestFinished(await lockDatabase(file))
  await expect(migrate()).rejects.toThrow(/is in use by another Dolly .* stop that one, and run this command again\.$/)
})
