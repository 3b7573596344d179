/** The home of the app in the sandbox's Slack: its tabs, what a tiny real Bolt app publishes there, and what it hears. */
import { createServer } from 'node:http'
import type { App, BlockAction } from '@slack/bolt'
import type { KnownBlock } from '@slack/types'
import { WebClient } from '@slack/web-api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ManifestInput } from '../../sandbox/slack/manifest.js'
import { startWorkspace, type Workspace } from '../../sandbox/slack/workspace.js'
import {
  button,
  clientOptions,
  form,
  type Mode,
  option,
  type Payload,
  plain,
  section,
  startBot,
  watch,
} from './tiny-bot.js'

const manifest = {
  features: {
    app_home: { home_tab_enabled: true, messages_tab_enabled: true, messages_tab_read_only_enabled: false },
  },
  oauth_config: { scopes: { bot: ['chat:write', 'im:history'] } },
  settings: { event_subscriptions: { bot_events: ['app_home_opened', 'message.im'] } },
} satisfies ManifestInput

const home = (text: string, more: KnownBlock[] = []) => ({
  type: 'home' as const,
  callback_id: 'home',
  private_metadata: 'page 1',
  blocks: [
    section(text),
    { type: 'actions' as const, block_id: 'top', elements: [button('clone', 'Clone'), select] },
    ...more,
  ],
})
const select = {
  type: 'static_select' as const,
  action_id: 'filter',
  options: [option('mine'), option('all')],
  initial_option: option('mine'),
}

describe.each<Mode>(['http', 'socket'])('the home of an app over %s', (mode) => {
  let workspace: Workspace
  let app: App
  let seen: Payload[]

  beforeEach(async () => {
    workspace = await startWorkspace({ manifest, ackTimeoutMs: 30_000 })
    app = await startBot(workspace, mode)
    seen = watch(app)
    app.event('app_home_opened', async ({ event, client }) => {
      if (event.tab === 'home') await client.views.publish({ user_id: event.user, view: home('Welcome') })
    })
    app.event('message', async ({ event, client }) => {
      await client.chat.postMessage({ channel: event.channel, text: 'Type /clone-app' })
    })
    app.action<BlockAction>('clone', async ({ body, ack, client }) => {
      await ack()
      await client.views.open({ trigger_id: body.trigger_id, view: { ...form(), notify_on_close: false } })
    })
    app.action<BlockAction>('filter', async ({ ack, client, body }) => {
      await ack()
      await client.views.publish({ user_id: body.user.id, view: home('All jobs'), hash: body.view?.hash ?? '' })
    })
  })
  afterEach(async () => {
    await app.stop()
    await workspace.close()
  })

  it('is published when a person opens it, to that person only', async () => {
    const ann = workspace.as(workspace.people.ann.id)
    expect(ann.home()).toBeNull()
    await ann.openHome()
    expect(await ann.waitForHome()).toMatchObject({ blocks: [section('Welcome'), { block_id: 'top' }] })
    expect(workspace.as(workspace.people.bo.id).home()).toBeNull()
    await ann.openHome('messages')
    await ann.openHome()
    expect(seen).toMatchObject([
      {
        type: 'event_callback',
        event: { type: 'app_home_opened', tab: 'home', user: ann.id, channel: workspace.people.ann.directChannel },
      },
      { event: { tab: 'messages' } },
      { event: { tab: 'home', view: { type: 'home', private_metadata: 'page 1', id: ann.home()?.id } } },
    ])
    const views = seen.map(({ event }) => Object.hasOwn(Object(event), 'view'))
    expect(views).toEqual([false, false, true])
  })

  it('opens a form from a button, and changes with a choice unless someone changed it before', async () => {
    const ann = workspace.as(workspace.people.ann.id)
    await ann.openHome()
    const first = await ann.waitForHome()
    await ann.pressHome('clone')
    expect((await ann.waitForView()).callback_id).toBe('form')
    expect(seen.at(-1)).toMatchObject({
      type: 'block_actions',
      container: { type: 'view', view_id: first.id },
      view: { id: first.id, type: 'home', hash: first.hash, callback_id: 'home', root_view_id: first.id },
      actions: [{ action_id: 'clone', block_id: 'top' }],
    })
    expect(Object.keys(seen.at(-1) ?? {})).not.toEqual(expect.arrayContaining(['channel']))
    expect(Object.keys(seen.at(-1) ?? {})).not.toEqual(expect.arrayContaining(['response_url']))
    await ann.close()

    await ann.pickHome('filter', 'all')
    const second = await ann.waitForHome(({ hash }) => hash !== first.hash)
    expect(second).toMatchObject({ id: first.id, blocks: [section('All jobs'), {}] })
    const chosen = seen.find(({ actions }) => JSON.stringify(actions)?.includes('filter'))
    expect(chosen).toMatchObject({
      view: { state: { values: { top: { filter: { selected_option: { value: 'all' } } } } } },
    })
  })

  it('tells an app that reads direct messages what a person wrote in its messages tab', async () => {
    const { ann } = workspace.people
    await workspace.as(ann.id).write(ann.directChannel, 'help & more')
    await workspace.as(ann.id).waitForMessage(({ text }) => text === 'Type /clone-app')
    expect(seen[0]).toMatchObject({
      event: {
        type: 'message',
        channel_type: 'im',
        user: ann.id,
        text: 'help &amp; more',
        channel: ann.directChannel,
      },
    })
  })
})

