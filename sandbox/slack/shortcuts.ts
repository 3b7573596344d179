/** Shortcuts that the manifest declares: global ones from anywhere, message shortcuts from a message's menu. */
import { type Core, Refusal } from './core.js'
import { eventTs } from './events.js'
import { channelOf, delivered, personOf, responseUrl } from './interactions.js'
import { messageShortcutPayload, shortcutPayload } from './payloads.js'

/** Uses a global shortcut. The app gets no channel. */
export async function runShortcut(core: Core, user: string, callbackId: string): Promise<void> {
  mustExist(core, 'global', callbackId)
  const payload = shortcutPayload({
    person: personOf(core, user),
    callbackId,
    triggerId: core.triggers.issue({ user }),
    actionTs: eventTs(core),
  })
  await delivered(core, 'interactive', payload)
}

/** Uses a message shortcut. Slack offers none on ephemeral messages. */
export async function runMessageShortcut(
  core: Core,
  user: string,
  callbackId: string,
  at: { channel: string; ts: string },
): Promise<void> {
  mustExist(core, 'message', callbackId)
  const channel = channelOf(core, at.channel)
  const message = core.state.message(at.channel, at.ts)
  if (!message || (channel.directWith ?? user) !== user) throw new Refusal('That message is gone.')
  if (message.audience) throw new Refusal('Messages that only you see have no shortcuts.')
  const payload = messageShortcutPayload({
    person: personOf(core, user),
    channel,
    message,
    callbackId,
    triggerId: core.triggers.issue({ user }),
    responseUrl: responseUrl(core, { user, channel: channel.id }),
    actionTs: eventTs(core),
  })
  await delivered(core, 'interactive', payload)
}

function mustExist(core: Core, type: 'global' | 'message', callbackId: string): void {
  const all = core.manifest.features.shortcuts.filter((shortcut) => shortcut.type === type)
  if (all.some((shortcut) => shortcut.callback_id === callbackId)) return
  const there = all.map((shortcut) => shortcut.callback_id).join(', ')
  throw new Refusal(`The manifest has no ${type} shortcut ${callbackId}, only ${there || 'none'}.`)
}
