/** Submissions for one target, and how long jobs usually take. */
import { describe, expect, it } from 'vitest'
import { typicalDurationMs } from '../../src/store/job-reads.js'
import { createJob } from '../../src/store/jobs.js'
import type { NewJob } from '../../src/store/new-job.js'
import { openTestDatabase, shareTestDatabase } from '../helpers/database.js'

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

describe('the lock', () => {
  it('lets one of two submissions for one target through, and names it to the other', async () => {
    const database = await openTestDatabase()
    const answers = await Promise.all([
      createJob(database, draft, 1_000),
      createJob(database, { ...draft, submission: 'V2', requester: 'U2' }, 1_000),
    ])
    // Which one comes first is the database's choice.
    const created = answers.find((answer) => answer.kind === 'created')
    const locked = answers.find((answer) => answer.kind === 'locked')
    expect(locked?.holder).toMatchObject({ requester: created?.job.requester, target: 'shop-copy' })
    expect(created?.job.requester).toMatch(/^U[12]$/)
    await database.destroy()
  })

  it('holds between two processes on one database', async () => {
    const shared = await shareTestDatabase()
    const both = [await shared.open(), await shared.open()]
    const submit = (at: number) =>
      both.map((db, which) => createJob(db, { ...draft, submission: `${which} ${at}` }, at))
    const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => submit(at)).flat())
    expect(answers.filter(({ kind }) => kind === 'created')).toHaveLength(1)
    expect(answers.filter(({ kind }) => kind === 'locked')).toHaveLength(39)
    await shared.close()
  })

  it('makes one job of one submission, however often it arrives', async () => {
    const database = await openTestDatabase()
    const first = await createJob(database, draft, 1_000)
    const again = await createJob(database, draft, 2_000)
    expect(again.kind).toBe('repeated')
    if (first.kind === 'created' && again.kind === 'repeated') expect(again.job.id).toBe(first.job.id)
    await database.destroy()
  })
})

describe('the usual duration', () => {
  it('is the median of the last successful jobs like this one', async () => {
    const database = await openTestDatabase()
    expect(
      await typicalDurationMs(database, { connection: 'hoody-prod', operation: 'copy', lastStep: 'copy' }),
    ).toBeNull()
    for (const [at, duration] of [10, 2_000, 30].entries()) {
      // Two are too few for a median.
      expect(
        await typicalDurationMs(database, { connection: 'hoody-prod', operation: 'copy', lastStep: 'copy' }),
      ).toBeNull()
      const creation = await createJob(database, { ...draft, submission: `V${at}`, lock: `lock ${at}` }, 1_000)
      if (creation.kind !== 'created') throw new Error(creation.kind)
      await database
        .updateTable('jobs')
        .set({ state: 'succeeded', endedAt: 1_000 + duration })
        .where('id', '=', creation.job.id)
        .execute()
    }
    expect(await typicalDurationMs(database, { connection: 'hoody-prod', operation: 'copy', lastStep: 'copy' })).toBe(
      30,
    )
    expect(
      await typicalDurationMs(database, { connection: 'hoody-prod', operation: 'copy', lastStep: 'deploy' }),
    ).toBeNull()
    expect(await typicalDurationMs(database, { connection: 'other', operation: 'copy', lastStep: 'copy' })).toBeNull()
    await database.destroy()
  })
})
