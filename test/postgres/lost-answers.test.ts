/**
 * A connection to Postgres breaks at a commit: before Postgres gets it, or before its answer arrives. This tries each commit of a
 * clone in turn.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { answerSubmission } from '../../src/commands/clone/form-submit.js'
import type { Job } from '../../src/domain/job.js'
import { Notifier } from '../../src/jobs/notify.js'
import { pollDueJobs } from '../../src/jobs/poll.js'
import { InMemoryRateLimiter } from '../../src/lib/rate-limiter.js'
import type { Conversations } from '../../src/slack/delivery/lookup.js'
import type { Chat } from '../../src/slack/delivery/requests.js'
import { createSender } from '../../src/slack/delivery/sender.js'
import { answerRequest } from '../../src/store/approvals.js'
import { openDatabase } from '../../src/store/database.js'
import { createJob, findJob, findSubmitted } from '../../src/store/jobs.js'
import type { Database } from '../../src/store/schema.js'
import { newJob, runDueJobs, silentLog, testContext } from '../helpers/context.js'
import { type CuttingProxy, startCuttingProxy } from '../helpers/cutting-proxy.js'
import { describeDummyJob } from '../helpers/dummy-provider.js'
import { newPostgresDatabase } from '../helpers/postgres.js'

let address: string
let proxy: CuttingProxy
/** Past the proxy. */
let direct: Database

beforeAll(async () => {
  address = await newPostgresDatabase()
  proxy = await startCuttingProxy(address)
  direct = await openDatabase(address)
})
afterAll(async () => {
  await direct.destroy()
  await proxy.close()
})

/** What Slack shows, and what its history answers. */
function channelOf() {
  const posts: { text: string; ts: string; thread_ts: string | undefined; metadata: unknown; bot_id: string }[] = []
  let shown = ''
  const chat: Chat = {
    postMessage: async ({ text, metadata, ...place }) => {
      const ts = `1.${posts.length}`
      posts.push({ text, ts, thread_ts: place.thread_ts, metadata, bot_id: 'B1' })
      return { channel: 'C1', ts }
    },
    update: async ({ text }) => {
      shown = text
    },
  }
  const conversations: Conversations = {
    history: async () => ({ messages: posts.filter(({ thread_ts }) => thread_ts === undefined) }),
    replies: async ({ ts }) => ({ messages: posts.filter(({ thread_ts }) => thread_ts === ts) }),
  }
  return { posts, shown: () => shown || posts[0]?.text, chat, conversations }
}

const asker = { log: silentLog, access: { rules: [], owner: '#platform' } }
let lives = 0

