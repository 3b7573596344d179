/** What all parts of the workspace share, and how a call changes both emulate's data and our copy of it. */
import { type Backend, BOT } from './backend.js'
import type { Delivery, PayloadKind } from './delivery.js'
import { asText, type Json } from './json.js'
import type { Manifest } from './manifest.js'
import type { WorkspaceState } from './state.js'
import type { Switches } from './switches.js'
import type { createResponseUrls, createTriggers } from './tickets.js'

/** A slash command of the bot, as its manifest declares it. */
export interface SlashCommand {
  command: string
  description: string
  usage: string
}

export interface Core {
  backend: Backend
  state: WorkspaceState
  triggers: ReturnType<typeof createTriggers>
  responseUrls: ReturnType<typeof createResponseUrls>
  commands: readonly SlashCommand[]
  manifest: Manifest
  /** The bot's scopes. */
  scopes: readonly string[]
  switches: Switches
  /** Sends a payload to the bot and returns its acknowledgement. */
  deliver(kind: PayloadKind, payload: Json): Promise<Delivery>
  /** Address of the workspace's own server, without a slash at the end. */
  url: string
  /** Milliseconds. */
  now(): number
}

/** A sentence for the person: Slack doesn't allow what they did, or what the bot answered. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
}

/** Makes a call as the bot, or as the person with this name, and applies what it changed to the state. */
export async function perform(core: Core, method: string, body: Json, as?: string): Promise<Json> {
  const answer = await core.backend.call(method, body, as)
  core.state.apply(method, body, answer)
  return answer
}

/** Shows a message to one person only, from the bot unless `from` says otherwise. */
export async function postEphemeral(
  core: Core,
  user: string,
  channel: string,
  body: Json,
  from = BOT.id,
): Promise<Json> {
  const full = { ...body, user, channel }
  const answer = await core.backend.call('chat.postEphemeral', full)
  if (answer.ok === true) core.state.keepEphemeral(asText(answer.message_ts), full, from)
  return answer
}
