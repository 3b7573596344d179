/** What is unfinished, as monitoring counts it. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { countUnfinished } from '../../src/store/measure.js'
import { type TestContext, testContext } from '../helpers/context.js'

let context: TestContext
beforeEach(async () => {
  context = await testContext()
})
afterEach(async () => await context.db.destroy())

it('counts nothing in an empty database', async () => {
  expect(await countUnfinished(context.db)).toEqual({ jobs: [], pending: { count: 0, oldestAt: null } })
})

it('counts live jobs by connection and state, and events that no thread shows, but nothing that is over', async () => {
  const start = context.now()
  const over = await context.ask()
  await context.ask()
  await context.ask({ connection: 'gone' })
  await context.go(over.id, { kind: 'cancel', actor: 'U1' })
  await context.db.updateTable('events').set({ notifiedAt: 1 }).where('jobId', '=', over.id).execute()
  expect(await countUnfinished(context.db)).toEqual({
    jobs: expect.arrayContaining([
      { connection: 'dummy-one', state: 'queued', count: 1 },
      { connection: 'gone', state: 'queued', count: 1 },
    ]),
    pending: { count: 2, oldestAt: start },
  })
  expect((await countUnfinished(context.db)).jobs).toHaveLength(2)
})
