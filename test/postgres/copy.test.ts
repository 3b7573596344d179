/** `dolly db copy`: a real SQLite file goes to a real Postgres, whole or not at all, and goes on there alone. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { sql } from 'kysely'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { copyTo } from '../../src/cli/db-copy.js'
import { answerRequest } from '../../src/store/approvals.js'
import { recordAct } from '../../src/store/audit.js'
import { sealRows, verifyAudit } from '../../src/store/audit-chain.js'
import { allTables, copiedTables, copyDatabase } from '../../src/store/copy.js'
import { openDatabase } from '../../src/store/database.js'
import { saveDraft } from '../../src/store/drafts.js'
import { noteHomeOpened } from '../../src/store/homes.js'
import { lockDatabase } from '../../src/store/lock.js'
import { openStore } from '../../src/store/open.js'
import { savePreset } from '../../src/store/presets.js'
import { createSchedule } from '../../src/store/schedules.js'
import type { Database } from '../../src/store/schema.js'
import { saveSetting } from '../../src/store/settings.js'
import { refuseStep } from '../../src/store/workflow-steps.js'
import { silentLog, type TestContext, testContext } from '../helpers/context.js'
import { newPostgresDatabase } from '../helpers/postgres.js'
import { newPreset, newSchedule } from '../helpers/preset.js'

const KEYS = ['a key of sixteen characters']
const now = Date.parse('2026-01-01T12:00Z')
const options = { keys: KEYS, now, waitMs: 0 }

const template = join(mkdtempSync(join(tmpdir(), 'dolly-filled-')), 'dolly.db')
let filled: TestContext & { ids: Filled }
beforeAll(async () => {
  filled = await fill(template)
}, 60_000)
afterAll(() => rmSync(dirname(template), { recursive: true, force: true }))

let folder: string
let file: string
let url: string
let name: string
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dolly-copy-'))
  file = join(folder, 'dolly.db')
  copyFileSync(template, file)
  url = await newPostgresDatabase()
  const { host, pathname } = new URL(url)
  name = `the database ${pathname.slice(1)} on ${host}`
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function open(address: string): Promise<Database> {
  const db = await openDatabase(address)
  onTestFinished(() => db.destroy())
  return db
}

/** The ids of the jobs that `fill` makes, by what becomes of them. */
type Filled = Readonly<Record<'queued' | 'lost' | 'unsent' | 'working' | 'uncertain' | 'waiting' | 'ended', string>>

/** Jobs in every state, and rows in every table. */
async function fill(path: string): Promise<TestContext & { ids: Filled }> {
  const context = await testContext({ db: await openDatabase(path) })
  const { db, world } = context
  const request = { by: ['U5'], count: 2, expiresAt: now + 3_600_000, copied: 'All.', notCopied: 'Nothing.' }
  const ask = async (name: string, draft = {}) => (await context.ask({ params: { name, deploy: false }, ...draft })).id
  const ids = {
    queued: await ask('queued'),
    lost: await ask('lost', { mentionOnSuccess: true }),
    unsent: await ask('unsent'),
    working: await ask('working'),
    uncertain: await ask('uncertain'),
    waiting: await ask('waiting', { approval: { ...request, warning: null } }),
    ended: await ask('ended'),
  }
  const lost = { kind: 'lost', reason: 'The connection was reset.', failureKind: 'provider' } as const
  world.made.push({ id: 'clone-lost', name: 'lost', step: 'clone' })
  await context.go(ids.lost, { kind: 'begin' }, lost)
  await context.go(ids.unsent, { kind: 'begin' })
  await context.go(ids.working, { kind: 'begin' }, { kind: 'wrote', ref: { id: 'c1' }, deadlineMs: 86_400_000 })
  await context.go(ids.uncertain, { kind: 'begin' }, lost, { kind: 'unknowable', reason: 'Two have that name.' })
  await context.go(ids.ended, { kind: 'begin' }, { kind: 'refused', reason: 'No.', failureKind: 'provider' })
  await answerRequest(db, { jobId: ids.waiting, decision: 'approve', person: ['U6'], channel: 'C1' }, now)

  await savePreset(db, newPreset({ values: { name: 'Wölkchen 🐑 "x"' } }), 'C1', now)
  await createSchedule(db, newSchedule(), now)
  await saveDraft(db, 'answers', 'U1', { name: "it's" }, now)
  await noteHomeOpened(db, 'U1', null, now)
  await saveSetting(db, { scope: 'person', id: 'U1' }, { mention: 'never' }, { actor: 'U1', channel: null }, now)
  await refuseStep(db, 'Fx1', 'No.', now)
  await db.transaction().execute(async (transaction) => {
    for (let at = 0; at < 450; at += 1) await recordAct(transaction, { action: 'preset_saved', actor: 'U1' }, now + at)
  })
  while ((await sealRows(db, KEYS)) > 0);
  await db.transaction().execute((one) => recordAct(one, { action: 'preset_saved', actor: 'U1' }, now))
  // What SQLite takes and Postgres doesn't.
  const odd = { detail: 'no\0thing', stepSince: now + 0.75 }
  await db.updateTable('jobs').set(odd).where('id', '=', ids.ended).execute()
  // As a process leaves it that dies now.
  await db
    .updateTable('jobs')
    .set({ claimToken: 't1', claimOwner: 'p1' })
    .where('id', 'in', [ids.working, ids.unsent])
    .execute()
  await db.updateTable('messages').set({ claimToken: 't2' }).where('jobId', '=', ids.queued).execute()
  await db.destroy()
  return { ...context, ids }
}

