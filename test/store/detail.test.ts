/** What is stored of a provider's words. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readEvents } from '../../src/store/events.js'
import { applyTransition, createJob, findJob } from '../../src/store/jobs.js'
import type { Database } from '../../src/store/schema.js'
import { openTestDatabase } from '../helpers/database.js'

let db: Database

beforeEach(async () => {
  db = await openTestDatabase()
})
afterEach(() => db.destroy())

it('a detail of a megabyte is stored in two thousand characters, with the job and with its event', async () => {
  const created = await createJob(
    db,
    {
      connection: 'hoody-prod',
      operation: 'copy',
      step: 'copy',
      params: { sshKey: 'AAAAshortkeyshortkey' },
      personal: ['sshKey'],
      source: 'shop-api',
      target: 'shop-copy',
      lock: 'shop-copy',
      submission: 'V1',
      requester: 'U1',
      mentionOnSuccess: false,
      channel: 'C1',
    },
    0,
  )
  if (created.kind !== 'created') throw new Error('It was not created.')
  const { job } = created
  const detail = `AAAAshortkeyshortkey ${'🐑'.repeat(500_000)}`
  const transition = { set: { detail }, event: { kind: 'progress', detail } } as const
  expect(await applyTransition(db, job, transition, 1, null)).not.toBeNull()
  const stored = [(await findJob(db, job.id))?.detail, (await readEvents(db, job.id)).at(-1)?.detail]
  for (const text of stored) expect(text).toMatch(/^•••• (🐑)+…$/u)
  for (const text of stored) expect(text?.length).toBeLessThanOrEqual(2_000)
})
