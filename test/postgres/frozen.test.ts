/** A process freezes at any await for longer than its lease, while another one takes over; then it goes on. */
import type { KyselyPlugin } from 'kysely'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Job } from '../../src/domain/job.js'
import { DatabaseError } from '../../src/errors.js'
import { newMemory, type WorkerContext } from '../../src/jobs/context.js'
import { Notifier } from '../../src/jobs/notify.js'
import { pollDueJobs } from '../../src/jobs/poll.js'
import { InMemoryRateLimiter } from '../../src/lib/rate-limiter.js'
import type { Api } from '../../src/providers/provider.js'
import type { Conversations } from '../../src/slack/delivery/lookup.js'
import type { Chat } from '../../src/slack/delivery/requests.js'
import { createSender } from '../../src/slack/delivery/sender.js'
import { createJob, findJob } from '../../src/store/jobs.js'
import { createMember } from '../../src/store/processes.js'
import type { Database } from '../../src/store/schema.js'
import { newJob, runDueJobs, silentLog } from '../helpers/context.js'
import { openTestDatabase } from '../helpers/database.js'
import { describeDummyJob, dummyConnection, dummyWorld } from '../helpers/dummy-provider.js'

/** Often enough for a lease of 10 s. */
const RENEW_EVERY_MS = 4_000

/** What Slack shows. */
interface Channel {
  roots: string[]
  replies: string[]
  shown: string
  kept: { ts: string; threadTs: string | undefined; metadata: unknown; bot_id: string }[]
}

interface Clock {
  now: number
}

interface Shared {
  db: Database
  world: ReturnType<typeof dummyWorld>
  channel: Channel
  clock: Clock
}

/** One process. It can freeze at each answer from outside, but not between a check and the request right after it. */
async function processOn(name: string, { db: whole, world, channel, clock }: Shared, step: () => Promise<void>) {
  const now = () => clock.now
  const member = createMember(whole, { id: name, name, elapsed: now, log: silentLog })
  await member.renew()
  const afterEachQuery: KyselyPlugin = {
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      await step()
      return result
    },
  }
  const db = whole.withPlugin(afterEachQuery)
  const answered = async <T>(answer: T): Promise<T> => {
    await step()
    return answer
  }
  const chat: Chat = {
    postMessage: async ({ text, metadata, thread_ts: threadTs }) => {
      const list = threadTs === undefined ? channel.roots : channel.replies
      list.push(text)
      const ts = `${channel.roots.length}.${channel.replies.length}`
      channel.kept.push({ ts, threadTs, metadata, bot_id: 'B1' })
      return await answered({ channel: 'C1', ts })
    },
    update: async ({ text }) => {
      channel.shown = text
      await step()
    },
  }
  const conversations: Conversations = {
    history: async () => await answered({ messages: channel.kept.filter(({ threadTs }) => !threadTs) }),
    replies: async ({ ts }) => await answered({ messages: channel.kept.filter(({ threadTs }) => threadTs === ts) }),
  }
  const { provider, api, ...connection } = dummyConnection(world)
  const { clone } = provider.operations
  if (!clone) throw new Error('The dummy lost its operation.')
  const [first, ...others] = clone.steps
  const write: typeof first = {
    ...first,
    run: async (client, ...inputs) => {
      await step()
      await client.post('', z.unknown())
      return await answered(await first.run(client, ...inputs))
    },
    find: async (...inputs) => await answered((await first.find?.(...inputs)) ?? null),
    check: async (...inputs) => await answered(await first.check(...inputs)),
  }
  const post: Api['post'] = async (_path, schema, options) => {
    await options?.beforeSend?.()
    return schema.parse(undefined)
  }
  const operations = { clone: { ...clone, steps: [write, ...others] as const } }
  const context: WorkerContext = {
    db,
    connections: new Map([
      [connection.name, { ...connection, api: { ...api, post }, provider: { ...provider, operations } }],
    ]),
    membership: { ...member, now },
    memory: newMemory(),
    now,
    elapsed: now,
    random: () => 0.5,
    log: silentLog,
  }
  const describeJob = async (job: Job) => describeDummyJob(job, now())
  const self = async () => ({ botId: 'B1' })
  const about = { describe: describeJob, now, elapsed: now, log: silentLog, rateLimiter: new InMemoryRateLimiter(now) }
  const notifier = new Notifier(context, createSender({ db, chat, conversations, self, ...about }))
  return {
    renew: () => member.renew(),
    /** Runs all workers until nothing is due. */
    runUntilIdle: async () => {
      // If it froze in the middle of a transaction, Postgres has ended that connection, and the next run gets another one.
      await runUntilIdle().catch((error) => expect(error).toBeInstanceOf(DatabaseError))
    },
  }
  async function runUntilIdle(): Promise<void> {
    let isBusy = true
    while (isBusy) {
      const ran = await runDueJobs(context, connection.name)
      const watched = await pollDueJobs(context, connection.name)
      const notified = await notifier.notifyPending(new AbortController().signal)
      isBusy = ran || watched || notified
    }
  }
}

