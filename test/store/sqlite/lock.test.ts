/** One process per database, with real processes that are killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { claimDueJobs, releaseAllClaims } from '../../../src/store/claims.js'
import { openDatabase } from '../../../src/store/database.js'
import { findDueWork } from '../../../src/store/due-work.js'
import { createJob } from '../../../src/store/jobs.js'
import { lockDatabase } from '../../../src/store/lock.js'
import { newJob } from '../../helpers/context.js'
import { longestGap } from '../../helpers/event-loop.js'

let folder: string
let file: string
const children: ChildProcess[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dolly-lock-'))
  file = join(folder, 'data', 'dolly.db')
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** A process that locks the database, or tries to for so long; `said` is its first line. */
function lockElsewhere(waitMs = 0) {
  const script = new URL('../../helpers/lock-and-wait.ts', import.meta.url).pathname
  const child = spawn(process.execPath, ['--import', 'tsx', script, file, `${waitMs}`], { stdio: 'pipe' })
  children.push(child)
  const said = once(child.stdout, 'data').then(([line]) => String(line).trim())
  return { child, said }
}

it('a second process is refused with a sentence that names the first, and does not block while it waits', async () => {
  const { child, said } = lockElsewhere()
  expect(await said).toBe('locked, claimed 0')
  const { value, gapMs } = await longestGap(() =>
    lockDatabase(file, { waitMs: 1_500 }).catch((error: unknown) => error),
  )
  expect(gapMs).toBeLessThan(750)
  expect(value).toMatchObject({
    name: 'ConnectionError',
    message: expect.stringMatching(
      new RegExp(
        `^The database ${file} is in use by another Dolly \\(process ${child.pid} on ${hostname()}, since \\d{4}-\\d\\d-\\d\\dT[\\d:]+Z\\)\\. ` +
          'One process at a time can use it: stop the other one and start again, or point DATABASE_URL to another file\\.$',
      ),
    ),
  })
  expect(await lockElsewhere().said).toBe(`ConnectionError: ${value instanceof Error ? value.message : ''}`)
})

it('a second process takes over within a second of the first one’s SIGKILL, and finds its claims free', async () => {
  const before = await openDatabase(file)
  expect(await createJob(before, newJob(1), 1_000)).toMatchObject({ kind: 'created' })
  await before.destroy()
  const { child, said } = lockElsewhere()
  expect(await said).toBe('locked, claimed 1')

  const locking = lockDatabase(file, { waitMs: 15_000 })
  await new Promise((resolve) => setTimeout(resolve, 50))
  child.kill('SIGKILL')
  await once(child, 'exit')
  const killedAt = performance.now()
  const unlock = await locking
  expect(performance.now() - killedAt).toBeLessThan(1_000)

  const db = await openDatabase(file)
  const wanted = { connection: 'dummy-one', state: 'queued' as const, limit: 10 }
  expect(await claimDueJobs(db, wanted, 2_000)).toEqual([])
  await releaseAllClaims(db)
  expect(await findDueWork(db, 2_000)).toContainEqual({ kind: 'queued', connection: 'dummy-one', count: 1 })
  expect(await claimDueJobs(db, wanted, 2_000)).toHaveLength(1)
  await db.destroy()
  unlock()
})

it('a process that gives the lock back lets the next one start', async () => {
  const unlock = await lockDatabase(file, { waitMs: 0 })
  expect(await lockElsewhere().said).toContain(`(process ${process.pid} on `)
  unlock()
  expect(await lockElsewhere().said).toBe('locked, claimed 0')
})

it('while a process has the lock, backups read the database, and the lock survives that it is opened twice', async () => {
  const unlock = await lockDatabase(file)
  const [workers, requests] = [await openDatabase(file), await openDatabase(file)]
  await createJob(workers, newJob(1), 1_000)
  // As the operating system sees them: closing any handle of a file would drop this process's locks on it.
  if (process.platform === 'linux') {
    const locked = readFileSync('/proc/locks', 'utf8')
    for (const path of [file, `${file}.lock`]) expect(locked).toContain(`:${statSync(path).ino} `)
  }
  const backup = new Sqlite(file, { readonly: true })
  expect(backup.prepare('select count(*) as jobs from jobs').get()).toEqual({ jobs: 1 })
  backup.close()
  expect(await lockElsewhere().said).toContain('is in use by another Dolly')
  expect(statSync(`${file}.lock`).mode & 0o777).toBe(0o600)
  await Promise.all([workers.destroy(), requests.destroy()])
  unlock()
})

it('a database where none can be is refused with what to check', async () => {
  await expect(lockDatabase(folder)).rejects.toThrow(/can't be opened \(it is a folder\).*DATABASE_URL/)
})
