/** A thread that can no longer stand where it was asked for, in a workspace where that really happens. */
import { WebClient } from '@slack/web-api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startWorkspace, type Workspace } from '../../../sandbox/slack/workspace.js'
import { clientOptions } from '../../../src/slack/api/client.js'
import { type TestContext, testContext } from '../../helpers/context.js'
import { addReply, notifierOf } from '../../helpers/sender.js'
import { quietLogger } from '../../helpers/slack-request.js'

describe('a thread', () => {
  let context: TestContext
  let workspace: Workspace
  let client: WebClient
  let notifyFor: (ms: number) => Promise<void>
  const warnings: string[] = []

  beforeEach(async () => {
    warnings.length = 0
    context = await testContext()
    context.log = { ...context.log, warn: (_fields, message) => warnings.push(message) }
    workspace = await startWorkspace()
    client = new WebClient(workspace.env.SLACK_BOT_TOKEN, clientOptions(workspace.env.SLACK_API_URL, quietLogger))
    ;({ notifyFor } = notifierOf(context, client.chat, client.conversations))
  })
  afterEach(async () => {
    await workspace.close()
    await context.db.destroy()
  })

  /** A job of Ann's in #platform, accepted and posted. */
  async function underWay(requester = workspace.people.ann.id) {
    const { id } = await context.ask({ channel: workspace.channels.platform.id, requester, mentionOnSuccess: true })
    await context.runUntilIdle()
    await notifyFor(3_000)
    return await context.job(id)
  }

  async function end(): Promise<void> {
    context.world.observation = { phase: 'done' }
    context.pass(5_000)
    await context.runUntilIdle()
    await notifyFor(8_000)
  }

  /** What Ann has in her direct messages: the root, then its replies. */
  function directMessages(): string[] {
    const ann = workspace.as(workspace.people.ann.id)
    return ann
      .snapshot()
      .messages.filter(({ channel }) => channel === workspace.people.ann.directChannel)
      .map(({ text }) => text)
  }

  async function expectGoneOn(id: string): Promise<void> {
    expect(directMessages()).toEqual([
      expect.stringMatching(/^copy-1 is running \(.*Clone a thing/),
      expect.stringContaining('is running after'),
    ])
    expect(await context.job(id)).toMatchObject({ state: 'succeeded', channel: workspace.channels.platform.id })
    expect((await context.thread(id)).channel).toBe(workspace.people.ann.directChannel)
    expect(await context.db.selectFrom('events').select('seq').where('notifiedAt', 'is', null).execute()).toEqual([])
  }

  it('whose root was deleted goes on as a direct message', async () => {
    const { id } = await underWay()
    const { ts } = await context.thread(id)
    await client.chat.delete({ channel: workspace.channels.platform.id, ts: ts ?? '' })
    await end()
    await expectGoneOn(id)
  })

  it('in a channel that was archived goes on as a direct message', async () => {
    const { id } = await underWay()
    await workspace.archive(workspace.channels.platform.id)
    await end()
    await expectGoneOn(id)
  })

  it('in a channel from which the bot was removed goes on as a direct message', async () => {
    const { id } = await underWay()
    await workspace.as(workspace.people.bo.id).write(workspace.channels.platform.id, '/remove @dolly')
    await end()
    await expectGoneOn(id)
  })

  it('in a channel that takes no replies goes on as a direct message, and its old root says where, then how it ended', async () => {
    workspace.setSwitch('lock-threads', true)
    const { id } = await underWay()
    await addReply(context, id)
    await notifyFor(3_000)
    const { ann, platform } = { ...workspace.people, ...workspace.channels }
    const oldRoot = () =>
      workspace
        .as(ann.id)
        .snapshot()
        .messages.filter(({ channel }) => channel === platform.id)
        .map(({ text }) => text)
    expect(oldRoot()).toEqual([expect.stringContaining(`Updates continue in a direct message to <@${ann.id}>.`)])
    await end()
    expect(oldRoot()).toEqual([expect.stringMatching(/is running \(.*The details are in a direct message to/)])
    expect(directMessages().at(-1)).toContain('is running after')
    expect((await context.job(id)).state).toBe('succeeded')
    expect((await context.thread(id)).channel).toBe(ann.directChannel)
  })

  it('in a channel that refuses its root begins as a direct message', async () => {
    workspace.setSwitch('refuse-roots', true)
    const { id } = await underWay()
    await end()
    expect(directMessages().at(-1)).toContain('is running after')
    expect((await context.thread(id)).channel).toBe(workspace.people.ann.directChannel)
  })

  it('begins once after a rate limit that names no time', async () => {
    workspace.setSwitch('rate-limit-bare', true)
    await underWay()
    await notifyFor(40_000)
    const posts = workspace.calls('chat.postMessage').map(({ status }) => status)
    expect(posts).toEqual([429, 200])
    expect(warnings).toEqual([])
  })

  it('in a channel that was renamed stays where it is, since its id does', async () => {
    const { id } = await underWay()
    const { ts } = await context.thread(id)
    const { platform } = workspace.channels
    await workspace.rename(platform.id, 'flock')
    await end()
    const thread = workspace.as(workspace.people.ann.id).thread(platform.id, ts ?? '')
    expect(thread[0]?.text).toContain('is running (')
    expect(thread.at(-1)?.text).toContain('is running after')
    expect(directMessages()).toEqual([])
    expect((await context.job(id)).state).toBe('succeeded')
    expect((await context.thread(id)).channel).toBe(platform.id)
  })

  it('says that a reply may appear twice if it may be in the old channel already', async () => {
    const { id } = await underWay()
    context.world.observation = { phase: 'done' }
    context.pass(5_000)
    await context.runUntilIdle()
    workspace.setSwitch('lose-answer', true)
    await notifyFor(1_000)
    await workspace.archive(workspace.channels.platform.id)
    await notifyFor(30_000)
    const { ann, platform } = { ...workspace.people, ...workspace.channels }
    const { ts } = workspace
      .as(ann.id)
      .snapshot()
      .messages.filter(({ channel, text }) => channel === platform.id && text.includes('is running ('))[0] ?? { ts: '' }
    expect(workspace.as(ann.id).thread(platform.id, ts).at(-1)?.text).toMatch(/^<@.*is running after/)
    expect(directMessages()).toEqual([
      expect.stringMatching(/^copy-1 is running \(/),
      expect.stringMatching(/^Slack didn't confirm this message, so it may appear twice\. .*is running after/),
    ])
    expect((await context.thread(id)).channel).toBe(ann.directChannel)
  })

  it('doesn’t repeat a reply that surely is in the old channel', async () => {
    const { id } = await underWay()
    context.world.observation = { phase: 'done' }
    context.pass(5_000)
    await context.runUntilIdle()
    await notifyFor(3_000)
    // What a kill leaves behind between the reply and the note that the thread shows the event.
    await context.db.updateTable('events').set({ notifiedAt: null }).where('kind', '=', 'succeeded').execute()
    await context.db.updateTable('messages').set({ shownVersion: 0 }).where('key', '=', 'root').execute()
    await workspace.archive(workspace.channels.platform.id)
    await notifyFor(8_000)
    expect(directMessages()).toEqual([expect.stringMatching(/^copy-1 is running \(/)])
    expect((await context.thread(id)).channel).toBe(workspace.people.ann.directChannel)
    expect(await context.db.selectFrom('events').select('seq').where('notifiedAt', 'is', null).execute()).toEqual([])
  })

  it('whose requester cannot be written to either ends up in the log, and its job ends as usual', async () => {
    const { id } = await underWay('U0LEFT')
    await workspace.archive(workspace.channels.platform.id)
    await end()
    expect(warnings.at(-1)).toContain('nobody reads about this job')
    expect((await context.job(id)).state).toBe('succeeded')
    expect(await context.db.selectFrom('events').select('seq').where('notifiedAt', 'is', null).execute()).toEqual([])
    const posts = workspace.calls('chat.postMessage').length
    await notifyFor(60_000)
    expect(workspace.calls('chat.postMessage')).toHaveLength(posts)
  })
})
