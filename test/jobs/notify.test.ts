/** Notifying while the database, the clock or a second notifier gets in the way: nothing lost, nothing twice. */
import { WebAPIRateLimitedError, WebAPIRequestError } from '@slack/web-api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Notifier } from '../../src/jobs/notify.js'
import { Scheduler } from '../../src/jobs/scheduler.js'
import { createWorkers } from '../../src/jobs/workers.js'
import type { Chat } from '../../src/slack/delivery/requests.js'
import { claimPendingThreads, releaseAllClaims, releaseThread } from '../../src/store/claims.js'
import { makeLiveJobsDue } from '../../src/store/make-due.js'
import {
  begin,
  ClaimLost,
  confirm,
  markNotified,
  move,
  type PendingThread,
  readPendingThread,
  retract,
} from '../../src/store/messages.js'
import type { Database } from '../../src/store/schema.js'
import { runDueJobs, type TestContext, testContext } from '../helpers/context.js'
import { type SharedDatabase, shareTestDatabase } from '../helpers/database.js'
import { fill } from '../helpers/disk.js'
import { addReply, notifierOf } from '../helpers/sender.js'
import { strictSlack } from '../helpers/strict-slack.js'

const hour = 3_600_000

let shared: SharedDatabase
let context: TestContext
let slack: ReturnType<typeof strictSlack>

beforeEach(async () => {
  shared = await shareTestDatabase()
  context = await testContext({ db: await openImpatient() })
  slack = strictSlack(context.now)
})
afterEach(() => shared.close())

/** Nobody wants to wait for half a minute. */
async function openImpatient(): Promise<Database> {
  return await shared.open(300)
}

/** Another notifier on the same database. */
async function neighbour(): Promise<TestContext> {
  return await testContext({ db: await openImpatient(), now: context.now })
}

/** Slack with something that happens when a message was taken, before the bot hears of it. */
function chatThat(afterPost: (count: number) => Promise<unknown> | unknown): Chat {
  let count = 0
  return {
    ...slack.chat,
    postMessage: async (post) => {
      const answer = await slack.chat.postMessage(post)
      count += 1
      await afterPost(count)
      return answer
    },
  }
}

/** The metadata of each message: twice the same would be a message twice. */
const posted = () => slack.messages().map(({ metadata }) => JSON.stringify(metadata))

async function expectPostedOnce(): Promise<void> {
  expect(await context.db.selectFrom('events').select('seq').where('notifiedAt', 'is', null).execute()).toEqual([])
  expect(new Set(posted()).size).toBe(posted().length)
  expect(slack.messages().filter(({ text }) => text.includes('may appear'))).toEqual([])
}

