/** The only caller of chat.*: brings a job's thread up to date, at Slack's pace, and never posts blindly twice. */
import type { KnownBlock } from '@slack/types'
import { WebAPIHTTPError, WebAPIPlatformError, WebAPIRateLimitedError, WebAPIRequestError } from '@slack/web-api'
import type { Job } from '../jobs/machine.js'
import { markAttempted, markRootAttempted, markTold, moveThread, saveRoot, type Untold } from '../store/events.js'
import type { Database } from '../store/schema.js'
import { cut, limits } from './limits.js'
import { type Message, replyMessage, rootMessage, type Story } from './message.js'

/** The part of Slack's client that the sender needs. */
export interface Chat {
  postMessage(post: {
    channel: string
    thread_ts?: string
    text: string
    blocks?: KnownBlock[]
    unfurl_links: boolean
    unfurl_media: boolean
    metadata: { event_type: string; event_payload: { job: string } }
  }): Promise<{ channel?: string; ts?: string }>
  update(edit: { channel: string; ts: string; text: string; blocks: KnownBlock[] }): Promise<unknown>
}

interface Options {
  db: Database
  chat: Chat
  /** The words around a job that the sender cannot know. */
  describe(job: Job): Promise<Story>
  now(): number
  log: { warn(fields: object, message: string): void }
}

/** Slack takes about one message a second in a channel and allows a short burst. */
const postsPerSecond = 1
const burst = 4

/** How long a thread is left alone after Slack could not be reached, in milliseconds. */
const retryMs = 3_000

/** Slack's words for a place that takes no messages of ours, now or later, or a root that is gone. */
const closedPlaces = new Set([
  'not_in_channel',
  'channel_not_found',
  'is_archived',
  'restricted_action',
  'message_not_found',
  'cant_update_message',
  'thread_not_found',
  'user_not_found',
  'cannot_dm_bot',
  'messages_tab_disabled',
])

interface Place {
  channel: string
  ts: string
}

/** Not now. `mayHaveHappened` when the message may stand there all the same. */
class Wait extends Error {
  constructor(
    readonly ms: number,
    readonly mayHaveHappened: boolean,
  ) {
    super(`Wait ${ms} ms.`)
  }
}

/** Not here, now or later. */
class Closed extends Error {}

/** Slack found fault with the message or with us. */
class Refused extends Error {}

export class Sender {
  readonly #options: Options
  /** Per channel: messages that may be posted at once, as of a time. A channel at rest has a full budget. */
  readonly #budgets = new Map<string, { left: number; asOf: number }>()

  constructor(options: Options) {
    this.#options = options
  }

  /** Tells all that is untold of one job; answers for how long to leave this thread alone. */
  async tell(untold: Untold): Promise<{ waitMs: number }> {
    try {
      await this.#tellInOrder(untold)
      return { waitMs: 0 }
    } catch (error) {
      if (error instanceof Wait) return { waitMs: error.ms }
      if (error instanceof Closed) return await this.#giveWay(untold, error.message)
      throw error
    }
  }

