/** A tiny real Bolt app for testing the sandbox's Slack, and its blocks. */
import { App, type BlockAction, type BlockButtonAction, type Logger, LogLevel, SocketModeReceiver } from '@slack/bolt'
import type { Workspace } from '../../sandbox/slack/workspace.js'

export type Mode = 'http' | 'socket'
export type Payload = Record<string, unknown>

export const plain = (text: string) => ({ type: 'plain_text' as const, text })
export const option = (value: string) => ({ text: plain(`The ${value}`), value })
export const button = (action_id: string, text: string) => ({
  type: 'button' as const,
  action_id,
  text: plain(text),
  value: 'v',
})
export const section = (text: string) => ({ type: 'section' as const, text: { type: 'mrkdwn' as const, text } })

export function form(chosen = '', hint?: string) {
  return {
    type: 'modal' as const,
    callback_id: 'form',
    title: plain('Clone'),
    submit: plain('Clone it'),
    private_metadata: JSON.stringify({ chosen }),
    notify_on_close: true,
    blocks: [
      {
        type: 'input' as const,
        block_id: 'app',
        dispatch_action: true,
        label: plain('App'),
        element: { type: 'external_select' as const, action_id: 'pick', min_query_length: 0 },
      },
      {
        type: 'input' as const,
        block_id: 'name',
        label: plain('Name'),
        ...(hint ? { hint: plain(hint) } : {}),
        element: { type: 'plain_text_input' as const, action_id: 'text' },
      },
    ],
  }
}

/** Keeps whatever the app is sent, in order, and returns where. */
export function watch(app: App, seen: Payload[] = []): Payload[] {
  app.use(async ({ body, next }) => {
    seen.push({ ...body })
    await next()
  })
  return seen
}

/** Answers `/clone-app`, draws a form that depends on its first field, and posts a message with two buttons. */
export function teach(app: App, seen: Payload[]): void {
  watch(app, seen)
  app.command('/clone-app', async ({ command, ack, client, respond }) => {
    if (command.text === 'help') return ack('How to clone')
    if (command.text === 'aloud') return ack({ response_type: 'in_channel', text: 'Heard by all' })
    if (command.text === 'silence') return
    await ack()
    if (command.text === 'later') {
      await respond('One')
      await respond({ text: 'Two', response_type: 'in_channel' })
      return
    }
    await client.views.open({ trigger_id: command.trigger_id, view: form() })
  })
  app.options('pick', async ({ payload, ack }) => {
    const values = ['apple', 'pear'].filter((value) => value.includes(payload.value))
    await ack({ options: values.map(option) })
  })
  app.action<BlockAction>('pick', async ({ body, action, ack, client }) => {
    await ack()
    if (!body.view || !('selected_option' in action)) return
    const { id, hash } = body.view
    const chosen = action.selected_option && 'value' in action.selected_option ? action.selected_option.value : ''
    await client.views.update({ view_id: id, hash, view: form(chosen, `A clone of ${chosen}`) })
  })
  app.view('form', async ({ view, ack, client }) => {
    const name = view.state.values.name?.text?.value ?? ''
    if (name === 'taken') return ack({ response_action: 'errors', errors: { name: 'That name is taken.' } })
    if (name === 'sure') {
      return ack({
        response_action: 'push',
        view: {
          type: 'modal',
          callback_id: 'sure',
          title: plain('Sure?'),
          submit: plain('Yes'),
          blocks: [section('Sure?')],
        },
      })
    }
    await ack()
    const { chosen } = JSON.parse(view.private_metadata)
    await client.chat.postMessage({
      channel: '#platform',
      text: `Cloning ${chosen} as ${name}`,
      blocks: [
        section(`Cloning ${chosen} as ${name}`),
        { type: 'actions', block_id: 'buttons', elements: [button('finish', 'Finish'), button('remove', 'Remove')] },
      ],
    })
  })
  app.view('sure', async ({ ack }) => ack({ response_action: 'clear' }))
  app.view({ callback_id: 'form', type: 'view_closed' }, async ({ ack }) => ack())
  app.action<BlockButtonAction>('finish', async ({ body, ack, client }) => {
    await ack()
    await client.chat.update({ channel: body.channel?.id ?? '', ts: body.message?.ts ?? '', text: 'Cloned' })
  })
  app.action('remove', async ({ ack, respond }) => {
    await ack()
    await respond({ replace_original: true, text: 'Removed' })
  })
}

/** Logs nothing, because many tests provoke refused calls. */
const logger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  setLevel() {},
  setName() {},
  getLevel: () => LogLevel.ERROR,
}

/** Options of a client for the workspace that never repeats a call. */
export function clientOptions(workspace: Workspace) {
  return {
    slackApiUrl: workspace.env.SLACK_API_URL,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    logger,
  }
}

/** Starts a bot without any listeners. */
export async function startBot(workspace: Workspace, mode: Mode): Promise<App> {
  const { SLACK_BOT_TOKEN: token, SLACK_SIGNING_SECRET: signingSecret, SLACK_APP_TOKEN: appToken } = workspace.env
  const shared = { token, clientOptions: clientOptions(workspace), logLevel: LogLevel.ERROR }
  if (mode === 'http') {
    const app = new App({ ...shared, signingSecret })
    const server = await app.start(0)
    const address = 'address' in server ? server.address() : null
    if (typeof address !== 'object' || !address) throw new Error('The bot does not listen.')
    workspace.setRequestUrl(`http://127.0.0.1:${address.port}/slack/events`)
    return app
  }
  const receiver = new SocketModeReceiver({
    appToken,
    clientPingTimeout: 100,
    logLevel: LogLevel.ERROR,
    installerOptions: { clientOptions: clientOptions(workspace) },
  })
  const app = new App({ ...shared, receiver })
  await app.start()
  return app
}
