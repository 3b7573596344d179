import { expect, it } from 'vitest'
import { openDatabase } from '../../src/store/database.js'
import { readDraft, saveDraft } from '../../src/store/drafts.js'

it('a draft is for the person who wrote it, and for a day', async () => {
  const db = await openDatabase(':memory:')
  const id = await saveDraft(db, 'U1', { name: 'x'.repeat(5_000) }, 0)
  expect(await readDraft(db, id, 'U1')).toEqual({ name: 'x'.repeat(5_000) })
  expect(await readDraft(db, id, 'U2')).toBeNull()
  expect(await readDraft(db, 'made up', 'U1')).toBeNull()
  await saveDraft(db, 'U1', {}, 25 * 60 * 60 * 1000)
  expect(await readDraft(db, id, 'U1')).toBeNull()
  await db.destroy()
})
