/** What a person can do in Slack, the payload each action sends, and what the bot's acknowledgement changes. */
import { z } from 'zod'
import { BOT } from './backend.js'
import { OptionsAnswer } from './block-kit.js'
import { type Core, perform, postEphemeral, Refusal } from './core.js'
import type { Delivery, PayloadKind } from './delivery.js'
import { directMessage, homeOpened } from './events.js'
import { inputErrors, inputsOf } from './inputs.js'
import { asList, asObject, asText, type Json } from './json.js'
import {
  closedPayload,
  commandPayload,
  escaped,
  messageActionPayload,
  optionsPayload,
  submissionPayload,
  viewActionPayload,
} from './payloads.js'
import type { HomeTab, Person, StateValues } from './protocol.js'
import { RESPONSE_PATH, respond } from './respond.js'
import { type HomeView, SLACKBOT, type SlackView, type StoredChannel } from './state.js'
import { closeView, pushView, updateView } from './views.js'

/** Where a click happened. */
export type Source = { viewId: string } | { channel: string; ts: string }

/** Writes an ordinary message, or runs a command if the text starts with a slash. */
export async function write(
  core: Core,
  user: string,
  channelId: string,
  text: string,
  threadTs?: string,
): Promise<void> {
  const person = personOf(core, user)
  const channel = channelOf(core, channelId)
  if (text.startsWith('/')) return command(core, person, channel, text)
  const body = { channel: channel.id, text: escaped(text), ...(threadTs ? { thread_ts: threadTs } : {}) }
  const { messages_tab_enabled: isOn, messages_tab_read_only_enabled: isReadOnly } = core.manifest.features.app_home
  if (channel.directWith && (!isOn || isReadOnly))
    throw new Refusal('Sending messages to this app has been turned off.')
  const answer = await perform(core, 'chat.postMessage', body, person.name)
  if (answer.ok !== true) throw new Refusal(`The message wasn't sent: ${asText(answer.error)}.`)
  if (channel.directWith)
    await directMessage(core, person, channel, { ts: asText(answer.ts), text: body.text, threadTs })
}

/** Opens a tab of the app's home; a tab that the manifest has off can't be opened. */
export async function openHome(core: Core, user: string, tab: HomeTab): Promise<void> {
  const { home_tab_enabled, messages_tab_enabled } = core.manifest.features.app_home
  const isOn = tab === 'home' ? home_tab_enabled : messages_tab_enabled
  const channel = [...core.state.channels.values()].find(({ directWith }) => directWith === user)
  if (!isOn || !channel) throw new Refusal(`This app has no ${tab} tab.`)
  await homeOpened(core, personOf(core, user), channel, tab)
}

async function command(core: Core, person: Person, channel: StoredChannel, line: string): Promise<void> {
  const [, word = '', text = ''] = /^(\S+)\s*(.*)$/s.exec(line.trim()) ?? []
  const fromSlack = (sentence: string) => postEphemeral(core, person.id, channel.id, { text: sentence }, SLACKBOT)
  if (word === '/invite' || word === '/remove') {
    const sentence = await changeMembership(core, person, channel, word, text)
    await fromSlack(sentence)
    return
  }
  if (!core.commands.some((known) => known.command === word)) {
    await fromSlack(`${word} is not a valid command.`)
    return
  }
  const context = { user: person.id, channel: channel.id }
  const delivery = await core.deliver(
    'slash_commands',
    commandPayload({
      person,
      channel,
      command: word,
      text: escaped(text),
      triggerId: core.triggers.issue({ user: person.id }),
      responseUrl: responseUrl(core, context),
    }),
  )
  const answer = await shownAcknowledgement(core, context, delivery)
  if (answer.ok !== true) await fromSlack(`${word} failed with the error "${asText(answer.error)}"`)
}

/** An empty acknowledgement of a command shows nothing. */
async function shownAcknowledgement(
  core: Core,
  context: { user: string; channel: string },
  delivery: Delivery,
): Promise<Json> {
  if (!delivery.ok) return delivery
  const { text, blocks } = delivery.body
  return text === undefined && blocks === undefined ? { ok: true } : respond(core, context, delivery.body)
}

async function changeMembership(core: Core, person: Person, channel: StoredChannel, word: string, who: string) {
  if (who.replace('@', '') !== BOT.name) return `No one here is called ${who}.`
  const answer =
    word === '/invite'
      ? await perform(core, 'conversations.invite', { channel: channel.id, users: BOT.id }, person.name)
      : await perform(core, 'conversations.kick', { channel: channel.id, user: BOT.id }, person.name)
  if (answer.ok !== true) return `That did not work: ${asText(answer.error)}.`
  return word === '/invite'
    ? `You added @${BOT.name} to #${channel.name}.`
    : `You removed @${BOT.name} from #${channel.name}.`
}

/** The list of an external select, as `{ options }` or `{ option_groups }`. */
export async function options(
  core: Core,
  user: string,
  viewId: string,
  blockId: string,
  actionId: string,
  value: string,
): Promise<Json> {
  const view = shownView(core, user, viewId)
  const payload = optionsPayload({ person: personOf(core, user), view, blockId, actionId, value })
  const answer = OptionsAnswer.safeParse(await delivered(core, 'interactive', payload))
  if (!answer.success) throw new Refusal(`Slack does not take this list: ${z.prettifyError(answer.error)}`)
  return answer.data
}