describe('the home of an app', () => {
  let workspace: Workspace
  const client = () => new WebClient(workspace.env.SLACK_BOT_TOKEN, clientOptions(workspace))
  afterEach(() => workspace.close())

  it('refuses views that are stale, too large, of the wrong kind or for nobody', async () => {
    workspace = await startWorkspace({ manifest })
    const user_id = workspace.people.ann.id
    const { views } = client()
    const { view } = await views.publish({ user_id, view: home('One') })
    const stale = view?.hash ?? ''
    await views.publish({ user_id, view: home('Two'), hash: stale })
    await expect(views.publish({ user_id, view: home('Three'), hash: stale })).rejects.toThrow('hash_conflict')
    const wide = Array.from({ length: 98 }, () => section('x'.repeat(3000)))
    await expect(views.publish({ user_id, view: home('Four', wide) })).rejects.toThrow('view_too_large')
    const dividers = Array.from({ length: 99 }, () => ({ type: 'divider' as const }))
    await expect(views.publish({ user_id, view: home('Five', dividers) })).rejects.toThrow('invalid_arguments')
    await expect(views.publish({ user_id: 'U0NOBODY', view: home('Six') })).rejects.toThrow('user_not_found')
    await expect(client().apiCall('views.publish', { user_id, view: form() })).rejects.toThrow('invalid_arguments')
    expect(workspace.as(user_id).home()?.blocks[0]).toMatchObject(section('Two'))
  })

  it('takes no blocks and elements that belong to messages or forms', async () => {
    workspace = await startWorkspace({ manifest })
    const number = { type: 'number_input', action_id: 'n', is_decimal_allowed: false }
    const foreign = [
      { type: 'plan', title: 'P', tasks: [] },
      { type: 'alert', text: plain('A') },
      { type: 'input', label: plain('N'), element: number },
    ]
    for (const block of foreign) {
      const { blocks, ...view } = home('Home')
      const publish = client().apiCall('views.publish', {
        user_id: workspace.people.ann.id,
        view: { ...view, blocks: [...blocks, block] },
      })
      await expect(publish).rejects.toThrow('invalid_arguments')
    }
    const element = { type: 'plain_text_input' as const, action_id: 't' }
    const text = { type: 'input' as const, label: plain('T'), element }
    const { view } = await client().views.publish({ user_id: workspace.people.ann.id, view: home('Home', [text]) })
    expect(view?.blocks).toHaveLength(3)
  })

  it('has no tabs that the manifest has off, and sends no events that it does not ask for', async () => {
    workspace = await startWorkspace({ manifest: { features: { app_home: { messages_tab_enabled: false } } } })
    const user_id = workspace.people.ann.id
    const ann = workspace.as(user_id)
    await expect(client().views.publish({ user_id, view: home('Home') })).rejects.toThrow('not_enabled')
    await expect(ann.openHome()).rejects.toThrow('This app has no home tab.')
    const posted = client().chat.postMessage({ channel: user_id, text: 'Hello' })
    await expect(posted).rejects.toThrow('messages_tab_disabled')
    expect(workspace.snapshot(user_id).app).toMatchObject({ hasHome: false, hasMessages: false, isReadOnly: false })
  })

  it('lets nobody write in a messages tab that is read-only', async () => {
    const app_home = { messages_tab_read_only_enabled: true }
    workspace = await startWorkspace({ manifest: { ...manifest, features: { app_home } } })
    const { ann } = workspace.people
    const written = workspace.as(ann.id).write(ann.directChannel, 'Hello')
    await expect(written).rejects.toThrow('Sending messages to this app has been turned off.')
    expect(await client().chat.postMessage({ channel: ann.id, text: 'Hello' })).toMatchObject({ ok: true })
  })

  it('repeats an event once when the app fails, and says so', async () => {
    const attempts: unknown[] = []
    const failing = createServer((req, res) => {
      attempts.push([req.headers['x-slack-retry-num'], req.headers['x-slack-retry-reason']])
      res.writeHead(500).end()
    })
    await new Promise<void>((resolve) => failing.listen(0, '127.0.0.1', resolve))
    const address = failing.address()
    if (typeof address !== 'object' || !address) throw new Error('The server does not listen.')
    workspace = await startWorkspace({ manifest, requestUrl: `http://127.0.0.1:${address.port}/` })
    await workspace.as(workspace.people.ann.id).openHome()
    expect(attempts).toEqual([
      [undefined, undefined],
      ['1', 'http_error'],
    ])
    failing.close()
  })
})
