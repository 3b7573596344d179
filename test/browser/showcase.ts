/** The sandbox's page with a tiny app instead of Dolly, which shows everything that Slack has for apps. */
import type { App, BlockAction } from '@slack/bolt'
import type { KnownBlock } from '@slack/types'
import type { ManifestInput } from '../../sandbox/slack/manifest.js'
import { startWorkspace, type Workspace } from '../../sandbox/slack/workspace.js'
import { pageMiddleware } from '../../sandbox/web/serve.js'
import { button, option, plain, section, startBot } from '../sandbox/tiny-bot.js'

export interface Showcase {
  workspace: Workspace
  app: App
  /** Posts in #platform. Resolves with the message's ts. */
  post(text: string, blocks?: readonly KnownBlock[], threadTs?: string): Promise<string>
  stop(): Promise<void>
}

export const manifest = {
  features: {
    app_home: { home_tab_enabled: true, messages_tab_enabled: true, messages_tab_read_only_enabled: true },
    slash_commands: [{ command: '/clone-app', description: 'Clone an app', usage_hint: 'help' }],
    shortcuts: [
      { name: 'Clone an app', type: 'global', callback_id: 'clone', description: 'Opens the form' },
      { name: 'Clone this', type: 'message', callback_id: 'clone_this', description: 'Fills in the form' },
    ],
  },
  oauth_config: { scopes: { bot: ['commands', 'chat:write', 'reactions:write', 'files:write'] } },
  settings: { org_deploy_enabled: true, event_subscriptions: { bot_events: ['app_home_opened'] } },
  functions: {
    clone_app: {
      title: 'Clone an app',
      input_parameters: { preset: { type: 'string', title: 'Preset', is_required: true } },
      output_parameters: { job: { type: 'string', is_required: true } },
    },
  },
} satisfies ManifestInput

export const plan = (done: number): KnownBlock => ({
  type: 'plan',
  title: 'Copying shop-api',
  tasks: ['Copy the container', 'Start it', 'Check the address'].map((title, at) => ({
    type: 'task_card' as const,
    task_id: title,
    title,
    status: at < done ? ('complete' as const) : at === done ? ('in_progress' as const) : ('pending' as const),
  })),
})

const confirm = {
  title: plain('Delete shop-api-pr-11?'),
  text: plain('Its data dies with it.'),
  confirm: plain('Delete it'),
  deny: plain('Keep it'),
  style: 'danger' as const,
}

/** Buttons and menus of a job's message. */
export const controls: KnownBlock = {
  type: 'actions',
  block_id: 'controls',
  elements: [
    button('cancel', 'Cancel'),
    { ...button('delete', 'Delete'), style: 'danger', confirm },
    { type: 'overflow', action_id: 'more', options: [option('mute'), option('stop')] },
    { type: 'users_select', action_id: 'who', placeholder: plain('Approver') },
    { type: 'datepicker', action_id: 'until', placeholder: plain('Keep until') },
  ],
}

const page = (callback_id: string, title: string, blocks: readonly KnownBlock[]) => ({
  type: 'modal' as const,
  callback_id,
  title: plain(title),
  submit: plain('Next'),
  blocks: [...blocks],
})
const name: KnownBlock = {
  type: 'input',
  block_id: 'name',
  label: plain('Name'),
  element: { type: 'plain_text_input', action_id: 'text' },
}

/** Starts it on a free port of this machine. */
export async function startShowcase(): Promise<Showcase> {
  const workspace = await startWorkspace({ manifest, page: pageMiddleware(), ackTimeoutMs: 30_000 })
  const app = await startBot(workspace, 'http')
  teach(app)
  const { platform } = workspace.channels
  return {
    workspace,
    app,
    post: async (text, blocks = [section(text)], thread_ts) => {
      const thread = thread_ts ? { thread_ts } : {}
      const { ts = '' } = await app.client.chat.postMessage({
        channel: platform.id,
        text,
        blocks: [...blocks],
        ...thread,
      })
      return ts
    },
    stop: async () => {
      await app.stop()
      await workspace.close()
    },
  }
}

function teach(app: App): void {
  app.event('app_home_opened', async ({ event, client }) => {
    if (event.tab !== 'home') return
    const clone = { ...button('clone', 'Clone an app'), style: 'primary' as const }
    const filter = {
      type: 'static_select' as const,
      action_id: 'filter',
      placeholder: plain('All'),
      options: [option('mine')],
    }
    const blocks: KnownBlock[] = [
      { type: 'header', text: plain('Your clones') },
      { type: 'actions', block_id: 'top', elements: [clone, filter] },
      { ...section('shop-api-pr-12'), accessory: button('cancel', 'Cancel') },
    ]
    await client.views.publish({ user_id: event.user, view: { type: 'home', blocks } })
  })
  app.action<BlockAction>('clone', async ({ ack, body, client }) => {
    await ack()
    await client.views.open({ trigger_id: body.trigger_id, view: page('one', 'Clone', [name]) })
  })
  app.action<BlockAction>('filter', async ({ ack, body, client }) => {
    await ack()
    await client.views.publish({ user_id: body.user.id, view: { type: 'home', blocks: [section('Only yours')] } })
  })
  app.action<BlockAction>(/^(cancel|delete|more|who|until)$/, async ({ ack, action, respond }) => {
    await ack()
    const { type: _, block_id: __, ...said } = { ...action }
    await respond({ response_type: 'ephemeral', replace_original: false, text: `Heard ${summary(said)}` })
  })
  app.shortcut('clone', async ({ ack, shortcut, client }) => {
    await ack()
    await client.views.open({ trigger_id: shortcut.trigger_id, view: page('one', 'Clone', [name]) })
  })
  app.shortcut('clone_this', async ({ ack, shortcut, client }) => {
    await ack()
    const text = 'message' in shortcut ? (shortcut.message.text ?? '') : ''
    await client.views.open({
      trigger_id: shortcut.trigger_id,
      view: page('one', 'Clone', [section(`From: ${text}`), name]),
    })
  })
  app.view('one', async ({ ack }) => {
    await ack({ response_action: 'update', view: page('two', 'Sure?', [section('*Overwrite billing in production*')]) })
  })
  app.view('two', async ({ ack }) => {
    await ack({ response_action: 'push', view: page('three', 'Really?', [section('Really?')]) })
  })
  app.function('clone_app', async ({ complete, inputs }) => {
    await complete({ outputs: { job: `job of ${inputs.preset}` } })
  })
}

function summary(action: Record<string, unknown>): string {
  const option = action.selected_option
  const value = typeof option === 'object' && option !== null && 'value' in option ? option.value : ''
  return [action.action_id, value, action.selected_user, action.selected_date].filter(Boolean).join(' ')
}
