/** `settings`: a page with what this person prefers and, for people who may change it, what the channel prefers. */
import type { App, BlockAction, ButtonAction } from '@slack/bolt'
import type { WebClient } from '@slack/web-api'
import { type Asker, decide } from '../../access/rules.js'
import { isChannel } from '../../lib/channel.js'
import { readSettings, SETTINGS_CALLBACK, settingsView } from '../../slack/form/settings.js'
import { noticeOnTop } from '../../slack/form/view.js'
import { homeActions } from '../../slack/message/home.js'
import { listPresets } from '../../store/presets.js'
import { saveSetting } from '../../store/settings.js'
import { answerClick, errorText } from '../answer.js'
import {
  AFTER_ACK_TIMEOUT_MS,
  accessDenied,
  identifyAsker,
  readOpeningChannel,
  saveOpeningChannel,
} from '../authorize.js'
import type { Services } from '../services.js'
import { type Throttle, tooManyRequests } from '../throttle.js'
import type { Verb } from '../verb.js'
import { readChannelSettings, readPersonSettings } from './preferences.js'

export const settingsVerb: Verb = {
  words: ['settings'],
  usage: 'settings',
  does: "when I mention you, where threads start, and this channel's defaults",
  needs: ['start', 'preset'],
  async run({ services, client, asker, triggerId, channel }) {
    await openSettings(services, client, asker, triggerId, channel)
    return null
  },
}

async function openSettings(
  services: Services,
  client: WebClient,
  asker: Asker,
  trigger_id: string,
  channel: string,
): Promise<void> {
  if (asker.membership === 'stranger') throw accessDenied(services, asker, 'use Dolly here')
  const { db } = services
  const own = await readPersonSettings(db, asker.id)
  const shared = mayChangeChannel(services, asker, channel)
    ? {
        id: channel,
        settings: await readChannelSettings(db, channel),
        connections: [...services.connections.keys()],
        presets: await sharedPresets(db, channel),
      }
    : null
  const opening = await saveOpeningChannel(services, asker.id, channel)
  await client.views.open({ trigger_id, view: settingsView(own, shared, opening) })
}

/** Names of the presets that everybody in this channel finds. */
async function sharedPresets(db: Services['db'], channel: string): Promise<string[]> {
  const presets = await listPresets(db, { ids: [], channel })
  return [...new Set(presets.map(({ name }) => name))]
}

/** What a channel begins with is for everybody in it, like its presets: the same rule lets people change both. */
function mayChangeChannel({ access, connections }: Services, asker: Asker, channel: string): boolean {
  const here = { ...asker, channel }
  const isAllowed = (connection: string) => decide(access.rules, here, { connection, what: 'preset' }).isAllowed
  return isChannel(channel) && [...connections.keys()].some(isAllowed)
}

export function registerSettings(app: App, services: Services, throttle: Throttle): void {
  app.view({ callback_id: SETTINGS_CALLBACK, type: 'view_submission' }, async ({ ack, view, body }) => {
    const { waitMs } = throttle.take(body.user.id, services.elapsed())
    const refuse = (text: string) => ack({ response_action: 'push', view: noticeOnTop("That didn't work", text) })
    if (waitMs > 0) return await refuse(tooManyRequests(waitMs, 'press Save again'))
    try {
      const asker = await identifyAsker(services, { user: body.user, team: body.team })
      if (asker.membership === 'stranger') throw accessDenied(services, asker, 'use Dolly here')
      const { db, now } = services
      const { own, channel: shared } = readSettings(view.state.values)
      const channel = (await readOpeningChannel(services, asker.id, view.private_metadata)) ?? ''
      const by = { actor: asker.id, channel: channel || null }
      await saveSetting(db, { scope: 'person', id: asker.id }, own, by, now())
      // Asked again: rules may have changed, and a client can send blocks that its page never had.
      if ('connection' in view.state.values && mayChangeChannel(services, asker, channel)) {
        const isKnown = shared.connection === undefined || services.connections.has(shared.connection)
        const isThere = (await sharedPresets(db, channel)).includes(shared.preset ?? '')
        const value = {
          ...shared,
          connection: isKnown ? shared.connection : undefined,
          preset: isThere ? shared.preset : undefined,
        }
        await saveSetting(db, { scope: 'channel', id: channel }, value, by, now())
      }
      await ack({ response_action: 'clear' })
    } catch (error) {
      await refuse(errorText(services, error))
    }
  })

  app.action<BlockAction<ButtonAction>>(
    { type: 'block_actions', action_id: homeActions.settings },
    async ({ ack, body, client, respond }) => {
      await ack()
      try {
        const asker = await identifyAsker(services, body, AFTER_ACK_TIMEOUT_MS)
        await openSettings(services, client, asker, body.trigger_id, '')
      } catch (error) {
        await answerClick(services, { body, client, respond }, errorText(services, error))
      }
    },
  )
}
