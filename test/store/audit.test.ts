/** What the audit keeps, and that its chain shows each row that was altered, dropped or cut. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { verifyAuditOf } from '../../src/cli/audit-verify.js'
import { next } from '../../src/domain/machine.js'
import { TemporaryError } from '../../src/errors.js'
import { sealWorker } from '../../src/jobs/seal.js'
import { readAudit, recordAct } from '../../src/store/audit.js'
import { purgeAudit, readAnchor, sealRows, verifyAudit } from '../../src/store/audit-chain.js'
import { applyTransition, createJob } from '../../src/store/jobs.js'
import type { Database } from '../../src/store/schema.js'
import { newJob, runDueJobs, silentLog, type TestContext, testContext } from '../helpers/context.js'
import { type SharedDatabase, shareTestDatabase } from '../helpers/database.js'
import { fill } from '../helpers/disk.js'

const KEYS = ['a key of sixteen characters']

let context: TestContext
beforeEach(async () => {
  context = await testContext()
})
afterEach(() => context.db.destroy())

function connection() {
  const [one] = context.connections.values()
  if (!one) throw new Error('The dummy has a connection.')
  return one
}

function firstStep() {
  const step = connection().provider.operations.clone?.steps[0]
  if (!step) throw new Error('The dummy has a clone.')
  return step
}

async function rows() {
  return await context.db.selectFrom('audit').selectAll().orderBy('jobVersion').execute()
}

/** So many sealed rows, of as many jobs. */
async function sealed(count: number, keys: readonly string[] = KEYS): Promise<void> {
  for (let at = 0; at < count; at += 1) {
    await context.ask()
    context.pass(1_000)
  }
  expect(await sealRows(context.db, keys)).toBe(count)
}

async function faultOf(keys = KEYS) {
  return (await verifyAudit(context.db, keys)).fault
}

