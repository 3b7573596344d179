/** A Slack that keeps everything it took, holds the bot to its rate limits by a given clock, and can be read or not. */
import { WebAPIPlatformError, WebAPIRateLimitedError } from '@slack/web-api'
import { BOT } from '../../sandbox/slack/backend.js'
import type { Conversations } from '../../src/slack/delivery/lookup.js'
import type { Chat } from '../../src/slack/delivery/requests.js'

export interface KeptMessage {
  channel: string
  ts: string
  threadTs: string | undefined
  /** What it says now, and everything it said. */
  text: string
  texts: string[]
  metadata: unknown
  bot_id: string
  at: number
}

const postBurst = 5
const editsPerMinute = 50

/** A message a second in each channel with a burst of five, fifty edits in any minute; a call beyond that gets a 429. */
export function strictSlack(now: () => number) {
  const messages = new Map<string, KeptMessage>()
  const refusals: { method: string; channel: string; at: number }[] = []
  const buckets = new Map<string, { left: number; asOf: number }>()
  const edits: number[] = []
  let isAway = false

  function refuse(method: string, channel: string, seconds: number): never {
    refusals.push({ method, channel, at: now() })
    throw new WebAPIRateLimitedError(seconds)
  }

  const chat: Chat = {
    postMessage: async ({ channel, text, thread_ts, metadata }) => {
      if (isAway) throw new WebAPIPlatformError({ ok: false, error: 'service_unavailable' })
      const bucket = buckets.get(channel) ?? { left: postBurst, asOf: now() }
      const left = Math.min(postBurst, bucket.left + (now() - bucket.asOf) / 1_000)
      if (left < 0.99) refuse('chat.postMessage', channel, 1)
      buckets.set(channel, { left: left - 1, asOf: now() })
      const ts = `${messages.size + 1}.000000`
      messages.set(ts, {
        channel,
        ts,
        threadTs: thread_ts,
        text,
        texts: [text],
        metadata,
        bot_id: BOT.botId,
        at: now(),
      })
      return { channel, ts, message: thread_ts === undefined ? {} : { thread_ts } }
    },
    update: async ({ channel, ts, text }) => {
      if (isAway) throw new WebAPIPlatformError({ ok: false, error: 'service_unavailable' })
      const message = messages.get(ts)
      if (!message) throw new WebAPIPlatformError({ ok: false, error: 'message_not_found' })
      while (edits[0] !== undefined && edits[0] <= now() - 60_000) edits.shift()
      if (edits.length >= editsPerMinute) refuse('chat.update', channel, 30)
      edits.push(now())
      message.text = text
      message.texts.push(text)
    },
  }
  const conversations: Conversations = {
    history: async ({ channel }) => ({
      messages: [...messages.values()].filter((one) => one.channel === channel && one.threadTs === undefined),
    }),
    replies: async ({ channel, ts }) => ({
      messages: [...messages.values()].filter((one) => one.channel === channel && [one.ts, one.threadTs].includes(ts)),
    }),
  }
  return {
    chat,
    conversations,
    refusals,
    messages: () => [...messages.values()],
    thread: (ts: string) => [...messages.values()].filter((one) => one.threadTs === ts),
    setAway: (away: boolean) => {
      isAway = away
    },
  }
}