/**
 * One life of a job, whose process is frozen for a while after so many steps.
 *
 * @returns whether it got that far.
 */
async function liveWithFreeze(
  steps: number,
  { frozenMs, isRenewedFirst }: { frozenMs: number; isRenewedFirst: boolean },
) {
  const world = dummyWorld()
  world.observation = { phase: 'done', detail: 'running' }
  const channel: Channel = { roots: [], replies: [], shown: '', kept: [] }
  const clock: Clock = { now: Date.parse('2026-01-01T00:00:00Z') }
  const db = await openTestDatabase()
  const shared = { db, world, channel, clock }
  const { kind } = await createJob(db, newJob(1), clock.now)
  expect(kind).toBe('created')

  const awake = await processOn('awake', shared, async () => {})
  let left = steps
  let wasFrozen = false
  const step = async () => {
    left -= 1
    if (left !== -1) return
    wasFrozen = true
    for (let passed = 0; passed < frozenMs; passed += RENEW_EVERY_MS) {
      clock.now += Math.min(RENEW_EVERY_MS, frozenMs - passed)
      await awake.renew()
      await awake.runUntilIdle()
    }
    if (isRenewedFirst) await frozen.renew()
  }
  const frozen = await processOn('frozen', shared, step)
  await awake.renew()
  for (let round = 0; round < 20; round += 1) {
    await frozen.runUntilIdle()
    clock.now += RENEW_EVERY_MS
    await frozen.renew()
    await awake.renew()
    await awake.runUntilIdle()
    if (left < 0 && (await isOver(db))) break
  }
  const rows = await db.selectFrom('jobs').select('id').execute()
  const job = await findJob(db, rows[0]?.id ?? '')
  const pending = await db.selectFrom('events').select('seq').where('notifiedAt', 'is', null).execute()
  await db.destroy()
  const what = `frozen for ${frozenMs} ms after step ${steps}`
  expect(job, what).toMatchObject({ state: 'succeeded' })
  expect(world.made, what).toHaveLength(1)
  expect(channel.roots, what).toHaveLength(1)
  expect(channel.shown || channel.roots[0], what).toMatch(/^copy-1 is ready .*Dummy: running\./)
  const finals = channel.replies.filter((text) => text.includes('is ready after'))
  expect(finals, what).toHaveLength(1)
  expect(new Set(channel.replies).size, what).toBe(channel.replies.length)
  expect(pending, what).toEqual([])
  return wasFrozen
}

/** Whether all jobs have ended, and all threads say so. */
async function isOver(db: Database): Promise<boolean> {
  const live = db.selectFrom('jobs').select('id').where('endedAt', 'is', null)
  const pending = db.selectFrom('events').select('jobId as id').where('notifiedAt', 'is', null)
  return (await live.unionAll(pending).execute()).length === 0
}

/** How many lives go on side by side. */
const LIVES = 10

describe('a process that freezes at any await of a job’s life', { timeout: 180_000 }, () => {
  it.concurrent.each([
    ['for 14 s, and goes on before it has renewed its claims', 14_000, 6, false],
    // Long enough for the other one to give up the write as lost, and to send it itself.
    ['for 40 s, and renews its claims before it goes on', 40_000, 3, true],
  ])('%s, writes nothing twice and posts nothing twice', async (_title, frozenMs, stride, isRenewedFirst) => {
    let steps = isRenewedFirst ? 1 : 0
    for (let areFrozen = true; areFrozen; steps += stride * LIVES) {
      const lives = Array.from({ length: LIVES }, (_, at) =>
        liveWithFreeze(steps + stride * at, { frozenMs, isRenewedFirst }),
      )
      areFrozen = !(await Promise.all(lives)).includes(false)
    }
    expect(steps).toBeGreaterThan(20)
  })
})