describe('a thread that could not be given back', () => {
  it('neither ends the run early nor lets a second run begin beside it', async () => {
    const heal = await fill(
      context.db,
      'update of claim_token on messages',
      "new.claim_token is null and new.channel = 'C1'",
    )
    let letGo = () => {}
    const held = new Promise<void>((resolve) => {
      letGo = resolve
    })
    let arrived = () => {}
    const waiting = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const failed: string[] = []
    context.log = { ...context.log, error: (_fields, message) => void failed.push(message) }
    const chat: Chat = {
      ...slack.chat,
      postMessage: async (post) => {
        const answer = await slack.chat.postMessage(post)
        if (post.channel === 'C2') arrived()
        if (post.channel === 'C2') await held
        return answer
      },
    }
    const jobs = [await context.ask(), await context.ask({ channel: 'C2' })]
    const { run, notifyFor } = notifierOf(context, chat)
    const broken: unknown[] = []
    const clock = new Scheduler({
      tickSeconds: 60,
      workers: [{ name: 'notify', countDue: () => 1, runOnce: run }],
      findDueWork: async () => [],
      onClockSet: async () => {},
      now: () => Date.now(),
      elapsed: () => performance.now(),
      log: { warn: () => {}, error: ({ err }: { err?: unknown }) => void broken.push(err) },
    })
    clock.wake()
    await waiting
    await expect.poll(() => failed).toEqual([expect.stringContaining('could not be given back')])
    clock.wake()
    // Whatever would be begun now is begun within these turns.
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    letGo()
    await heal()
    expect(await clock.stop(10_000)).toBe('finished')
    expect(broken).toEqual([])
    expect(
      slack
        .messages()
        .map(({ channel }) => channel)
        .sort(),
    ).toEqual(['C1', 'C2'])

    await context.runUntilIdle()
    for (const { id } of jobs) await addReply(context, id)
    await notifyFor(2_000)
    expect(slack.messages().filter(({ text }) => text.includes('answering again'))).toHaveLength(2)
    await expectPostedOnce()
  })

  it('is given back once there is room, although nothing else is due', async () => {
    await context.ask()
    const heal = await fill(context.db, 'update of claim_token on messages', 'new.claim_token is null')
    const notified: string[] = []
    const notifier = new Notifier(context, async ({ job }) => {
      notified.push(job.id)
      return { waitMs: 0 }
    })
    const { signal } = new AbortController()
    await notifier.notifyPending(signal)
    const release = createWorkers(context, notifier).find(({ name }) => name === 'release')
    expect(release?.countDue([])).toBe(1)
    expect(await release?.runOnce(signal, () => {})).toBe(false)
    await expect(notifier.notifyPending(signal)).rejects.toThrow(/full/)
    expect(notified).toHaveLength(1)
    await heal()
    expect(await release?.runOnce(signal, () => {})).toBe(true)
    expect(release?.countDue([])).toBe(0)
    await notifier.notifyPending(signal)
    expect(notified).toHaveLength(2)
  })
})

describe('when the clock jumps ahead', () => {
  it('no notifier takes over a thread that another one works at', async () => {
    const other = await neighbour()
    await context.ask()
    const notifier = notifierOf(
      context,
      chatThat(async (count) => {
        if (count > 1) return
        context.pass(180_000)
        await notifierOf(other, slack.chat).run()
      }),
    )
    await notifier.run()
    await expectPostedOnce()
    expect(slack.messages()).toHaveLength(1)
    await other.db.destroy()
  })

  it('a message on its way is not believed to be absent any sooner', async () => {
    let elapsed = 0
    slack = strictSlack(() => elapsed)
    let arrive: () => Promise<unknown> = async () => {}
    const chat: Chat = {
      ...slack.chat,
      postMessage: async (post) => {
        if (elapsed > 0) return await slack.chat.postMessage(post)
        arrive = async () => await slack.chat.postMessage(post)
        throw new WebAPIRequestError(new TypeError('fetch failed', { cause: new Error('reset') }))
      },
    }
    await context.ask()
    const { run } = notifierOf(context, chat, slack.conversations, () => elapsed)
    await run()
    context.pass(hour)
    for (let second = 0; second < 30; second += 1) {
      await run()
      elapsed += 1_000
      context.pass(1_000)
      if (elapsed === 8_000) await arrive()
    }
    expect(slack.messages()).toHaveLength(1)
    await expectPostedOnce()
  })

  it('a pause still runs out', async () => {
    await context.ask()
    const waits: number[] = []
    const notifier = new Notifier(context, async () => ({ waitMs: 30_000 }))
    const run = () => notifier.notifyPending(new AbortController().signal, (ms) => waits.push(ms))
    await run()
    await run()
    expect(waits).toEqual([30_000])
    context.pass(30_000)
    await run()
    expect(waits).toEqual([30_000, 30_000])
  })
})

