import { WebAPIPlatformError, WebAPIRateLimitedError, WebAPIRequestError } from '@slack/web-api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Chat } from '../../../src/slack/delivery/requests.js'
import { type TestContext, testContext } from '../../helpers/context.js'
import { measuringMeter } from '../../helpers/measuring.js'
import { addReply, notifierOf } from '../../helpers/sender.js'

/** A Slack that keeps what it took, and says what it is told to say next. */
function fakeChat() {
  const posts: { channel: string; text: string; inThread: boolean; hasBlocks: boolean }[] = []
  const edits: string[] = []
  const answers: { on: 'post' | 'edit'; error: Error; takes?: boolean }[] = []
  let unthreads = false
  let spared: 'post' | 'edit' | undefined
  const next = (on: 'post' | 'edit') => {
    if (spared === on) {
      spared = undefined
      return undefined
    }
    const at = answers.findIndex((answer) => answer.on === on)
    return at === -1 ? undefined : answers.splice(at, 1)[0]
  }
  const chat: Chat = {
    postMessage: async ({ channel, text, thread_ts, blocks }) => {
      const planned = next('post')
      if (!planned || planned.takes) {
        posts.push({ channel, text, inThread: thread_ts !== undefined, hasBlocks: blocks !== undefined })
      }
      if (planned) throw planned.error
      const isInThread = thread_ts !== undefined && !unthreads
      unthreads = false
      return {
        channel: channel.startsWith('U') ? `D${channel}` : channel,
        ts: `${posts.length}.0`,
        message: isInThread ? { thread_ts } : {},
      }
    },
    update: async ({ text }) => {
      const planned = next('edit')
      if (planned) throw planned.error
      edits.push(text)
    },
  }
  const unthreadNext = () => {
    unthreads = true
  }
  /** The next call of this kind goes well before any planned answer. */
  const skipNext = (on: 'post' | 'edit') => {
    spared = on
  }
  return { chat, posts, edits, answers, unthreadNext, skipNext }
}

const platformError = (error: string) => new WebAPIPlatformError({ ok: false, error })
const lost = () => new WebAPIRequestError(new TypeError('fetch failed', { cause: new Error('reset') }))