/** One clone from its submission to its last message; answers how many commits it took. */
async function live(cut: number, when: 'before' | 'after'): Promise<number> {
  lives += 1
  const db = await openDatabase(proxy.url, undefined, { isMigrated: true, maxConnections: 2 })
  const context = await testContext({ db })
  const { world } = context
  world.observation = { phase: 'done', detail: 'running' }
  const channel = channelOf()
  const { now, elapsed, log } = context
  const describe = async (job: Job) => describeDummyJob(job, now())
  const { chat, conversations } = channel
  const self = async () => ({ botId: 'B1' })
  const notifier = new Notifier(
    context,
    createSender({
      db,
      chat,
      conversations,
      self,
      describe,
      now,
      elapsed,
      rateLimiter: new InMemoryRateLimiter(elapsed),
      log,
    }),
  )
  const wanted = { ...newJob(lives), submission: `life ${lives}`, requester: 'U1' }

  proxy.cutAt(cut, when)
  const submit = async () =>
    await answerSubmission(asker, async () => {
      const creation = await createJob(db, wanted, now())
      expect(['created', 'repeated']).toContain(creation.kind)
      return { response_action: 'clear' }
    })
  let answer = await submit()
  const words = JSON.stringify(answer)
  // What the person reads is true, and what it tells them to do works.
  const isStarted = (await findSubmitted(direct, wanted.submission)) !== null
  if (answer.response_action === 'clear') expect(isStarted).toBe(true)
  else if (words.includes('Nothing starts twice')) expect(isStarted).toBe(false)
  else expect(words).toContain("I don't know whether that worked. Submit the page again")
  if (answer.response_action !== 'clear') answer = await submit()
  expect(answer).toEqual({ response_action: 'clear' })

  const { signal } = new AbortController()
  const runs = [
    async () => await runDueJobs(context, 'dummy-one'),
    async () => await pollDueJobs(context, 'dummy-one'),
    async () => await notifier.notifyPending(signal),
  ]
  // Once more after the end, in which nothing may happen twice.
  for (let count = 0, hasEnded = false; count < 9 && !hasEnded; count += 1) {
    hasEnded = await isOver(wanted.submission)
    // As the scheduler does: what breaks is tried again with the next tick.
    for (const run of runs) while (await run().catch(() => false));
    context.pass(5_000)
  }

  const job = await findSubmitted(direct, wanted.submission)
  expect(job?.state).toBe('succeeded')
  expect(world.made).toHaveLength(1)
  expect(world.writes).toBe(1)
  expect(channel.shown()).toMatch(/ is ready .*Dummy: running\./)
  const texts = channel.posts.map(({ text }) => text)
  expect(channel.posts.filter(({ thread_ts }) => thread_ts === undefined)).toHaveLength(1)
  expect(new Set(texts).size).toBe(texts.length)
  expect(texts.filter((text) => text.includes('is ready after'))).toHaveLength(1)
  expect(texts.filter((text) => /may appear|search|lost|don't know/i.test(text))).toEqual([])
  const pending = direct.selectFrom('events').select('seq').where('notifiedAt', 'is', null)
  expect(await pending.execute()).toEqual([])
  const claimed = direct.selectFrom('jobs').select('id').where('claimToken', 'is not', null)
  expect(await claimed.execute()).toEqual([])
  const { length } = proxy.commits()
  proxy.cutAt(-1, when)
  await db.destroy()
  return length
}

/** Whether the job has ended, its thread says so, and nobody holds it. */
async function isOver(submission: string): Promise<boolean> {
  const job = await findSubmitted(direct, submission)
  const pending = direct.selectFrom('events').select('jobId as id').where('notifiedAt', 'is', null)
  const claimed = direct.selectFrom('jobs').select('id').where('claimToken', 'is not', null)
  return job?.endedAt != null && (await pending.unionAll(claimed).execute()).length === 0
}

it.each(['before', 'after'] as const)(
  'a clone is written once, told once and truly, wherever the connection breaks %s a commit',
  async (when) => {
    const commits = await live(-1, when)
    expect(commits).toBeGreaterThan(10)
    for (let cut = 0; cut < commits; cut += 1) await live(cut, when)
  },
  300_000,
)

it.each(['before', 'after'] as const)(
  'an approval counts once, wherever the connection breaks %s a commit',
  async (when) => {
    const db = await openDatabase(proxy.url, undefined, { isMigrated: true, maxConnections: 2 })
    for (let cut = 0; cut < 2; cut += 1) {
      lives += 1
      const approval = { by: ['U2'], count: 1, expiresAt: 1_000_000, copied: '', notCopied: '', warning: '' }
      const creation = await createJob(direct, { ...newJob(lives), submission: `asked ${lives}`, approval }, 1_000)
      if (creation.kind !== 'created') throw new Error(creation.kind)
      const { id } = creation.job
      proxy.cutAt(cut, when)
      const answer = { jobId: id, decision: 'approve', person: ['U2'], channel: null } as const
      expect(await answerRequest(db, answer, 2_000)).toMatchObject({
        kind: 'counted',
        missing: 0,
        job: { state: 'queued' },
      })
      expect((await findJob(direct, id))?.state).toBe('queued')
      expect(await direct.selectFrom('approvals').select('person').where('jobId', '=', id).execute()).toEqual([
        { person: 'U2' },
      ])
      const events = await direct.selectFrom('events').select('kind').where('jobId', '=', id).orderBy('seq').execute()
      expect(events.map(({ kind }) => kind)).toEqual(['approval_requested', 'approved'])
    }
    await db.destroy()
  },
)