describe('when the clock is set back by an hour', () => {
  let elapsed: number
  const pass = (ms: number) => {
    context.pass(ms)
    elapsed += ms
  }
  /** As the scheduler does within a second. */
  const setBack = async () => {
    context.pass(-hour)
    await makeLiveJobsDue(context.db, context.now(), 0)
  }
  const notifier = (chat: Chat = slack.chat) => notifierOf(context, chat, slack.conversations, () => elapsed)
  beforeEach(() => {
    elapsed = 0
    slack = strictSlack(() => elapsed)
  })

  it('what happens in a thread that has begun is posted at once', async () => {
    const { id } = await context.ask()
    const { run } = notifier()
    await run()
    await context.runUntilIdle()
    await addReply(context, id)
    await setBack()
    await run()
    expect(slack.messages().at(-1)?.text).toContain('answering again')
    await expectPostedOnce()
  })

  it('what waits for Slack’s rate limit waits no longer than before', async () => {
    const jobs = 10
    for (let count = 0; count < jobs; count += 1) await context.ask()
    const { run } = notifier()
    await run()
    expect(slack.messages()).toHaveLength(4)
    await setBack()
    for (let second = 0; second < jobs; second += 1) {
      pass(1_000)
      while (await run());
    }
    expect(slack.messages()).toHaveLength(jobs)
    expect(slack.refusals).toEqual([])
    await expectPostedOnce()
  })

  it('what Slack asked to delay is posted when that time is over', async () => {
    let isFirst = true
    const chat: Chat = {
      ...slack.chat,
      postMessage: async (post) => {
        if (!isFirst) return await slack.chat.postMessage(post)
        isFirst = false
        throw new WebAPIRateLimitedError(30)
      },
    }
    await context.ask()
    const { run } = notifier(chat)
    await run()
    await setBack()
    pass(29_000)
    await run()
    expect(slack.messages()).toEqual([])
    pass(1_000)
    await run()
    await run()
    expect(slack.messages()).toHaveLength(1)
  })

  it('an ambiguous post is looked up after the usual wait', async () => {
    slack.setAway(true)
    await context.ask()
    const { run } = notifier()
    await run()
    slack.setAway(false)
    await setBack()
    for (let second = 0; second < 15; second += 1) {
      pass(1_000)
      await run()
    }
    expect(slack.messages()).toHaveLength(1)
    await expectPostedOnce()
  })

  it('a thread that a dead process worked at is free after the next start', async () => {
    await context.ask()
    expect(await claimPendingThreads(context.db, { threads: 1, perChannel: 1 }, context.now())).toHaveLength(1)
    await setBack()
    await notifier().run()
    expect(slack.messages()).toEqual([])
    await releaseAllClaims(context.db)
    await notifier().run()
    expect(slack.messages()).toHaveLength(1)
  })
})

describe('while another process holds the database', () => {
  it('a claim that cannot be made loses nothing and does nothing twice', async () => {
    const { id } = await context.ask()
    const { run, notifyFor } = notifierOf(context, slack.chat)
    const letGo = await shared.hold()
    await expect(runDueJobs(context, 'dummy-one')).rejects.toThrow(/database is busy/)
    await expect(run()).rejects.toThrow(/database is busy/)
    expect(slack.messages()).toEqual([])
    await letGo()
    await context.runUntilIdle()
    await addReply(context, id)
    await notifyFor(2_000)
    expect(context.world.writes).toBe(1)
    expect(posted()).toHaveLength(2)
    await expectPostedOnce()
  })

  it.each([
    ['root', 1],
    ['reply', 2],
  ])('a %s that cannot be confirmed is not lost, and not posted twice', async (_name, which) => {
    const { id } = await context.ask()
    await context.runUntilIdle()
    await addReply(context, id)
    let letGo = async () => {}
    const chat = chatThat(async (count) => {
      if (count === which) letGo = await shared.hold()
    })
    const { run, notifyFor } = notifierOf(context, chat, slack.conversations)
    await run()
    expect(posted()).toHaveLength(which)
    await letGo()
    await notifyFor(30_000)
    expect(posted()).toHaveLength(2)
    await expectPostedOnce()
  })
})

