/** Shortcuts, workflow steps, reactions and files in the sandbox's Slack, used by a tiny real Bolt app. */
import type { App } from '@slack/bolt'
import { WebClient } from '@slack/web-api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ManifestInput, readManifest } from '../../sandbox/slack/manifest.js'
import { startWorkspace, type Workspace } from '../../sandbox/slack/workspace.js'
import { button, clientOptions, form, type Mode, option, type Payload, section, startBot, watch } from './tiny-bot.js'

const shortcuts = [
  { name: 'Clone an app', type: 'global' as const, callback_id: 'clone', description: 'Clones an app' },
  { name: 'Clone this', type: 'message' as const, callback_id: 'clone_this', description: 'Clones what it names' },
]
const manifest = {
  features: { shortcuts },
  oauth_config: { scopes: { bot: ['commands', 'chat:write', 'reactions:write', 'files:write', 'im:write'] } },
  settings: { org_deploy_enabled: true },
  functions: {
    clone_app: {
      title: 'Clone an app',
      input_parameters: {
        app: { type: 'string', title: 'App', is_required: true },
        ask: { type: 'boolean' },
        person: { type: 'slack#/types/user_context', is_required: true },
      },
      output_parameters: { job: { type: 'string', is_required: true }, seconds: { type: 'number' } },
    },
  },
} satisfies ManifestInput

