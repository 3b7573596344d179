/** What all parts of the workspace share, and how a call changes both emulate's memory and our picture of it. */
import { type Backend, BOT } from './backend.js'
import type { Delivery, PayloadKind } from './delivery.js'
import { asText, type Json } from './json.js'
import type { WorkspaceState } from './state.js'
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
  /** Brings a payload to the bot and its acknowledgement back. */
  deliver(kind: PayloadKind, payload: Json): Promise<Delivery>
  /** Address of the workspace's own server, without a slash at the end. */
  url: string
  /** Milliseconds. */
  now(): number
}

/** A sentence for the person who did something that Slack, or the bot's answer, does not allow. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
}

/** Makes a call as the bot, or as the person with this name, and takes over what it changed. */
export async function perform(core: Core, method: string, body: Json, as?: string): Promise<Json> {
  const answer = await core.backend.call(method, body, as)
  core.state.apply(method, body, answer)
  return answer
}

/** Shows a message to one person alone. It is the bot's word unless Slack itself speaks. */
export async function whisper(core: Core, user: string, channel: string, body: Json, from = BOT.id): Promise<Json> {
  const full = { ...body, user, channel }
  const answer = await core.backend.call('chat.postEphemeral', full)
  if (answer.ok === true) core.state.keepEphemeral(asText(answer.message_ts), full, from)
  return answer
}
