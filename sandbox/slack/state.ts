/** The sandbox's Slack in memory: messages, open forms, channels and members, and the bot's calls. */
import { EventEmitter } from 'node:events'
import { z } from 'zod'
import { type Backend, BOT } from './backend.js'
import { asList, asText, type Json } from './json.js'
import type { Reaction, SharedFile } from './protocol.js'
import type { StoredRun } from './steps.js'

/** Slack's own messages come from Slackbot. */
export const SLACKBOT = 'USLACKBOT'

/** A message, with what Slack stores but doesn't show. */
export interface StoredMessage {
  ts: string
  channel: string
  threadTs?: string
  user: string
  text: string
  blocks: readonly unknown[]
  isEdited: boolean
  reactions: readonly Reaction[]
  files: readonly SharedFile[]
  /** The only person who sees it, if it is ephemeral. */
  audience?: string
  /** The number of the change that made it, so that a reload can drop older ephemeral messages. */
  born: number
}

const plainText = z.object({ type: z.literal('plain_text'), text: z.string() })

/** A view as Slack completes it and sends it back in every payload. */
export const SlackView = z.looseObject({
  id: z.string(),
  type: z.string(),
  callback_id: z.string(),
  external_id: z.string(),
  hash: z.string(),
  title: plainText,
  submit: plainText.nullable(),
  close: plainText.nullable(),
  blocks: z.array(z.record(z.string(), z.unknown())),
  private_metadata: z.string(),
  root_view_id: z.string(),
  previous_view_id: z.string().nullable(),
  clear_on_close: z.boolean(),
  notify_on_close: z.boolean(),
})
export type SlackView = z.infer<typeof SlackView>

/** What a person's Home tab shows, as `views.publish` completed it. */
export const HomeView = z.looseObject({
  id: z.string(),
  type: z.literal('home'),
  callback_id: z.string(),
  external_id: z.string(),
  hash: z.string(),
  blocks: z.array(z.record(z.string(), z.unknown())),
  private_metadata: z.string(),
  root_view_id: z.string(),
})
export type HomeView = z.infer<typeof HomeView>

/** One call of the bot to the Web API, as it happened. */
export interface Call {
  method: string
  body: Json
  /** Milliseconds of the workspace's clock at which it arrived. */
  at: number
  /** HTTP status of the answer. */
  status: number
  answer: Json
  /** It was carried out, but the answer was lost. */
  isLost: boolean
}

export interface StoredChannel {
  id: string
  name: string
  topic: string
  hasBot: boolean
  isArchived: boolean
  /** People of another company are in it too. */
  isShared: boolean
  /** The person on the other side of a direct conversation with the bot. */
  directWith?: string
}

export class WorkspaceState {
  readonly channels: Map<string, StoredChannel>
  readonly calls: Call[] = []
  readonly #messages = new Map<string, StoredMessage>()
  readonly #stacks = new Map<string, readonly SlackView[]>()
  /** Contents of uploaded files, by id. */
  readonly files = new Map<string, Buffer>()
  readonly #runs = new Map<string, StoredRun>()
  readonly #homes = new Map<string, HomeView>()
  readonly #events = new EventEmitter().setMaxListeners(0)
  #changes = 0

  constructor(backend: Backend) {
    const open = backend.channels.map((channel) => ({ ...channel, isArchived: false, isShared: false }))
    const direct = backend.people.map(({ id, directChannel }) => ({
      id: directChannel,
      name: 'directmessage',
      topic: '',
      hasBot: true,
      isArchived: false,
      isShared: false,
      directWith: id,
    }))
    this.channels = new Map([...open, ...direct].map((channel) => [channel.id, channel]))
  }

  /** The number of changes so far. */
  get changes(): number {
    return this.#changes
  }

  /** Notifies everything that waits for a change or shows the state. */
  changed(): void {
    this.#changes += 1
    this.#events.emit('change')
  }

