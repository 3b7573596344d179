/** Several replicas do the same thing at the same moment on one Postgres, where transactions don't wait for one another. */
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Job, JobInput } from '../../src/domain/job.js'
import { next } from '../../src/domain/machine.js'
import { MAX_PRESETS } from '../../src/domain/preset.js'
import { MAX_SCHEDULES } from '../../src/domain/schedule.js'
import { runDueSchedules, type StartRun } from '../../src/jobs/schedule.js'
import { answerRequest } from '../../src/store/approvals.js'
import { readAnchor, sealRows, verifyAudit } from '../../src/store/audit-chain.js'
import { claimDueJobs, claimPendingThreads } from '../../src/store/claims.js'
import { openDatabase } from '../../src/store/database.js'
import { readEvents } from '../../src/store/events.js'
import { noteHomeOpened } from '../../src/store/homes.js'
import { applyTransition, createJob, findJob } from '../../src/store/jobs.js'
import {
  begin,
  ClaimLost,
  confirm,
  markNotified,
  move,
  readPendingThread,
  setRefusals,
} from '../../src/store/messages.js'
import type { NewJob } from '../../src/store/new-job.js'
import { savePreset } from '../../src/store/presets.js'
import { newRemoval } from '../../src/store/removals.js'
import { purgeJobs } from '../../src/store/retention.js'
import { createSchedule, findSchedule } from '../../src/store/schedules.js'
import type { Database } from '../../src/store/schema.js'
import { newJob, type TestContext, testContext } from '../helpers/context.js'
import { newPostgresDatabase } from '../helpers/postgres.js'
import { newPreset, newSchedule } from '../helpers/preset.js'

let replicas: readonly [Database, Database, Database]
let db: Database
let context: TestContext
beforeEach(async () => {
  const address = await newPostgresDatabase()
  const open = async () => await openDatabase(address, undefined, { isMigrated: true })
  replicas = [await open(), await open(), await open()]
  db = replicas[0]
  context = await testContext({ db })
})
afterEach(async () => {
  for (const replica of replicas) await replica.destroy()
})

/** The same from each replica in turn, so many times, all at once. */
async function atOnce<T>(times: number, work: (replica: Database, at: number) => Promise<T>): Promise<T[]> {
  return await Promise.all(Array.from({ length: times }, (_, at) => work(replicas[at % 3] ?? db, at)))
}

const act = async (replica: Database, id: string, input: JobInput, seen?: Job) => {
  const job = seen ?? (await context.job(id))
  return await applyTransition(replica, job, next(job, input, { now: 5_000, jitter: 0 }), 5_000, null)
}
const wrote: JobInput = { kind: 'wrote', ref: { id: 'a' }, deadlineMs: 60_000 }
const done: JobInput = { kind: 'observed', observation: { phase: 'done' }, nextStep: null }
const failed: JobInput = { kind: 'observed', observation: { phase: 'failed', detail: 'no' }, nextStep: null }
const ask = async (wanted: Partial<NewJob>, replica = db) => {
  const creation = await createJob(replica, { ...newJob(Math.random()), ...wanted }, 1_000)
  if (creation.kind !== 'created') throw new Error(creation.kind)
  return creation.job
}

