/** A backup of a SQLite file: consistent while Dolly writes, for its owner alone, and never over another file. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest'
import { backUpDatabase } from '../../../src/store/backup.js'
import { openDatabase } from '../../../src/store/database.js'
import { lockDatabase } from '../../../src/store/lock.js'
import { openStore } from '../../../src/store/open.js'
import { askAfterRestoreAt, askIfRestored } from '../../../src/store/restored.js'
import { silentLog, testContext } from '../../helpers/context.js'

let folder: string
let file: string
let target: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dolly-backup-'))
  file = join(folder, 'dolly.db')
  target = join(folder, 'copy.db')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const backUp = async (address = file, to = target) =>
  await backUpDatabase(address, to).catch((error: Error) => error.message)

/** A database with a live job, that a running Dolly has locked and open. */
async function runningDolly() {
  onTestFinished(await lockDatabase(file))
  const db = await openDatabase(file)
  onTestFinished(() => db.destroy())
  const context = await testContext({ db })
  return { db, context, job: await context.ask() }
}

it('has what was committed, also what is still in the log beside the file, while Dolly has the file open', async () => {
  const { job } = await runningDolly()
  expect(statSync(`${file}-wal`).size).toBeGreaterThan(0)
  expect(await backUp()).toEqual({ bytes: statSync(target).size, liveJobs: 1 })
  expect(statSync(target).mode & 0o777).toBe(0o600)
  const copy = await openDatabase(target)
  onTestFinished(() => copy.destroy())
  expect(await copy.selectFrom('jobs').select('id').execute()).toEqual([{ id: job.id }])
})

it('has nothing of what is written while it is made', async () => {
  const { db } = await runningDolly()
  // Another transaction is open, as it often is.
  await db.transaction().execute(async (transaction) => {
    await transaction.updateTable('jobs').set({ detail: 'not committed' }).execute()
    expect(await backUp()).toMatchObject({ liveJobs: 1 })
  })
  expect(readFileSync(target).includes('not committed')).toBe(false)
})

it('has nothing of what was deleted', async () => {
  const { db } = await runningDolly()
  await db.updateTable('jobs').set({ detail: 'deleted-4711' }).execute()
  await db.updateTable('jobs').set({ detail: null }).execute()
  await backUp()
  expect(readFileSync(target).includes('deleted-4711')).toBe(false)
})

it('asks before anything is done again when a Dolly starts on it, once', async () => {
  await runningDolly()
  await backUp()
  const warnings: unknown[] = []
  const start = async () => {
    const closers: (() => Promise<unknown>)[] = []
    const log = { ...silentLog, warn: (...words: unknown[]) => void warnings.push(words) }
    const { db } = await openStore(target, { elapsed: () => performance.now(), log, closers })
    const jobs = await db.selectFrom('jobs').select('state').execute()
    for (const close of closers.reverse()) await close()
    return jobs
  }
  expect(await start()).toEqual([{ state: 'uncertain' }])
  expect(warnings).toEqual([
    [
      { jobs: 1, schedules: 0, expiries: 0 },
      'this database is a restored backup; its live jobs ask a person before they go on',
    ],
  ])
  await start()
  expect(warnings).toHaveLength(1)
})

it('of other tools is treated the same by dolly db restored', async () => {
  const { db } = await runningDolly()
  expect(await askIfRestored(db, Date.now())).toBeNull()
  await backUp()
  expect(await askAfterRestoreAt(target, { now: Date.now() })).toEqual({
    place: target,
    jobs: 1,
    schedules: 0,
    expiries: 0,
  })
  const copy = await openDatabase(target)
  onTestFinished(() => copy.destroy())
  expect(await askIfRestored(copy, Date.now())).toBeNull()
})

it('that is not there is not created by dolly db restored', async () => {
  await expect(askAfterRestoreAt(file, { now: Date.now() })).rejects.toThrow(/^There's no database at /)
  expect(existsSync(file)).toBe(false)
})

it('is refused where there is a file already, which stays as it is', async () => {
  await runningDolly()
  writeFileSync(target, 'something else')
  expect(await backUp()).toBe(`There's a file at ${target} already. Name one that doesn't exist yet.`)
  expect(readFileSync(target, 'utf8')).toBe('something else')
})

it('is refused where there is no database of Dolly, or no folder for it', async () => {
  expect(await backUp()).toBe(`There's no database at ${file}. Set DATABASE_URL to the file to back up.`)
  writeFileSync(file, '')
  expect(await backUp()).toBe(`${file} isn't a database of Dolly. Set DATABASE_URL to one.`)
  rmSync(file)
  await runningDolly()
  const nowhere = join(folder, 'nowhere')
  expect(await backUp(file, join(nowhere, 'copy.db'))).toBe(
    `There's no folder ${nowhere} for the backup. Create it, or name another file.`,
  )
  expect(await backUp(file, join(file, 'copy.db'))).toMatch(/copy\.db can't be written \(ENOTDIR.*\)\. Name a file in /)
  expect(existsSync(target)).toBe(false)
})

it('of Postgres is left to its own tools', async () => {
  expect(await backUp('postgres://dolly:secret-4711@db:5432/dolly')).toMatch(
    /^Postgres has tools of its own: run pg_dump /,
  )
})
