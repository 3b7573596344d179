/** What may be claimed when, and what a start, or a clock that was set, does to what was planned for later. */
import { expect, it } from 'vitest'
import { claimDueJobs, claimPendingThreads, releaseClaim, releaseThread } from '../../src/store/claims.js'
import { createJob } from '../../src/store/jobs.js'
import { makeLiveJobsDue } from '../../src/store/make-due.js'
import { newJob, testContext } from '../helpers/context.js'

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

it('leaves a thread alone that another process paused between the look for it and the claim', async () => {
  const { ask, db, now } = await testContext()
  const { id: jobId } = await ask()
  const one = { threads: 1, perChannel: 1 }
  let isFirst = true
  const afterTheLook = db.withPlugin({
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      const [claim] = isFirst ? await claimPendingThreads(db, one, now()) : []
      isFirst = false
      if (claim) await releaseThread(db, claim, now(), 30_000)
      return result
    },
  })
  expect(await claimPendingThreads(afterTheLook, one, now())).toEqual([])
  expect(await claimPendingThreads(db, one, now() + 30_000)).toMatchObject([{ jobId }])
  await db.destroy()
})

it('claims more jobs than one statement takes, each once and longest due first, and no more than wanted', async () => {
  const { db, now } = await testContext()
  const count = 251
  for (let at = 0; at < count; at += 1) await createJob(db, newJob(at), now() - at)
  const claim = async (limit: number, token: string) => {
    const wanted = { connection: newJob(0).connection, state: 'queued', limit } as const
    const jobs = await claimDueJobs(db, wanted, now(), { token, owner: null })
    return jobs.map(({ job }) => now() - (job.dueAt ?? 0))
  }
  const longestFirst = Array.from({ length: count }, (_, at) => count - 1 - at)
  expect(await claim(250, 'one')).toEqual(longestFirst.slice(0, 250))
  expect(await claim(1_000, 'two')).toEqual(longestFirst.slice(250))
  expect(await claim(1_000, 'three')).toEqual([])
  for (const token of ['one', 'two']) await releaseClaim(db, token)
  expect(await claim(1_000, 'four')).toEqual(longestFirst)
  await db.destroy()
})
