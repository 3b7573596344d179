/** More to tell than Slack takes: what is dropped, what never is, and who waits for whom. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { pollDueJobs } from '../../../src/jobs/poll.js'
import { type TestContext, testContext } from '../../helpers/context.js'
import { notifierOf, type TestNotifier } from '../../helpers/sender.js'
import { strictSlack } from '../../helpers/strict-slack.js'

describe('a flood', () => {
  let context: TestContext
  let slack: ReturnType<typeof strictSlack>
  let notifier: TestNotifier

  beforeEach(async () => {
    context = await testContext()
    slack = strictSlack(context.now)
    notifier = notifierOf(context, slack.chat)
  })
  afterEach(async () => await context.db.destroy())

  it('of forty changes while Slack is away becomes one edit, which shows the end', async () => {
    await context.ask({ mentionOnSuccess: true })
    await context.runUntilIdle()
    await notifier.notifyFor(5_000)
    const [root] = slack.messages()
    const edits = root?.texts.length ?? 0
    slack.setAway(true)
    for (let change = 1; change <= 40; change += 1) {
      context.world.observation = { phase: 'working', detail: `${change} of 40` }
      context.pass(10_000)
      await context.runUntilIdle()
      await notifier.run()
    }
    context.world.observation = { phase: 'done' }
    context.pass(60_000)
    await context.runUntilIdle()
    slack.setAway(false)
    await notifier.notifyFor(620_000)
    expect(root?.texts).toHaveLength(edits + 1)
    expect(root?.text).toContain('is running (')
    expect(slack.thread(root?.ts ?? '').at(-1)?.text).toContain('is running after')
  })

  it('of two hundred ends in one minute is posted whole, first ended first, at Slack’s pace, and holds up no other channel', async () => {
    const count = 200
    for (let index = 0; index < count; index += 1) await context.ask({ mentionOnSuccess: true })
    await context.runUntilIdle()
    await pretendBegun(context, slack)
    const before = slack.messages().length

    context.world.observation = { phase: 'done' }
    await endOneByOne(context, 60_000 / count)
    const ended = context.now()
    await notifier.notifyFor(60_000)
    const other = await context.ask({ channel: 'C2', mentionOnSuccess: true })
    await context.runUntilIdle()
    const asked = context.now()
    await notifier.notifyFor(10_000)
    await context.runUntilIdle()
    await notifier.notifyFor(10_000)
    const otherRoot = slack.messages().find(({ channel }) => channel === 'C2')
    expect((otherRoot?.at ?? 0) - asked).toBeLessThan(3_000)
    expect(otherRoot?.text).toContain('is running (')
    expect(slack.thread(otherRoot?.ts ?? '').at(-1)?.text).toContain('is running after')
    expect((await context.job(other.id)).state).toBe('succeeded')

    // Steps no longer than a burst lasts waste nothing of Slack's pace.
    await notifier.notifyFor(6 * 60_000, 4_000)
    const roots = slack.messages().filter(({ channel, threadTs }) => channel === 'C1' && threadTs === undefined)
    expect(roots).toHaveLength(count)
    for (const { ts, text } of roots) {
      expect(text).toContain('is running (')
      expect(slack.thread(ts).filter((reply) => reply.text.includes('is running after'))).toHaveLength(1)
      expect(slack.thread(ts).at(-1)?.text).toContain('is running after')
    }
    const stored = context.db
      .selectFrom('messages')
      .innerJoin('jobs', 'jobs.id', 'messages.jobId')
      .select('messages.ts')
    const ends = stored.where('key', '=', 'root').where('messages.channel', '=', 'C1').orderBy('endedAt')
    const lastReplies = slack
      .messages()
      .filter(({ channel, text }) => channel === 'C1' && text.includes('is running after'))
    expect(lastReplies.map(({ threadTs }) => threadTs)).toEqual((await ends.execute()).map(({ ts }) => ts))
    expect(await context.db.selectFrom('events').select('seq').where('notifiedAt', 'is', null).execute()).toEqual([])
    // At Slack's pace: it refused nothing, and nothing was dawdled away.
    expect(slack.refusals).toEqual([])
    const last = Math.max(...slack.messages().map(({ at }) => at))
    expect(slack.messages().length - before).toBeGreaterThanOrEqual(count)
    expect(last - ended).toBeLessThan(5 * 60_000)
  }, 240_000)

  it('of jobs that simply succeed costs two messages each: the root, and its edit', async () => {
    const count = 40
    for (let index = 0; index < count; index += 1) await context.ask()
    await notifier.notifyFor(60_000)
    await context.runUntilIdle()
    context.world.observation = { phase: 'done' }
    context.pass(5_000)
    await context.runUntilIdle()
    await notifier.notifyFor(60_000)
    expect(slack.messages().map(({ threadTs, texts }) => [threadTs, texts.length])).toEqual(
      Array.from({ length: count }, () => [undefined, 2]),
    )
    for (const { text } of slack.messages()) expect(text).toContain('is running (')
    expect(await context.db.selectFrom('events').select('seq').where('notifiedAt', 'is', null).execute()).toEqual([])
  })

  it('of polls that find nothing new costs nothing: after a post there is an edit at the start, one with the provider’s word, and one at the end', async () => {
    await context.ask()
    await notifier.notifyFor(5_000)
    await context.runUntilIdle()
    for (let poll = 0; poll < 10; poll += 1) {
      await notifier.notifyFor(5_000)
      context.pass(30_000)
      await context.runUntilIdle()
    }
    context.world.observation = { phase: 'done' }
    context.pass(60_000)
    await context.runUntilIdle()
    await notifier.notifyFor(60_000)
    const [root, ...others] = slack.messages()
    expect(root?.texts).toEqual([
      expect.stringContaining('is queued'),
      expect.stringContaining('on Dummy'),
      expect.stringContaining('copying.'),
      expect.stringContaining('is running ('),
    ])
    expect(others).toEqual([])
  })

  it('of jobs that all begin and end while Slack is away is posted root by root, then thread by thread', async () => {
    for (let index = 0; index < 20; index += 1) await context.ask({ mentionOnSuccess: true })
    await context.runUntilIdle()
    context.world.observation = { phase: 'done' }
    context.pass(60_000)
    await context.runUntilIdle()
    await notifier.notifyFor(120_000)
    const inOrder = slack.messages()
    const isRoot = ({ threadTs }: { threadTs: string | undefined }) => threadTs === undefined
    expect(inOrder.filter(isRoot)).toHaveLength(20)
    expect(inOrder.filter(isRoot).every(({ text }) => text.includes('is running ('))).toBe(true)
    // Nobody's second reply comes before everybody's root, but for what fits into the first burst.
    expect(inOrder.findLastIndex(isRoot)).toBeLessThan(24)
    const threads = inOrder.filter((message) => !isRoot(message)).map(({ threadTs }) => threadTs)
    expect(threads.filter((ts, at) => ts !== threads[at - 1])).toHaveLength(20)
    expect(slack.refusals).toEqual([])
  })
})

/** Every thread stands and knows everything so far, without the minutes that would take. */
async function pretendBegun(context: TestContext, slack: ReturnType<typeof strictSlack>): Promise<void> {
  const jobs = await context.db.selectFrom('jobs').select(['id', 'version']).execute()
  for (const { id, version } of jobs) {
    const channel = `setup ${id}`
    const metadata = { event_type: '', event_payload: { job: id, event: 'root' as const } }
    const post = { channel, text: 'Begun.', unfurl_links: false, unfurl_media: false, metadata }
    const { ts = '' } = await slack.chat.postMessage(post)
    const root = slack.messages().at(-1)
    if (root) root.channel = 'C1'
    const shown = { ts, channel: 'C1', shownVersion: version }
    await context.db.updateTable('messages').set(shown).where('jobId', '=', id).execute()
  }
  await context.db.updateTable('events').set({ notifiedAt: context.now() }).execute()
}

/** Every job ends at an instant of its own, in an order that is neither that of the asking nor that of the ids. */
async function endOneByOne(context: TestContext, apartMs: number): Promise<void> {
  const jobs = await context.db.selectFrom('jobs').select('id').orderBy('id', 'desc').execute()
  for (const [index, { id }] of jobs.entries()) {
    const dueAt = context.now() + (index + 1) * apartMs
    await context.db.updateTable('jobs').set({ dueAt }).where('id', '=', id).execute()
  }
  for (let index = 0; index < jobs.length; index += 1) {
    context.pass(apartMs)
    await pollDueJobs(context, 'dummy-one')
  }
}
