/** Another process holds the database: nobody waits for it but those who must, and those not for ever. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConnectionError, TemporaryError } from '../../../src/errors.js'
import { openDatabase } from '../../../src/store/database.js'
import { readDraft, saveDraft } from '../../../src/store/drafts.js'
import { createJob } from '../../../src/store/jobs.js'
import type { Database } from '../../../src/store/schema.js'
import { newJob } from '../../helpers/context.js'
import { longestGap } from '../../helpers/event-loop.js'

let folder: string
let file: string
const open: Database[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dolly-busy-'))
  file = join(folder, 'dolly.db')
})
afterEach(async () => {
  for (const db of open.splice(0)) await db.destroy()
  rmSync(folder, { recursive: true, force: true })
})

/** Locks the file like another process in the middle of a long write; call the result to release it. */
function hold(locked: string): () => void {
  const other = new Sqlite(locked)
  other.exec('begin immediate')
  return () => void other.close()
}

async function openWith(busyTimeoutMs: number): Promise<Database> {
  const db = await openDatabase(file, undefined, { busyTimeoutMs })
  open.push(db)
  return db
}

const countOf = async (db: Database, table: 'jobs' | 'events' | 'drafts') =>
  (await db.selectFrom(table).selectAll().execute()).length

// A busy machine may hold us up as well; it does not do so every time.
describe('a database that another process holds', { retry: 3 }, () => {
  it('keeps the event loop turning, and what gave up waiting is not carried out later', async () => {
    const db = await openWith(600)
    const letGo = hold(file)
    const begun = performance.now()
    const { value, gapMs } = await longestGap(() =>
      Promise.allSettled([createJob(db, newJob(1), 1_000), saveDraft(db, 'answers', 'U1', {}, 1_000)]),
    )
    expect(performance.now() - begun).toBeGreaterThan(590)
    expect(performance.now() - begun).toBeLessThan(2_500)
    expect(gapMs).toBeLessThan(200)
    for (const one of value) {
      expect(one.status === 'rejected' && one.reason).toBeInstanceOf(TemporaryError)
      expect(one).toMatchObject({ reason: { message: 'The database is busy.', mayHaveHappened: false } })
    }
    letGo()
    expect(await createJob(db, newJob(2), 1_000)).toMatchObject({ kind: 'created' })
    expect([await countOf(db, 'jobs'), await countOf(db, 'drafts')]).toEqual([1, 0])
  })

  it('takes what still waits as soon as it is let go', async () => {
    const db = await openWith(30_000)
    const letGo = hold(file)
    const creation = createJob(db, newJob(1), 1_000)
    const draft = saveDraft(db, 'answers', 'U1', { kept: true }, 1_000)
    // Both are turned away at least once before.
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(await countOf(db, 'jobs')).toBe(0)
    letGo()
    expect(await creation).toMatchObject({ kind: 'created' })
    expect(await readDraft(db, 'answers', await draft, 'U1', 1_000)).toMatchObject({ answers: { kept: true } })
  })

  it('is read all the while, however many writes wait; these cost next to nothing, and go on one after the other', async () => {
    const db = await openWith(30_000)
    const letGo = hold(file)
    const { value: waiting, gapMs } = await longestGap(async () => {
      const writes: Promise<unknown>[] = []
      for (let at = 0; at < 1_000; at += 1) {
        const write = saveDraft(db, 'answers', 'U1', {}, 1_000)
        // A try that a busy machine fails leaves them behind, rejected.
        write.catch(() => {})
        writes.push(write)
        if (at % 50 === 0) expect(await countOf(db, 'drafts')).toBe(0)
        if (at % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      const { user, system } = process.cpuUsage()
      await new Promise((resolve) => setTimeout(resolve, 500))
      const used = process.cpuUsage({ user, system })
      expect((used.user + used.system) / 1_000).toBeLessThan(250)
      return writes
    })
    expect(gapMs).toBeLessThan(200)
    letGo()
    const { gapMs: catchingUpMs } = await longestGap(() => Promise.all(waiting))
    expect(catchingUpMs).toBeLessThan(200)
    expect(await countOf(db, 'drafts')).toBe(1_000)
  })

  it('lets a person’s request through at once when it is free, whatever waits on the connection of the workers', async () => {
    const [workers, requests] = [await openWith(30_000), await openWith(1_500)]
    const letGo = hold(file)
    const waiting = Array.from({ length: 200 }, () => saveDraft(workers, 'answers', 'U1', {}, 1_000))
    const asked = createJob(requests, newJob(1), 1_000)
    letGo()
    expect(await asked).toMatchObject({ kind: 'created' })
    await Promise.all(waiting)
  })

  it('delays the start, but not forever, and then the operator reads what to do', async () => {
    await (await openDatabase(file)).destroy()
    const letGo = hold(file)
    const { value, gapMs } = await longestGap(() =>
      openDatabase(file, undefined, { openWithinMs: 400 }).catch((error: unknown) => error),
    )
    expect(gapMs).toBeLessThan(200)
    expect(value).toBeInstanceOf(ConnectionError)
    expect(value).toMatchObject({
      message: expect.stringMatching(/dolly\.db is locked by another process.*start Dolly again/),
    })
    const opening = openWith(1_000)
    letGo()
    expect(await countOf(await opening, 'jobs')).toBe(0)
  })

  it('in another mode than ours, as a new file of somebody else’s, is waited for as well', async () => {
    const other = new Sqlite(file)
    other.exec('create table other (id); begin exclusive')
    const opening = openWith(1_000)
    await new Promise((resolve) => setTimeout(resolve, 30))
    other.exec('commit')
    expect(await countOf(await opening, 'jobs')).toBe(0)
    other.close()
  })
})

describe('a transaction', () => {
  it('has no statement of others in it, and what it undoes is its own', async () => {
    const db = await openWith(1_000)
    let goOn = () => {}
    const paused = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const undone = db.transaction().execute(async (transaction) => {
      await transaction
        .insertInto('drafts')
        .values({ id: 'own', requester: 'U1', kind: 'answers', answers: '', createdAt: 1 })
        .execute()
      await paused
      throw new Error('changed my mind')
    })
    const others = [saveDraft(db, 'answers', 'U2', {}, 1_000), countOf(db, 'drafts')] as const
    goOn()
    await expect(undone).rejects.toThrow('changed my mind')
    expect(await others[1]).toBeLessThan(2)
    await others[0]
    const rows = await db.selectFrom('drafts').select('requester').execute()
    expect(rows).toEqual([{ requester: 'U2' }])
  })

  it('that never ends keeps nobody waiting forever', async () => {
    const db = await openWith(50)
    let goOn = () => {}
    const stuck = db.transaction().execute(
      async () =>
        await new Promise<void>((resolve) => {
          goOn = resolve
        }),
    )
    await expect(saveDraft(db, 'answers', 'U1', {}, 1_000)).rejects.toThrow(TemporaryError)
    await expect(countOf(db, 'drafts')).rejects.toThrow(TemporaryError)
    goOn()
    await stuck
    expect(await countOf(db, 'drafts')).toBe(0)
  })
})