describe('while the disk is full', () => {
  it('nothing is posted that could not be noted first, and everything once there is space', async () => {
    const { id } = await context.ask()
    await context.runUntilIdle()
    await addReply(context, id)
    const heal = await fill(context.db, 'update of attempted_at on messages')
    const { notifyFor } = notifierOf(context, slack.chat)
    await notifyFor(30_000)
    expect(slack.messages()).toEqual([])
    await heal()
    await notifyFor(10_000)
    expect(posted()).toHaveLength(2)
    await expectPostedOnce()
  })

  it.each([
    ['root', 1, 'update of ts on messages'],
    ['reply', 2, 'update of notified_at on events'],
  ])('a %s that stands but cannot be confirmed is found again', async (_name, which, writes) => {
    const { id } = await context.ask()
    await context.runUntilIdle()
    await addReply(context, id)
    const heal = await fill(context.db, writes)
    const { notifyFor } = notifierOf(context, slack.chat, slack.conversations)
    await notifyFor(30_000)
    expect(posted().length).toBeLessThanOrEqual(which)
    await heal()
    await notifyFor(30_000)
    expect(posted()).toHaveLength(2)
    await expectPostedOnce()
  })

  it('a thread is moved wholly or not at all', async () => {
    const thread = await claimWithReply()
    const heal = await fill(context.db, 'update of attempted_at on messages', "old.key <> 'root'")
    await expect(move(context.db, thread, { channel: 'U1', root: null, now: context.now() })).rejects.toThrow(/full/)
    await heal()
    expect(await readPendingThread(context.db, { jobId: thread.job.id, token: thread.token })).toEqual(thread)
  })
})

/** A claimed thread whose root stands in C1, and with a reply to an event that is still pending. */
async function claimWithReply(): Promise<PendingThread> {
  const { id } = await context.ask()
  await context.runUntilIdle()
  const now = context.now()
  const [claim] = await claimPendingThreads(context.db, { threads: 1, perChannel: 1 }, now)
  const claimed = claim && (await readPendingThread(context.db, claim))
  const event = claimed?.events.find(({ kind }) => kind === 'step_accepted')
  if (!claimed || !event) throw new Error('There is nothing to notify.')
  await begin(context.db, claimed, 'root', { channel: 'C1', at: now })
  await confirm(context.db, claimed, 'root', { channel: 'C1', ts: '1.0', shownVersion: 1 })
  await begin(context.db, claimed, `event:${event.seq}`, { channel: 'C1', at: now })
  const thread = await readPendingThread(context.db, claim)
  if (!thread) throw new Error(`There is no thread of job ${id}.`)
  return thread
}

describe('a worker that lost the claim on a thread', () => {
  it.each<[string, (thread: PendingThread, event: PendingThread['events'][number]) => Promise<void>]>([
    ['begin a root', (thread) => begin(context.db, thread, 'root', { channel: 'C1', at: 1 })],
    ['begin a reply', (thread) => begin(context.db, thread, 'event:99', { channel: 'C1', at: 1 })],
    ['confirm', (thread) => confirm(context.db, thread, 'root', { channel: 'C1', ts: '2.0', shownVersion: 2 })],
    ['retract', (thread, { seq }) => retract(context.db, thread, `event:${seq}`, null)],
    ['move', (thread) => move(context.db, thread, { channel: 'U1', root: null, now: 1 })],
    ['mark as shown', (thread, event) => markNotified(context.db, thread, event, 1)],
  ])('cannot %s', async (_, write) => {
    const thread = await claimWithReply()
    const [reply] = thread.replies.keys()
    const event = thread.events.find(({ seq }) => seq === reply)
    if (!event) throw new Error('There is no reply.')
    const everything = async () => [
      await context.db.selectFrom('messages').selectAll().execute(),
      await context.db.selectFrom('events').selectAll().execute(),
    ]
    await releaseThread(context.db, { jobId: thread.job.id, token: thread.token }, context.now(), 0)
    const before = await everything()
    await expect(write(thread, event)).rejects.toThrow(ClaimLost)
    expect(await everything()).toEqual(before)
    // The same write changes something while the claim holds.
    const [claim] = await claimPendingThreads(context.db, { threads: 1, perChannel: 1 }, context.now())
    const again = claim && (await readPendingThread(context.db, claim))
    if (!again) throw new Error('The thread is not free.')
    await write(again, event)
    expect(await everything()).not.toEqual(before)
  })
})