describe.each<Mode>(['http', 'socket'])('an app over %s', (mode) => {
  let workspace: Workspace
  let app: App
  let seen: Payload[]

  beforeEach(async () => {
    workspace = await startWorkspace({ manifest, ackTimeoutMs: 30_000 })
    app = await startBot(workspace, mode)
    seen = watch(app)
  })
  afterEach(async () => {
    await app.stop()
    await workspace.close()
  })

  it('opens a form from a global shortcut, which names no channel', async () => {
    app.shortcut('clone', async ({ shortcut, ack, client }) => {
      await ack()
      await client.views.open({ trigger_id: shortcut.trigger_id, view: form() })
    })
    const ann = workspace.as(workspace.people.ann.id)
    await ann.shortcut('clone')
    expect((await ann.waitForView()).callback_id).toBe('form')
    expect(seen).toMatchObject([{ type: 'shortcut', callback_id: 'clone', user: { id: ann.id } }])
    expect(seen[0]).not.toHaveProperty('channel')
    expect(seen[0]).not.toHaveProperty('response_url')
    await expect(ann.shortcut('clone_this')).rejects.toThrow('no global shortcut clone_this, only clone')
  })

  it('reads the message of a message shortcut, and answers through its response URL', async () => {
    app.shortcut('clone_this', async ({ ack, respond }) => {
      await ack()
      await respond('Heard you')
    })
    const [ann, bo] = [workspace.as(workspace.people.ann.id), workspace.as(workspace.people.bo.id)]
    const { deploys } = workspace.channels
    await bo.write(deploys.id, 'shop-api is broken')
    const message = await ann.waitForMessage(({ text }) => text === 'shop-api is broken')
    await ann.messageShortcut(message, 'clone_this')
    const answer = await ann.waitForMessage(({ text }) => text === 'Heard you')
    expect(answer).toMatchObject({ isEphemeral: true, channel: deploys.id })
    expect(seen).toMatchObject([
      {
        type: 'message_action',
        callback_id: 'clone_this',
        channel: { id: deploys.id, name: 'deploys' },
        message_ts: message.ts,
        message: { type: 'message', text: 'shop-api is broken', user: bo.id, ts: message.ts },
      },
    ])
    const onEphemeral = ann.messageShortcut(answer, 'clone_this')
    await expect(onEphemeral).rejects.toThrow('Messages that only you see have no shortcuts.')
  })

  it('completes a workflow step once, with the outputs that the manifest promises', async () => {
    const errors: string[] = []
    app.function('clone_app', async ({ inputs, complete, client, event }) => {
      const id = event.function_execution_id
      const outputs = { seconds: 3 }
      await client.functions
        .completeSuccess({ function_execution_id: id, outputs })
        .catch(({ data }) => errors.push(data.error))
      await complete({ outputs: { job: `job of ${inputs.app}`, seconds: 3 } })
    })
    const ann = workspace.as(workspace.people.ann.id)
    const id = await ann.runStep('clone_app', { app: 'shop-api' })
    const [run] = await workspace.waitFor(() => workspace.runs()[0]?.status === 'completed' && workspace.runs())
    expect(run).toMatchObject({ id, outputs: { job: 'job of shop-api', seconds: 3 } })
    expect(errors).toEqual(['parameter_validation_failed'])
    expect(seen).toMatchObject([
      {
        event: {
          type: 'function_executed',
          function: { callback_id: 'clone_app' },
          inputs: { app: 'shop-api', person: { id: ann.id, secret: expect.stringMatching(/./) } },
          function_execution_id: id,
        },
      },
    ])

    const { functions } = new WebClient(workspace.env.SLACK_BOT_TOKEN, clientOptions(workspace))
    const again = functions.completeError({ function_execution_id: id, error: 'Too late' })
    await expect(again).rejects.toThrow('execution_not_in_running_state')
    const unknown = functions.completeError({ function_execution_id: 'Fx0', error: 'Who?' })
    await expect(unknown).rejects.toThrow('function_execution_not_found')
    const token = String(Object(seen[0]?.event).bot_access_token)
    const dead = new WebClient(token, clientOptions(workspace)).chat.postMessage({ channel: 'C1', text: 'Hi' })
    await expect(dead).rejects.toThrow('token_revoked')
    await expect(ann.runStep('clone_app', { ask: 'yes' })).rejects.toThrow('app is required. ask must be a boolean.')
    const forged = ann.runStep('clone_app', { app: 'shop-api', person: { id: 'U9', secret: 'x' } })
    await expect(forged).rejects.toThrow('Slack sets person, and nobody else can.')
  })

  it('hears choices, overflow menus and buttons in a reply of a thread', async () => {
    app.action(/.*/, ({ ack }) => ack())
    const ann = workspace.as(workspace.people.ann.id)
    const channel = workspace.channels.platform.id
    const { chat } = new WebClient(workspace.env.SLACK_BOT_TOKEN, clientOptions(workspace))
    const { ts: root = '' } = await chat.postMessage({ channel, text: 'Root' })
    const [menu, date, people] = [
      { type: 'overflow' as const, action_id: 'more', options: [option('mute'), option('stop')] },
      { type: 'datepicker' as const, action_id: 'until' },
      { type: 'multi_users_select' as const, action_id: 'who' },
    ]
    const elements = [button('approve', 'Approve'), menu, date, people]
    const blocks = [section('Approve?'), { type: 'actions' as const, block_id: 'all', elements }]
    const { ts = '' } = await chat.postMessage({ channel, thread_ts: root, text: 'Approve?', blocks })
    await ann.click({ channel, ts }, 'approve')
    await ann.pick({ channel, ts }, 'more', 'stop')
    await ann.pick({ channel, ts }, 'until', '2026-12-24')
    await ann.pick({ channel, ts }, 'who', [workspace.people.bo.id])
    const container = { type: 'message', message_ts: ts, thread_ts: root, channel_id: channel }
    expect(seen).toMatchObject([
      { container, message: { ts, thread_ts: root }, actions: [{ action_id: 'approve', type: 'button' }] },
      { container, actions: [{ type: 'overflow', selected_option: { value: 'stop' } }] },
      { container, actions: [{ type: 'datepicker', selected_date: '2026-12-24' }] },
      {
        actions: [{ selected_users: [workspace.people.bo.id] }],
        state: { values: { all: { until: { selected_date: '2026-12-24' }, who: { type: 'multi_users_select' } } } },
      },
    ])
  })
})

