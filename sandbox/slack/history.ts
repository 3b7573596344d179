/** conversations.history and conversations.replies, with the bounds and the metadata rules of the real Slack. */
import { BOT } from './backend.js'
import type { Core } from './core.js'
import { asList, asObject, asText, type Json } from './json.js'

const MAX_PER_PAGE = 999

/** emulate has the messages and checks who may read them, but ignores the bounds and always shows metadata. */
export async function readHistory(core: Core, method: string, body: Json): Promise<Json> {
  const channel = core.state.channels.get(asText(body.channel))
  const { cursor: _, limit: __, ...rest } = body
  const answer = await core.backend.call(method, { ...rest, limit: MAX_PER_PAGE })
  if (answer.ok !== true) return answer
  if (!channel?.hasBot) return { ok: false, error: 'not_in_channel' }
  const isReplies = method === 'conversations.replies'
  if (isReplies && !core.state.message(channel.id, asText(body.ts))) return { ok: false, error: 'thread_not_found' }
  // For a bot's message emulate gives only the user; Slack also names the bot and its app.
  const poster = (user: unknown): Json => (user === BOT.id ? { bot_id: BOT.botId, app_id: BOT.appId } : {})
  const all = asList(answer.messages)
    .map(asObject)
    .map((message) => ({ ...poster(message.user), ...message }))
  // The root of a thread is always included, even outside the bounds.
  const wanted = all.filter((message) => (isReplies && message.ts === body.ts) || isInside(Number(message.ts), body))
  const from = Number(body.cursor ?? 0)
  const to = from + Math.min(Number(body.limit ?? 100), MAX_PER_PAGE)
  const isFull = body.include_all_metadata === true || body.include_all_metadata === 'true'
  return {
    ok: true,
    messages: wanted.slice(from, to).map(({ metadata, ...message }) => (isFull ? { ...message, metadata } : message)),
    has_more: to < wanted.length,
    response_metadata: { next_cursor: to < wanted.length ? `${to}` : '' },
  }
}

function isInside(ts: number, { oldest, latest, inclusive }: Json): boolean {
  const from = Number(oldest ?? 0)
  const to = Number(latest ?? Number.POSITIVE_INFINITY)
  return (ts > from && ts < to) || ((inclusive === true || inclusive === 'true') && (ts === from || ts === to))
}
