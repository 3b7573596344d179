/** Emoji that the bot puts under messages. */
import { BOT } from './backend.js'
import { type Core, perform } from './core.js'
import { asText, type Json } from './json.js'

const EMOJI = /^[a-z0-9_+'-]+$/

/** `reactions.add` and `reactions.remove`. emulate checks the scope, the message and whether it has the reaction. */
export async function react(core: Core, method: string, body: Json): Promise<Json> {
  const { channel, timestamp, name } = body
  if (!asText(channel) || !asText(timestamp)) return { ok: false, error: 'no_item_specified' }
  const known = core.state.channels.get(asText(channel))
  if (!known) return { ok: false, error: 'channel_not_found' }
  if (!EMOJI.test(asText(name))) return { ok: false, error: 'invalid_name' }
  if (known.isArchived) return { ok: false, error: 'is_archived' }
  const answer = await perform(core, method, body)
  const message = core.state.message(known.id, asText(timestamp))
  if (answer.ok !== true || !message) return answer
  const others = message.reactions.filter((reaction) => reaction.name !== name)
  const mine = method === 'reactions.add' ? [{ name: asText(name), users: [BOT.id] }] : []
  core.state.keepMessage({ ...message, reactions: [...others, ...mine] })
  return answer
}
