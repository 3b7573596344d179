/** Finds a message again by the metadata it was posted with, where the bot may read that conversation. */
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import { ChannelClosedError, classifySlackError, RetryLaterError, SlackRefusalError } from '../api/errors.js'
import type { RateLimits } from '../api/rate-limits.js'

/** Which message it is, as its metadata says: the root of a job's thread, or the reply about one of its events. */
export interface MetadataKey {
  job: string
  event: number | 'root'
}

/** Who the bot is at Slack; neither id where Slack has not said. Slack puts both on each message that the bot posts. */
export interface BotIdentity {
  botId?: string | undefined
  botUserId?: string | undefined
}

export const EVENT_TYPE = 'dolly_job'

interface Window {
  channel: string
  oldest?: string
  latest?: string
  limit: number
  cursor?: string
  inclusive: true
  include_all_metadata: true
}

/** The part of Slack's client that reads messages. */
export interface Conversations {
  history(window: Window): Promise<unknown>
  replies(window: Window & { ts: string }): Promise<unknown>
}

/** Only the fields that we read. Metadata of other apps has another type and is ignored. */
const Page = z.object({
  messages: z
    .array(
      z.object({
        ts: z.string(),
        bot_id: z.string().optional(),
        user: z.string().optional(),
        metadata: z
          .object({
            event_type: z.string().optional(),
            event_payload: z.record(z.string(), z.unknown()).optional(),
          })
          .optional(),
      }),
    )
    .default([]),
  response_metadata: z.object({ next_cursor: z.string().optional() }).optional(),
})

/** Slack's clock and ours may differ by this much. */
const SKEW_MS = 10 * 60_000
/** A request may still arrive this long after it was sent: a message that is missing sooner may still appear. */
const SETTLE_MS = 10_000
/** How many channels and attempts are remembered. Slack is asked once more about the others. */
const MAX_KEPT = 1_000
const PAGE_SIZE = 200
/** More than a busy channel has in the window. Beyond that, the outcome is unknown. */
const MAX_PAGES = 5

export class MessageLookup {
  readonly #conversations: Conversations
  readonly #rateLimits: RateLimits
  readonly #elapsed: () => number
  readonly #self: () => Promise<BotIdentity>
  /** Channels that the bot may not read. New scopes come with a new installation, and that with a restart. */
  readonly #unreadable = new LRUCache<string, true>({ max: MAX_KEPT })
  /** Since when an attempt couldn't be found, in monotonic milliseconds: the wall clock may have jumped since. */
  readonly #missed = new LRUCache<string, number>({ max: MAX_KEPT })

  /**
   * @param elapsed monotonic milliseconds.
   * @param self called when a message looks like one of ours; may reject as the client does.
   */
  constructor(
    conversations: Conversations,
    rateLimits: RateLimits,
    elapsed: () => number,
    self: () => Promise<BotIdentity>,
  ) {
    this.#conversations = conversations
    this.#rateLimits = rateLimits
    this.#elapsed = elapsed
    this.#self = self
  }

  /**
   * What became of a post that began at `at`: the message's ts, null if it surely isn't there, or 'unknown' where the bot
   * may not read.
   *
   * @throws RetryLaterError when Slack cannot be asked now, or the request may still be on its way.
   */
  async find(
    place: { channel: string; ts?: string },
    key: MetadataKey,
    at: number,
  ): Promise<string | null | 'unknown'> {
    // A person's id is no conversation to Slack, and finding the conversation would take one more scope.
    if (this.#unreadable.has(place.channel) || /^[UW]/.test(place.channel)) return 'unknown'
    try {
      const ts = await this.#search(place, key, at)
      if (ts === null) this.#confirmAbsence(`${key.job} ${key.event} ${at}`)
      return ts
    } catch (error) {
      if (error instanceof SlackRefusalError && error.code === 'missing_scope')
        this.#unreadable.set(place.channel, true)
      // Whether the channel takes messages, the next post finds out.
      if (error instanceof SlackRefusalError || error instanceof ChannelClosedError) return 'unknown'
      throw error
    }
  }

  /** @throws RetryLaterError while the message hasn't been missing for long enough. */
  #confirmAbsence(attempt: string): void {
    const now = this.#elapsed()
    const since = this.#missed.get(attempt) ?? now
    const early = Math.ceil(since + SETTLE_MS - now)
    if (early > 0) {
      this.#missed.set(attempt, since)
      throw new RetryLaterError(early, { mayHaveHappened: false })
    }
    this.#missed.delete(attempt)
  }

  async #search({ channel, ts }: { channel: string; ts?: string }, key: MetadataKey, at: number) {
    const window = {
      channel,
      // A thread is short and ours; a channel is neither.
      ...(ts === undefined ? { oldest: seconds(at - SKEW_MS), latest: seconds(at + SKEW_MS) } : {}),
      limit: PAGE_SIZE,
      inclusive: true,
      include_all_metadata: true,
    } as const
    let cursor: string | undefined
    for (let count = 0; count < MAX_PAGES; count += 1) {
      const page: z.output<typeof Page> = await this.#read(channel, ts, { ...window, ...(cursor ? { cursor } : {}) })
      const marked = page.messages.filter(({ metadata }) => {
        const { job, event } = metadata?.event_payload ?? {}
        return metadata?.event_type === EVENT_TYPE && job === key.job && event === key.event
      })
      // Any app can write the same metadata under a message of its own.
      if (marked.length > 0) {
        const { botId, botUserId } = await this.#askSelf()
        if (botId === undefined && botUserId === undefined) return 'unknown'
        const found = marked.find(
          ({ bot_id, user }) =>
            (bot_id !== undefined && bot_id === botId) || (user !== undefined && user === botUserId),
        )
        if (found) return found.ts
      }
      cursor = page.response_metadata?.next_cursor
      if (!cursor) return null
    }
    return 'unknown'
  }

  /** @throws RetryLaterError while Slack cannot be asked. */
  async #askSelf(): Promise<BotIdentity> {
    try {
      return await this.#self()
    } catch (error) {
      throw classifySlackError(error, 0)
    }
  }

  async #read(channel: string, ts: string | undefined, window: Window): Promise<z.output<typeof Page>> {
    const method = ts === undefined ? 'conversations.history' : 'conversations.replies'
    const waitMs = await this.#rateLimits.spend(method, channel)
    if (waitMs > 0) throw new RetryLaterError(waitMs, { mayHaveHappened: false })
    try {
      const answer =
        ts === undefined
          ? await this.#conversations.history(window)
          : await this.#conversations.replies({ ...window, ts })
      return Page.parse(answer)
    } catch (error) {
      const failure = classifySlackError(error, 0)
      if (failure instanceof RetryLaterError && failure.isRateLimit)
        await this.#rateLimits.pause(method, channel, failure.ms)
      throw failure
    }
  }
}

/** Slack's stamps are seconds with six decimals. */
function seconds(ms: number): string {
  return (ms / 1000).toFixed(6)
}
