/** What an error of Postgres says, and what it must not. */
import { expect, it } from 'vitest'
import { createJob } from '../../src/store/jobs.js'
import { newJob } from '../helpers/context.js'
import { openTestDatabase } from '../helpers/database.js'

it('an error quotes nothing of a row, whose answers may be personal', async () => {
  const db = await openTestDatabase()
  const wanted = { ...newJob(1), params: { note: 'my own words' }, requester: null as never }
  const error: unknown = await createJob(db, wanted, 1_000).catch((failure: unknown) => failure)
  expect(error).toMatchObject({ code: '23502', column: 'requester' })
  expect(JSON.stringify(error)).not.toContain('my own words')
  await db.destroy()
})
