import { expect, it } from 'vitest'
import { purgeExpired, readDraft, saveDraft } from '../../src/store/drafts.js'
import { openTestDatabase } from '../helpers/database.js'

const hour = 60 * 60 * 1000

it('a draft is for the person who wrote it, and for an hour', async () => {
  const db = await openTestDatabase()
  const id = await saveDraft(db, 'answers', 'U1', { name: 'x'.repeat(5_000) }, 0)
  expect(await readDraft(db, 'answers', id, 'U1', hour)).toEqual({ answers: { name: 'x'.repeat(5_000) }, createdAt: 0 })
  expect(await readDraft(db, 'answers', id, 'U2', hour)).toBeNull()
  expect(await readDraft(db, 'answers', 'made up', 'U1', hour)).toBeNull()
  expect(await readDraft(db, 'answers', id, 'U1', hour + 1)).toBeNull()
  await purgeExpired(db, hour)
  expect(await db.selectFrom('drafts').selectAll().execute()).toHaveLength(1)
  await purgeExpired(db, hour + 1)
  expect(await db.selectFrom('drafts').selectAll().execute()).toEqual([])
  await db.destroy()
})

it('answers are no note of where a form was opened, nor is a note answers', async () => {
  const db = await openTestDatabase()
  // Each says what the other would have to say.
  const content = { askedIn: 'C1', connection: 'hoody', operation: 'copy' }
  const answers = await saveDraft(db, 'answers', 'U1', content, 0)
  const opening = await saveDraft(db, 'opening', 'U1', content, 0)
  expect(await readDraft(db, 'opening', answers, 'U1', 1)).toBeNull()
  expect(await readDraft(db, 'answers', opening, 'U1', 1)).toBeNull()
  expect(await readDraft(db, 'answers', answers, 'U1', 1)).toEqual({ answers: content, createdAt: 0 })
  expect(await readDraft(db, 'opening', opening, 'U1', 1)).toEqual({ answers: content, createdAt: 0 })
  await db.destroy()
})