/** A click or a choice. `action` is the element's state with its type, action_id and block_id; `values` the whole form. */
export async function act(
  core: Core,
  user: string,
  source: Source,
  action: Json,
  values: StateValues = {},
): Promise<void> {
  const person = personOf(core, user)
  const stamped = { ...action, action_ts: `${(core.now() / 1000).toFixed(6)}` }
  await delivered(core, 'interactive', 'viewId' in source ? inView(source.viewId) : inMessage(source))

  function inView(viewId: string): Json {
    const view = shownView(core, user, viewId)
    const triggerId = core.triggers.issue({ user, viewId })
    return viewActionPayload({ person, view, values, action: stamped, triggerId })
  }

  function inMessage({ channel: channelId, ts }: { channel: string; ts: string }): Json {
    const channel = channelOf(core, channelId)
    const message = core.state.message(channelId, ts)
    if (!message || (message.audience ?? user) !== user) throw new Refusal('That message is gone.')
    const triggerId = core.triggers.issue({ user })
    const url = responseUrl(core, { user, channel: channelId, messageTs: ts })
    return messageActionPayload({ person, channel, message, values, action: stamped, triggerId, responseUrl: url })
  }
}

/** Submits a form. Returns the errors beside the fields by block id; empty if the form was accepted. */
export async function submit(
  core: Core,
  user: string,
  viewId: string,
  values: StateValues,
): Promise<Record<string, string>> {
  const view = viewOf(core, user, viewId)
  const missing = inputErrors(view.blocks, values)
  if (Object.keys(missing).length > 0) return missing
  const triggerId = core.triggers.issue({ user, viewId })
  const body = await delivered(
    core,
    'interactive',
    submissionPayload({ person: personOf(core, user), view, values, triggerId }),
  )
  if (body.response_action === 'errors') return fieldErrors(view, body.errors)
  if (body.response_action === 'update') accepted(await updateView(core, { view_id: view.id, view: body.view }))
  else if (body.response_action === 'push') accepted(await pushView(core, user, body.view))
  else if (body.response_action === 'clear') await closeView(core, user, view, true)
  else if (Object.keys(body).length === 0) await closeView(core, user, view)
  else throw new Refusal(`Slack does not know the response_action ${String(body.response_action)}.`)
  return {}
}

/** Closes a form. The bot is notified if the view has `notify_on_close`. */
export async function dismiss(core: Core, user: string, viewId: string): Promise<void> {
  const view = viewOf(core, user, viewId)
  await closeView(core, user, view, view.clear_on_close)
  if (!view.notify_on_close) return
  await delivered(
    core,
    'interactive',
    closedPayload({ person: personOf(core, user), view, isCleared: view.clear_on_close }),
  )
}

/** Slack shows errors only beside inputs; an error for anything else makes it refuse the whole answer. */
function fieldErrors(view: SlackView, given: unknown): Record<string, string> {
  const errors = z.record(z.string(), z.string().min(1)).safeParse(given)
  const inputs = new Set(inputsOf(view.blocks).map((input) => (input.block.type === 'input' ? input.blockId : '')))
  const stray = Object.keys(asObject(given)).filter((blockId) => !inputs.has(blockId))
  if (!errors.success || Object.keys(errors.data).length === 0 || stray.length > 0) {
    throw new Refusal(
      `Slack does not take these errors; they must be beside inputs of the form: ${JSON.stringify(given)}`,
    )
  }
  return errors.data
}

function accepted(answer: Json): void {
  if (answer.ok === true) return
  const messages = asList(asObject(answer.response_metadata).messages).join('; ')
  throw new Refusal(`Slack does not take this view: ${asText(answer.error)} ${messages}`)
}

export async function delivered(core: Core, kind: PayloadKind, payload: Json): Promise<Json> {
  const delivery = await core.deliver(kind, payload)
  if (delivery.ok) return delivery.body
  throw new Refusal(
    delivery.error === 'operation_timeout'
      ? 'Dolly did not answer in time (operation_timeout). Try again.'
      : `Dolly can't be reached (${delivery.error}). Check that it's running, then try again.`,
  )
}

export function responseUrl(core: Core, context: { user: string; channel: string; messageTs?: string }): string {
  return `${core.url}${RESPONSE_PATH}${core.responseUrls.issue(context)}`
}

export function personOf(core: Core, user: string): Person {
  const person = core.backend.people.find((one) => one.id === user)
  if (!person) throw new Refusal(`There is no person ${user} in this workspace.`)
  return person
}

export function channelOf(core: Core, id: string): StoredChannel {
  const channel = core.state.channels.get(id)
  if (!channel) throw new Refusal(`There is no channel ${id} in this workspace.`)
  return channel
}

/** An open form, or the person's Home tab. */
function shownView(core: Core, user: string, viewId: string): SlackView | HomeView {
  const home = core.state.home(user)
  return home?.id === viewId ? home : viewOf(core, user, viewId)
}

function viewOf(core: Core, user: string, viewId: string): SlackView {
  const view = core.state.stack(user).find((one) => one.id === viewId)
  if (!view) throw new Refusal('That form is no longer open.')
  return view
}
