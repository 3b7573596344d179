/** The sandbox's Slack, used by a tiny real Bolt app over HTTP and over Socket Mode, and by the page. */
import type { App } from '@slack/bolt'
import { WebClient } from '@slack/web-api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import type { Snapshot } from '../../sandbox/slack/protocol.js'
import { startWorkspace, type Workspace } from '../../sandbox/slack/workspace.js'
import { clientOptions, type Mode, option, type Payload, plain, startBot, teach } from './tiny-bot.js'

/** These tests are about content, not speed: a busy machine must not make them fail. */
const ACK_TIMEOUT_MS = 30_000

describe.each<Mode>(['http', 'socket'])('a bot over %s', (mode) => {
  let workspace: Workspace
  let app: App
  let seen: Payload[]

  beforeEach(async () => {
    workspace = await startWorkspace({ ackTimeoutMs: ACK_TIMEOUT_MS })
    app = await startBot(workspace, mode)
    seen = []
    teach(app, seen)
  })
  afterEach(async () => {
    await app.stop()
    await workspace.close()
  })

  it('takes a person from the command through the form to a message and its buttons', async () => {
    const ann = workspace.as(workspace.people.ann.id)
    const { platform, deploys } = workspace.channels
    await ann.write(deploys.id, '/clone-app')
    const first = await ann.waitForView()
    expect(first).toMatchObject({ callback_id: 'form', submit: plain('Clone it') })

    expect(await ann.options('app', 'pe')).toEqual([option('pear')])
    await ann.choose('app', 'pear')
    const second = await ann.waitForView((view) => view.hash !== first.hash)
    expect(second).toMatchObject({ id: first.id, private_metadata: '{"chosen":"pear"}' })

    expect(await ann.submit()).toEqual({ name: 'Please complete this required field.' })
    expect(await ann.submit({ name: 'taken' })).toEqual({ name: 'That name is taken.' })
    expect(await ann.submit({ name: 'peach' })).toEqual({})
    expect(ann.topView()).toBeUndefined()

    const posted = await ann.waitForMessage((message) => message.text === 'Cloning pear as peach')
    expect(posted).toMatchObject({ channel: platform.id, user: workspace.bot.id, isBot: true, isEdited: false })
    await workspace.as(workspace.people.bo.id).click(posted, 'finish')
    const finished = await ann.waitForMessage((message) => message.text === 'Cloned')
    expect(finished).toMatchObject({ ts: posted.ts, blocks: [], isEdited: true })
  })

  it('sends payloads like Slack’s', async () => {
    const { ann } = workspace.people
    const person = workspace.as(ann.id)
    const { platform } = workspace.channels
    const user = { id: ann.id, username: 'ann', name: 'ann', team_id: workspace.team.id }
    const all = { user, team: { id: workspace.team.id, domain: 'woolworks' }, api_app_id: workspace.bot.appId }
    const stateOf = (chosen: unknown) => ({
      values: {
        app: { pick: { type: 'external_select', selected_option: chosen } },
        name: { text: { type: 'plain_text_input', value: null } },
      },
    })

    await person.write(platform.id, '/clone-app  hoody  clone & more')
    const view = await person.waitForView()
    await person.choose('app', 'apple')
    await person.waitForView(({ hash }) => hash !== view.hash)
    await person.submit({ name: 'n' })
    const posted = await person.waitForMessage((message) => message.isBot)
    await person.click(posted, 'finish')
    await workspace.waitFor(() => workspace.calls('chat.update').length)

    const [command, options, choice, submission, click] = seen
    expect(command).toMatchObject({
      command: '/clone-app',
      text: 'hoody  clone &amp; more',
      user_id: ann.id,
      user_name: 'ann',
      channel_id: platform.id,
      channel_name: 'platform',
      team_id: workspace.team.id,
      response_url: expect.stringContaining(`${workspace.url}/response/`),
    })
    expect(options).toMatchObject({
      ...all,
      type: 'block_suggestion',
      block_id: 'app',
      action_id: 'pick',
      value: '',
      container: { type: 'view', view_id: view.id },
      view: { id: view.id, private_metadata: '{"chosen":""}', state: { values: {} } },
    })
    expect(choice).toMatchObject({
      ...all,
      type: 'block_actions',
      actions: [{ type: 'external_select', block_id: 'app', action_id: 'pick', selected_option: option('apple') }],
      view: { id: view.id, hash: view.hash, root_view_id: view.id, state: stateOf(option('apple')) },
    })
    expect(choice).not.toHaveProperty('response_url')
    expect(submission).toMatchObject({
      ...all,
      type: 'view_submission',
      view: { callback_id: 'form' },
      response_urls: [],
    })
    expect(click).toMatchObject({
      ...all,
      type: 'block_actions',
      channel: { id: platform.id, name: 'platform' },
      container: { type: 'message', message_ts: posted.ts, channel_id: platform.id, is_ephemeral: false },
      message: { ts: posted.ts, text: 'Cloning apple as n', user: workspace.bot.id },
      actions: [{ type: 'button', block_id: 'buttons', action_id: 'finish', value: 'v', text: plain('Finish') }],
    })
    const triggers = [command, choice, submission, click].map((payload) => payload?.trigger_id)
    expect(new Set(triggers).size).toBe(4)
    expect(triggers).not.toContain(undefined)
  })

  it('shows an acknowledgement to the person or to everyone, and later answers through the response URL', async () => {
    const { ann, bo } = workspace.people
    const { random } = workspace.channels
    for (const word of ['help', 'aloud', 'later']) await workspace.as(ann.id).write(random.id, `/clone-app ${word}`)
    await workspace.as(ann.id).waitForMessage(({ text }) => text === 'Two')
    const read = (id: string) =>
      workspace
        .as(id)
        .messages(random.id)
        .map(({ text, isEphemeral }) => [text, isEphemeral])
    expect(read(ann.id)).toEqual([
      ['How to clone', true],
      ['Heard by all', false],
      ['One', true],
      ['Two', false],
    ])
    expect(read(bo.id)).toEqual([
      ['Heard by all', false],
      ['Two', false],
    ])
  })

  it('replaces a message through the response URL of its button', async () => {
    const ann = workspace.as(workspace.people.ann.id)
    await ann.write(workspace.channels.platform.id, '/clone-app')
    await ann.waitForView()
    await ann.submit({ app: 'pear', name: 'peach' })
    const posted = await ann.waitForMessage(({ isBot }) => isBot)
    await ann.click(posted, 'remove')
    const replaced = await ann.waitForMessage(({ text }) => text === 'Removed')
    expect(replaced.ts).toBe(posted.ts)
  })

  it('stacks a pushed form, and clears all of them', async () => {
    const ann = workspace.as(workspace.people.ann.id)
    await ann.write(workspace.channels.platform.id, '/clone-app')
    await ann.waitForView()
    await ann.submit({ app: 'pear', name: 'sure' })
    expect(ann.snapshot().views.map((view) => view.callback_id)).toEqual(['form', 'sure'])
    await ann.submit()
    expect(ann.snapshot().views).toEqual([])
  })

  it('notifies the bot of a closed form with notify_on_close', async () => {
    const ann = workspace.as(workspace.people.ann.id)
    await ann.write(workspace.channels.platform.id, '/clone-app')
    const view = await ann.waitForView()
    await ann.close()
    expect(ann.topView()).toBeUndefined()
    expect(seen.at(-1)).toMatchObject({ type: 'view_closed', is_cleared: false, view: { id: view.id } })
  })
})