describe('workers', () => {
  it('twelve that claim 240 jobs at once get each job once, and each of them gets some', async () => {
    await atOnce(240, async (replica, at) => await ask({ lock: `${at}`, submission: `${at}` }, replica))
    const wanted = { connection: 'dummy-one', state: 'queued', limit: 1 } as const
    const claims = await atOnce(12, async (replica) => {
      const mine: string[][] = []
      for (let count = 0; count < 20; count += 1)
        mine.push((await claimDueJobs(replica, wanted, 2_000)).map(({ job }) => job.id))
      return mine
    })
    expect(claims.flat().filter((ids) => ids.length !== 1)).toEqual([])
    expect(new Set(claims.flat(2)).size).toBe(240)
  }, 120_000)

  it('one that loses its claim on a thread changes nothing', async () => {
    const { id } = await ask({})
    const [claimed] = await claimPendingThreads(db, { threads: 1, perChannel: 1 }, 2_000)
    const thread = claimed && (await readPendingThread(db, claimed))
    if (!thread) throw new Error('There is no thread.')
    const [event] = thread.events
    if (!event) throw new Error('There is no event.')
    const rows = async () => [
      await db.selectFrom('messages').selectAll().execute(),
      await db.selectFrom('events').selectAll().execute(),
    ]
    const place = { channel: 'C1', ts: '1.1', shownVersion: 1 }
    const writes = [
      () => begin(db, thread, 'root', { channel: 'C1', at: 3_000 }),
      () => begin(db, thread, 'event:1', { channel: 'C1', at: 3_000 }),
      () => confirm(db, thread, 'root', place),
      () => setRefusals(db, thread, 'root', 3),
      () => markNotified(db, thread, event, 3_000),
      () => move(db, thread, { channel: 'U1', root: null, now: 3_000 }),
    ]
    for (const [at, write] of writes.entries()) {
      // Another replica takes the thread over at the very moment of the write, which waits for it.
      let writing: Promise<unknown> = Promise.resolve()
      await replicas[1].transaction().execute(async (transaction) => {
        const root = transaction.updateTable('messages').where('jobId', '=', id).where('key', '=', 'root')
        await root.set({ claimToken: `other ${at}` }).execute()
        const waiting = sql<{ count: number }>`select count(*) from pg_stat_activity where wait_event_type = 'Lock'`
        writing = write().catch((error: unknown) => error)
        await expect.poll(async () => (await waiting.execute(replicas[2])).rows[0]?.count).toBeGreaterThan(0)
      })
      expect(await writing, `write ${at}`).toBeInstanceOf(ClaimLost)
      const root = db.updateTable('messages').where('jobId', '=', id).where('key', '=', 'root')
      const before = await rows()
      await expect(write(), `write ${at}, later`).rejects.toThrow(ClaimLost)
      expect(await rows()).toEqual(before)
      await root.set({ claimToken: thread.token }).execute()
    }
    expect(await db.selectFrom('messages').select(['key', 'ts', 'tries', 'refusals']).execute()).toEqual([
      { key: 'root', ts: null, tries: 0, refusals: 0 },
    ])
    expect(await db.selectFrom('events').select('notifiedAt').execute()).toEqual([{ notifiedAt: null }])
  }, 120_000)

  it('three that find one schedule due make one job of it', async () => {
    for (let round = 0; round < 5; round += 1) {
      const created = await createSchedule(db, newSchedule({ submission: `round ${round}` }), 1)
      if (created.kind !== 'created') throw new Error(created.kind)
      const due = created.schedule.nextAt ?? 0
      context.setClock(due - context.now() + 1)
      const startRun =
        (replica: Database): StartRun =>
        async (_schedule, submission, endedRun) => {
          await createJob(replica, { ...newJob(round), lock: `${round}`, submission, endedRun }, context.now())
          return { kind: 'started' }
        }
      await atOnce(3, async (replica) => await runDueSchedules({ ...context, db: replica }, startRun(replica)))
      const jobs = await db.selectFrom('jobs').select('submission').execute()
      expect(jobs).toHaveLength(round + 1)
      expect((await findSchedule(db, created.schedule.id))?.nextAt).toBeGreaterThan(due)
      context.setClock(due - context.now() - 1)
    }
  })
})