describe('the Web API', () => {
  let workspace: Workspace
  const client = () => new WebClient(workspace.env.SLACK_BOT_TOKEN, clientOptions(workspace))
  afterEach(() => workspace.close())

  it('puts a reaction under a message once, and takes it away once', async () => {
    workspace = await startWorkspace({ manifest })
    const channel = workspace.channels.platform.id
    const { reactions, chat } = client()
    const { ts: timestamp = '' } = await chat.postMessage({ channel, text: 'Hello' })
    const reaction = { channel, timestamp, name: 'white_check_mark' }
    const shown = () => workspace.as(workspace.people.ann.id).messages(channel)[0]?.reactions
    await reactions.add(reaction)
    expect(shown()).toEqual([{ name: 'white_check_mark', users: [workspace.bot.id] }])
    await expect(reactions.add(reaction)).rejects.toThrow('already_reacted')
    await chat.update({ channel, ts: timestamp, text: 'Hello again' })
    expect(shown()).toHaveLength(1)
    await reactions.remove(reaction)
    expect(shown()).toBeUndefined()
    await expect(reactions.remove(reaction)).rejects.toThrow('no_reaction')
    await expect(reactions.add({ ...reaction, timestamp: '1.2' })).rejects.toThrow('message_not_found')
    await expect(reactions.add({ ...reaction, name: 'No Emoji!' })).rejects.toThrow('invalid_name')
  })

  it('shares an uploaded file in direct messages', async () => {
    workspace = await startWorkspace({ manifest })
    const { ann } = workspace.people
    const opened = await client().conversations.open({ users: ann.id })
    expect(opened.channel?.id).toBe(ann.directChannel)
    await client().filesUploadV2({
      channel_id: ann.directChannel,
      filename: 'history.csv',
      title: 'History',
      content: 'job,who\nk7f3q,ann\n',
      initial_comment: 'Here is your history',
    })
    const [message] = workspace.as(ann.id).messages(ann.directChannel)
    expect(message).toMatchObject({
      text: 'Here is your history',
      isBot: true,
      files: [{ name: 'history.csv', title: 'History', size: 18 }],
    })
    const file = await fetch(message?.files?.[0]?.url ?? '')
    expect([file.headers.get('content-disposition'), await file.text()]).toEqual([
      'attachment; filename="history.csv"',
      'job,who\nk7f3q,ann\n',
    ])
    const elsewhere = client().files.completeUploadExternal({ files: [{ id: 'F1' }], channel_id: ann.id })
    await expect(elsewhere).rejects.toThrow('channel_not_found')
  })

  it('wants a scope for reactions, files and opening conversations', async () => {
    workspace = await startWorkspace({ scopes: ['chat:write'] })
    const channel = workspace.channels.platform.id
    const { chat, reactions, files, conversations } = client()
    const { ts: timestamp = '' } = await chat.postMessage({ channel, text: 'Hello' })
    for (const [call, needed] of [
      [reactions.add({ channel, timestamp, name: 'x' }), 'reactions:write'],
      [files.getUploadURLExternal({ filename: 'a.csv', length: 1 }), 'files:write'],
    ] as const) {
      await expect(call).rejects.toMatchObject({ data: { error: 'missing_scope', needed } })
    }
    await expect(conversations.open({ users: workspace.people.ann.id })).rejects.toThrow('missing_scope')
  })
})

describe('the manifest', () => {
  it('has Slack’s limits for shortcuts, and steps only with an installation for the organisation', () => {
    const read = (more: ManifestInput) => () => readManifest({ ...manifest, ...more })
    const [first] = shortcuts
    if (!first) throw new Error('There is no shortcut.')
    expect(read({})).not.toThrow()
    expect(read({ features: { shortcuts: Array(11).fill(first) } })).toThrow()
    expect(read({ features: { shortcuts: [{ ...first, name: 'x'.repeat(25) }] } })).toThrow()
    expect(read({ features: { shortcuts: [{ ...first, description: 'x'.repeat(151) }] } })).toThrow()
    expect(read({ settings: {} })).toThrow('functions need settings.org_deploy_enabled')
  })

  it('of the repository is one that Slack takes', () => {
    const { features, oauth_config } = readManifest()
    expect(features.slash_commands.map(({ command }) => command)).toContain('/clone-app')
    expect(oauth_config.scopes.bot).toContain('chat:write')
  })
})