/** All rows of a table, in no order, with what may differ between the two databases made equal. */
async function rowsOf(db: Database, table: string): Promise<string[]> {
  const { rows } = await sql<Record<string, unknown>>`select * from ${sql.table(table)}`.execute(db)
  const plain = (value: unknown) =>
    typeof value === 'number' ? Math.floor(value) : typeof value === 'string' ? value.replaceAll('\0', '') : value
  const free = (row: Record<string, unknown>) =>
    'claimToken' in row ? { ...row, claimToken: null, claimOwner: null } : row
  return rows
    .map((row) => Object.entries(free(row)).sort(([a], [b]) => (a < b ? -1 : 1)))
    .map((columns) => JSON.stringify(columns.map(([column, value]) => [column, plain(value)])))
    .sort()
}

async function refusalOf(copying: Promise<unknown>): Promise<string> {
  const error = await copying.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(error).toMatchObject({ name: 'ConnectionError' })
  const text = error instanceof Error ? error.message : ''
  expect(text).not.toContain(new URL(url).password)
  return text
}

/** Starts on a file, as a bot does, and stops. */
async function start(address: string): Promise<void> {
  const closers: (() => Promise<unknown>)[] = []
  try {
    await openStore(address, { elapsed: () => performance.now(), log: silentLog, closers })
  } finally {
    for (const close of closers.reverse()) await close()
  }
}

