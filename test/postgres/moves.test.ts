/** What one poll saw of several jobs is saved together, on a Postgres whose answer is lost, or while another process holds one of them. */
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { next } from '../../src/domain/machine.js'
import { pollDueJobs } from '../../src/jobs/poll.js'
import { noMeter } from '../../src/metrics/meter.js'
import { openDatabase } from '../../src/store/database.js'
import { applyTransition } from '../../src/store/jobs.js'
import type { Database } from '../../src/store/schema.js'
import { silentLog, testContext } from '../helpers/context.js'
import { type CuttingProxy, startCuttingProxy } from '../helpers/cutting-proxy.js'
import { pollWhile } from '../helpers/poll-while.js'
import { newPostgresDatabase } from '../helpers/postgres.js'

let address: string
let opened: Database[]
const open = async (url = address, busyTimeoutMs = 30_000) => {
  const db = await openDatabase(url, undefined, { isMigrated: true, busyTimeoutMs })
  opened.push(db)
  return db
}
let proxy: CuttingProxy
beforeEach(async () => {
  address = await newPostgresDatabase()
  proxy = await startCuttingProxy(address)
  opened = []
})
afterEach(async () => {
  await Promise.all(opened.map((db) => db.destroy()))
  await proxy.close()
})

/** Jobs that a provider works at, of which the next poll sees the end. */
async function someJobs(db: Database, count = 3) {
  const ended: string[] = []
  const warnings: string[] = []
  const context = await testContext({
    db,
    meter: { ...noMeter, stepEnded: ({ outcome }) => ended.push(outcome) },
    log: { ...silentLog, warn: (_about: unknown, words?: string) => warnings.push(words ?? '') },
  })
  const ids: string[] = []
  for (let made = 0; made < count; made += 1) {
    ids.push((await context.ask()).id)
    await context.runUntilIdle()
    // Polled in this order.
    context.pass(1)
  }
  ended.length = 0
  context.world.observation = { phase: 'done' }
  context.pass(60_000)
  return { context, ids, ended, warnings }
}

it.each(['before', 'after'] as const)(
  'jobs end once and are measured once if the connection breaks %s the commit that saves them',
  async (when) => {
    const { context, ids, ended, warnings } = await someJobs(await open(proxy.url))
    // The first is the claim.
    proxy.cutAt(1, when)
    expect(await pollDueJobs(context, 'dummy-one')).toBe(true)
    expect(proxy.commits()[1]).toMatch(/^commit/)
    for (const id of ids) expect((await context.kinds(id)).filter((kind) => kind === 'succeeded')).toHaveLength(1)
    expect(ended).toEqual(['done', 'done', 'done'])
    expect(warnings.filter((words) => words.includes('nothing was changed'))).toEqual([])
  },
)

it.each(['before', 'after'] as const)(
  'jobs about which a poll finds nothing new are polled again later if the connection breaks %s the commit that says when',
  async (when) => {
    const { context, ids, warnings } = await someJobs(await open(proxy.url))
    const [first = ''] = ids
    context.world.observation = { phase: 'working' }
    const { version } = await context.job(first)
    proxy.cutAt(1, when)
    expect(await pollDueJobs(context, 'dummy-one')).toBe(true)
    expect(proxy.commits()[1]).toMatch(/^commit/)
    for (const id of ids) expect((await context.job(id)).dueAt).toBeGreaterThan(context.now())
    expect((await context.job(first)).version).toBe(version + 1)
    expect(warnings.filter((words) => words.includes('nothing was changed'))).toEqual([])
  },
)

it('one commit is enough for thirty jobs about which a poll finds nothing new', async () => {
  const { context, ids } = await someJobs(await open(proxy.url), 30)
  context.world.observation = { phase: 'working' }
  proxy.cutAt(-1, 'before')
  expect(await pollDueJobs(context, 'dummy-one')).toBe(true)
  expect(proxy.commits().filter((statement) => statement.startsWith('commit'))).toHaveLength(1)
  for (const id of ids) expect((await context.job(id)).dueAt).toBeGreaterThan(context.now())
})

it.each([
  ['something', 'deploying'],
  ['nothing', null],
] as const)(
  'a person can click on a job while another one, about which the same poll finds %s new, is held by a process that is frozen',
  async (_, detail) => {
    const { context, ids } = await someJobs(await open())
    const [frozen, requests] = [await open(), await open(address, 700)]
    context.world.observation = { phase: 'working', ...(detail && { detail }) }
    const [clicked = '', other = '', held = ''] = ids
    const holdAndClick = (answer: () => void) =>
      frozen.transaction().execute(async (transaction) => {
        await sql`select 1 from jobs where id = ${held} for update`.execute(transaction)
        answer()
        // What waits for a lock here waits for that job.
        const waiting = sql`select 1 from pg_locks where not granted and pid in
      (select pid from pg_stat_activity where datname = current_database())`
        await expect.poll(async () => (await waiting.execute(requests)).rows).toHaveLength(1)
        const job = await context.job(clicked)
        const muted = next(job, { kind: 'mute', actor: 'U1' }, { now: context.now(), jitter: 0 })
        expect(await applyTransition(requests, job, muted, context.now(), null)).toMatchObject({ isMuted: true })
        // Well before Postgres ends the transaction of a frozen process.
        const saved = async () => await context.job(other)
        const isSaved = { detail, dueAt: expect.toSatisfy((dueAt: number) => dueAt > context.now()) }
        await expect.poll(saved, { timeout: 3_000 }).toMatchObject(isSaved)
      })
    expect(await pollWhile(context, holdAndClick)).toBe(true)
    for (const id of ids) expect(await context.job(id)).toMatchObject({ detail, isMuted: id === clicked })
  },
)
