/** Answers that are secret or a person's own: gone from the database, and from SQLite's file itself, once nobody needs them. */
import { existsSync, readFileSync } from 'node:fs'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { JobInput } from '../../src/domain/job.js'
import { next } from '../../src/domain/machine.js'
import { hoody } from '../../src/providers/hoody.js'
import { fieldsOf } from '../../src/slack/form/fields.js'
import { dropDraft, purgeExpired, saveDraft } from '../../src/store/drafts.js'
import { readEvents } from '../../src/store/events.js'
import { applyTransition, createJob, findJob } from '../../src/store/jobs.js'
import type { NewJob } from '../../src/store/new-job.js'
import type { Database } from '../../src/store/schema.js'
import { type SharedDatabase, shareTestDatabase } from '../helpers/database.js'

const hour = 60 * 60 * 1000
// The long one takes pages of its own in SQLite's file.
const keys = { short: 'ssh-ed25519 AAAAshortkeyshortkey ann@laptop', long: `ssh-rsa ${'AAAAlongkey'.repeat(250)}` }

let shared: SharedDatabase
let db: Database

beforeEach(async () => {
  shared = await shareTestDatabase()
  db = await shared.open()
  // Neighbours, so that rows move between pages.
  const neighbours = Array.from({ length: 60 }, (_, at) => job(`neighbour ${at}`, 'x'.repeat(50 * (at % 9))))
  await Promise.all(neighbours.map((neighbour) => createJob(db, neighbour, 0)))
})
afterEach(() => shared.close())

function job(submission: string, sshKey: string): NewJob {
  return {
    connection: 'hoody-prod',
    operation: 'copy',
    step: 'copy',
    params: { name: 'shop-copy', sshKey, firewall: true },
    personal: ['sshKey'],
    source: 'shop-api',
    target: 'shop-copy',
    lock: submission,
    submission,
    requester: 'U1',
    mentionOnSuccess: false,
    channel: 'C1',
  }
}

/** The tables that have it, and the files of SQLite, in which it may outlive its row. */
async function traces(key: string): Promise<string[]> {
  const needle = key.slice(10, 34)
  const found: string[] = []
  for (const { name } of await db.introspection.getTables()) {
    const { rows } = await sql`select * from ${sql.table(name)}`.execute(db)
    if (JSON.stringify(rows).includes(needle)) found.push(name)
  }
  const files = ['', '-wal', '-shm'].map((end) => shared.address + end).filter(existsSync)
  return [...found, ...files.filter((file) => readFileSync(file).includes(needle))]
}

/** From queued to an end of this kind, one transition after the other. */
async function goThrough(id: string, happenings: readonly JobInput[]): Promise<void> {
  for (const input of happenings) {
    const present = await findJob(db, id)
    if (!present) throw new Error('The job is gone.')
    await applyTransition(db, present, next(present, input, { now: 5_000, jitter: 0 }), 5_000, null)
  }
}

const wrote: JobInput = { kind: 'wrote', ref: { id: 'c1' }, deadlineMs: -1 }
const ends: Record<string, JobInput[]> = {
  succeeded: [{ kind: 'begin' }, wrote, { kind: 'observed', observation: { phase: 'done' }, nextStep: null }],
  failed: [{ kind: 'begin' }, { kind: 'refused', failureKind: 'provider', reason: 'no room' }],
  timed_out: [{ kind: 'begin' }, wrote, { kind: 'observed', observation: { phase: 'working' }, nextStep: null }],
  cancelled: [
    { kind: 'begin' },
    { kind: 'postponed', reason: 'busy', retryAfterMs: undefined },
    { kind: 'cancel', actor: 'U1' },
  ],
}

describe('a personal answer', () => {
  for (const [state, happenings] of Object.entries(ends)) {
    for (const [length, key] of Object.entries(keys)) {
      it(`that is ${length} leaves the database with a job that ${state === 'cancelled' ? 'was cancelled' : state.replace('_', ' ')}`, async () => {
        const draft = await saveDraft(db, 'answers', 'U1', { values: { sshKey: key } }, 0)
        const creation = await createJob(db, { ...job('V1', key), draft }, 0)
        if (creation.kind !== 'created') throw new Error(creation.kind)
        const { id } = creation.job
        expect(creation.job.params).toEqual({ name: 'shop-copy', sshKey: key, firewall: true })
        expect(await db.selectFrom('drafts').selectAll().execute()).toEqual([])
        expect(await traces(key)).not.toEqual([])

        await goThrough(id, happenings.slice(0, -1))
        expect((await findJob(db, id))?.params).toHaveProperty('sshKey', key)
        await goThrough(id, happenings.slice(-1))
        expect(await findJob(db, id)).toMatchObject({ state, params: { name: 'shop-copy', firewall: true } })
        expect((await findJob(db, id))?.params).not.toHaveProperty('sshKey')
        await purgeExpired(db, 5_000)
        expect(await traces(key)).toEqual([])
      })
    }
  }

  it('is redacted where the provider quotes it', async () => {
    const creation = await createJob(db, job('V1', keys.long), 0)
    if (creation.kind !== 'created') throw new Error(creation.kind)
    const reason = `hoody-prod: the key "${keys.long}" is taken, says ${keys.long.slice(0, 200)}…`
    await goThrough(creation.job.id, [{ kind: 'begin' }, { kind: 'refused', failureKind: 'provider', reason }])
    const redacted = 'hoody-prod: the key "ssh-rsa ••••" is taken, says ssh-rsa ••••'
    expect(await findJob(db, creation.job.id)).toMatchObject({ detail: redacted })
    expect((await readEvents(db, creation.job.id)).at(-1)).toMatchObject({ kind: 'failed', detail: redacted })
  })

  it('of a form that nobody confirmed leaves the database after an hour', async () => {
    await saveDraft(db, 'answers', 'U1', { values: { sshKey: keys.long } }, 0)
    expect(await traces(keys.long)).not.toEqual([])
    await purgeExpired(db, hour + 1)
    expect(await traces(keys.long)).toEqual([])
  })

  it('of a form that came to nothing leaves the database at once', async () => {
    await dropDraft(db, await saveDraft(db, 'answers', 'U1', { values: { sshKey: keys.short } }, 0))
    await purgeExpired(db, 0)
    expect(await traces(keys.short)).toEqual([])
  })

  it('stays in its draft when the job could not be made', async () => {
    const draft = await saveDraft(db, 'answers', 'U1', {}, 0)
    const taken = { ...job('V2', keys.short), lock: 'neighbour 1', draft }
    expect((await createJob(db, taken, 0)).kind).toBe('locked')
    expect(await db.selectFrom('drafts').select('id').execute()).toEqual([{ id: draft }])
  })

  it('is what Hoody calls the SSH key', () => {
    const { copy } = hoody.operations
    const personal = copy && fieldsOf(copy).filter((field) => field.personal)
    expect(personal?.map(({ key }) => key)).toEqual(['sshKey'])
  })
})
