/** The payloads Slack sends to a bot, field by field as Bolt's types describe them. Pure. */
import { BOT, TEAM } from './backend.js'
import { asObject, asText, type Json } from './json.js'
import type { Person, StateValues } from './protocol.js'
import type { HomeView, SlackView, StoredMessage } from './state.js'

/** Slack's verification token: long deprecated, but still in every payload. */
export const TOKEN = 'sandbox-verification-token'

export function commandPayload(details: {
  person: Person
  channel: { id: string; name: string }
  command: string
  text: string
  triggerId: string
  responseUrl: string
}): Json {
  return {
    token: TOKEN,
    team_id: TEAM.id,
    team_domain: TEAM.domain,
    channel_id: details.channel.id,
    channel_name: details.channel.name,
    user_id: details.person.id,
    user_name: details.person.name,
    command: details.command,
    text: details.text,
    api_app_id: BOT.appId,
    is_enterprise_install: 'false',
    response_url: details.responseUrl,
    trigger_id: details.triggerId,
  }
}

function envelope(person: Person): Json {
  return {
    user: { id: person.id, username: person.name, name: person.name, team_id: TEAM.id },
    api_app_id: BOT.appId,
    token: TOKEN,
    team: { id: TEAM.id, domain: TEAM.domain },
    enterprise: null,
    is_enterprise_install: false,
  }
}

/** Slack escapes the labels of options that it sends back, but neither their values nor what people typed into a form. */
function labelsEscaped<T>(state: T): T {
  const withEscapes = (key: string, value: unknown) =>
    (key === 'text' || key === 'description') && asObject(value).type === 'plain_text'
      ? { ...asObject(value), text: escaped(asText(asObject(value).text)) }
      : value
  return JSON.parse(JSON.stringify(state), withEscapes)
}

/** Slack escapes what people write in messages and commands, but not in forms. */
export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** A view as it is in every payload. */
export function viewState(view: SlackView | HomeView, values: StateValues): Json {
  return { ...view, state: { values: labelsEscaped(values) }, app_installed_team_id: TEAM.id }
}

/** A click or a choice in a form or a home tab. */
export function viewActionPayload(details: {
  person: Person
  view: SlackView | HomeView
  values: StateValues
  action: Json
  triggerId: string
}): Json {
  return {
    type: 'block_actions',
    ...envelope(details.person),
    container: { type: 'view', view_id: details.view.id },
    trigger_id: details.triggerId,
    view: viewState(details.view, details.values),
    actions: [labelsEscaped(details.action)],
  }
}

/** A click or a choice in a message. */
export function messageActionPayload(details: {
  person: Person
  channel: { id: string; name: string }
  message: StoredMessage
  values: StateValues
  action: Json
  triggerId: string
  responseUrl: string
}): Json {
  const { message, channel } = details
  const thread = message.threadTs ? { thread_ts: message.threadTs } : {}
  return {
    type: 'block_actions',
    ...envelope(details.person),
    container: {
      type: 'message',
      message_ts: message.ts,
      channel_id: channel.id,
      is_ephemeral: message.audience !== undefined,
      ...thread,
    },
    trigger_id: details.triggerId,
    channel: { id: channel.id, name: channel.name },
    // Slack leaves out the body of an ephemeral message.
    ...(message.audience ? {} : { message: storedMessage(message) }),
    state: { values: labelsEscaped(details.values) },
    response_url: details.responseUrl,
    actions: [labelsEscaped(details.action)],
  }
}

/** A message as payloads have it. Only the bot's own name the bot and its app. */
function storedMessage(message: StoredMessage): Json {
  return {
    type: 'message',
    user: message.user,
    ...(message.user === BOT.id ? { bot_id: BOT.botId, app_id: BOT.appId } : {}),
    team: TEAM.id,
    ts: message.ts,
    text: message.text,
    ...(message.blocks.length > 0 ? { blocks: message.blocks } : {}),
    ...(message.threadTs ? { thread_ts: message.threadTs } : {}),
  }
}

/** A global shortcut: no channel and no response URL. */
export function shortcutPayload(details: {
  person: Person
  callbackId: string
  triggerId: string
  actionTs: string
}): Json {
  return {
    type: 'shortcut',
    ...envelope(details.person),
    callback_id: details.callbackId,
    trigger_id: details.triggerId,
    action_ts: details.actionTs,
  }
}

export function messageShortcutPayload(details: {
  person: Person
  channel: { id: string; name: string }
  message: StoredMessage
  callbackId: string
  triggerId: string
  responseUrl: string
  actionTs: string
}): Json {
  const { channel, message } = details
  return {
    type: 'message_action',
    ...envelope(details.person),
    callback_id: details.callbackId,
    trigger_id: details.triggerId,
    response_url: details.responseUrl,
    action_ts: details.actionTs,
    message_ts: message.ts,
    channel: { id: channel.id, name: channel.name },
    message: storedMessage(message),
  }
}

/** A request for the list of an external select. It has no values of the other inputs. */
export function optionsPayload(details: {
  person: Person
  view: SlackView | HomeView
  blockId: string
  actionId: string
  value: string
}): Json {
  return {
    type: 'block_suggestion',
    ...envelope(details.person),
    container: { type: 'view', view_id: details.view.id },
    action_id: details.actionId,
    block_id: details.blockId,
    value: details.value,
    view: viewState(details.view, {}),
  }
}

export function submissionPayload(details: {
  person: Person
  view: SlackView
  values: StateValues
  triggerId: string
}): Json {
  return {
    type: 'view_submission',
    ...envelope(details.person),
    trigger_id: details.triggerId,
    view: viewState(details.view, details.values),
    response_urls: [],
  }
}

export function closedPayload(details: { person: Person; view: SlackView; isCleared: boolean }): Json {
  return {
    type: 'view_closed',
    ...envelope(details.person),
    view: viewState(details.view, {}),
    is_cleared: details.isCleared,
  }
}