it.each<Mode>(['http', 'socket'])(
  'shows the person a timeout when the bot over %s acknowledges too late',
  async (mode) => {
    const workspace = await startWorkspace({ ackTimeoutMs: 30 })
    const app = await startBot(workspace, mode)
    teach(app, [])
    const ann = workspace.as(workspace.people.ann.id)
    await ann.write(workspace.channels.platform.id, '/clone-app silence')
    const [notice] = ann.messages(workspace.channels.platform.id)
    expect(notice).toMatchObject({
      text: '/clone-app failed with the error "operation_timeout"',
      isEphemeral: true,
      user: 'USLACKBOT',
    })
    await app.stop()
    await workspace.close()
  },
)

describe('the socket', () => {
  it('moves a bot to a new connection without losing a payload', async () => {
    const workspace = await startWorkspace({ ackTimeoutMs: ACK_TIMEOUT_MS })
    const app = await startBot(workspace, 'socket')
    const other = await startBot(workspace, 'socket')
    const seen: Payload[] = []
    teach(app, seen)
    teach(other, seen)
    expect(workspace.connections()).toBe(2)
    workspace.disconnect('warning')
    expect(workspace.connections()).toBe(0)
    await workspace.waitFor(() => workspace.connections() === 2)
    const ann = workspace.as(workspace.people.ann.id)
    for (let turn = 0; turn < 4; turn += 1) await ann.write(workspace.channels.platform.id, '/clone-app help')
    expect(ann.messages(workspace.channels.platform.id).map(({ text }) => text)).toEqual(Array(4).fill('How to clone'))
    expect(seen).toHaveLength(4)
    await Promise.all([app.stop(), other.stop()])
    await workspace.waitFor(() => workspace.connections() === 0)
    await ann.write(workspace.channels.platform.id, '/clone-app help')
    expect(ann.messages(workspace.channels.platform.id).at(-1)?.text).toBe(
      '/clone-app failed with the error "dispatch_failed"',
    )
    await workspace.close()
  })

  it('refuses a wrong token, a used ticket and an eleventh connection', async () => {
    const workspace = await startWorkspace({ ackTimeoutMs: ACK_TIMEOUT_MS })
    const open = (token: string) => new WebClient(token, clientOptions(workspace)).apps.connections.open({})
    await expect(open('xapp-wrong')).rejects.toThrow('invalid_auth')
    await expect(open(workspace.env.SLACK_BOT_TOKEN)).rejects.toThrow('not_allowed_token_type')
    const ticket = async () => (await open(workspace.env.SLACK_APP_TOKEN)).url ?? ''
    const firstWord = (url: string) =>
      new Promise<unknown>((resolve) => {
        const socket = new WebSocket(url)
        socket.on('message', (data) => resolve(JSON.parse(data.toString())))
        socket.on('error', (error) => resolve(error.message))
      })
    const url = await ticket()
    expect(await firstWord(url)).toMatchObject({ type: 'hello', num_connections: 1 })
    expect(await firstWord(url)).toContain('401')
    for (let connection = 2; connection <= 10; connection += 1) await firstWord(await ticket())
    expect(workspace.connections()).toBe(10)
    expect(await firstWord(await ticket())).toMatchObject({ type: 'disconnect', reason: 'too_many_websockets' })
    await workspace.close()
  })
})