describe('the sender', () => {
  let context: TestContext
  let slack: ReturnType<typeof fakeChat>
  let run: () => Promise<boolean>
  let notifyFor: (ms: number) => Promise<void>

  beforeEach(async () => {
    context = await testContext()
    slack = fakeChat()
    ;({ run, notifyFor } = notifierOf(context, slack.chat))
  })
  afterEach(async () => await context.db.destroy())

  async function countPending(id: string): Promise<number> {
    const rows = await context.db.selectFrom('events').select('notifiedAt').where('jobId', '=', id).execute()
    return rows.filter(({ notifiedAt }) => notifiedAt === null).length
  }

  it('measures how long each event waits until its thread shows it', async () => {
    const { meter, measured } = measuringMeter()
    const watched = await testContext({ meter })
    const { run } = notifierOf(watched, slack.chat)
    await watched.ask()
    watched.pass(3_000)
    await run()
    expect(measured).toEqual([{ what: 'notified', of: undefined, ms: 3_000 }])
    await watched.db.destroy()
  })

  it('posts the root once, edits it, and adds the replies in order', async () => {
    const { id } = await context.ask({ mentionOnSuccess: true })
    await notifyFor(1_000)
    await context.runUntilIdle()
    await addReply(context, id)
    await notifyFor(2_000)
    expect(slack.edits).toEqual([expect.stringContaining('Cloning the thing on Dummy')])
    await finish()
    await notifyFor(2_000)
    expect(slack.posts.map(({ inThread, text }) => [inThread, text])).toEqual([
      [false, expect.stringContaining('is queued')],
      [true, 'Dummy is answering again.'],
      [true, expect.stringContaining('is running after')],
    ])
    expect(slack.edits.at(-1)).toContain('is running (')
    expect(await run()).toBe(false)
  })

  it('backs off while answers get lost, instead of posting one copy after the other', async () => {
    await context.ask()
    for (let count = 0; count < 100; count += 1) slack.answers.push({ on: 'post', error: lost(), takes: true })
    await notifyFor(600_000)
    expect(slack.posts.length).toBeLessThanOrEqual(6)
    expect(slack.posts.length).toBeGreaterThan(2)
  })

  it('says in a root that may appear twice which of the two is kept up to date, for as long as it stands', async () => {
    const kept = 'An earlier message about this job may appear in this channel. This one is kept up to date.'
    await context.ask()
    slack.answers.push({ on: 'post', error: lost(), takes: true })
    await notifyFor(10_000)
    const [first, second] = slack.posts.filter(({ inThread }) => !inThread)
    expect(first?.text).not.toContain('may appear')
    expect(second?.text).toContain(kept)
    // Whatever becomes of the job.
    await context.runUntilIdle()
    await notifyFor(5_000)
    context.world.observation = { phase: 'done' }
    context.pass(5_000)
    await context.runUntilIdle()
    await notifyFor(5_000)
    expect(slack.edits).toHaveLength(2)
    for (const text of slack.edits) expect(text).toContain(kept)
  })

  it('does not say so of a root that stands in a new place', async () => {
    await context.ask()
    slack.answers.push({ on: 'post', error: lost(), takes: true })
    await notifyFor(10_000)
    slack.answers.push({ on: 'edit', error: platformError('message_not_found') })
    await context.runUntilIdle()
    await notifyFor(5_000)
    expect(slack.posts.findLast(({ channel, inThread }) => channel === 'U1' && !inThread)?.text).not.toContain(
      'may appear',
    )
  })

  it('does not doubt a message that surely never left', async () => {
    await context.ask()
    const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED', syscall: 'connect' })
    slack.answers.push({ on: 'post', error: new WebAPIRequestError(new TypeError('fetch failed', { cause: refused })) })
    await notifyFor(10_000)
    expect(slack.posts).toHaveLength(1)
  })

  it('waits as long as Slack says, in that channel only', async () => {
    slack.answers.push({ on: 'post', error: new WebAPIRateLimitedError(30) })
    await context.ask()
    await notifyFor(1_000)
    await context.ask({ channel: 'C2' })
    await notifyFor(25_000)
    expect(slack.posts.map(({ channel }) => channel)).toEqual(['C2'])
    await notifyFor(10_000)
    expect(slack.posts.map(({ channel }) => channel)).toEqual(['C2', 'C1'])
  })

  it.each([
    ['without a time', new Error('Retry header did not contain a valid timeout (url: x, retry-after header: null)')],
    ['in a body alone', platformError('ratelimited')],
    ['with a time of minutes before', new WebAPIRateLimitedError(-300)],
    ['with no number', new WebAPIRateLimitedError(Number.NaN)],
  ])('takes a 429 %s for a message that surely was not posted, and waits half a minute', async (_, error) => {
    slack.answers.push({ on: 'post', error })
    await context.ask()
    await notifyFor(28_000)
    expect(slack.posts).toEqual([])
    await notifyFor(5_000)
    expect(slack.posts).toEqual([expect.objectContaining({ text: expect.not.stringContaining('may appear') })])
  })

  it.each([
    ['a message', 'post'],
    ['an edit', 'edit'],
  ] as const)('waits a quarter of an hour at most for %s, whatever Slack says', async (_, on) => {
    if (on === 'post') slack.answers.push({ on, error: new WebAPIRateLimitedError(1_000_000_000) })
    const { id } = await context.ask()
    await notifyFor(1_000)
    if (on === 'edit') slack.answers.push({ on, error: new WebAPIRateLimitedError(1_000_000_000) })
    await context.runUntilIdle()
    await notifyFor(870_000)
    expect(await countPending(id)).toBeGreaterThan(0)
    await notifyFor(60_000)
    expect(await countPending(id)).toBe(0)
  })

  it('stops all edits when Slack says that there were too many', async () => {
    await context.ask()
    await context.ask({ channel: 'C2' })
    await notifyFor(1_000)
    slack.answers.push({ on: 'edit', error: new WebAPIRateLimitedError(30) })
    await context.runUntilIdle()
    await notifyFor(25_000)
    expect(slack.edits).toEqual([])
    await notifyFor(10_000)
    expect(slack.edits).toHaveLength(2)
  })

  it('goes on replying while edits have to wait, and edits once they need not', async () => {
    const { id } = await context.ask({ mentionOnSuccess: true })
    await notifyFor(1_000)
    slack.answers.push({ on: 'edit', error: new WebAPIRateLimitedError(30) })
    await context.runUntilIdle()
    context.world.observation = { phase: 'done' }
    context.pass(5_000)
    await context.runUntilIdle()
    await notifyFor(20_000)
    expect(slack.posts.map(({ text }) => text).at(-1)).toContain('is running after')
    expect(slack.edits).toEqual([])
    await notifyFor(15_000)
    expect(slack.edits).toEqual([expect.stringContaining('is running (')])
    expect(slack.posts).toHaveLength(2)
    expect(await countPending(id)).toBe(0)
  })

  const finish = async () => {
    context.world.observation = { phase: 'done' }
    context.pass(5_000)
    await context.runUntilIdle()
  }

  it('reports the end although Slack takes no edit of the root any more', async () => {
    const { id } = await context.ask({ mentionOnSuccess: true })
    await notifyFor(1_000)
    await context.runUntilIdle()
    await notifyFor(1_000)
    slack.answers.push({ on: 'edit', error: platformError('edit_window_closed') })
    await finish()
    await notifyFor(3_000)
    expect(slack.posts.at(-1)?.text).toContain('is running after')
    expect(await countPending(id)).toBe(0)
  })

  it.each(['team_added_to_org', 'token_revoked', 'a_word_of_tomorrow'])(
    'shows the end in the root once Slack takes edits again, which it refused with %s',
    async (word) => {
      const { id } = await context.ask({ mentionOnSuccess: true })
      await notifyFor(1_000)
      await context.runUntilIdle()
      await notifyFor(1_000)
      for (let count = 0; count < 3; count += 1) slack.answers.push({ on: 'edit', error: platformError(word) })
      await finish()
      await notifyFor(2_000)
      // The thread is brought up to date meanwhile.
      expect(slack.posts.at(-1)?.text).toContain('is running after')
      expect(slack.edits.at(-1)).not.toContain('is running')
      await notifyFor(240_000)
      expect(slack.edits.at(-1)).toContain('is running')
      expect(slack.posts.filter(({ text }) => text.includes('is running after'))).toHaveLength(1)
      expect(await countPending(id)).toBe(0)
    },
  )

  it('takes a reply that Slack put outside the thread for the end of that thread, and says that it may appear twice', async () => {
    const { id } = await context.ask({ mentionOnSuccess: true })
    await notifyFor(1_000)
    slack.unthreadNext()
    await context.runUntilIdle()
    await finish()
    await notifyFor(5_000)
    expect((await context.thread(id)).channel).toBe('DU1')
    expect(slack.posts.at(-1)).toMatchObject({ channel: 'DU1', inThread: true })
    const replies = slack.posts.filter(({ text }) => text.includes('is running after'))
    expect(replies.map(({ channel, text }) => [channel, text.includes('may appear twice')])).toEqual([
      ['C1', false],
      ['DU1', true],
    ])
  })

  for (const error of ['internal_error', 'fatal_error', '{"ok":true,"chan', '<!doctype html>']) {
    it(`knows that a message may have been posted although Slack answered ${error}`, async () => {
      await context.ask()
      slack.answers.push({ on: 'post', error: platformError(error), takes: true })
      await notifyFor(10_000)
      expect(slack.posts.at(-1)?.text).toContain('An earlier message about this job may appear')
    })
  }

  it('keeps to a message a second in one channel after a short burst', async () => {
    for (let count = 0; count < 20; count += 1) await context.ask()
    await notifyFor(10_000)
    expect(slack.posts.length).toBeLessThanOrEqual(14)
    await notifyFor(15_000)
    expect(slack.posts).toHaveLength(20)
  })

  for (const reason of ['not_in_channel', 'is_archived', 'channel_not_found']) {
    it(`goes on as a direct message when Slack answers ${reason}`, async () => {
      slack.answers.push({ on: 'post', error: platformError(reason) })
      const { id } = await context.ask()
      await notifyFor(3_000)
      expect(slack.posts.map(({ channel }) => channel)).toEqual(['U1'])
      expect((await context.job(id)).channel).toBe('C1')
      expect((await context.thread(id)).channel).toBe('DU1')
    })
  }

  it('begins a new thread when somebody deleted its root', async () => {
    const { id } = await context.ask()
    await notifyFor(1_000)
    slack.answers.push({ on: 'edit', error: platformError('message_not_found') })
    await context.runUntilIdle()
    await notifyFor(5_000)
    expect((await context.thread(id)).channel).toBe('DU1')
    expect(slack.posts.map(({ channel }) => channel)).toEqual(['C1', 'U1'])
  })

  for (const [on, error] of [
    ['edit', 'message_not_found'],
    ['post', 'thread_not_found'],
  ] as const) {
    it(`begins a new thread in a direct message when its root there was deleted: $error`, async () => {
      slack.answers.push({ on: 'post', error: platformError('not_in_channel') })
      const { id } = await context.ask({ mentionOnSuccess: true })
      await notifyFor(3_000)
      await context.runUntilIdle()
      context.world.observation = { phase: 'done' }
      context.pass(5_000)
      await context.runUntilIdle()
      slack.answers.push({ on, error: platformError(error) })
      await notifyFor(10_000)
      expect(slack.posts.map(({ channel }) => channel)).toEqual(['U1', 'U1', 'DU1'])
      expect(slack.posts.at(-1)?.text).toContain('is running after')
      expect(await countPending(id)).toBe(0)
    })
  }

  it('stops beginning a thread in a place where each root is gone at once', async () => {
    slack.answers.push({ on: 'post', error: platformError('not_in_channel') })
    const { id } = await context.ask({ mentionOnSuccess: true })
    await notifyFor(3_000)
    await context.runUntilIdle()
    slack.answers.push({ on: 'edit', error: platformError('message_not_found') })
    slack.skipNext('post')
    for (let count = 0; count < 10; count += 1) {
      slack.answers.push({ on: 'post', error: platformError('thread_not_found') })
    }
    await notifyFor(10_000)
    expect(slack.posts).toHaveLength(2)
    expect(await countPending(id)).toBe(0)
  })

  it('says it in words when Slack finds fault with the blocks', async () => {
    for (let count = 0; count < 2; count += 1)
      slack.answers.push({ on: 'post', error: platformError('invalid_blocks') })
    await context.ask()
    await notifyFor(2_000)
    expect(slack.posts).toEqual([expect.objectContaining({ hasBlocks: false })])
  })
})