describe('a copy', () => {
  it('has every row of every table, frees all claims, and says what it did', async () => {
    const source = await testSnapshot(await open(file))
    const text = await copyTo(url, `file:${file}`, KEYS, now)
    const target = await open(url)
    for (const table of copiedTables) {
      expect(source.get(table)?.length, table).toBeGreaterThan(0)
      expect(await rowsOf(target, table), table).toEqual(source.get(table))
    }
    const claimed = await target.selectFrom('jobs').select('id').where('claimToken', 'is not', null).execute()
    expect(claimed).toEqual([])
    expect(await verifyAudit(target, KEYS)).toMatchObject({ fault: null, unsealed: 1 })
    expect(text.split('\n')).toEqual([
      `Copied ${file} to ${name}. Its tables have as many rows as in the file:`,
      ...copiedTables.map((table) => expect.stringMatching(new RegExp(`^ +\\d+  ${table.slice(0, 5)}`))),
      '6 live jobs go on there.',
      expect.stringMatching(/^The audit, on both sides: OK: \d+ rows, from 1 to \d+, the first of/),
      expect.stringMatching(/^The chain ends with/),
      expect.stringMatching(/^1 row not sealed yet/),
      `No Dolly starts on ${file} any more. Keep it until you have a backup of the new database.`,
      'Next: start Dolly with this DATABASE_URL, on as many machines as you want.',
      '',
    ])
  })

  it('goes on with every live job, and does nothing twice', async () => {
    const { connections, world, ids } = filled
    await copyDatabase(file, url, options)
    const there = await testContext({ db: await open(url), connections })
    world.observation = { phase: 'done' }
    // Searches that are farther apart wouldn't count as one.
    for (let passedMs = 0; passedMs < 5 * 60_000; passedMs += 10_000) {
      there.pass(10_000)
      await there.runUntilIdle()
    }
    const stateOf = async (id: string) => (await there.job(id)).state
    for (const id of [ids.queued, ids.lost, ids.unsent, ids.working]) expect(await stateOf(id)).toBe('succeeded')
    expect(await stateOf(ids.uncertain)).toBe('uncertain')
    expect(await stateOf(ids.ended)).toBe('failed')
    const answer = { jobId: ids.waiting, decision: 'approve', person: ['U5'], channel: 'C1' } as const
    expect(await answerRequest(there.db, answer, there.now())).toMatchObject({
      kind: 'counted',
      job: { state: 'queued' },
    })
    expect(world.made.map((made) => made.name).sort()).toEqual(['lost', 'queued', 'unsent'])
  })

  it('brings both databases to the newest schema, and is refused by a newer one', async () => {
    const db = await open(file)
    await sql`insert into kysely_migration (name, timestamp) values ('999-future', '')`.execute(db)
    expect(await refusalOf(copyDatabase(file, url, options))).toContain('was written by a newer Dolly')
  })
})