describe('the page’s API', () => {
  let workspace: Workspace
  beforeEach(async () => {
    workspace = await startWorkspace({ page: (_, res) => res.end('the page') })
  })
  afterEach(() => workspace.close())

  const ask = async (what: string, body: unknown): Promise<unknown> =>
    (
      await fetch(`${workspace.url}/sandbox/${what}`, { method: 'POST', body: JSON.stringify(body), headers: json })
    ).json()

  it('streams a snapshot on every change, and drops ephemeral messages on reload', async () => {
    const user = workspace.people.ann.id
    const channel = workspace.channels.random.id
    const open = await snapshots(workspace, user)
    expect(await open.next()).toMatchObject({ team: 'Woolworks', me: { realName: 'Ann Baker' }, messages: [] })
    expect(await ask('message', { user, channel, text: 'Hello' })).toEqual({ ok: true })
    expect((await open.next()).messages).toMatchObject([{ text: 'Hello', user, isBot: false }])
    expect(await ask('command', { user, channel, text: '/dance' })).toEqual({ ok: true })
    expect((await open.next()).messages.at(-1)).toMatchObject({
      text: '/dance is not a valid command.',
      isEphemeral: true,
    })
    open.close()
    const again = await snapshots(workspace, user)
    expect((await again.next()).messages).toHaveLength(1)
    again.close()
  })

  it('gives a page without a person the first one', async () => {
    const open = await snapshots(workspace, 'UGONE')
    expect((await open.next()).me.id).toBe(workspace.people.ann.id)
    open.close()
  })

  it('sets switches, answers errors with a sentence, and leaves other paths to the page', async () => {
    expect(await ask('switch', { of: 'slack', id: 'down', value: true })).toEqual({ ok: true })
    expect(workspace.switches().find(({ id }) => id === 'down')?.on).toBe(true)
    const { id } = workspace.people.ann
    expect(await ask('submit', { user: id, viewId: 'V0', values: {} })).toEqual({
      ok: false,
      error: 'That form is no longer open.',
    })
    expect(await ask('dance', {})).toMatchObject({ ok: false })
    expect(await (await fetch(`${workspace.url}/`)).text()).toBe('the page')
  })
})

const json = { 'content-type': 'application/json' }

/** Reads the event stream one snapshot at a time. */
async function snapshots(workspace: Workspace, user: string) {
  const stop = new AbortController()
  const response = await fetch(`${workspace.url}/sandbox/events?user=${user}`, { signal: stop.signal })
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  async function next(): Promise<Snapshot> {
    const end = text.indexOf('\n\n')
    if (end >= 0) {
      const line = text.slice(0, end)
      text = text.slice(end + 2)
      return JSON.parse(line.replace('data: ', ''))
    }
    text += (await reader?.read())?.value ?? ''
    return next()
  }
  return { next, close: () => stop.abort() }
}
