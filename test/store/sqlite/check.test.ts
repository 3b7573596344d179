/** What the doctor says of a SQLite file. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest'
import { checkDatabase } from '../../../src/store/check.js'
import { migrations, openDatabase } from '../../../src/store/database.js'
import { lockDatabase } from '../../../src/store/lock.js'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dolly-check-'))
  file = join(folder, 'dolly.db')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const check = async (path = file) => await checkDatabase(path, Date.now)
const newest = Object.keys(migrations).at(-1)

async function create(known = migrations): Promise<void> {
  const db = await openDatabase(file, known)
  await db.destroy()
}

function change(sql: string): void {
  const sqlite = new Sqlite(file)
  sqlite.exec(sql)
  sqlite.close()
}

it('one that is not there yet is fine if it can be created, and is not created', async () => {
  const path = join(folder, 'new/data/dolly.db')
  expect(await check(path)).toEqual([
    {
      result: 'ok',
      sentence: expect.stringMatching(
        /^There's no database at .*dolly\.db yet: a start creates it\. [\d.]+ [MG]B are free on its disk\.$/,
      ),
    },
  ])
  expect(existsSync(join(folder, 'new'))).toBe(false)
})

it('one of this release is described with its schema, its size and the room on its disk, and stays as it is', async () => {
  await create()
  const before = readFileSync(file)
  expect(await check()).toEqual([
    {
      result: 'ok',
      sentence: expect.stringMatching(
        new RegExp(
          `^${file} can be written\\. Its schema is the newest, ${newest}\\. It has 0\\.\\d MB; [\\d.]+ [MG]B are free on its disk\\.$`,
        ),
      ),
    },
  ])
  expect(readFileSync(file).equals(before)).toBe(true)
  expect(existsSync(`${file}-wal`)).toBe(false)
})

it('one that a running Dolly has locked can be checked', async () => {
  await create()
  const unlock = await lockDatabase(file)
  onTestFinished(unlock)
  expect(await check()).toMatchObject([{ result: 'ok' }])
})

it('one of an older release is fine, and says what a start will do', async () => {
  const names = Object.keys(migrations).slice(0, 3)
  await create(Object.fromEntries(Object.entries(migrations).filter(([name]) => names.includes(name))))
  const [finding] = await check()
  expect(finding?.result).toBe('ok')
  expect(finding?.sentence).toContain(`Its schema is ${names[2]}: a start, or "dolly migrate", brings it to ${newest}.`)
})

it('an empty one is fine', async () => {
  writeFileSync(file, '', { mode: 0o600 })
  expect((await check())[0]?.sentence).toContain('It has no tables yet: a start creates them.')
})

it('one of a newer release fails with the words of a start', async () => {
  await create()
  change("insert into kysely_migration (name, timestamp) values ('999-later', '2030-01-01')")
  expect(await check()).toEqual([
    { result: 'failed', sentence: expect.stringMatching(/ was written by a newer Dolly \(it has "999-later"\)\./) },
  ])
})

it('one that was copied to Postgres fails with the words of a start', async () => {
  await create()
  change("insert into copies (id, target, started_at, finished_at) values ('1', 'the database dolly on db:5432', 1, 1)")
  expect(await check()).toEqual([
    { result: 'failed', sentence: expect.stringContaining('was copied to the database dolly on db:5432') },
  ])
})

it('one that is no database, or no file, fails', async () => {
  writeFileSync(file, 'something else entirely, in more than a few bytes'.repeat(40))
  expect(await check()).toEqual([
    { result: 'failed', sentence: expect.stringContaining("can't be opened (file is not a database)") },
  ])
  expect(await check(folder)).toEqual([{ result: 'failed', sentence: expect.stringContaining('it is a folder') }])
})

it('one that cannot be created fails', async () => {
  writeFileSync(file, '')
  expect(await check(join(file, 'data/dolly.db'))).toEqual([
    { result: 'failed', sentence: expect.stringContaining(`can't be opened (${file} isn't a folder)`) },
  ])
})

it('one on a disk without room fails', async () => {
  // There is never any room in /proc.
  expect(await check('/proc/dolly/dolly.db')).toEqual([
    { result: 'failed', sentence: expect.stringMatching(/\/proc\/dolly\/dolly\.db/) },
  ])
})

it('one that another program keeps locked causes a warning', async () => {
  await create()
  const other = new Sqlite(file)
  other.exec('begin immediate')
  onTestFinished(() => void other.close())
  expect(await check()).toEqual([
    { result: 'warning', sentence: expect.stringContaining('is locked by another process') },
  ])
})

it('one that others may open causes a warning', async () => {
  await create()
  chmodSync(file, 0o644)
  const findings = await check()
  expect(findings.map(({ result }) => result)).toEqual(['ok', 'warning'])
  expect(findings[1]?.sentence).toBe(`Users other than its owner can open ${file}. Run chmod 600 on it.`)
})