describe('what is kept', () => {
  it('a request says who asked for what, from which channel, with which answers', async () => {
    const job = await context.ask({ askedIn: 'C7', requester: 'U7' })
    const [row] = await rows()
    expect(row).toMatchObject({ action: 'queued', actor: 'U7', requester: 'U7', channel: 'C7', jobId: job.id })
    expect(row).toMatchObject({ connection: 'dummy-one', operation: 'clone', source: 'shop-api', target: 'copy-1' })
    expect(JSON.parse(row?.details ?? '')).toEqual({ step: 'clone', answers: { name: 'copy', deploy: false } })
  })

  it('what an expiry or a schedule did has no actor, but still belongs to someone', async () => {
    await context.ask({ isExpiry: true, requester: 'U7' })
    expect((await rows())[0]).toMatchObject({ action: 'queued', actor: null, requester: 'U7' })
  })

  it('a personal answer is never kept, and a long one is cut', async () => {
    await context.ask({ params: { name: 'x'.repeat(3_000), token: 'hunter2hunter2' }, personal: ['token'] })
    const [row] = await rows()
    expect(row?.details).not.toContain('hunter2')
    expect(row?.details?.length).toBeLessThan(700)
  })

  it('an act says who did it where, and an end what came of it', async () => {
    const job = await context.ask()
    const { set, event } = next(job, { kind: 'cancel', actor: 'U9' }, { now: context.now(), jitter: 0 })
    const noted = { set, event: event && { ...event, channel: 'C9' } }
    await applyTransition(context.db, job, noted, context.now(), null)
    expect((await rows()).at(-1)).toMatchObject({ action: 'cancelled', actor: 'U9', channel: 'C9', jobVersion: 2 })

    const other = await context.ask()
    await context.go(
      other.id,
      { kind: 'begin' },
      { kind: 'refused', reason: 'The name is taken.', failureKind: 'provider' },
    )
    const last = (await rows()).filter(({ jobId }) => jobId === other.id).at(-1)
    expect(last).toMatchObject({ action: 'failed', actor: null, requester: 'U1' })
    expect(JSON.parse(last?.details ?? '')).toMatchObject({ detail: 'The name is taken.' })
  })

  it('a request that a changed rule denied says so, with nobody as its actor', async () => {
    const by = { by: ['U2'], count: 1, expiresAt: context.now() + 60_000 }
    const job = await context.ask({ approval: { ...by, copied: '', notCopied: '', warning: null } })
    await context.go(job.id, { kind: 'deny', reason: 'A rule has changed.' })
    expect((await rows()).at(-1)).toMatchObject({ action: 'denied', actor: null, requester: 'U1', jobId: job.id })
  })

  it('what only a provider or the clock did on the way is left to the events', async () => {
    const job = await context.ask()
    await context.go(job.id, { kind: 'begin' }, { kind: 'lost', reason: 'Reset.', failureKind: 'provider' })
    expect((await rows()).map(({ action }) => action)).toEqual(['queued'])
  })

  it("a write says the provider's own id of the request", async () => {
    const { run } = firstStep()
    firstStep().run = async (api, ...rest) => {
      await api.post('/clones', z.unknown())
      return await run(api, ...rest)
    }
    connection().api.post = async (_path, _schema, options) => {
      options?.answered?.('req-42')
      throw new TemporaryError('The connection was reset.', { mayHaveHappened: true })
    }
    await context.ask()
    await runDueJobs(context, 'dummy-one')
    expect(await rows()).toContainEqual(expect.objectContaining({ action: 'answer_lost', requestId: 'req-42' }))
  })

  it('a change that is rolled back leaves no row', async () => {
    const { db } = context
    const broken = db.transaction().execute(async (transaction) => {
      await recordAct(transaction, { action: 'preset_saved', actor: 'U1' }, 1)
      throw new Error('the disk is full')
    })
    await expect(broken).rejects.toThrow('disk')
    expect(await rows()).toEqual([])
  })

  it('rows are read newest first, by person, job, connection and time', async () => {
    const first = await context.ask({ requester: 'U2' })
    context.pass(1_000)
    const second = await context.ask({ requester: 'U3', connection: 'other' })
    const jobs = async (filter: Parameters<typeof readAudit>[1]) =>
      (await readAudit(context.db, filter, null, 10)).map(({ jobId }) => jobId)
    expect(await jobs({})).toEqual([second.id, first.id])
    expect(await jobs({ person: ['U2', 'W2'] })).toEqual([first.id])
    expect(await jobs({ ownedBy: ['U3'] })).toEqual([second.id])
    expect(await jobs({ job: first.id })).toEqual([first.id])
    expect(await jobs({ connection: 'other' })).toEqual([second.id])
    expect(await jobs({ since: context.now() })).toEqual([second.id])
    expect(await jobs({ until: context.now() - 1 })).toEqual([first.id])
    const [newest] = await readAudit(context.db, {}, null, 1)
    expect((await readAudit(context.db, {}, newest ?? null, 10)).map(({ jobId }) => jobId)).toEqual([first.id])
  })
})

