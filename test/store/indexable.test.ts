/** Texts of any length in columns with an index: Postgres refuses more than 2,704 bytes there. */
import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { indexable } from '../../src/store/indexable.js'
import { createJob, findHolder } from '../../src/store/jobs.js'
import { purgeSeen, seenByAll } from '../../src/store/seen.js'
import { newJob } from '../helpers/context.js'
import { openTestDatabase } from '../helpers/database.js'

/** Random, because Postgres compresses what it indexes. */
const long = randomBytes(6_000).toString('base64')

it('a lock of eight thousand characters is held and found, and differs from one with another end', async () => {
  const db = await openTestDatabase()
  const created = await createJob(db, { ...newJob(1), lock: long }, 1)
  expect(created).toMatchObject({ kind: 'created' })
  expect(await createJob(db, { ...newJob(2), lock: long }, 1)).toMatchObject({ kind: 'locked' })
  expect(await createJob(db, { ...newJob(3), lock: `${long}!` }, 1)).toMatchObject({ kind: 'created' })
  expect(await findHolder(db, 'dummy-one', long)).toMatchObject({ target: 'copy-1' })
  await db.destroy()
})

it('a text is indexed as it is up to a thousand bytes, and never longer', () => {
  expect(indexable('ö'.repeat(500))).toBe('ö'.repeat(500))
  const shortened = indexable(`${'👩'.repeat(99)}a${'👩'.repeat(900)}`)
  expect(Buffer.byteLength(shortened)).toBeLessThan(1_000)
  expect(shortened).toMatch(/^👩.*👩a.* sha256:[0-9a-f]{64}$/u)
  expect(indexable(shortened)).toBe(shortened)
})

it('a key that one process has seen is known to all, until it may be forgotten', async () => {
  const db = await openTestDatabase()
  const [one, other] = [seenByAll(db), seenByAll(db)]
  const answers = await Promise.all([one(long, 1_000), other(long, 1_000), one(long, 1_000)])
  expect(answers.filter((isKnown) => !isKnown)).toHaveLength(1)
  await purgeSeen(db, 1_000)
  expect(await other(long, 2_000)).toBe(true)
  await purgeSeen(db, 1_001)
  expect(await other(long, 2_000)).toBe(false)
  await db.destroy()
})
