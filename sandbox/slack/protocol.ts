/** The protocol between the sandbox's web page and its Slack workspace: JSON over HTTP and one event stream. */

import type { SwitchState } from '../providers/simulator.js'

/** A person of the sandbox workspace; the page can be any of them. */
export interface Person {
  id: string
  name: string
  realName: string
  title: string
  /** The page can't act as them, but their messages are still there. */
  hasLeft: boolean
}

export interface Channel {
  id: string
  name: string
  topic: string
  /** The direct messages between the bot and this person. */
  isDirect: boolean
  /** Whether the bot was invited; the page's composer has `/invite @dolly`. */
  botIsMember: boolean
}

/** An emoji under a message, and who put it there. */
export interface Reaction {
  name: string
  users: readonly string[]
}

/** A file that was shared in a message. */
export interface SharedFile {
  id: string
  name: string
  title: string
  /** Bytes. */
  size: number
  /** Where it can be downloaded. */
  url: string
}

/** One run of a workflow step. */
export interface StepRun {
  id: string
  callbackId: string
  title: string
  status: 'running' | 'completed' | 'failed'
  inputs: Readonly<Record<string, unknown>>
  outputs?: Readonly<Record<string, unknown>>
  error?: string
}

/** A message as Slack would show it to one person. */
export interface Message {
  ts: string
  channel: string
  /** Root ts of the thread; absent on messages that are in no thread. */
  threadTs?: string
  replyCount: number
  user: string
  isBot: boolean
  text: string
  blocks: readonly unknown[]
  /** Visible to this person only and gone on reload, as in Slack. */
  isEphemeral: boolean
  isEdited: boolean
  /** Both absent where there are none. */
  reactions?: readonly Reaction[]
  files?: readonly SharedFile[]
}

/** An open modal, as Slack completed it after `views.open`. */
export interface View {
  id: string
  callback_id: string
  hash: string
  title: { type: 'plain_text'; text: string }
  submit?: { type: 'plain_text'; text: string }
  close?: { type: 'plain_text'; text: string }
  blocks: readonly unknown[]
  private_metadata: string
}

/** The tabs of the app's home. */
export type HomeTab = 'home' | 'messages'

/** What the app put on this person's Home tab. */
export interface HomePage {
  id: string
  hash: string
  blocks: readonly unknown[]
}

/** What the app's manifest switches on. */
export interface AppFeatures {
  hasHome: boolean
  hasMessages: boolean
  /** Nobody can write to the app in its messages tab. */
  isReadOnly: boolean
  shortcuts: readonly Shortcut[]
  steps: readonly Step[]
}

/** A shortcut as the manifest declares it. */
export interface Shortcut {
  callbackId: string
  type: 'global' | 'message'
  name: string
  description: string
}

/** A custom step for workflows, as the manifest declares it. */
export interface Step {
  callbackId: string
  title: string
  description: string
  /** What the builder of a workflow fills in; what Slack itself sets is left out. */
  inputs: readonly { name: string; title: string; description: string; type: string; isRequired: boolean }[]
}

/** Everything the page draws for one person. Sent whole on every change, because a sandbox is small. */
export interface Snapshot {
  team: string
  me: Person
  people: readonly Person[]
  groups: readonly { id: string; name: string }[]
  /** `status` is null where the sandbox doesn't run the bot's process. */
  bot: { id: string; name: string; status: BotStatus | null }
  app: AppFeatures
  /** Null until the app publishes one. */
  home: HomePage | null
  channels: readonly Channel[]
  messages: readonly Message[]
  /** The modal stack of this person, topmost last. */
  views: readonly View[]
  commands: readonly { command: string; description: string; usage: string }[]
  runs: readonly StepRun[]
  /** Switches of the workspace itself: Slack slow, Slack 429, Slack loses an answer. */
  switches: readonly SwitchState[]
  providers: readonly ProviderPanel[]
  /** Null where the sandbox's clocks can't be moved. */
  time: TimeStatus | null
}

/** By how much the sandbox's clocks are ahead of the machine's, and how much of the time that was let pass is left. */
export interface TimeStatus {
  aheadMs: number
  toGoMs: number
}

/** Whether the bot's process runs. When it ends it is started again on the same database. */
export type BotStatus = 'up' | 'down'

/** One simulated provider in the side panel. */
export interface ProviderPanel {
  id: string
  name: string
  switches: readonly SwitchState[]
  table: { columns: readonly string[]; rows: readonly (readonly string[])[] }
}

/** `view.state.values` as Slack defines it: block id → action id → element state. */
export type StateValues = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/*
 * GET  /sandbox/events?user=U…   text/event-stream; each `data:` line is a Snapshot
 * POST /sandbox/…                JSON in, JSON out; `{ ok: true }` or `{ ok: false, error: "sentence" }` plus what is named below
 *   message   { user, channel, text, threadTs? }             an ordinary message
 *   command   { user, channel, text }                        text begins with "/clone-app"
 *   options   { user, viewId, blockId, actionId, value }     → { options: [] } or { option_groups: [] }, the type-ahead lists
 *   action    { user, source: { viewId } | { channel, ts }, blockId, action, values? }   a click or a dispatched choice; `action`
 *                                                            is the element state plus type, action_id and block_id
 *   submit    { user, viewId, values }                       → { errors?: { [blockId]: string } }
 *   close     { user, viewId }
 *   home      { user, tab: "home" | "messages" }            opens a tab of the app's home; viewId of its actions is home.id
 *   shortcut  { user, callbackId }                         a global shortcut
 *   message-shortcut  { user, callbackId, channel, ts }    a shortcut of a message
 *   run-step  { user, callbackId, inputs }                 runs a workflow step, as a workflow that this person started
 *   kill      {}                                             ends the bot's process as a crash would
 *   pass-time {}                                             lets some hours pass for everything in the sandbox
 *   switch    { of: "slack" | provider id, id, value }
 */