describe('the chain', () => {
  it('an intact chain is fine, with a key and without', async () => {
    await sealed(3, [])
    expect(await verifyAudit(context.db, [])).toMatchObject({ from: 1, head: { seq: 3 }, unsealed: 0, fault: null })
    await sealed(2)
    expect(await verifyAudit(context.db, KEYS)).toMatchObject({ head: { seq: 5 }, lastPlain: 3, fault: null })
    await context.ask()
    expect(await verifyAudit(context.db, KEYS)).toMatchObject({ head: { seq: 5 }, unsealed: 1, fault: null })
  })

  it('an empty chain is fine', async () => {
    expect(await verifyAudit(context.db, KEYS)).toMatchObject({ head: { seq: 0 }, since: null, fault: null })
  })

  it.each([
    ['at', { at: 1 }],
    ['action', { action: 'approved' }],
    ['actor', { actor: 'U2' }],
    ['requester', { requester: 'U2' }],
    ['jobId', { jobId: 'other' }],
    ['jobVersion', { jobVersion: 9 }],
    ['connection', { connection: 'other' }],
    ['operation', { operation: 'sync' }],
    ['source', { source: null }],
    ['target', { target: 'shop in production' }],
    ['channel', { channel: 'C2' }],
    ['details', { details: '{}' }],
    ['requestId', { requestId: 'other' }],
    ['hash', { hash: `sha256:${'0'.repeat(64)}` }],
  ])('a row whose %s was altered is found', async (_, change) => {
    await sealed(4)
    await context.db.updateTable('audit').set(change).where('seq', '=', 2).execute()
    expect(await faultOf()).toEqual({ kind: 'altered', seq: 2 })
  })

  it('every single row that was dropped is found, and so are several in a row', async () => {
    await sealed(4)
    const all = await context.db.selectFrom('audit').selectAll().orderBy('seq').execute()
    for (const row of all) {
      await context.db.deleteFrom('audit').where('id', '=', row.id).execute()
      const kind = row.seq === 4 ? 'cut' : 'missing'
      expect(await faultOf()).toMatchObject({ kind, seq: row.seq })
      await context.db.insertInto('audit').values(row).execute()
    }
    await context.db.deleteFrom('audit').where('seq', 'in', [2, 3]).execute()
    expect(await faultOf()).toEqual({ kind: 'missing', seq: 2, to: 3 })
  })

  it('two rows that changed places are found', async () => {
    await sealed(4)
    const move = (from: number, to: number) =>
      context.db.updateTable('audit').set({ seq: to }).where('seq', '=', from).execute()
    await move(2, 99)
    await move(3, 2)
    await move(99, 3)
    expect(await faultOf()).toEqual({ kind: 'altered', seq: 2 })
  })

  it('rows that were renumbered after one was dropped are found', async () => {
    await sealed(4)
    await context.db.deleteFrom('audit').where('seq', '=', 2).execute()
    for (const seq of [3, 4])
      await context.db
        .updateTable('audit')
        .set({ seq: seq - 1 })
        .where('seq', '=', seq)
        .execute()
    expect(await faultOf()).toEqual({ kind: 'altered', seq: 2 })
  })

  it('a tail that was cut off together with its head is found by the anchor from the log', async () => {
    await sealed(4)
    const anchor = await readAnchor(context.db)
    const third = await context.db.selectFrom('audit').selectAll().where('seq', '=', 3).executeTakeFirstOrThrow()
    await context.db.deleteFrom('audit').where('seq', '=', 4).execute()
    expect(await faultOf()).toEqual({ kind: 'cut', seq: 4 })
    await context.db
      .updateTable('auditHead')
      .set({ seq: 3, hash: third.hash ?? '' })
      .execute()
    expect(await faultOf()).toBeNull()
    expect((await verifyAudit(context.db, KEYS, anchor)).fault).toEqual({ kind: 'anchor', seq: 4 })
    // Whatever is sealed in its place has another hash.
    await context.ask()
    await sealRows(context.db, KEYS)
    expect((await verifyAudit(context.db, KEYS, anchor)).fault).toEqual({ kind: 'anchor', seq: 4 })
    expect((await verifyAudit(context.db, KEYS, await readAnchor(context.db))).fault).toBeNull()
  })

  it('someone without the key cannot add a row that fits', async () => {
    await sealed(2)
    await context.ask()
    await sealRows(context.db, ['the key of somebody else'])
    expect(await faultOf()).toEqual({ kind: 'unknown_key', seq: 3, hasKeys: true })
    expect(await faultOf([])).toEqual({ kind: 'unknown_key', seq: 1, hasKeys: false })
    expect(await faultOf([...KEYS, 'the key of somebody else'])).toBeNull()
  })

  it('a row that was sealed without a key after others that had one is found', async () => {
    await sealed(2)
    await context.ask()
    await sealRows(context.db, [])
    expect(await faultOf()).toEqual({ kind: 'no_key', seq: 3 })
  })

  it('rows are sealed in the order in which they happened, in batches', async () => {
    const job = await context.ask()
    const versions = 12
    for (let turn = 1; turn < versions; turn += 1)
      await context.go(job.id, { kind: turn % 2 === 1 ? 'mute' : 'unmute', actor: 'U1' })
    while ((await sealRows(context.db, KEYS, 5)) > 0);
    const sealedRows = await context.db.selectFrom('audit').selectAll().orderBy('seq').execute()
    expect(sealedRows.map(({ jobVersion }) => jobVersion)).toEqual(Array.from({ length: versions }, (_, at) => at + 1))
    expect(await faultOf()).toBeNull()
  })

  it('rows that are deleted because of their age are no fault, only from the old end', async () => {
    await sealed(5)
    const [, , third] = await context.db.selectFrom('audit').selectAll().orderBy('seq').execute()
    const before = third?.at ?? 0
    expect(await purgeAudit(context.db, before, 1)).toBe(1)
    expect(await purgeAudit(context.db, before)).toBe(1)
    expect(await purgeAudit(context.db, before)).toBe(0)
    expect(await verifyAudit(context.db, KEYS)).toMatchObject({ from: 3, head: { seq: 5 }, since: before, fault: null })
    await context.db.deleteFrom('audit').where('seq', '=', 3).execute()
    expect(await faultOf()).toEqual({ kind: 'missing', seq: 3, to: 3 })
  })

  it('after all rows were deleted because of their age, the chain goes on', async () => {
    await sealed(3)
    expect(await purgeAudit(context.db, context.now())).toBe(3)
    expect(await faultOf()).toBeNull()
    await sealed(1)
    expect(await verifyAudit(context.db, KEYS)).toMatchObject({ from: 4, head: { seq: 4 }, fault: null })
  })
})

