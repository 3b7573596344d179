/** Answers that are secret or a person's own: gone from the file itself once nobody needs them. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { JobInput } from '../../src/domain/job.js'
import { next } from '../../src/domain/machine.js'
import { hoody } from '../../src/providers/hoody.js'
import { fieldsOf } from '../../src/slack/form/fields.js'
import { openDatabase } from '../../src/store/database.js'
import { dropDraft, purgeExpired, saveDraft } from '../../src/store/drafts.js'
import { readEvents } from '../../src/store/events.js'
import { applyTransition, createJob, findJob } from '../../src/store/jobs.js'
import type { NewJob } from '../../src/store/new-job.js'
import type { Database } from '../../src/store/schema.js'

const hour = 60 * 60 * 1000
// The long one takes pages of its own in the file.
const keys = { short: 'ssh-ed25519 AAAAshortkeyshortkey ann@laptop', long: `ssh-rsa ${'AAAAlongkey'.repeat(250)}` }

let folder: string
let db: Database

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dolly-personal-'))
  db = await openDatabase(join(folder, 'dolly.db'))
  // Neighbours, so that rows move between pages.
  for (let at = 0; at < 60; at += 1) await createJob(db, job(`neighbour ${at}`, 'x'.repeat(50 * (at % 9))), 0)
})
afterEach(async () => {
  await db.destroy()
  rmSync(folder, { recursive: true, force: true })
})

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

function traces(key: string): string[] {
  const files = ['dolly.db', 'dolly.db-wal', 'dolly.db-shm'].map((name) => join(folder, name)).filter(existsSync)
  const needle = key.slice(10, 34)
  return files.filter((file) => readFileSync(file).includes(needle))
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
      it(`that is ${length} leaves the file with a job that ${state === 'cancelled' ? 'was cancelled' : state.replace('_', ' ')}`, async () => {
        const draft = await saveDraft(db, 'answers', 'U1', { values: { sshKey: key } }, 0)
        const creation = await createJob(db, { ...job('V1', key), draft }, 0)
        if (creation.kind !== 'created') throw new Error(creation.kind)
        const { id } = creation.job
        expect(creation.job.params).toEqual({ name: 'shop-copy', sshKey: key, firewall: true })
        expect(await db.selectFrom('drafts').selectAll().execute()).toEqual([])
        expect(traces(key)).not.toEqual([])

        await goThrough(id, happenings.slice(0, -1))
        expect((await findJob(db, id))?.params).toHaveProperty('sshKey', key)
        await goThrough(id, happenings.slice(-1))
        expect(await findJob(db, id)).toMatchObject({ state, params: { name: 'shop-copy', firewall: true } })
        expect((await findJob(db, id))?.params).not.toHaveProperty('sshKey')
        await purgeExpired(db, 5_000)
        expect(traces(key)).toEqual([])
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

  it('of a form that nobody confirmed leaves the file after an hour', async () => {
    await saveDraft(db, 'answers', 'U1', { values: { sshKey: keys.long } }, 0)
    expect(traces(keys.long)).not.toEqual([])
    await purgeExpired(db, hour + 1)
    expect(traces(keys.long)).toEqual([])
  })

  it('of a form that came to nothing leaves the file at once', async () => {
    await dropDraft(db, await saveDraft(db, 'answers', 'U1', { values: { sshKey: keys.short } }, 0))
    await purgeExpired(db, 0)
    expect(traces(keys.short)).toEqual([])
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
