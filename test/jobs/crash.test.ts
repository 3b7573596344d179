/** A process may die between any two awaits. Here it does, at each of them, and the next start goes on. */
import type { KyselyPlugin } from 'kysely'
import { describe, expect, it } from 'vitest'
import type { Job } from '../../src/domain/job.js'
import { newMemory, type WorkerContext } from '../../src/jobs/context.js'
import { Notifier } from '../../src/jobs/notify.js'
import { pollDueJobs } from '../../src/jobs/poll.js'
import { InMemoryRateLimiter } from '../../src/lib/rate-limiter.js'
import type { Conversations } from '../../src/slack/delivery/lookup.js'
import type { Chat } from '../../src/slack/delivery/requests.js'
import { createSender } from '../../src/slack/delivery/sender.js'
import { releaseAllClaims } from '../../src/store/claims.js'
import { createJob, findJob } from '../../src/store/jobs.js'
import { alone } from '../../src/store/processes.js'
import type { Database } from '../../src/store/schema.js'
import { runDueJobs, silentLog } from '../helpers/context.js'
import { shareTestDatabase } from '../helpers/database.js'
import { describeDummyJob, dummyConnection, dummyWorld } from '../helpers/dummy-provider.js'

/** Lets a number of steps pass; the process is dead from the next one on, which never returns. */
function mortal(lives: number) {
  let left = lives
  let died = () => {}
  const death = new Promise<'dead'>((resolve) => {
    died = () => resolve('dead')
  })
  const step = async () => {
    if (left > 0) {
      left -= 1
      return
    }
    died()
    await new Promise(() => {})
  }
  return { step, death, used: () => lives - left }
}

/** What Slack shows: survives every crash, like the provider's world. */
interface Channel {
  roots: string[]
  replies: string[]
  shown: string
  /** What the history of a channel shows; null where the bot may not read it. */
  kept: { ts: string; threadTs: string | undefined; metadata: unknown; bot_id: string }[] | null
}

/** Every boundary of the process gets a step before and after: database, provider, Slack. */
function processOn(
  db: Database,
  channel: Channel,
  world: ReturnType<typeof dummyWorld>,
  now: () => number,
  step: () => Promise<void>,
) {
  const around = async <T>(work: () => Promise<T>): Promise<T> => {
    await step()
    const result = await work()
    await step()
    return result
  }
  const afterEachQuery: KyselyPlugin = {
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      await step()
      return result
    },
  }
  const chat: Chat = {
    postMessage: async ({ text, metadata, ...place }) =>
      await around(async () => {
        const list = place.thread_ts !== undefined ? channel.replies : channel.roots
        list.push(text)
        const ts = `${channel.roots.length}.${channel.replies.length}`
        channel.kept?.push({ ts, threadTs: place.thread_ts, metadata, bot_id: 'B1' })
        return { channel: 'C1', ts }
      }),
    update: async ({ text }) =>
      await around(async () => {
        channel.shown = text
      }),
  }
  const conversations: Conversations = {
    history: async () => await around(async () => ({ messages: channel.kept?.filter((one) => !one.threadTs) })),
    replies: async ({ ts }) =>
      await around(async () => ({ messages: channel.kept?.filter((one) => one.threadTs === ts) })),
  }
  const connection = dummyConnection(world)
  const { clone } = connection.provider.operations
  if (!clone) throw new Error('The dummy lost its operation.')
  const [first, ...others] = clone.steps
  const mortalStep: typeof first = {
    ...first,
    run: async (...inputs) => await around(async () => await first.run(...inputs)),
    find: async (...inputs) => await around(async () => (await first.find?.(...inputs)) ?? null),
    check: async (...inputs) => await around(async () => await first.check(...inputs)),
  }
  const operations = { clone: { ...clone, steps: [mortalStep, ...others] as const } }
  const context: WorkerContext = {
    db: db.withPlugin(afterEachQuery),
    connections: new Map([[connection.name, { ...connection, provider: { ...connection.provider, operations } }]]),
    membership: alone,
    memory: newMemory(),
    now,
    elapsed: now,
    random: () => 0.5,
    log: silentLog,
  }
  const describeJob = async (job: Job) => describeDummyJob(job, now())
  const history = channel.kept ? { conversations, self: async () => ({ botId: 'B1' }) } : {}
  const about = { describe: describeJob, now, elapsed: now, rateLimiter: new InMemoryRateLimiter(now), log: silentLog }
  const notifier = new Notifier(context, createSender({ db: context.db, chat, ...history, ...about }))
  return {
    context,
    /** Runs all workers until nothing is due. */
    runUntilIdle: async () => {
      let busy = true
      while (busy) {
        const ran = await runDueJobs(context, connection.name)
        const watched = await pollDueJobs(context, connection.name)
        const notified = await notifier.notifyPending(new AbortController().signal)
        busy = ran || watched || notified
      }
    },
  }
}