describe('what dolly audit verify says', () => {
  const databases: SharedDatabase[] = []
  afterEach(async () => {
    for (const database of databases.splice(0)) await database.close()
  })

  /** A database with three rows, sealed with these keys, once something was done to it. */
  async function verdict(
    sealing: readonly string[],
    verifying: readonly string[],
    { change = async () => {}, anchor }: { change?(db: Database): Promise<unknown>; anchor?: string } = {},
  ) {
    const database = await shareTestDatabase()
    databases.push(database)
    const db = await database.open()
    for (let at = 0; at < 3; at += 1) await createJob(db, newJob(at), Date.parse('2026-01-02T03:04:05Z'))
    await sealRows(db, sealing)
    await change(db)
    return await verifyAuditOf(database.address, verifying, anchor)
  }

  it('an intact chain is OK, and says how far it goes', async () => {
    const { sentence, isGood } = await verdict(KEYS, KEYS)
    expect(isGood).toBe(true)
    const [first, second, ...rest] = sentence.split('\n')
    expect(first).toBe('OK: 3 rows, from 1 to 3, the first of 2026-01-02T03:04:05.000Z.')
    expect(second).toMatch(/^The chain ends with 3:hmac-[0-9a-f]{8}:[0-9a-f]{64}$/)
    expect(rest).toEqual([])
  })

  it('an altered, a missing and a cut row are named', async () => {
    const alter = (db: Database) => db.updateTable('audit').set({ actor: 'U2' }).where('seq', '=', 2).execute()
    const drop = (seq: number) => ({
      change: (db: Database) => db.deleteFrom('audit').where('seq', '=', seq).execute(),
    })
    expect(await verdict(KEYS, KEYS, { change: alter })).toEqual({
      isGood: false,
      sentence: 'The audit is NOT intact. Row 2 was altered after it was sealed.',
    })
    expect((await verdict(KEYS, KEYS, drop(1))).sentence).toBe('The audit is NOT intact. Row 1 is missing.')
    expect((await verdict(KEYS, KEYS, drop(3))).sentence).toMatch(/Its end was cut off or set back: rows from 3 on/)
  })

  it('a chain that was sealed without a key and is verified with one says so, and the reverse', async () => {
    const plain = await verdict([], KEYS)
    expect(plain.isGood).toBe(false)
    expect(plain.sentence).toContain('Rows up to 3 were sealed without a key, so anyone could have written them.')
    const keyed = await verdict(KEYS, [])
    expect(keyed).toMatchObject({ isGood: false, sentence: expect.stringContaining('Set DOLLY_AUDIT_KEY to it') })
    const changed = await verdict(KEYS, ['another key of that length'])
    expect(changed.sentence).toContain('put the old key after the new one')
    expect((await verdict(KEYS, ['another key of that length', ...KEYS])).isGood).toBe(true)
  })

  it('rows without a key from before there was one are vouched for by an end that stood in the log', async () => {
    let end = ''
    const change = async (db: Database) => {
      const { seq, hash } = await readAnchor(db)
      end = `${seq}:${hash}`
      await createJob(db, newJob(4), 0)
      await sealRows(db, KEYS)
    }
    expect((await verdict([], KEYS, { change })).isGood).toBe(false)
    const { address = '' } = databases.at(-1) ?? {}
    expect(await verifyAuditOf(address, KEYS, end)).toMatchObject({ isGood: true })
  })

  it('an end of the chain from the log is compared, and a malformed one is refused', async () => {
    const anchor = `3:sha256:${'0'.repeat(64)}`
    expect((await verdict(KEYS, KEYS, { anchor })).sentence).toContain("Row 3 doesn't have the hash you gave")
    await expect(verdict(KEYS, KEYS, { anchor: '3' })).rejects.toThrow('"3" isn\'t an end of the audit chain.')
  })

  it('a file that is not there is not made', async () => {
    await expect(verifyAuditOf('/nowhere/dolly.db', [])).rejects.toThrow("There's no database at /nowhere/dolly.db.")
  })
})