describe('the thread of a job that was just submitted', () => {
  it('is waited for until it stands, and no longer', async () => {
    const { id } = await context.ask()
    const notifier = new Notifier(context, async (thread) => {
      await begin(context.db, thread, 'root', { channel: 'C1', at: 1 })
      await confirm(context.db, thread, 'root', { channel: 'C1', ts: '1.5', shownVersion: 1 })
      return { waitMs: 0 }
    })
    const waited = notifier.waitForThread(id, 60_000)
    await notifier.notifyPending(new AbortController().signal)
    expect(await waited).toEqual({ channel: 'C1', ts: '1.5' })
    expect(await notifier.waitForThread(id, 60_000)).toEqual({ channel: 'C1', ts: '1.5' })
  })

  it('is not waited for any longer than allowed, and not at all without a job', async () => {
    const { id } = await context.ask()
    const notifier = new Notifier(context, async () => ({ waitMs: 60_000 }))
    const waited = notifier.waitForThread(id, 100)
    await notifier.notifyPending(new AbortController().signal)
    expect(await waited).toEqual({ channel: 'C1', ts: null })
    expect(await notifier.waitForThread('zzzzz', 60_000)).toBeNull()
  })
})

describe('two notifiers on one database', () => {
  it('post each message once, however their runs overlap', async () => {
    const other = await neighbour()
    // Some answers take longer than others, so that one notifier begins runs in the middle of the other's.
    const chat = chatThat(async (count) => {
      for (let turn = 0; turn < (count % 5) * 10; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    })
    const ids: string[] = []
    for (let count = 0; count < 12; count += 1)
      ids.push((await context.ask({ channel: `C${count % 4}`, mentionOnSuccess: true })).id)
    const notifiers = [notifierOf(context, chat), notifierOf(other, chat)]
    const notifyBoth = async () => {
      for (let second = 0; second < 15; second += 1) {
        await Promise.all(
          notifiers.map(async ({ run }) => {
            for (let again = 0; again < 5; again += 1) await run()
          }),
        )
        context.pass(1_000)
      }
    }
    await notifyBoth()
    await context.runUntilIdle()
    for (const id of ids) await addReply(context, id)
    await notifyBoth()
    context.world.observation = { phase: 'done' }
    await context.runUntilIdle()
    await notifyBoth()
    expect(posted()).toHaveLength(36)
    await expectPostedOnce()
    await other.db.destroy()
  })
})

describe('a channel in which nobody answers', () => {
  it('is skipped for this run, so that others wait for one thread of it at most', async () => {
    for (let count = 0; count < 5; count += 1) await context.ask({ channel: 'CSILENT' })
    await context.ask({ channel: 'COPEN' })
    const notified: string[] = []
    const notifier = new Notifier(context, async ({ job }) => {
      notified.push(job.channel)
      return job.channel === 'CSILENT' ? { waitMs: 3_000, isUnanswered: true } : { waitMs: 0 }
    })
    const run = () => notifier.notifyPending(new AbortController().signal)
    await run()
    expect(notified.sort()).toEqual(['COPEN', 'CSILENT'])
    // Those that were not tried are free at once.
    await run()
    expect(notified.filter((channel) => channel === 'CSILENT')).toHaveLength(2)
  })
})
