import { expect, it } from 'vitest'
import { openDatabase } from '../../src/store/database.js'
import { forget, readDraft, saveDraft } from '../../src/store/drafts.js'

const hour = 60 * 60 * 1000

it('a draft is for the person who wrote it, and for an hour', async () => {
  const db = await openDatabase(':memory:')
  const id = await saveDraft(db, 'U1', { name: 'x'.repeat(5_000) }, 0)
  expect(await readDraft(db, id, 'U1', hour)).toEqual({ name: 'x'.repeat(5_000) })
  expect(await readDraft(db, id, 'U2', hour)).toBeNull()
  expect(await readDraft(db, 'made up', 'U1', hour)).toBeNull()
  expect(await readDraft(db, id, 'U1', hour + 1)).toBeNull()
  await forget(db, hour)
  expect(await db.selectFrom('drafts').selectAll().execute()).toHaveLength(1)
  await forget(db, hour + 1)
  expect(await db.selectFrom('drafts').selectAll().execute()).toEqual([])
  await db.destroy()
})