/** One life of a job with a crash after so many steps; answers whether the crash came before the end. */
async function liveWithCrash(lives: number, mayRead: boolean): Promise<boolean> {
  const shared = await shareTestDatabase()
  const world = dummyWorld()
  world.observation = { phase: 'done', detail: 'running' }
  const channel: Channel = { roots: [], replies: [], shown: '', kept: mayRead ? [] : null }
  let now = Date.parse('2026-01-01T00:00:00Z')

  const firstDb = await shared.open()
  const submitted = await createJob(firstDb, { ...draft, submission: `V${lives}` }, now)
  if (submitted.kind !== 'created') throw new Error(submitted.kind)
  const { step, death } = mortal(lives)
  const first = processOn(firstDb, channel, world, () => now, step)
  const life = async () => {
    for (let count = 0; count < 6; count += 1) {
      await first.runUntilIdle()
      now += 5_000
    }
    return 'lived' as const
  }
  const end = await Promise.race([life(), death])

  const db = await shared.crash()
  await releaseAllClaims(db)
  const second = processOn(
    db,
    channel,
    world,
    () => now,
    async () => {},
  )
  // Once more after the end, in which nothing may happen twice.
  for (let count = 0, isOver = false; count < 12 && !isOver; count += 1) {
    isOver = (await findJob(db, submitted.job.id))?.state === 'succeeded' && (await isAllNotified(db))
    now += 5_000
    await second.runUntilIdle()
  }

  const job = await findJob(db, submitted.job.id)
  expect(job?.state).toBe('succeeded')
  expect(world.made).toHaveLength(1)
  expect(channel.shown || channel.roots.at(-1)).toMatch(/^copy is ready .*Dummy: running\./)
  expect(channel.roots.length).toBeLessThanOrEqual(2)
  const finals = channel.replies.filter((text) => text.includes('is ready after'))
  expect(finals.length).toBeGreaterThan(0)
  expect(finals.filter((text) => !text.includes('may appear twice'))).toHaveLength(
    finals.length === 1 && finals[0]?.includes('may appear twice') ? 0 : 1,
  )
  if (mayRead) {
    expect(channel.roots).toHaveLength(1)
    expect(new Set(channel.replies).size).toBe(channel.replies.length)
    expect([...channel.roots, ...channel.replies].filter((text) => /may appear/.test(text))).toEqual([])
  }
  expect(await isAllNotified(db)).toBe(true)
  await shared.close()
  return end === 'dead'
}

async function isAllNotified(db: Database): Promise<boolean> {
  return (await db.selectFrom('events').select('seq').where('notifiedAt', 'is', null).execute()).length === 0
}

const draft = {
  connection: 'dummy-one',
  operation: 'clone',
  step: 'clone',
  params: { name: 'copy', deploy: false },
  source: 'shop-api',
  target: 'copy',
  lock: 'copy',
  requester: 'U1',
  mentionOnSuccess: false,
  channel: 'C1',
}

/** How many lives go on side by side. */
const LIVES = 4

/** Dies at each await in turn; answers at how many there were. */
async function dieEverywhere(mayRead: boolean): Promise<number> {
  for (let lives = 0; ; lives += LIVES) {
    const some = Array.from({ length: LIVES }, (_, at) => liveWithCrash(lives + at, mayRead))
    const died = (await Promise.all(some)).filter(Boolean).length
    if (died < LIVES) return lives + died
  }
}

// Far fewer would mean that the steps are not where the awaits are.
describe('a process that dies', () => {
  it('at any await of a job’s life loses nothing, writes once and reports the end', async () => {
    expect(await dieEverywhere(false)).toBeGreaterThan(40)
  }, 120_000)

  it('posts nothing twice where it may read the channel, and explains nothing', async () => {
    expect(await dieEverywhere(true)).toBeGreaterThan(40)
  }, 120_000)
})
