/** Messages whose fate nobody knows, looked up in a workspace that can be read, in part, or not at all. */
import { WebClient } from '@slack/web-api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startWorkspace, type Workspace } from '../../../sandbox/slack/workspace.js'
import { clientOptions } from '../../../src/slack/api/client.js'
import { type TestContext, testContext } from '../../helpers/context.js'
import { notifierOf } from '../../helpers/sender.js'
import { quietLogger } from '../../helpers/slack-request.js'

const history = ['channels:history', 'groups:history', 'im:history']

describe('an ambiguous post', () => {
  let context: TestContext
  let workspace: Workspace
  let notifyFor: (ms: number) => Promise<void>
  let channel: string
  let requester: string
  let clock: number

  beforeEach(async () => {
    // Slack stamps by the real clock, so the context's one follows it, and is moved on top of that.
    clock = 0
    context = await testContext({ now: () => Date.now() + clock })
    context.pass = (ms) => {
      clock += ms
    }
  })
  afterEach(async () => {
    await workspace.close()
    await context.db.destroy()
  })

  async function openWorkspace(scopes: readonly string[]): Promise<void> {
    workspace = await startWorkspace({ scopes: ['commands', 'chat:write', ...scopes], simulators: [] })
    const client = new WebClient(workspace.env.SLACK_BOT_TOKEN, clientOptions(workspace.env.SLACK_API_URL, quietLogger))
    ;({ notifyFor } = notifierOf(context, client.chat, client.conversations))
    channel = workspace.channels.platform.id
    requester = workspace.people.ann.id
  }

  /** Somebody who wants to be mentioned at the end, so that there is a reply. */
  const ask = () => context.ask({ channel, requester, mentionOnSuccess: true })
  async function finish(): Promise<void> {
    await context.runUntilIdle()
    context.world.observation = { phase: 'done' }
    context.pass(5_000)
    await context.runUntilIdle()
  }
  const texts = () =>
    workspace
      .as(requester)
      .snapshot()
      .messages.map(({ text }) => text)
  const posts = () => workspace.calls('chat.postMessage').length

  it('of a root whose answer was lost is found again by its metadata, and adopted', async () => {
    await openWorkspace(history)
    workspace.setSwitch('lose-answer', true)
    const { id } = await ask()
    await notifyFor(8_000)
    await finish()
    await notifyFor(5_000)
    expect(texts()).toEqual([expect.stringContaining('is running ('), expect.stringContaining('is running after')])
    expect(posts()).toBe(2)
    const [found] = workspace.calls('conversations.history').flatMap(({ answer }) => answer.messages)
    expect(found).toMatchObject({ bot_id: workspace.bot.botId, user: workspace.bot.id })
    expect(await context.thread(id)).toEqual({ channel, ts: expect.any(String) })
    const payloads = workspace.calls('chat.postMessage').map(({ body }) => body.metadata)
    expect(payloads).toEqual([
      { event_type: 'dolly_job', event_payload: { job: id, event: 'root' } },
      { event_type: 'dolly_job', event_payload: { job: id, event: 4 } },
    ])
  })

  it('of a reply whose answer was lost is found again in its thread, and not posted twice', async () => {
    await openWorkspace(history)
    await ask()
    await notifyFor(1_000)
    await finish()
    workspace.setSwitch('lose-answer', true)
    await notifyFor(10_000)
    expect(texts().filter((text) => text.includes('is running after'))).toHaveLength(1)
    expect(texts().some((text) => text.includes('may appear twice'))).toBe(false)
    expect(workspace.calls('conversations.replies')[0]?.body).toMatchObject({ include_all_metadata: 'true' })
  })

  it('that provably never arrived is posted plainly, but not before it had time to arrive', async () => {
    await openWorkspace(history)
    workspace.setSwitch('down', true)
    await ask()
    await notifyFor(1_000)
    workspace.setSwitch('down', false)
    await notifyFor(7_000)
    expect(texts()).toEqual([])
    expect(workspace.calls('conversations.history').length).toBeGreaterThan(0)
    await notifyFor(6_000)
    expect(texts()).toEqual([expect.stringContaining('Clone a thing')])
  })

  it('of a process that was killed in between is found by the next one', async () => {
    await openWorkspace(history)
    const { id } = await ask()
    await notifyFor(1_000)
    await finish()
    await notifyFor(2_000)
    // What a kill between Slack's answer and the save leaves behind.
    await context.db.updateTable('messages').set({ ts: null, shownVersion: null }).where('jobId', '=', id).execute()
    await context.db.updateTable('events').set({ notifiedAt: null }).where('kind', '=', 'succeeded').execute()
    const before = posts()
    await notifyFor(20_000)
    expect(posts()).toBe(before)
    expect(texts()).toHaveLength(2)
  })

  it('stays one, though the next try is refused for being too soon', async () => {
    await openWorkspace([])
    await ask()
    await notifyFor(1_000)
    await finish()
    workspace.setSwitch('lose-answer', true)
    await notifyFor(1_000)
    workspace.setSwitch('rate-limit', true)
    await notifyFor(20_000)
    const accepted = texts().filter((text) => text.includes('is running after'))
    expect(accepted).toEqual([expect.not.stringContaining('may appear'), expect.stringContaining('may appear twice')])
  })

  it('is posted again with a word of explanation where the bot may not read, and asked for once', async () => {
    await openWorkspace([])
    workspace.setSwitch('lose-answer', true)
    await ask()
    await notifyFor(8_000)
    await finish()
    workspace.setSwitch('lose-answer', true)
    await notifyFor(15_000)
    expect(texts().filter((text) => text.includes('An earlier message about this job may appear'))).toHaveLength(1)
    expect(texts().filter((text) => text.includes('may appear twice'))).toHaveLength(1)
    const searches = [...workspace.calls('conversations.history'), ...workspace.calls('conversations.replies')]
    expect(searches.map(({ answer }) => answer.error)).toEqual(['missing_scope'])
  })

  it('stays in doubt while Slack cannot be asked', async () => {
    await openWorkspace(history)
    workspace.setSwitch('lose-answer', true)
    await ask()
    await notifyFor(1_000)
    workspace.setSwitch('down', true)
    await notifyFor(60_000)
    workspace.setSwitch('down', false)
    await notifyFor(120_000)
    expect(texts()).toEqual([expect.stringContaining('Clone a thing')])
  })
})