describe('the file', () => {
  it('starts no Dolly after it was copied, and says where everything is', async () => {
    await copyDatabase(file, url, options)
    expect(await refusalOf(start(file))).toBe(
      `The database ${file} was copied to ${name} on 2026-01-01 12:00 UTC, and its jobs go on there: here each would be done a second time. Set DATABASE_URL to that database. How to go back to the file is in docs/operating.md.`,
    )
    await start(url)
  })

  it('is the same but for the mark: the statement in docs/operating.md goes back to it', async () => {
    const before = await testSnapshot(await open(file))
    await copyDatabase(file, url, options)
    const sqlite = new Sqlite(file)
    sqlite.exec('delete from copies')
    sqlite.close()
    await start(file)
    expect(await testSnapshot(await open(file))).toEqual(before)
  })

  it('can be named twice: the second time says that all is there', async () => {
    await copyDatabase(file, url, options)
    await start(url)
    const again = await copyDatabase(file, url, { ...options, now: now + 60_000 })
    expect(again).toMatchObject({ copiedBefore: now, liveJobs: 6 })
    expect(await copyTo(url, file, KEYS, now)).toContain('was copied to')
  })

  it('is not copied a second time to another database, or to one that was emptied', async () => {
    await copyDatabase(file, url, options)
    const other = await newPostgresDatabase()
    expect(await refusalOf(copyDatabase(file, other, options))).toContain(
      `was copied on 2026-01-01 12:00 UTC to ${name}`,
    )
    const target = await open(url)
    for (const table of allTables.toReversed()) await sql`delete from ${sql.table(table)}`.execute(target)
    expect(await refusalOf(copyDatabase(file, url, options))).toContain('nothing of it is there any more')
  })

  it('is locked meanwhile: a bot that uses it keeps it from being copied', async () => {
    const unlock = await lockDatabase(file)
    expect(await refusalOf(copyDatabase(file, url, options))).toMatch(
      /is in use by another Dolly \(process \d+.*: stop that one, and run this command again\.$/,
    )
    unlock()
    await copyDatabase(file, url, options)
  })
})

describe('what is refused before anything is copied', () => {
  it('a target that has rows of a Dolly', async () => {
    const other = join(folder, 'other.db')
    copyFileSync(file, other)
    await copyDatabase(file, url, options)
    const before = await testSnapshot(await open(url))
    expect(await refusalOf(copyDatabase(other, url, options))).toMatch(
      /^There are rows of a Dolly in the database \S+ on \S+ \(jobs: 7, events: \d+, .*\), and a copy would mix two of them\. Create an empty database, and set DATABASE_URL to it\.$/,
    )
    expect(await testSnapshot(await open(url))).toEqual(before)
    await start(other)
  })

  it('a target that a running Dolly uses', async () => {
    const target = await open(url)
    const row = { id: 'p1', name: 'process 4711 on app-1', renewedAt: Date.now() }
    await target.insertInto('processes').values(row).execute()
    expect(await refusalOf(copyDatabase(file, url, options))).toBe(
      `A running Dolly uses ${name} (process 4711 on app-1). Stop it, and set DATABASE_URL to an empty database.`,
    )
    await target.updateTable('processes').set({ renewedAt: 1 }).execute()
    await copyDatabase(file, url, options)
  })

  it('wrong directions, and files that are none of Dolly', async () => {
    const none = join(folder, 'none.db')
    writeFileSync(join(folder, 'text.db'), 'no database at all')
    expect(await refusalOf(copyDatabase(url, url, options))).toMatch(/copies a SQLite file: name one/)
    expect(await refusalOf(copyDatabase(file, none, options))).toMatch(/copies to Postgres: set DATABASE_URL/)
    expect(await refusalOf(copyDatabase(none, url, options))).toBe(
      `There's no database at ${none}. Name the SQLite file to copy.`,
    )
    expect(await refusalOf(copyDatabase(join(folder, 'text.db'), url, options))).toContain("isn't a database of Dolly")
  })
})

describe('a process that is killed', { timeout: 120_000 }, () => {
  /** Another process has to start first. */
  const PATIENCE = { timeout: 60_000 }

  /** Lets the server wait where rows get into this table, or where they are committed, until `release`. */
  async function hold(table: string, at: 'insert' | 'commit') {
    const client = new pg.Client(url)
    await client.connect()
    onTestFinished(() => client.end())
    await client.query('select pg_advisory_lock(4711)')
    await client.query(
      'create function wait_here() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(4711); return new; end $$',
    )
    await client.query(
      at === 'insert'
        ? `create trigger wait before insert on ${table} for each row execute function wait_here()`
        : `create constraint trigger wait after insert on ${table} deferrable initially deferred for each row execute function wait_here()`,
    )
    const waiting = async (query: string) => {
      const { rows } = await client.query<{ pid: number }>(
        `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query ilike $1`,
        [query],
      )
      return rows.map(({ pid }) => pid)
    }
    return { client, waiting, release: async () => void (await client.query('select pg_advisory_unlock(4711)')) }
  }

  let child: ChildProcess
  afterEach(() => child.kill('SIGKILL'))

  function copyElsewhere(): void {
    const script = new URL('../helpers/copy.ts', import.meta.url).pathname
    child = spawn(process.execPath, ['--import', 'tsx', script, file, url], { stdio: 'inherit' })
  }

  async function killIt(): Promise<void> {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  it('in the middle leaves the target empty and the file as it was', async () => {
    const { waiting, release } = await hold('audit', 'insert')
    copyElsewhere()
    await expect.poll(() => waiting('%insert into "audit"%'), PATIENCE).toHaveLength(1)
    await killIt()
    await start(file)
    await release()
    const target = await open(url)
    await expect.poll(async () => (await rowsOf(target, 'jobs')).length).toBe(0)
    expect(await copyDatabase(file, url, options)).toMatchObject({ copiedBefore: null, liveJobs: 6 })
  })

  it('after the file was marked, before the commit arrived: nothing starts, and the next try copies', async () => {
    const { client, waiting, release } = await hold('copies', 'commit')
    copyElsewhere()
    await expect.poll(() => waiting('commit'), PATIENCE).toHaveLength(1)
    await killIt()
    expect(await refusalOf(start(file))).toBe(
      `A copy of the database ${file} to ${name} broke off at its very end, so its jobs may go on there. Run "dolly db copy" again: it finds out, and finishes the copy.`,
    )
    const other = await newPostgresDatabase()
    expect(await refusalOf(copyDatabase(file, other, options))).toContain(`may have been copied to ${name}, and not to`)
    for (const pid of await waiting('commit')) await client.query('select pg_terminate_backend($1)', [pid])
    await release()
    expect(await copyDatabase(file, url, options)).toMatchObject({ copiedBefore: null, liveJobs: 6 })
    expect(await refusalOf(start(file))).toContain(`was copied to ${name}`)
  })

  it('after the commit: the next try waits for it, finds everything there, and copies nothing', async () => {
    const { waiting, release } = await hold('copies', 'commit')
    copyElsewhere()
    await expect.poll(() => waiting('commit'), PATIENCE).toHaveLength(1)
    await killIt()
    const again = copyDatabase(file, url, options)
    await expect.poll(() => waiting('lock table%'), PATIENCE).toHaveLength(1)
    await release()
    expect(await again).toMatchObject({ copiedBefore: expect.any(Number), liveJobs: 6 })
    expect(await refusalOf(start(file))).toContain(`was copied to ${name}`)
  })
})

describe('a server that breaks', () => {
  async function onTarget(...statements: string[]): Promise<void> {
    const client = new pg.Client(url)
    await client.connect()
    for (const statement of statements) await client.query(statement)
    await client.end()
  }
  const refusing = (body: string) =>
    `create function refuse() returns trigger language plpgsql as $$ begin ${body}; return new; end $$`

  it('refuses a row: nothing is there, and the file goes on', async () => {
    await onTarget(
      refusing("raise exception 'no room'"),
      'create trigger refuse before insert on settings for each row execute function refuse()',
    )
    expect(await refusalOf(copyDatabase(file, url, options))).toBe(
      `The copy to ${name} broke off (no room). Nothing was copied, and ${file} is as it was. Run the same command again.`,
    )
    expect(await rowsOf(await open(url), 'jobs')).toEqual([])
    await start(file)
  })

  it('refuses the commit: the file is free again', async () => {
    await onTarget(
      refusing("raise exception 'no commit'"),
      'create constraint trigger refuse after insert on copies deferrable initially deferred for each row execute function refuse()',
    )
    expect(await refusalOf(copyDatabase(file, url, options))).toContain('broke off (no commit). Nothing was copied')
    await start(file)
  })

  it('ends the connection at the commit: nothing starts until another try has found out', async () => {
    await onTarget(
      refusing('perform pg_terminate_backend(pg_backend_pid())'),
      'create constraint trigger refuse after insert on copies deferrable initially deferred for each row execute function refuse()',
    )
    const text = await refusalOf(copyDatabase(file, url, options))
    expect(text).toMatch(/^The copy is complete, but the database .* didn't confirm it \(.*\)\. No Dolly starts on /)
    expect(await refusalOf(start(file))).toContain('broke off at its very end')
    await onTarget('drop trigger refuse on copies')
    expect(await copyDatabase(file, url, options)).toMatchObject({ copiedBefore: null, liveJobs: 6 })
  })
})

describe('the tables', () => {
  it('are all listed, after those that they refer to, and none numbers its rows by itself', async () => {
    const db = await open(url)
    const tables = (await db.introspection.getTables()).map((table) => table.name)
    expect([...allTables].map(snake).sort()).toEqual(tables.sort())
    const { rows: references } = await sql<{ from: string; to: string }>`
      select conrelid::regclass::text as "from", confrelid::regclass::text as "to" from pg_constraint where contype = 'f'
    `.execute(db)
    const order = allTables.map(snake)
    for (const { from, to } of references) expect(order.indexOf(to), to).toBeLessThan(order.indexOf(from))
    expect(references.length).toBeGreaterThan(3)
    // A copy would have to set it behind the copied rows.
    const { rows: numbered } = await sql`
      select table_name from information_schema.columns
      where table_schema = current_schema() and (is_identity = 'YES' or column_default like 'nextval%')
    `.execute(db)
    expect(numbered).toEqual([])
  })
})

function snake(table: string): string {
  return table.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

async function testSnapshot(db: Database): Promise<Map<string, string[]>> {
  const all = new Map<string, string[]>()
  for (const table of copiedTables) all.set(table, await rowsOf(db, table))
  return all
}
