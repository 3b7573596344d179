/** Rounds of telling when the database, the clock or a second process gets in their way: nothing lost, nothing twice. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebAPIRateLimitedError, WebAPIRequestError } from '@slack/web-api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { notifyPending } from '../../src/jobs/notify.js'
import { Scheduler } from '../../src/jobs/scheduler.js'
import type { Chat } from '../../src/slack/delivery/sender.js'
import { openDatabase } from '../../src/store/database.js'
import { claimUntold, readUntold, type Untold } from '../../src/store/events.js'
import { moveThread } from '../../src/store/moved-threads.js'
import type { Database } from '../../src/store/schema.js'
import { runDueJobs, type TestContext, testContext } from '../helpers/context.js'
import { fill, hold } from '../helpers/disk.js'
import { tellerOf } from '../helpers/sender.js'
import { strictSlack } from '../helpers/strict-slack.js'

const hour = 3_600_000

let folder: string
let file: string
let context: TestContext
let slack: ReturnType<typeof strictSlack>

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dolly-tell-'))
  file = join(folder, 'dolly.db')
  context = await testContext({ db: await openImpatient() })
  slack = strictSlack(context.now)
})
afterEach(async () => {
  await context.db.destroy()
  rmSync(folder, { recursive: true, force: true })
})

/** Nobody wants to wait for half a minute. */
async function openImpatient(): Promise<Database> {
  return await openDatabase(file, undefined, { busyTimeoutMs: 300 })
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

/** What was said, each by its mark: twice the same would be a message twice. */
const marks = () => slack.messages().map(({ metadata }) => JSON.stringify(metadata))

async function expectToldOnce(): Promise<void> {
  expect(await context.db.selectFrom('events').select('seq').where('toldAt', 'is', null).execute()).toEqual([])
  expect(new Set(marks()).size).toBe(marks().length)
  expect(slack.messages().filter(({ text }) => text.includes('may stand'))).toEqual([])
}

describe('a thread that could not be given back', () => {
  it('neither ends the round early nor lets a second telling begin beside the first', async () => {
    const heal = await fill(context.db, 'update of teller on jobs', "new.teller is null and new.channel = 'C1'")
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
    await context.ask()
    await context.ask({ channel: 'C2' })
    const { round } = tellerOf(context, chat)
    const broken: unknown[] = []
    const clock = new Scheduler({
      tickSeconds: 60,
      workers: [{ name: 'notify', countDue: () => 1, runOnce: round }],
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

    await context.settle()
    await tellerOf(context, slack.chat).tellFor(2_000)
    expect(slack.messages().filter(({ text }) => text.includes('Dummy accepted'))).toHaveLength(2)
    await expectToldOnce()
  })
})

describe('when the clock jumps ahead', () => {
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
    const { round } = tellerOf(context, chat, slack.conversations, () => elapsed)
    await round()
    context.pass(hour)
    for (let second = 0; second < 30; second += 1) {
      await round()
      elapsed += 1_000
      context.pass(1_000)
      if (elapsed === 8_000) await arrive()
    }
    expect(slack.messages()).toHaveLength(1)
    await expectToldOnce()
  })
})

describe('when the clock is set back by an hour', () => {
  let elapsed: number
  const pass = (ms: number) => {
    context.pass(ms)
    elapsed += ms
  }
  const setBack = () => context.pass(-hour)
  const teller = (chat: Chat = slack.chat) => tellerOf(context, chat, slack.conversations, () => elapsed)
  beforeEach(() => {
    elapsed = 0
    slack = strictSlack(() => elapsed)
  })

  it('what happens in a thread that was told before goes out at once', async () => {
    await context.ask()
    const { round } = teller()
    await round()
    await context.settle()
    setBack()
    await round()
    expect(slack.messages().at(-1)?.text).toContain('Dummy accepted')
    await expectToldOnce()
  })

  it('what waits for Slack’s budget waits no longer than it would have', async () => {
    const jobs = 10
    for (let count = 0; count < jobs; count += 1) await context.ask()
    const { round } = teller()
    await round()
    expect(slack.messages()).toHaveLength(4)
    setBack()
    for (let second = 0; second < jobs; second += 1) {
      pass(1_000)
      while (await round());
    }
    expect(slack.messages()).toHaveLength(jobs)
    expect(slack.refusals).toEqual([])
    await expectToldOnce()
  })

  it('what Slack asked to wait with goes out when that time is over', async () => {
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
    const { round } = teller(chat)
    await round()
    setBack()
    pass(29_000)
    await round()
    expect(slack.messages()).toEqual([])
    pass(1_000)
    await round()
    await round()
    expect(slack.messages()).toHaveLength(1)
  })

  it('what nobody knows the fate of is settled after as long as ever', async () => {
    slack.setAway(true)
    await context.ask()
    const { round } = teller()
    await round()
    slack.setAway(false)
    setBack()
    for (let second = 0; second < 15; second += 1) {
      pass(1_000)
      await round()
    }
    expect(slack.messages()).toHaveLength(1)
    await expectToldOnce()
  })
})

describe('while another process holds the database', () => {
  it('a claim that cannot be made loses nothing and does nothing twice', async () => {
    await context.ask()
    const { round, tellFor } = tellerOf(context, slack.chat)
    const letGo = hold(file)
    await expect(runDueJobs(context, 'dummy-one')).rejects.toThrow(/database is busy/)
    await expect(round()).rejects.toThrow(/database is busy/)
    expect(slack.messages()).toEqual([])
    letGo()
    await context.settle()
    await tellFor(2_000)
    expect(context.world.writes).toBe(1)
    expect(marks()).toHaveLength(2)
    await expectToldOnce()
  })

  it.each([
    ['root', 1],
    ['reply', 2],
  ])('a %s that cannot be ticked off is not lost, and not told twice', async (_name, which) => {
    await context.ask()
    await context.settle()
    let letGo = () => {}
    const chat = chatThat((count) => {
      if (count === which) letGo = hold(file)
    })
    const { round, tellFor } = tellerOf(context, chat, slack.conversations)
    await round()
    expect(marks()).toHaveLength(which)
    letGo()
    await tellFor(30_000)
    expect(marks()).toHaveLength(2)
    await expectToldOnce()
  })
})

describe('while the disk is full', () => {
  it('nothing is said that could not be noted first, and all of it once there is room', async () => {
    await context.ask()
    await context.settle()
    const heal = await fill(context.db, 'update of root_attempted_at on jobs')
    const { tellFor } = tellerOf(context, slack.chat)
    await tellFor(30_000)
    expect(slack.messages()).toEqual([])
    await heal()
    await tellFor(10_000)
    expect(marks()).toHaveLength(2)
    await expectToldOnce()
  })

  it.each([
    ['root', 1, 'update of root_ts on jobs'],
    ['reply', 2, 'update of told_at on events'],
  ])('a %s that stands but cannot be ticked off is found again', async (_name, which, writes) => {
    await context.ask()
    await context.settle()
    const heal = await fill(context.db, writes)
    const { tellFor } = tellerOf(context, slack.chat, slack.conversations)
    await tellFor(30_000)
    expect(marks().length).toBeLessThanOrEqual(which)
    await heal()
    await tellFor(30_000)
    expect(marks()).toHaveLength(2)
    await expectToldOnce()
  })

  it('a thread is sent elsewhere wholly or not at all', async () => {
    const { id } = await context.ask()
    await context.settle()
    await context.db.updateTable('jobs').set({ rootTs: '1.0', rootChannel: 'C1' }).where('id', '=', id).execute()
    await context.db.updateTable('events').set({ replyTs: '2.0' }).where('kind', '=', 'step_accepted').execute()
    const lease = { worker: 'notify', now: context.now(), leaseMs: 10_000 }
    await claimUntold(context.db, { threads: 1, perChannel: 1 }, lease)
    const untold = await readUntold(context.db, id, 'notify')
    if (!untold) throw new Error('There is nothing to tell.')
    const heal = await fill(context.db, 'update of reply_ts on events', "new.kind = 'step_accepted'")
    await expect(moveThread(context.db, untold, 'U1')).rejects.toThrow(/full/)
    await heal()
    expect(await readUntold(context.db, id, 'notify')).toEqual(untold)
  })
})

describe('a channel in which nobody answers', () => {
  it('is given up for this round, so that others wait for one thread of it at most', async () => {
    for (let count = 0; count < 5; count += 1) await context.ask({ channel: 'CSILENT' })
    await context.ask({ channel: 'COPEN' })
    const told: string[] = []
    const tell = async ({ job }: Untold) => {
      told.push(job.channel)
      return job.channel === 'CSILENT' ? { waitMs: 3_000, isUnanswered: true } : { waitMs: 0 }
    }
    const round = () => notifyPending(context, tell, new AbortController().signal)
    await round()
    expect(told.sort()).toEqual(['COPEN', 'CSILENT'])
    // Those that were not tried are free at once.
    await round()
    expect(told.filter((channel) => channel === 'CSILENT')).toHaveLength(2)
  })
})