describe('the worker', () => {
  const { signal } = new AbortController()
  const lines: object[] = []
  const log = { ...silentLog, info: (fields: object) => void lines.push(fields) }
  afterEach(() => void lines.splice(0))

  async function runAll(): Promise<void> {
    while (await worker.runOnce(signal, () => {}));
  }
  let worker: ReturnType<typeof sealWorker>
  beforeEach(() => {
    worker = sealWorker({ ...context, log }, KEYS)
  })

  it('logs the end of the chain at its first run, and then once an hour', async () => {
    await context.ask()
    await runAll()
    const { seq, hash } = await readAnchor(context.db)
    expect(lines).toEqual([{ anchor: `${seq}:${hash}` }])
    expect(seq).toBe(1)
    expect(worker.countDue([])).toBe(0)
    expect(worker.countDue([{ kind: 'seal', connection: '', count: 1 }])).toBe(1)
    context.pass(60 * 60_000)
    expect(worker.countDue([])).toBe(1)
    await runAll()
    expect(lines).toHaveLength(2)
  })

  it('rows that a process left unsealed when it died are sealed by the next one', async () => {
    const shared = await shareTestDatabase()
    const dying = await shared.open()
    await createJob(dying, newJob(1), 1)
    await sealRows(dying, KEYS)
    await createJob(dying, newJob(2), 2)
    const db = await shared.crash()
    expect(await verifyAudit(db, KEYS)).toMatchObject({ head: { seq: 1 }, unsealed: 1, fault: null })
    await sealRows(db, KEYS)
    expect(await verifyAudit(db, KEYS)).toMatchObject({ head: { seq: 2 }, unsealed: 0, fault: null })
    await shared.close()
  })

  it('a seal that breaks halfway changes neither rows nor head', async () => {
    await sealed(1)
    for (let at = 0; at < 3; at += 1) await context.ask()
    const heal = await fill(context.db, 'update on audit', 'new.seq = 3')
    await expect(sealRows(context.db, KEYS)).rejects.toThrow('full')
    expect(await verifyAudit(context.db, KEYS)).toMatchObject({ head: { seq: 1 }, unsealed: 3, fault: null })
    await heal()
    expect(await sealRows(context.db, KEYS)).toBe(3)
    expect(await faultOf()).toBeNull()
  })

  it('two workers on one database seal each row once', async () => {
    const shared = await shareTestDatabase()
    const [db, other] = [await shared.open(), await shared.open()]
    for (let at = 0; at < 40; at += 1) await createJob(db, newJob(at), at)
    const workers = [db, other].map((one) => async () => {
      while ((await sealRows(one, KEYS, 3)) > 0);
    })
    await Promise.all(workers.map((work) => work()))
    while ((await sealRows(db, KEYS, 3)) > 0);
    expect(await verifyAudit(db, KEYS)).toMatchObject({ head: { seq: 40 }, unsealed: 0, fault: null })
    await shared.close()
  })
})
