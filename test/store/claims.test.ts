/** What a start, or a clock that was set, does to what was planned for later. */
import { expect, it } from 'vitest'
import { makeLiveJobsDue } from '../../src/store/make-due.js'
import { testContext } from '../helpers/context.js'

const hour = 3_600_000

it('makes polls and searches due at once, cuts pauses to a minute, and leaves questions alone', async () => {
  const { ask, job, db, now } = await testContext()
  const states = ['queued', 'starting', 'working', 'uncertain'] as const
  const ids = new Map<string, string>()
  for (const state of states) {
    const { id } = await ask()
    ids.set(state, id)
    await db
      .updateTable('jobs')
      .set({ state, dueAt: now() + hour, unreachableSince: now() - hour })
      .where('id', '=', id)
      .execute()
  }
  await makeLiveJobsDue(db, now())
  const dueIn = async (state: string) => ((await job(ids.get(state) ?? '')).dueAt ?? 0) - now()
  expect(await Promise.all(states.map(dueIn))).toEqual([60_000, 0, 0, hour])
  // No reminder is planned for longer than four days ahead, unless a clock that was ahead planned it.
  await db
    .updateTable('jobs')
    .set({ dueAt: now() + 200 * hour })
    .where('state', '=', 'uncertain')
    .execute()
  await makeLiveJobsDue(db, now())
  expect(await dueIn('uncertain')).toBe(96 * hour)
  await db.destroy()
})
