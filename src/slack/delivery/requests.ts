/** Single requests to chat.*: within the budgets, plainer if Slack rejects the content, each error classified. */
import type { KnownBlock } from '@slack/types'
import { cut } from '../../lib/text.js'
import { ChannelClosed, classifySlackError, RetryLater, SlackRefusal } from '../api/errors.js'
import type { RateLimits } from '../api/rate-limits.js'
import type { Method } from '../limits.js'
import type { Message } from '../message/job.js'
import { EVENT_TYPE, type MessageKey } from './lookup.js'

/** The part of Slack's client that the sender needs. */
export interface Chat {
  postMessage(post: {
    channel: string
    thread_ts?: string
    text: string
    blocks?: KnownBlock[]
    unfurl_links: boolean
    unfurl_media: boolean
    metadata: { event_type: string; event_payload: { job: string; event: MessageKey['event'] } }
  }): Promise<{ channel?: string; ts?: string; message?: { thread_ts?: string } }>
  update(edit: { channel: string; ts: string; text: string; blocks: KnownBlock[] }): Promise<unknown>
}

export interface Place {
  channel: string
  ts: string
}

/** A message on its way: to where, how to know it again, and what is known of earlier tries. */
export interface Post {
  message: Message
  place: { channel: string; ts?: string }
  key: MessageKey
  tries: number
  /** When an earlier try of unknown outcome began. */
  attemptedAt: number | null
  /**
   * Called before the request with the time and one try more, and again with the earlier values if the request surely did
   * not arrive. A time that stays noted means that the outcome is unknown.
   */
  note(at: number | null, tries: 1 | -1): Promise<void>
}

interface Options {
  chat: Chat
  budgets: RateLimits
  now(): number
  log: { warn(fields: object, message: string): void }
}

/** Characters of the last try, after Slack found fault with the blocks and with the whole text. */
const SHORT_TEXT = 1_000

/** Both reject with RetryLater, ChannelClosed or SlackRefusal, and nothing else that comes from Slack. */
export class Requests {
  readonly #options: Options

  constructor(options: Options) {
    this.#options = options
  }

  /** An edit is naturally repeatable: it needs no note before it and leaves no doubt after it. */
  async edit({ channel, ts }: Place, message: Message): Promise<void> {
    this.#spend('chat.update', channel)
    await this.#call('chat.update', channel, 0, () =>
      this.#withPlainText(message, async (given) => await this.#options.chat.update({ channel, ts, ...given })),
    )
  }

  /** Posts once. */
  async post({ message, place, key, tries, attemptedAt, note }: Post): Promise<Place> {
    const { chat, now } = this.#options
    this.#spend('chat.postMessage', place.channel)
    await note(now(), 1)
    try {
      const answer = await this.#call('chat.postMessage', place.channel, tries, () =>
        this.#withPlainText(message, async ({ text, blocks }) =>
          chat.postMessage({
            channel: place.channel,
            ...(place.ts === undefined ? {} : { thread_ts: place.ts }),
            text,
            ...(blocks.length === 0 ? {} : { blocks }),
            unfurl_links: false,
            unfurl_media: false,
            metadata: { event_type: EVENT_TYPE, event_payload: { ...key } },
          }),
        ),
      )
      // A reply to a root that was just deleted is not refused: Slack puts it into the channel, outside any thread.
      if (place.ts !== undefined && answer.message && !answer.message.thread_ts)
        throw new ChannelClosed('thread_not_found')
      return { channel: answer.channel ?? place.channel, ts: answer.ts ?? '' }
    } catch (error) {
      if (
        error instanceof ChannelClosed ||
        error instanceof SlackRefusal ||
        (error instanceof RetryLater && !error.mayHaveHappened)
      ) {
        // It surely did not arrive. What an earlier try may have left stays in doubt.
        await note(attemptedAt, -1)
      }
      throw error
    }
  }

  /** A message that Slack rejects must not block the thread: it is sent again as text alone, or as a short text. */
  async #withPlainText<T>(message: Message, send: (message: Message) => Promise<T>): Promise<T> {
    const isFaulty = (error: unknown) => {
      const trouble = classifySlackError(error, 0)
      if (!(trouble instanceof SlackRefusal && trouble.fault === 'message')) return false
      this.#options.log.warn({ err: error }, 'Slack rejected the content of a message; trying a plainer one')
      return true
    }
    for (const given of [message, { text: message.text, blocks: [] }]) {
      try {
        return await send(given)
      } catch (error) {
        if (!isFaulty(error)) throw error
      }
    }
    return await send({ text: cut(message.text, SHORT_TEXT), blocks: [] })
  }

  /** @throws RetryLater, ChannelClosed or SlackRefusal, and nothing else. */
  async #call<T>(method: Method, channel: string, tries: number, request: () => Promise<T>): Promise<T> {
    try {
      return await request()
    } catch (error) {
      const trouble = classifySlackError(error, tries)
      if (trouble instanceof RetryLater && trouble.isRateLimit) this.#options.budgets.pause(method, channel, trouble.ms)
      // An edit is simply made again.
      if (method === 'chat.postMessage' && trouble instanceof RetryLater && trouble.mayHaveHappened)
        this.#options.log.warn({ err: error, channel }, 'Slack did not say whether it took a message')
      throw trouble
    }
  }

  /** Takes one call from the budgets, or says when there will be one. */
  #spend(method: Method, channel: string): void {
    const waitMs = this.#options.budgets.spend(method, channel)
    if (waitMs > 0) throw new RetryLater(waitMs, { mayHaveHappened: false })
  }
}