  async #tellInOrder(untold: Untold): Promise<void> {
    const { db, describe, now } = this.#options
    const story = await describe(untold.job)
    const root = await this.#ensureRoot(untold, story)
    for (const event of untold.events) {
      const reply = replyMessage(story, event)
      if (reply) {
        const again = event.inDoubt ? 'Dolly was interrupted here, so this may stand twice. ' : ''
        await this.#post(prefixed(reply, again), root, story.job.id, async (at) => await markAttempted(db, event, at))
      }
      await markTold(db, [event], now())
    }
  }

  async #ensureRoot(untold: Untold, story: Story): Promise<Place> {
    const { db, chat } = this.#options
    const { job } = untold
    const message = rootMessage(story)
    if (job.rootTs === null) {
      const target = { channel: job.rootChannel ?? job.channel }
      const root = await this.#post(message, target, job.id, async (at) => await markRootAttempted(db, job.id, at))
      await saveRoot(db, job.id, { rootChannel: root.channel, rootTs: root.ts, rootVersion: job.version })
      if (untold.rootInDoubt) {
        const text = 'Dolly was interrupted while posting: an earlier message about this job may stand in this channel.'
        await this.#post({ text, blocks: [] }, root, job.id, async () => undefined)
      }
      return root
    }
    const root = { channel: job.rootChannel ?? job.channel, ts: job.rootTs }
    if (!untold.rootIsCurrent) {
      // An edit is naturally repeatable: it needs no note before it and leaves no doubt after it.
      await this.#call(root.channel, async () => await chat.update({ ...root, ...message }))
      await saveRoot(db, job.id, { rootChannel: root.channel, rootTs: root.ts, rootVersion: job.version })
    }
    return root
  }

  /**
   * Posts once. `note` is told the time before the request and null when it surely did not arrive; a note that stays says
   * that nobody knows.
   */
  async #post(
    message: Message,
    place: { channel: string; ts?: string },
    jobId: string,
    note: (at: number | null) => Promise<void>,
  ): Promise<Place> {
    const { chat, now } = this.#options
    this.#spend(place.channel)
    await note(now())
    try {
      const answer = await this.#call(place.channel, async () =>
        chat.postMessage({
          channel: place.channel,
          ...(place.ts === undefined ? {} : { thread_ts: place.ts }),
          text: message.text,
          ...(message.blocks.length === 0 ? {} : { blocks: message.blocks }),
          unfurl_links: false,
          unfurl_media: false,
          metadata: { event_type: 'dolly_job', event_payload: { job: jobId } },
        }),
      )
      return { channel: answer.channel ?? place.channel, ts: answer.ts ?? '' }
    } catch (error) {
      if (error instanceof Closed || error instanceof Refused || (error instanceof Wait && !error.mayHaveHappened)) {
        await note(null)
      }
      throw error
    }
  }

  /** Sorts what Slack answered into: done, wait, or closed for good. */
  async #call<T>(channel: string, request: () => Promise<T>): Promise<T> {
    try {
      return await request()
    } catch (error) {
      if (error instanceof WebAPIRateLimitedError) {
        const ms = error.retryAfter * 1000
        this.#budgets.set(channel, { left: 0, asOf: this.#options.now() + ms })
        throw new Wait(ms, false)
      }
      if (error instanceof WebAPIRequestError) throw new Wait(retryMs, !wasNeverSent(error.original))
      if (error instanceof WebAPIHTTPError) throw new Wait(retryMs, true)
      if (error instanceof WebAPIPlatformError) {
        if (closedPlaces.has(error.data.error)) throw new Closed(error.data.error)
        throw new Refused(`Slack refused a message with "${error.data.error}".`)
      }
      throw error
    }
  }

  /** The place asked for takes no messages: the thread goes on as a direct message to the person who asked. */
  async #giveWay({ job, events }: Untold, reason: string): Promise<{ waitMs: number }> {
    const { db, log, now } = this.#options
    const isLastResort = job.rootChannel !== null && job.rootChannel !== job.channel
    log.warn({ job: job.id, channel: job.rootChannel ?? job.channel, reason }, 'Slack takes no messages there')
    if (isLastResort) await markTold(db, events, now())
    else await moveThread(db, job.id, job.requester)
    return { waitMs: isLastResort ? 0 : 1 }
  }

  /** Takes one message from the channel's budget, or says when there will be one. */
  #spend(channel: string): void {
    const now = this.#options.now()
    const { left, asOf } = this.#budgets.get(channel) ?? { left: burst, asOf: now }
    const present = Math.min(burst, left + ((now - asOf) / 1000) * postsPerSecond)
    if (present < 1) throw new Wait(Math.ceil(((1 - present) / postsPerSecond) * 1000), false)
    this.#budgets.set(channel, { left: present - 1, asOf: now })
  }
}

function prefixed(message: Message, prefix: string): Message {
  if (prefix === '') return message
  const text = prefix + message.text
  return { text, blocks: [{ type: 'section', text: { type: 'mrkdwn', text: cut(text, limits.sectionText) } }] }
}

/** A request that found nobody listening was surely not carried out. */
function wasNeverSent(error: Error): boolean {
  const cause = error.cause instanceof Error ? error.cause : error
  return 'code' in cause && (cause.code === 'ECONNREFUSED' || cause.code === 'ENOTFOUND')
}
