/** The Web API of the sandbox's Slack: its rules, limits and faults, used by the real client. */
import { createServer } from 'node:http'
import { WebClient } from '@slack/web-api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startWorkspace, type Workspace } from '../../sandbox/slack/workspace.js'
import { clientOptions, form, plain, section } from './tiny-bot.js'

describe('the Web API', () => {
  let workspace: Workspace
  let client: WebClient
  let clock: number

  beforeEach(async () => {
    clock = Date.now()
    workspace = await startWorkspace({ now: () => clock, slowMs: 30, scopes: ['chat:write', 'users:read'] })
    client = new WebClient(workspace.env.SLACK_BOT_TOKEN, clientOptions(workspace))
  })
  afterEach(() => workspace.close())

  const post = (channel: string, text = 'Hello') => client.chat.postMessage({ channel, text })

  /** The payload of a command, sent to a server that only listens. */
  async function command(): Promise<{ trigger_id: string; response_url: string }> {
    const heard: URLSearchParams[] = []
    const listener = createServer(async (req, res) => {
      const chunks: Buffer[] = []
      for await (const chunk of req) chunks.push(chunk)
      heard.push(new URLSearchParams(Buffer.concat(chunks).toString()))
      res.end()
    })
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    const address = listener.address()
    if (typeof address !== 'object' || !address) throw new Error('The server does not listen.')
    workspace.setRequestUrl(`http://127.0.0.1:${address.port}/`)
    await workspace.as(workspace.people.ann.id).write(workspace.channels.random.id, '/clone-app')
    listener.close()
    const [fields] = heard
    return { trigger_id: fields?.get('trigger_id') ?? '', response_url: fields?.get('response_url') ?? '' }
  }

  const trigger = async () => (await command()).trigger_id

  it('accepts the bot’s token and no other', async () => {
    expect(await client.auth.test()).toMatchObject({ user_id: workspace.bot.id, team: 'Woolworks' })
    const stranger = new WebClient('xoxb-wrong', clientOptions(workspace))
    await expect(stranger.auth.test()).rejects.toThrow('invalid_auth')
    const { user } = await client.users.info({ user: workspace.people.cleo.id })
    expect(user).toMatchObject({ name: 'cleo', is_restricted: true, deleted: false })
    const { user: gone } = await client.users.info({ user: workspace.people.dora.id })
    expect(gone).toMatchObject({ name: 'dora', deleted: true })
    await expect(client.users.info({ user: 'U0NOBODY' })).rejects.toThrow('user_not_found')
    await expect(client.conversations.list()).rejects.toThrow('missing_scope')
    await expect(client.apiCall('chat.teleport')).rejects.toThrow('unknown_method')
  })

  it('lists the members of a user group for a bot with the scope', async () => {
    await expect(client.usergroups.users.list({ usergroup: 'S00PLATFORM' })).rejects.toMatchObject({
      data: { error: 'missing_scope', needed: 'usergroups:read', provided: 'chat:write,users:read' },
    })
    const other = await startWorkspace()
    const able = new WebClient(other.env.SLACK_BOT_TOKEN, clientOptions(other))
    expect(await able.usergroups.users.list({ usergroup: 'S00PLATFORM' })).toMatchObject({
      users: [other.people.ann.id, other.people.eli.id, other.people.fay.id],
    })
    await expect(able.usergroups.users.list({ usergroup: 'S0GONE' })).rejects.toThrow('no_such_subteam')
    await other.close()
  })

  it('lets the bot write in channels it is in, and in others after an invitation', async () => {
    const { random, platform } = workspace.channels
    await expect(post(random.id)).rejects.toThrow('not_in_channel')
    await workspace.as(workspace.people.bo.id).write(random.id, '/invite @dolly')
    expect(await post(random.id)).toMatchObject({ ok: true, channel: random.id })
    await workspace.as(workspace.people.bo.id).write(random.id, '/remove @dolly')
    await expect(post(random.id)).rejects.toThrow('not_in_channel')
    await expect(post('C0NOWHERE')).rejects.toThrow('channel_not_found')
    await workspace.archive(platform.id)
    await expect(post(platform.id)).rejects.toThrow('is_archived')
  })

  it('posts to a person as a direct message that only they see', async () => {
    const { ann, bo } = workspace.people
    const { channel, ts } = await post(ann.id, 'Just you')
    expect(channel).toBe(ann.directChannel)
    expect(workspace.as(ann.id).messages(ann.directChannel)).toMatchObject([{ text: 'Just you', ts }])
    expect(workspace.as(bo.id).messages(ann.directChannel)).toEqual([])
    expect(workspace.snapshot(bo.id).channels.find((one) => one.isDirect)).toMatchObject({
      id: bo.directChannel,
      name: 'dolly',
    })
  })

  it('keeps a thread together', async () => {
    const { deploys } = workspace.channels
    const ann = workspace.as(workspace.people.ann.id)
    const { ts = '' } = await post(deploys.id, 'Root')
    await client.chat.postMessage({ channel: deploys.id, thread_ts: ts, text: 'Reply' })
    await ann.write(deploys.id, 'Thanks', ts)
    expect(ann.thread(deploys.id, ts).map(({ text, threadTs }) => [text, threadTs])).toEqual([
      ['Root', undefined],
      ['Reply', ts],
      ['Thanks', ts],
    ])
    expect(ann.messages(deploys.id)).toMatchObject([{ text: 'Root', replyCount: 2 }])
    const lost = client.chat.postMessage({ channel: deploys.id, thread_ts: '1.2', text: 'Reply' })
    await expect(lost).rejects.toThrow('thread_not_found')
  })

  it('removes the blocks of a message that is updated with text only', async () => {
    const channel = workspace.channels.platform.id
    const { ts = '' } = await client.chat.postMessage({ channel, text: 'A', blocks: [section('A')] })
    const blocksNow = () => workspace.as(workspace.people.ann.id).messages(channel)[0]
    expect(blocksNow()?.blocks).toMatchObject([section('A')])
    await client.chat.update({ channel, ts, text: 'B', blocks: [section('B')] })
    expect(blocksNow()).toMatchObject({ isEdited: false, blocks: [section('B')] })
    await client.chat.update({ channel, ts, text: 'C' })
    expect(blocksNow()).toMatchObject({ isEdited: true, blocks: [] })
  })

  it('refuses blocks and views with Slack’s words', async () => {
    const channel = workspace.channels.platform.id
    const blocks = [{ type: 'header' as const, text: plain('x'.repeat(151)) }]
    await expect(client.chat.postMessage({ channel, text: 'A', blocks })).rejects.toMatchObject({
      data: {
        error: 'invalid_blocks',
        response_metadata: {
          messages: ['[ERROR] must be less than 151 characters [json-pointer:/blocks/0/text/text]'],
        },
      },
    })
    const trigger_id = await trigger()
    const untitled = { ...form(), title: plain('x'.repeat(25)) }
    await expect(client.views.open({ trigger_id, view: untitled })).rejects.toMatchObject({
      data: {
        error: 'invalid_arguments',
        response_metadata: { messages: ['[ERROR] must be less than 25 characters [json-pointer:/view/title/text]'] },
      },
    })
    // The refused view has not used up the trigger.
    expect(await client.views.open({ trigger_id, view: form() })).toMatchObject({ ok: true })
  })

  it('accepts a trigger id once, within three seconds', async () => {
    const early = await trigger()
    clock += 3000
    const { view } = await client.views.open({ trigger_id: early, view: form() })
    await expect(client.views.open({ trigger_id: early, view: form() })).rejects.toThrow('exchanged_trigger_id')
    const late = await trigger()
    clock += 3001
    await expect(client.views.open({ trigger_id: late, view: form() })).rejects.toThrow('expired_trigger_id')
    await expect(client.views.open({ trigger_id: 'guessed', view: form() })).rejects.toThrow('invalid_trigger_id')

    const update = { view_id: view?.id ?? '', view: form('pear'), hash: view?.hash ?? '' }
    await client.views.update(update)
    await expect(client.views.update(update)).rejects.toThrow('hash_conflict')
  })

  it('stacks three forms and no more, however often one was closed', async () => {
    const ann = workspace.as(workspace.people.ann.id)
    await client.views.open({ trigger_id: await trigger(), view: { ...form(), notify_on_close: false } })
    const push = async () =>
      client.views.push({ trigger_id: await trigger(), view: { ...form(), notify_on_close: false } })
    const { view } = await push()
    expect(view).toMatchObject({
      previous_view_id: ann.snapshot().views[0]?.id,
      root_view_id: ann.snapshot().views[0]?.id,
    })
    await ann.close()
    await push()
    await push()
    await expect(push()).rejects.toThrow('push_limit_reached')
    await expect(client.views.update({ view_id: view?.id ?? '', view: form() })).rejects.toThrow('not_found')
  })

  it('shows history only with the scope, and metadata only on request', async () => {
    const closed = client.conversations.history({ channel: workspace.channels.platform.id })
    await expect(closed).rejects.toMatchObject({
      data: { error: 'missing_scope', needed: 'channels:history' },
    })
    const reader = await startWorkspace({ scopes: ['chat:write', 'channels:history'] })
    const { platform, random } = reader.channels
    try {
      const { chat, conversations } = new WebClient(reader.env.SLACK_BOT_TOKEN, clientOptions(reader))
      const metadata = { event_type: 'dolly_job', event_payload: { job: 'k7f3q' } }
      const post = (text: string, thread?: string) =>
        chat.postMessage({ channel: platform.id, text, metadata, ...(thread ? { thread_ts: thread } : {}) })
      const { ts = '' } = await post('Root')
      const { ts: second = '' } = await post('Second')
      await post('Reply', ts)

      const bare = await conversations.history({ channel: platform.id })
      expect(bare.messages?.map((message) => [message.text, 'metadata' in message])).toEqual([
        ['Second', false],
        ['Root', false],
      ])
      const bounds = { oldest: ts, latest: second, include_all_metadata: true }
      expect((await conversations.history({ channel: platform.id, ...bounds })).messages).toEqual([])
      const inside = await conversations.history({ channel: platform.id, ...bounds, inclusive: true, limit: 1 })
      expect(inside).toMatchObject({ has_more: true, messages: [{ text: 'Second', metadata }] })
      const cursor = inside.response_metadata?.next_cursor ?? ''
      const rest = await conversations.history({ channel: platform.id, ...bounds, inclusive: true, cursor })
      expect(rest).toMatchObject({ has_more: false, messages: [{ text: 'Root' }] })

      const thread = await conversations.replies({ channel: platform.id, ts, include_all_metadata: true })
      expect(thread.messages).toMatchObject([{ text: 'Root' }, { text: 'Reply', metadata }])
      await expect(conversations.replies({ channel: platform.id, ts: '1.2' })).rejects.toThrow('thread_not_found')
      await expect(conversations.history({ channel: random.id })).rejects.toThrow('not_in_channel')
    } finally {
      await reader.close()
    }
  })

  it('answers 429 once after its switch', async () => {
    workspace.setSwitch('rate-limit', true)
    await expect(post(workspace.channels.platform.id)).rejects.toMatchObject({ retryAfter: 2 })
    await post(workspace.channels.platform.id)
    expect(workspace.calls('chat.postMessage').map(({ status }) => status)).toEqual([429, 200])
  })

  it('answers 429 without Retry-After, refuses roots and replies, and fails a view update, after their switches', async () => {
    const { platform } = workspace.channels
    const { ts: thread_ts } = await post(platform.id)
    workspace.setSwitch('rate-limit-bare', true)
    await expect(post(platform.id)).rejects.toThrow('retry-after header: null')
    workspace.setSwitch('refuse-roots', true)
    await expect(post(platform.id)).rejects.toThrow('no_permission')
    workspace.setSwitch('lock-threads', true)
    const reply = client.chat.postMessage({ channel: platform.id, text: 'Hi', thread_ts: thread_ts ?? '' })
    await expect(reply).rejects.toThrow('restricted_action_thread_locked')
    expect((await post(workspace.people.ann.id)).ok).toBe(true)
    workspace.setSwitch('fail-view', true)
    await expect(client.views.update({ view_id: 'V1', view: form() })).rejects.toMatchObject({ statusCode: 503 })
    await expect(client.views.update({ view_id: 'V1', view: form() })).rejects.toThrow('not_found')
  })

  it('refuses plan blocks after its switch', async () => {
    const channel = workspace.channels.platform.id
    const tasks = [{ type: 'task_card' as const, task_id: '1', title: 'Copy', status: 'in_progress' as const }]
    const blocks = [section('A'), { type: 'plan' as const, title: 'Steps', tasks }]
    const { ts = '' } = await client.chat.postMessage({ channel, text: 'A', blocks })
    workspace.setSwitch('refuse-plan', true)
    await expect(client.chat.update({ channel, ts, text: 'B', blocks })).rejects.toMatchObject({
      data: {
        error: 'invalid_blocks',
        response_metadata: { messages: ['[ERROR] unsupported type: plan [json-pointer:/blocks/1/type]'] },
      },
    })
    expect(await client.chat.update({ channel, ts, text: 'B', blocks: [section('B')] })).toMatchObject({ ok: true })
  })

  it('fails one use of a response URL after its switch', async () => {
    const url = (await command()).response_url ?? ''
    const headers = { 'content-type': 'application/json' }
    const use = async () => (await fetch(url, { method: 'POST', body: '{"text":"Hi"}', headers })).status
    workspace.setSwitch('fail-response', true)
    expect([await use(), await use()]).toEqual([500, 200])
  })

  it('carries out a call whose answer it loses', async () => {
    workspace.setSwitch('lose-answer', true)
    await expect(post(workspace.channels.platform.id, 'Once')).rejects.toThrow()
    expect(workspace.as(workspace.people.ann.id).messages(workspace.channels.platform.id)).toMatchObject([
      { text: 'Once' },
    ])
    expect(workspace.calls('chat.postMessage')).toMatchObject([
      { isLost: true, body: { text: 'Once' }, answer: { ok: true } },
    ])
    expect(workspace.switches().some(({ on }) => on)).toBe(false)
  })

  it('is slow or down after its switch', async () => {
    workspace.setSwitch('slow', true)
    const before = performance.now()
    await post(workspace.channels.platform.id)
    expect(performance.now() - before).toBeGreaterThanOrEqual(29)
    workspace.setSwitch('slow', false)
    workspace.setSwitch('down', true)
    await expect(client.auth.test()).rejects.toMatchObject({ statusCode: 503 })
    workspace.setSwitch('down', false)
    expect(await client.auth.test()).toMatchObject({ ok: true })
  })

  it('accepts a response URL five times within thirty minutes', async () => {
    const ann = workspace.as(workspace.people.ann.id)
    const urls = [(await command()).response_url, (await command()).response_url]
    const use = async (url = '') =>
      (await fetch(url, { method: 'POST', body: '{"text":"Hi"}', headers: { 'content-type': 'application/json' } }))
        .status
    const statuses: number[] = []
    for (let turn = 0; turn < 6; turn += 1) statuses.push(await use(urls[0]))
    expect(statuses).toEqual([200, 200, 200, 200, 200, 404])
    clock += 30 * 60_000 + 1
    expect(await use(urls[1])).toBe(404)
    expect(ann.messages(workspace.channels.random.id)).toHaveLength(5)
  })
})
