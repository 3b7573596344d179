/** Places that refuse messages, whatever Slack's word for it: who hears of the end, and what the old root says. */
import { WebAPIHTTPError, WebAPIPlatformError, WebAPIRateLimitedError } from '@slack/web-api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Chat } from '../../../src/slack/delivery/requests.js'
import { type TestContext, testContext } from '../../helpers/context.js'
import { addReply, notifierOf, type TestNotifier } from '../../helpers/sender.js'

interface Call {
  kind: 'root' | 'reply' | 'edit'
  channel: string
}

/** A Slack that refuses what `refuses` names an error for. A person's id leads to their direct messages. */
function pickySlack() {
  const messages: { channel: string; ts: string; threadTs: string | undefined; text: string; blocks: string }[] = []
  const calls: Call[] = []
  const slack = {
    messages,
    calls,
    refuses: (_call: Call): string | Error | undefined => undefined,
    in: (channel: string) => messages.filter((message) => message.channel === channel),
  }
  const judge = (call: Call) => {
    calls.push(call)
    const answer = slack.refuses(call)
    if (answer instanceof Error) throw answer
    if (answer !== undefined) throw new WebAPIPlatformError({ ok: false, error: answer })
  }
  const chat: Chat = {
    postMessage: async ({ channel: asked, thread_ts, text, blocks }) => {
      const channel = asked.startsWith('U') ? `D${asked}` : asked
      judge({ kind: thread_ts === undefined ? 'root' : 'reply', channel })
      const ts = `${messages.length + 1}.0`
      messages.push({ channel, ts, threadTs: thread_ts, text, blocks: JSON.stringify(blocks ?? []) })
      return { channel, ts, message: thread_ts === undefined ? {} : { thread_ts } }
    },
    update: async ({ channel, ts, text, blocks }) => {
      judge({ kind: 'edit', channel })
      const message = messages.find((one) => one.ts === ts && one.channel === channel)
      if (!message) throw new WebAPIPlatformError({ ok: false, error: 'message_not_found' })
      Object.assign(message, { text, blocks: JSON.stringify(blocks) })
    },
  }
  const set = (refuses: typeof slack.refuses) => {
    slack.refuses = refuses
  }
  return { ...slack, chat, set }
}

/** Slack's documented words for a place, and some that it may think of tomorrow. */
const placeWords = [
  'no_permission',
  'access_denied',
  'restricted_action',
  'restricted_action_read_only_channel',
  'restricted_action_thread_only_channel',
  'restricted_action_non_threadable_channel',
  'restricted_action_thread_locked',
  'restricted_action_of_tomorrow',
  'cannot_reply_to_message',
  'not_in_channel',
  'channel_not_found',
  'is_archived',
  'messages_tab_disabled',
  'slack_connect_file_link_sharing_blocked',
  'external_channel_migrating',
  'as_user_not_supported',
  'invalid_arguments',
  'metadata_too_large',
  'duplicate_channel_not_found',
  'a_word_of_tomorrow',
  'a_word_of_2027',
]
/** Documented, known by how it begins, and unknown. */
const oneWordOfEach = ['is_archived', 'restricted_action_of_tomorrow', 'a_word_of_tomorrow']
const tokenWords = ['invalid_auth', 'token_revoked', 'account_inactive', 'missing_scope', 'team_added_to_org']

