/** The workspace as one person sees it. */
import type { Simulator } from '../providers/simulator.js'
import { BOT, GROUP_NAMES, TEAM } from './backend.js'
import { type Core, Refusal } from './core.js'
import type { BotStatus, Message, Person, Snapshot, Step, TimeStatus, View } from './protocol.js'
import { SLACKBOT, type SlackView, type StoredMessage } from './state.js'
import { USER_CONTEXT } from './steps.js'

/** What the page shows beside Slack. */
export interface Panels {
  simulators: readonly Simulator[]
  bot: { status: BotStatus | null; kill(): void }
  time: { status: TimeStatus | null; pass(): void }
}

type DeclaredStep = Core['manifest']['functions'][string]

/** @param since shows only ephemeral messages newer than this change number; 0 shows all. */
export function snapshot(core: Core, panels: Panels, user: string, since = 0): Snapshot {
  const people: Person[] = core.backend.people.map(({ id, name, realName, title, hasLeft }) => ({
    id,
    name,
    realName,
    title,
    hasLeft,
  }))
  const me = people.find((person) => person.id === user)
  if (!me) throw new Refusal(`There is no person ${user} in this workspace.`)
  const channels = [...core.state.channels.values()].filter((channel) => (channel.directWith ?? user) === user)
  const messages = core.state.messages().filter((message) => channels.some((channel) => channel.id === message.channel))
  const counts = replyCounts(messages)
  const home = core.state.home(user)
  const { shortcuts } = core.manifest.features
  const { home_tab_enabled, messages_tab_enabled, messages_tab_read_only_enabled } = core.manifest.features.app_home
  return {
    team: TEAM.name,
    me,
    people,
    groups: Object.entries(GROUP_NAMES).map(([id, name]) => ({ id, name })),
    bot: { id: BOT.id, name: BOT.name, status: panels.bot.status },
    app: {
      hasHome: home_tab_enabled,
      hasMessages: messages_tab_enabled,
      isReadOnly: messages_tab_read_only_enabled,
      shortcuts: shortcuts.map(({ callback_id, type, name, description }) => ({
        callbackId: callback_id,
        type,
        name,
        description,
      })),
      steps: Object.entries(core.manifest.functions).map(shownStep),
    },
    home: home ? { id: home.id, hash: home.hash, blocks: home.blocks } : null,
    channels: channels.map(({ id, name, topic, hasBot, directWith }) => ({
      id,
      name: directWith ? BOT.name : name,
      topic,
      isDirect: directWith !== undefined,
      botIsMember: hasBot,
    })),
    messages: messages
      .filter(({ audience, born }) => audience === undefined || (audience === user && born > since))
      .map((message) => shownMessage(message, counts.get(`${message.channel} ${message.ts}`) ?? 0)),
    views: core.state.stack(user).map(shownView),
    commands: core.commands,
    runs: core.state.runs().map(({ token: _, ...run }) => run),
    switches: core.switches.all(),
    providers: panels.simulators.map((simulator) => ({
      id: simulator.id,
      name: simulator.name,
      switches: simulator.switches(),
      table: simulator.table(),
    })),
    time: panels.time.status,
  }
}

/** Number of replies by channel and root. */
function replyCounts(messages: readonly StoredMessage[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { channel, threadTs, audience } of messages) {
    const root = `${channel} ${threadTs}`
    if (threadTs && !audience) counts.set(root, (counts.get(root) ?? 0) + 1)
  }
  return counts
}

function shownMessage(message: StoredMessage, replyCount: number): Message {
  const { ts, channel, threadTs, user, text, blocks, isEdited, audience, reactions, files } = message
  return {
    ts,
    channel,
    ...(threadTs ? { threadTs } : {}),
    replyCount,
    user,
    isBot: user === BOT.id || user === SLACKBOT,
    text,
    blocks,
    isEphemeral: audience !== undefined,
    isEdited,
    ...(reactions.length > 0 ? { reactions } : {}),
    ...(files.length > 0 ? { files } : {}),
  }
}

function shownStep([callbackId, { title, description, input_parameters }]: [string, DeclaredStep]): Step {
  const inputs = Object.entries(input_parameters)
    .filter(([, { type }]) => type !== USER_CONTEXT)
    .map(([name, { type, title, description, is_required }]) => ({
      name,
      title: title || name,
      description,
      type,
      isRequired: is_required,
    }))
  return { callbackId, title, description, inputs }
}

function shownView(view: SlackView): View {
  return {
    id: view.id,
    callback_id: view.callback_id,
    hash: view.hash,
    title: view.title,
    ...(view.submit ? { submit: view.submit } : {}),
    ...(view.close ? { close: view.close } : {}),
    blocks: view.blocks,
    private_metadata: view.private_metadata,
  }
}