describe('people on several replicas', () => {
  const approval = { by: ['U2'], expiresAt: 1_000_000, copied: '', notCopied: '', warning: '' }

  it('two approvals at once: one counts where one is needed, both where two are', async () => {
    for (const count of [1, 2, 1, 2, 1, 2]) {
      const { id } = await ask({ approval: { ...approval, count } })
      const answers = await atOnce(2, async (replica, at) => {
        const answer = { jobId: id, decision: 'approve', person: [`U${at + 2}`], channel: null } as const
        return await answerRequest(replica, answer, 2_000)
      })
      expect(answers.filter((answer) => answer?.kind === 'counted')).toHaveLength(count)
      expect(await findJob(db, id)).toMatchObject({ state: 'queued' })
      const kinds = (await readEvents(db, id)).map(({ kind }) => kind)
      expect(kinds).toEqual(['approval_requested', ...(count === 2 ? ['approval_given'] : []), 'approved'])
    }
  })

  it('of two different buttons pressed at once, one is carried out', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { id } = await ask({})
      const inputs = [
        { kind: 'cancel', actor: 'U1' },
        { kind: 'mute', actor: 'U2' },
      ] as const
      const job = await context.job(id)
      const changed = await atOnce(2, async (replica, at) => await act(replica, id, inputs[at] ?? inputs[0], job))
      expect(changed.filter((job) => job !== null)).toHaveLength(1)
      expect(await readEvents(db, id)).toHaveLength(2)
    }
  })

  it('a deletion and a retry of the same job at once: one of them begins', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { id } = await ask({})
      const job = await context.go(id, { kind: 'begin' }, wrote, failed)
      const removal = { ...newRemoval(job, { step: 'remove' }), submission: `remove ${id}`, requester: 'U2' }
      const [deleted, tried] = await Promise.all([
        createJob(replicas[1], removal, 5_000).catch((error: Error) => error.message),
        act(replicas[2], id, { kind: 'try_again', actor: 'U1' }),
      ])
      expect([typeof deleted === 'object' && deleted.kind === 'created', tried !== null].filter(Boolean)).toHaveLength(
        1,
      )
    }
  })

  it('of two jobs with the same target that are retried at once, one runs', async () => {
    for (let round = 0; round < 5; round += 1) {
      const ids: string[] = []
      for (const _ of [1, 2]) {
        const { id } = await ask({ lock: `same ${round}` })
        await context.go(id, { kind: 'begin' }, wrote, failed)
        ids.push(id)
      }
      const tried = await atOnce(
        2,
        async (replica, at) => await act(replica, ids[at] ?? '', { kind: 'try_again', actor: 'U1' }),
      )
      expect(tried.filter((job) => job !== null)).toHaveLength(1)
    }
  })

  it('nobody gets more presets or schedules than the limit, and a name is taken once', async () => {
    for (let at = 1; at < MAX_PRESETS; at += 1) await savePreset(db, newPreset({ name: `p${at}` }), null, 1)
    const saved = await atOnce(
      6,
      async (replica, at) => await savePreset(replica, newPreset({ name: `last-${at}` }), null, 1),
    )
    expect(saved.map(({ kind }) => kind).sort()).toEqual([...Array(5).fill('full'), 'saved'])
    const named = await atOnce(3, async (replica) => await savePreset(replica, newPreset({ owner: 'U9' }), null, 1))
    expect(named.map(({ kind }) => kind).sort()).toEqual(['saved', 'taken', 'taken'])

    for (let at = 1; at < MAX_SCHEDULES; at += 1) await createSchedule(db, newSchedule({ submission: `s${at}` }), 1)
    const made = await atOnce(
      6,
      async (replica, at) => await createSchedule(replica, newSchedule({ submission: `last ${at}` }), 1),
    )
    expect(made.map(({ kind }) => kind).sort()).toEqual(['created', ...Array(5).fill('full')])
  })

  it('a job that is retried while it is purged stays whole, or is deleted whole', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { id } = await ask({})
      await context.go(id, { kind: 'begin' }, wrote, failed)
      await db.updateTable('events').set({ notifiedAt: 1 }).execute()
      const [, tried] = await Promise.all([
        purgeJobs(replicas[1], context.now() + 1),
        act(replicas[2], id, { kind: 'try_again', actor: 'U1' }),
      ])
      const events = await readEvents(db, id)
      expect(tried === null ? [] : ['tried_again']).toEqual(events.slice(-1).map(({ kind }) => kind))
      expect((await findJob(db, id)) === null).toBe(tried === null)
    }
  })

  it('changes that mark the same open Home tabs do not deadlock', async () => {
    for (const person of ['U1', 'U2', 'U3']) await noteHomeOpened(db, person, null, 1_000)
    const jobs: Awaited<ReturnType<typeof ask>>[] = []
    for (let at = 0; at < 9; at += 1) {
      const { id } = await ask({ requester: `U${(at % 3) + 1}` })
      jobs.push(await context.go(id, { kind: 'begin' }, wrote, done))
    }
    const results = await atOnce(9, async (replica, at) => {
      const job = jobs[at]
      if (!job) throw new Error('There is no job.')
      const removal = {
        ...newRemoval(job, { step: 'remove' }),
        submission: `remove ${at}`,
        requester: `U${((at + 1) % 3) + 1}`,
      }
      return await createJob(replica, { ...removal, approval: { ...approval, count: 1 } }, 5_000)
    })
    expect(results.filter(({ kind }) => kind !== 'created')).toEqual([])
  })
})

describe('the audit', () => {
  it('stays one chain when three replicas seal it, and each altered, dropped or cut row is found', async () => {
    const writing = atOnce(30, async (replica, at) => await ask({ lock: `${at}`, submission: `${at}` }, replica))
    const sealing = atOnce(12, async (replica) => await sealRows(replica, ['key'], 3))
    await Promise.all([writing, sealing])
    while ((await readAnchor(db)).seq < 30) await atOnce(3, async (replica) => await sealRows(replica, ['key'], 7))
    const anchor = await readAnchor(db)
    expect(await verifyAudit(db, ['key'], anchor)).toMatchObject({ fault: null, head: { seq: 30 }, unsealed: 0 })

    /** What verifying finds after this change, which is then undone. */
    const faultAfter = async (...changes: string[]) => {
      class Undone extends Error {}
      let fault: unknown
      await db
        .transaction()
        .execute(async (transaction) => {
          for (const change of changes) await sql.raw(change).execute(transaction)
          fault = (await verifyAudit(transaction, ['key'], anchor)).fault
          throw new Undone()
        })
        .catch((error: unknown) => {
          if (!(error instanceof Undone)) throw error
        })
      return fault
    }
    for (let seq = 1; seq <= 30; seq += 1) {
      expect(await faultAfter(`update audit set actor = 'U66' where seq = ${seq}`)).toEqual({ kind: 'altered', seq })
      const dropped = seq === 30 ? { kind: 'cut', seq } : { kind: 'missing', seq, to: seq }
      expect(await faultAfter(`delete from audit where seq = ${seq}`)).toEqual(dropped)
    }
    const headAt20 = 'update audit_head set seq = 20, hash = (select hash from audit where seq = 20)'
    expect(await faultAfter('delete from audit where seq > 20', headAt20)).toEqual({ kind: 'anchor', seq: 30 })
  })
})