describe('a place that refuses messages', () => {
  let context: TestContext
  let slack: ReturnType<typeof pickySlack>
  let notifier: TestNotifier
  let problems: string[]

  beforeEach(async () => {
    context = await testContext()
    problems = []
    const keep = (_fields: object, message: string) => void problems.push(message)
    context.log = { ...context.log, warn: keep, error: keep }
    slack = pickySlack()
    notifier = notifierOf(context, slack.chat)
  })
  afterEach(async () => await context.db.destroy())

  async function end(ms = 600_000): Promise<void> {
    context.world.observation = { phase: 'done' }
    context.pass(5_000)
    await context.runUntilIdle()
    await notifier.notifyFor(ms, 5_000)
  }

  /** A job in C1 that is under way and posted. */
  async function underWay() {
    const { id } = await context.ask({ mentionOnSuccess: true })
    await notifier.notifyFor(2_000)
    await context.runUntilIdle()
    await notifier.notifyFor(5_000)
    return id
  }

  async function countPending(): Promise<number> {
    return (await context.db.selectFrom('events').select('seq').where('notifiedAt', 'is', null).execute()).length
  }

  it.each(placeWords)('leads to a direct message that reports the end, when it refuses the root: %s', async (word) => {
    slack.set(({ channel }) => (channel === 'C1' ? word : undefined))
    await context.ask({ mentionOnSuccess: true })
    await notifier.notifyFor(600_000, 5_000)
    await context.runUntilIdle()
    await end()
    expect(slack.in('DU1').map(({ text }) => text)).toEqual([
      expect.stringMatching(/^copy-1 is running \(.*Clone a thing/),
      expect.stringContaining('is running after'),
    ])
    expect(slack.calls.filter(({ channel }) => channel === 'C1').length).toBeLessThanOrEqual(4)
    expect(await countPending()).toBe(0)
  })

  it('says that an earlier root may appear, when its answer was lost before the place was closed', async () => {
    let isFirst = true
    slack.set(({ channel, kind }) => {
      if (channel !== 'C1' || kind !== 'root') return undefined
      const lost = isFirst
      isFirst = false
      return lost ? new WebAPIHTTPError(503, 'Service Unavailable', {}) : 'is_archived'
    })
    await context.ask({ mentionOnSuccess: true })
    await notifier.notifyFor(600_000, 5_000)
    await context.runUntilIdle()
    await end()
    const [root] = slack.in('DU1')
    expect(root?.text).toMatch(/is running \(.*An earlier message about this job may appear here or in <#C1>/)
    expect(root?.blocks).toContain('may appear here or in <#C1>')
  })

  it.each(oneWordOfEach)(
    'leads to a direct message, and its root reports the end too, when it refuses replies: %s',
    async (word) => {
      slack.set(({ kind, channel }) => (channel === 'C1' && kind === 'reply' ? word : undefined))
      const { id } = await context.ask({ mentionOnSuccess: true })
      await notifier.notifyFor(2_000)
      await context.runUntilIdle()
      await addReply(context, id)
      await notifier.notifyFor(600_000, 5_000)
      const [old] = slack.in('C1')
      expect(old?.text).toContain(
        'Updates continue in a direct message to <@U1>. This message will show how the job ends.',
      )
      expect(old?.blocks).not.toContain('Cloning the thing on')
      await end()
      expect(slack.in('DU1').at(-1)?.text).toContain('is running after')
      expect(slack.in('C1')).toHaveLength(1)
      expect(old?.text).toMatch(/is running \(.*The details are in a direct message to <@U1>\.$/)
      expect(old?.blocks).toMatch(/is running.*The details are in a direct message to <@U1>\./)
      expect(await countPending()).toBe(0)
      // Nobody edits it any more.
      const left = context.db.selectFrom('messages').select('closedAt').where('key', '=', 'left')
      expect(await left.execute()).toEqual([{ closedAt: expect.any(Number) }])
    },
  )

  it.each(oneWordOfEach)('is given up after a while when the direct message is refused too: %s', async (word) => {
    slack.set(() => word)
    await context.ask({ mentionOnSuccess: true })
    await notifier.notifyFor(1_800_000, 5_000)
    await context.runUntilIdle()
    await end(1_800_000)
    const tries = slack.calls.length
    expect(problems).toContain('Slack refuses messages there too: nobody reads about this job')
    expect(await countPending()).toBe(0)
    await notifier.notifyFor(3_600_000, 60_000)
    expect(slack.calls).toHaveLength(tries)
    expect(tries).toBeLessThanOrEqual(20)
  })

  it.each(tokenWords)(
    'is not at fault when only the operator can fix it: %s is tried ever more rarely',
    async (word) => {
      slack.set(() => word)
      await context.ask({ mentionOnSuccess: true })
      await notifier.notifyFor(7_200_000, 60_000)
      expect(slack.calls.every(({ channel }) => channel === 'C1')).toBe(true)
      expect(slack.calls.length).toBeLessThanOrEqual(16)
      slack.set(() => undefined)
      await notifier.notifyFor(900_000, 60_000)
      expect(slack.in('C1')).toHaveLength(1)
    },
  )

  it('is not at fault when Slack briefly answers with an unknown error: the next try is the thread', async () => {
    let refusals = 3
    slack.set(() => (refusals-- > 0 ? 'a_word_of_tomorrow' : undefined))
    await context.ask({ mentionOnSuccess: true })
    await notifier.notifyFor(600_000, 5_000)
    expect(slack.messages.map(({ channel }) => channel)).toEqual(['C1'])
    expect(await context.db.selectFrom('messages').select('refusals').execute()).toEqual([{ refusals: 0 }])
  })

  it.each(['msg_too_long', 'invalid_blocks', 'msg_blocks_too_long', 'no_text', 'invalid_blocks_format'])(
    'is not at fault when Slack rejects the content of the message: %s leads to a plainer one',
    async (word) => {
      let refusals = 2
      slack.set(() => (refusals-- > 0 ? word : undefined))
      await context.ask({ mentionOnSuccess: true })
      await notifier.notifyFor(2_000)
      expect(slack.messages).toEqual([expect.objectContaining({ channel: 'C1', blocks: '[]' })])
    },
  )

  describe('has an old root that', () => {
    const lockReplies = ({ kind, channel }: Call) =>
      channel === 'C1' && kind === 'reply' ? 'restricted_action_thread_locked' : undefined

    it('was posted in the same moment in which its first reply is refused', async () => {
      slack.set(lockReplies)
      const { id } = await context.ask({ mentionOnSuccess: true })
      await context.runUntilIdle()
      await addReply(context, id)
      await notifier.notifyFor(10_000)
      expect(slack.in('C1')[0]?.text).toContain('Updates continue in a direct message to <@U1>.')
      await end(20_000)
      expect(slack.in('C1')[0]?.text).toContain('is running')
    })

    it('reports the end, which is the first event with a refused reply', async () => {
      await underWay()
      slack.set(lockReplies)
      await end(20_000)
      const [old] = slack.in('C1')
      expect(old?.text).toMatch(/is running \(.*The details are in a direct message to <@U1>\.$/)
      expect(slack.in('DU1').at(-1)?.text).toContain('is running after')
    })

    it.each([
      ['a 503', new WebAPIHTTPError(503, 'Service Unavailable', {})],
      ['a rate limit', new WebAPIRateLimitedError(20)],
      ['a word of tomorrow', 'a_word_of_tomorrow'],
    ])(
      'is edited later when Slack answers its edit with %s at first, and each reply stands once',
      async (_, answer) => {
        await underWay()
        let isAway = true
        slack.set((call) => lockReplies(call) ?? (isAway && call.kind === 'edit' ? answer : undefined))
        context.world.observation = { phase: 'done' }
        context.pass(5_000)
        await context.runUntilIdle()
        await notifier.notifyFor(100_000, 5_000)
        expect(slack.in('C1')[0]?.text).not.toContain('is running')
        isAway = false
        await notifier.notifyFor(600_000, 5_000)
        expect(slack.in('C1')[0]?.text).toContain('is running')
        expect(slack.in('DU1').filter(({ text }) => text.includes('is running after'))).toHaveLength(1)
        expect(await countPending()).toBe(0)
      },
    )

    it.each(['message_not_found', 'edit_window_closed', 'cant_update_message', 'no_permission', 'a_word_of_tomorrow'])(
      'is given up when Slack refuses its edit for good, which blocks nothing else: %s',
      async (word) => {
        await underWay()
        slack.set((call) => lockReplies(call) ?? (call.kind === 'edit' && call.channel === 'C1' ? word : undefined))
        await end(1_800_000)
        expect(slack.in('DU1').at(-1)?.text).toContain('is running after')
        expect(await countPending()).toBe(0)
        const tries = slack.calls.length
        await notifier.notifyFor(3_600_000, 60_000)
        expect(slack.calls).toHaveLength(tries)
      },
    )

    it('alone reports the end, when the direct message is refused as well', async () => {
      await underWay()
      slack.set((call) => (call.kind === 'edit' && call.channel === 'C1' ? undefined : 'restricted_action'))
      await end()
      const [old, ...others] = slack.messages.filter(({ threadTs }) => threadTs === undefined)
      expect(others).toEqual([])
      expect(old?.text).toMatch(
        /is running \(.*Slack won't let me reply here or message <@\w+> directly, so there are no more details\.$/,
      )
      expect(await countPending()).toBe(0)
    })

    it('survives a stop: what is to be posted is in the database', async () => {
      await underWay()
      slack.set((call) => lockReplies(call) ?? (call.kind === 'edit' ? 'service_unavailable' : undefined))
      context.world.observation = { phase: 'done' }
      context.pass(5_000)
      await context.runUntilIdle()
      await notifier.notifyFor(30_000)
      slack.set(lockReplies)
      await notifierOf(context, slack.chat).notifyFor(600_000, 5_000)
      expect(slack.in('C1')[0]?.text).toContain('is running')
    })
  })

  it('moves a thread at most once, also where it began in the direct messages', async () => {
    slack.set(({ kind }) => (kind === 'reply' ? 'restricted_action_non_threadable_channel' : undefined))
    await context.ask({ mentionOnSuccess: true, channel: 'DU1' })
    await notifier.notifyFor(2_000)
    await context.runUntilIdle()
    await end()
    expect(slack.messages).toHaveLength(2)
    for (const { text } of slack.messages) expect(text).toContain('is running')
    expect(await countPending()).toBe(0)
  })

  it.each([
    ['U1', 1],
    ['DU1', 2],
  ])('sends no message for ever to %s, which takes none', async (channel, tries) => {
    slack.set(() => 'messages_tab_disabled')
    await context.ask({ mentionOnSuccess: true, channel })
    await notifier.notifyFor(60_000)
    expect(slack.calls).toHaveLength(tries)
    expect(await countPending()).toBe(0)
  })
})
