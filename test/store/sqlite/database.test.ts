import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import Sqlite from 'better-sqlite3'
import { type Migration, sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { migrations, openDatabase } from '../../../src/store/database.js'
import { createJob, findJob } from '../../../src/store/jobs.js'
import type { NewJob } from '../../../src/store/new-job.js'
import { truncateWal } from '../../../src/store/sqlite.js'

const draft: NewJob = {
  connection: 'hoody-prod',
  operation: 'copy',
  step: 'copy',
  params: { name: 'shop-copy', deploy: true },
  source: 'shop-api',
  target: 'shop-copy',
  lock: 'shop-copy',
  submission: 'V1',
  requester: 'U1',
  mentionOnSuccess: false,
  channel: 'C1',
}

/** Runs a helper as a process of its own; answers what it printed. Rejects with its `signal` when it was killed. */
async function run(helper: string, ...args: string[]): Promise<string> {
  return (await start(helper, ...args)).stdout
}

function start(helper: string, ...args: string[]) {
  const script = new URL(`../../helpers/${helper}`, import.meta.url).pathname
  return promisify(execFile)(process.execPath, ['--import', 'tsx', script, ...args])
}

/** Twenty submissions for one target from a process of their own; answers what became of each. */
async function submitFromProcess(file: string, name: string): Promise<string[]> {
  return JSON.parse(await run('submit-many.ts', file, name, JSON.stringify(draft)))
}

function newFile(): string {
  return join(mkdtempSync(join(tmpdir(), 'dolly-')), 'nested', 'dolly.db')
}

describe('the database', () => {
  it('makes its folder and file, and opens again with what it had', async () => {
    const file = newFile()
    const first = await openDatabase(file)
    const created = await createJob(first, draft, 1_000)
    await first.destroy()

    const second = await openDatabase(file)
    if (created.kind !== 'created') throw new Error(created.kind)
    expect(await findJob(second, created.job.id)).toEqual(created.job)
    await second.destroy()
  })

  it('can be read and written by its owner alone, with its log, its index and its folder', async () => {
    const file = newFile()
    const before = process.umask(0)
    try {
      const database = await openDatabase(file)
      const rightsOf = (path: string) => (statSync(path).mode & 0o777).toString(8)
      expect(['', '-wal', '-shm'].map((end) => rightsOf(file + end))).toEqual(['600', '600', '600'])
      expect(rightsOf(dirname(file))).toBe('700')
      await database.destroy()
    } finally {
      process.umask(before)
    }
  })

  it('keeps the rights of a file that was there before', async () => {
    const file = newFile()
    mkdirSync(dirname(file))
    new Sqlite(file).close()
    chmodSync(file, 0o640)
    await (await openDatabase(file)).destroy()
    expect(statSync(file).mode & 0o777).toBe(0o640)
  })

  it('commits durably: write-ahead log, full synchronisation, foreign keys', async () => {
    const file = newFile()
    const database = await openDatabase(file)
    const raw = new Sqlite(file)
    expect(raw.pragma('journal_mode', { simple: true })).toBe('wal')
    const orphan = () =>
      raw.prepare("insert into events (job_id, seq, kind, at, step) values ('none', 1, 'queued', 1, 'copy')").run()
    expect(orphan).toThrow(/FOREIGN KEY/)
    raw.close()
    await database.destroy()
  })

  it('says what to check when the file is none of SQLite’s, or no file at all', async () => {
    const file = newFile()
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, 'wool, wool and nothing but wool'.repeat(100))
    await expect(openDatabase(file)).rejects.toThrow(
      `The database ${file} can't be opened (file is not a database). Check DATABASE_URL, and who may write there.`,
    )
    await expect(openDatabase(dirname(file))).rejects.toThrow(/can't be opened \(it is a folder\).*DATABASE_URL/)
  })

  it('refuses a file that a newer version wrote, and says what to do', async () => {
    const file = newFile()
    await (await openDatabase(file)).destroy()
    const raw = new Sqlite(file)
    raw.prepare("insert into kysely_migration (name, timestamp) values ('099-from-the-future', '2030')").run()
    raw.close()
    await expect(openDatabase(file)).rejects.toThrow(/written by a newer Dolly .*099-from-the-future.*DATABASE_URL/)
  })
})

describe('a migration', () => {
  const schemaOf = (file: string) => {
    const raw = new Sqlite(file)
    const tables = raw.prepare('select name, sql from sqlite_master order by name').all()
    raw.close()
    return tables
  }
  const isWhole = async (file: string) => {
    const database = await openDatabase(file)
    expect(await createJob(database, draft, 1_000)).toMatchObject({ kind: 'created' })
    await database.destroy()
  }

  it('that breaks after its first statement leaves nothing behind, and the next start succeeds', async () => {
    const file = newFile()
    const broken: Migration = {
      up: async (db) => {
        await db.schema.createTable('jobs').addColumn('id', 'text').execute()
        throw new Error('database or disk is full')
      },
    }
    await expect(openDatabase(file, { ...migrations, '001-initial': broken })).rejects.toThrow(/disk is full/)
    expect(schemaOf(file)).toEqual([])
    await isWhole(file)
  })

  it('in whose middle the process is killed leaves the file as it was, and the next start succeeds', async () => {
    const file = newFile()
    await (await openDatabase(file)).destroy()
    const before = schemaOf(file)
    await expect(run('die-migrating.ts', file)).rejects.toMatchObject({ signal: 'SIGKILL' })
    expect(schemaOf(file)).toEqual(before)
    await isWhole(file)
  })

  it('runs once when several processes open a new file at the same moment', async () => {
    const file = newFile()
    const processes = ['one', 'two', 'three'].map(() => start('open-on-word.ts', file))
    await Promise.all(processes.map(({ child }) => once(child.stdout ?? child, 'data')))
    for (const { child } of processes) child.stdin?.end('now')
    await Promise.all(processes)
    await isWhole(file)
  })

  it('waits for another process that is writing to the new file', async () => {
    const file = newFile()
    mkdirSync(dirname(file), { recursive: true })
    const writer = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads')
      const raw = new (require('better-sqlite3'))(workerData)
      raw.exec('begin immediate; create table other (id)')
      parentPort.postMessage('writing')
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300)
      raw.exec('commit')`,
      { eval: true, workerData: file },
    )
    const ended = once(writer, 'exit')
    await once(writer, 'message')
    await isWhole(file)
    expect(await ended).toEqual([0])
  })
})

describe('emptying the log', () => {
  it('is left for the next time while another process reads', async () => {
    const file = newFile()
    const database = await openDatabase(file)
    await sql`insert into drafts (id, kind, requester, answers, created_at) values ('1', 'answers', 'U1', '', 0)`.execute(
      database,
    )
    const reader = new Sqlite(file)
    reader.exec('begin; select * from drafts')
    await sql`delete from drafts`.execute(database)
    await truncateWal(database)
    expect(statSync(`${file}-wal`).size).toBeGreaterThan(0)
    reader.close()
    await truncateWal(database)
    expect(statSync(`${file}-wal`).size).toBe(0)
    await database.destroy()
  })
})

describe('the lock', () => {
  it('holds between two processes on one file', async () => {
    const file = newFile()
    await (await openDatabase(file)).destroy()
    const kinds = (await Promise.all([submitFromProcess(file, 'left'), submitFromProcess(file, 'right')])).flat()
    expect(kinds.filter((kind) => kind === 'created')).toHaveLength(1)
    expect(kinds.filter((kind) => kind === 'locked')).toHaveLength(39)
  }, 20_000)
})