  /** Calls back after every change, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#events.on('change', listener)
    return () => this.#events.off('change', listener)
  }

  /** Messages in order of time, ephemeral ones included. */
  messages(): StoredMessage[] {
    return [...this.#messages.values()].sort((one, other) => (one.ts < other.ts ? -1 : 1))
  }

  message(channel: string, ts: string): StoredMessage | undefined {
    return this.#messages.get(`${channel} ${ts}`)
  }

  keepMessage(message: Omit<StoredMessage, 'born'>): void {
    const born = this.message(message.channel, message.ts)?.born ?? this.#changes + 1
    this.#messages.set(`${message.channel} ${message.ts}`, { ...message, born })
    this.changed()
  }

  /** Stores the message that `chat.postEphemeral` with this body made, as written by `user`. */
  keepEphemeral(ts: string, body: Json, user: string): void {
    this.keepMessage({
      ts,
      channel: asText(body.channel),
      ...(asText(body.thread_ts) ? { threadTs: asText(body.thread_ts) } : {}),
      user,
      text: asText(body.text),
      blocks: asList(body.blocks),
      isEdited: false,
      reactions: [],
      files: [],
      audience: asText(body.user),
    })
  }

  /** A message from Slackbot; emulate knows nothing of it. */
  keepGreeting(channel: string, text: string, ts: string): void {
    this.keepMessage({ ts, channel, user: SLACKBOT, text, blocks: [], isEdited: false, reactions: [], files: [] })
  }

  deleteMessage(channel: string, ts: string): void {
    this.#messages.delete(`${channel} ${ts}`)
    this.changed()
  }

  /** The person's open forms, topmost last. */
  stack(user: string): readonly SlackView[] {
    return this.#stacks.get(user) ?? []
  }

  setStack(user: string, views: readonly SlackView[]): void {
    this.#stacks.set(user, views)
    this.changed()
  }

  /** The person's Home tab; undefined until the app publishes one. */
  home(user: string): HomeView | undefined {
    return this.#homes.get(user)
  }

  setHome(user: string, view: HomeView): void {
    this.#homes.set(user, view)
    this.changed()
  }

  /** Runs of workflow steps, oldest first. */
  runs(): readonly StoredRun[] {
    return [...this.#runs.values()]
  }

  run(id: string): StoredRun | undefined {
    return this.#runs.get(id)
  }

  keepRun(run: StoredRun): void {
    this.#runs.set(run.id, run)
    this.changed()
  }

  /** An open view by either of its ids, with the person who has it open. */
  findView(id: { view_id?: unknown; external_id?: unknown }): { user: string; view: SlackView } | undefined {
    for (const [user, views] of this.#stacks) {
      const view = views.find((one) => (id.view_id ? one.id === id.view_id : one.external_id === id.external_id))
      if (view) return { user, view }
    }
    return undefined
  }

  /** Applies what a successful call changed in messages and memberships. Views are handled where they are shown. */
  apply(method: string, body: Json, answer: Json): void {
    if (answer.ok !== true) return
    const channel = this.channels.get(asText(answer.channel) || asText(body.channel))
    if (!channel) return
    const users = `${asText(body.users)},${asText(body.user)}`.split(',')
    if (method === 'chat.postMessage' || method === 'chat.update') {
      const message = z.record(z.string(), z.unknown()).parse(answer.message)
      const threadTs = asText(message.thread_ts)
      const before = this.message(channel.id, asText(message.ts))
      this.keepMessage({
        ts: asText(message.ts),
        channel: channel.id,
        ...(threadTs ? { threadTs } : {}),
        user: asText(message.user),
        text: asText(message.text),
        blocks: asList(message.blocks),
        // Slack shows no "edited" for an edit with blocks.
        isEdited: method === 'chat.update' && body.blocks === undefined,
        reactions: before?.reactions ?? [],
        files: before?.files ?? [],
      })
    }
    if (method === 'chat.postEphemeral') this.keepEphemeral(asText(answer.message_ts), body, BOT.id)
    if (method === 'chat.delete') this.deleteMessage(channel.id, asText(body.ts))
    if (method === 'conversations.archive') channel.isArchived = true
    if (method === 'conversations.unarchive') channel.isArchived = false
    if (method === 'conversations.rename') channel.name = asText(body.name)
    // Only the bot joins and leaves by itself; people were put into their channels at the start.
    if (method === 'conversations.join') channel.hasBot = true
    if (method === 'conversations.leave') channel.hasBot = false
    if (method === 'conversations.invite' && users.includes(BOT.id)) channel.hasBot = true
    if (method === 'conversations.kick' && users.includes(BOT.id)) channel.hasBot = false
    if (method.startsWith('conversations.')) this.changed()
  }
}
