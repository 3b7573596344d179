/** Events: what happened in Slack, sent to an app whose manifest asks for it. */
import { randomBytes } from 'node:crypto'
import { BOT, TEAM } from './backend.js'
import type { Core } from './core.js'
import type { Json } from './json.js'
import { TOKEN, viewState } from './payloads.js'
import type { HomeTab, Person } from './protocol.js'
import type { StoredChannel } from './state.js'

/** The event with Slack's wrapper around it. `time` is in milliseconds. */
export function eventPayload(event: Json, time: number): Json {
  return {
    token: TOKEN,
    team_id: TEAM.id,
    api_app_id: BOT.appId,
    event,
    type: 'event_callback',
    event_id: `Ev${randomBytes(5).toString('hex').toUpperCase()}`,
    event_time: Math.floor(time / 1000),
    authorizations: [
      { enterprise_id: null, team_id: TEAM.id, user_id: BOT.id, is_bot: true, is_enterprise_install: false },
    ],
    is_ext_shared_channel: false,
  }
}

/** Slack's time stamp of an event. */
export function eventTs(core: Core): string {
  return (core.now() / 1000).toFixed(6)
}

/** Sends an event if the manifest subscribes to it. Nobody in Slack notices if the app isn't there. */
async function emit(core: Core, subscription: string, event: Json): Promise<void> {
  if (!core.manifest.settings.event_subscriptions.bot_events.includes(subscription)) return
  await core.deliver('events_api', eventPayload(event, core.now()))
}

/** A person opened the app's home. The event has the view if one was published, and the Home tab was opened. */
export async function homeOpened(core: Core, person: Person, channel: StoredChannel, tab: HomeTab): Promise<void> {
  const view = tab === 'home' ? core.state.home(person.id) : undefined
  await emit(core, 'app_home_opened', {
    type: 'app_home_opened',
    user: person.id,
    channel: channel.id,
    tab,
    event_ts: eventTs(core),
    ...(view ? { view: viewState(view, {}) } : {}),
  })
}

/** A person wrote to the app. Only an app that may read direct messages hears of it. */
export async function directMessage(
  core: Core,
  person: Person,
  channel: StoredChannel,
  message: { ts: string; text: string; threadTs: string | undefined },
): Promise<void> {
  if (!core.scopes.includes('im:history')) return
  const { ts, text, threadTs } = message
  await emit(core, 'message.im', {
    type: 'message',
    channel: channel.id,
    user: person.id,
    text,
    ts,
    ...(threadTs ? { thread_ts: threadTs } : {}),
    team: TEAM.id,
    event_ts: ts,
    channel_type: 'im',
  })
}
