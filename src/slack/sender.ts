/** The only caller of chat.*: brings a job's thread up to date, at Slack's pace, and never posts blindly twice. */
import type { KnownBlock } from '@slack/types'
import { WebAPIHTTPError, WebAPIPlatformError, WebAPIRateLimitedError, WebAPIRequestError } from '@slack/web-api'
import { wasNeverSent } from '../errors.js'
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

/** Slack takes fifty edits a minute from an app in a workspace, whatever the channel. */
const editBudget = 'edits'
const editsPerSecond = 50 / 60
const editBurst = 10

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
  /** Requests that may be made at once, as of a time: per channel for posts, one for all edits. Full when at rest. */
  readonly #budgets = new Map<string, { left: number; asOf: number }>()

  constructor(options: Options) {
    this.#options = options
  }

  /** Tells all that is untold of one job; answers for how long to leave this thread alone. */
  async tell(untold: Untold, stopping: AbortSignal): Promise<{ waitMs: number }> {
    try {
      await this.#tellInOrder(untold, stopping)
      return { waitMs: 0 }
    } catch (error) {
      if (error instanceof Wait) return { waitMs: error.ms }
      if (error instanceof Closed) return await this.#giveWay(untold, error.message)
      throw error
    }
  }

  async #tellInOrder(untold: Untold, stopping: AbortSignal): Promise<void> {
    const { db, describe, now } = this.#options
    const story = await describe(untold.job)
    const root = await this.#ensureRoot(untold, story)
    for (const event of untold.events) {
      if (stopping.aborted) return
      const reply = replyMessage(story, event)
      if (reply) {
        const again = event.inDoubt ? 'Dolly was interrupted here, so this may stand twice. ' : ''
        await this.#post(prefixed(reply, again), root, story.job.id, event.tries, async (at) => {
          await markAttempted(db, untold, event, at)
        })
      }
      await markTold(db, untold, event, now())
    }
  }

  async #ensureRoot(untold: Untold, story: Story): Promise<Place> {
    const { db, chat } = this.#options
    const { job } = untold
    const message = rootMessage(story)
    if (job.rootTs === null) {
      const target = { channel: job.rootChannel ?? job.channel }
      const root = await this.#post(message, target, job.id, untold.rootTries, async (at) => {
        await markRootAttempted(db, untold, at)
      })
      await saveRoot(db, untold, { rootChannel: root.channel, rootTs: root.ts })
      if (untold.rootInDoubt) {
        const text = 'Dolly was interrupted while posting: an earlier message about this job may stand in this channel.'
        await this.#post({ text, blocks: [] }, root, job.id, 0, async () => undefined)
      }
      return root
    }
    const root = { channel: job.rootChannel ?? job.channel, ts: job.rootTs }
    if (!untold.rootIsCurrent) {
      // An edit is naturally repeatable: it needs no note before it and leaves no doubt after it.
      this.#spend(editBudget, editsPerSecond, editBurst)
      await this.#call(
        editBudget,
        0,
        async () => await this.#withPlainText(message, (m) => chat.update({ ...root, ...m })),
      )
      await saveRoot(db, untold, { rootChannel: root.channel, rootTs: root.ts })
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
    tries: number,
    note: (at: number | null) => Promise<void>,
  ): Promise<Place> {
    const { chat, now } = this.#options
    this.#spend(place.channel, postsPerSecond, burst)
    await note(now())
    try {
      const answer = await this.#call(place.channel, tries, () =>
        this.#withPlainText(message, ({ text, blocks }) =>
          chat.postMessage({
            channel: place.channel,
            ...(place.ts === undefined ? {} : { thread_ts: place.ts }),
            text,
            ...(blocks.length === 0 ? {} : { blocks }),
            unfurl_links: false,
            unfurl_media: false,
            metadata: { event_type: 'dolly_job', event_payload: { job: jobId } },
          }),
        ),
      )
      return { channel: answer.channel ?? place.channel, ts: answer.ts ?? '' }
    } catch (error) {
      if (error instanceof Closed || error instanceof Refused || (error instanceof Wait && !error.mayHaveHappened)) {
        await note(null)
      }
      throw error
    }
  }

  /** Blocks that Slack finds fault with must not keep the thread from being told: it then gets the words alone. */
  async #withPlainText<T>(message: Message, send: (message: Message) => Promise<T>): Promise<T> {
    try {
      return await send(message)
    } catch (error) {
      if (!(error instanceof WebAPIPlatformError && /^(invalid_blocks|msg_blocks_too_long)/.test(error.data.error)))
        throw error
      this.#options.log.warn({ err: error }, 'Slack refused the blocks of a message; it gets the text alone')
      return await send({ text: message.text, blocks: [] })
    }
  }

  /**
   * Sorts what Slack answered into: done, wait, or closed for good. The more often a message ended in doubt, the longer it
   * is left alone: while Slack has an incident, each further try may be one more copy of it.
   */
  async #call<T>(budget: string, tries: number, request: () => Promise<T>): Promise<T> {
    try {
      return await request()
    } catch (error) {
      if (error instanceof WebAPIRateLimitedError) {
        const ms = error.retryAfter * 1000
        this.#budgets.set(budget, { left: 0, asOf: this.#options.now() + ms })
        throw new Wait(ms, false)
      }
      if (error instanceof WebAPIRequestError) throw new Wait(inDoubtMs(tries), !wasNeverSent(error.original))
      if (error instanceof WebAPIHTTPError) throw new Wait(inDoubtMs(tries), true)
      if (error instanceof WebAPIPlatformError) {
        if (closedPlaces.has(error.data.error)) throw new Closed(error.data.error)
        throw new Refused(`Slack refused a message with "${error.data.error}".`)
      }
      throw error
    }
  }

  /** The place asked for takes no messages: the thread goes on as a direct message to the person who asked. */
  async #giveWay(untold: Untold, reason: string): Promise<{ waitMs: number }> {
    const { db, log, now } = this.#options
    const { job, events } = untold
    const isLastResort = job.rootChannel !== null && job.rootChannel !== job.channel
    log.warn({ job: job.id, channel: job.rootChannel ?? job.channel, reason }, 'Slack takes no messages there')
    if (isLastResort) for (const event of events) await markTold(db, untold, event, now())
    else await moveThread(db, untold, job.requester)
    return { waitMs: isLastResort ? 0 : 1 }
  }

  /** Takes one request from a budget, or says when there will be one. */
  #spend(budget: string, perSecond: number, most: number): void {
    const now = this.#options.now()
    const { left, asOf } = this.#budgets.get(budget) ?? { left: most, asOf: now }
    const present = Math.min(most, left + ((now - asOf) / 1000) * perSecond)
    if (present < 1) throw new Wait(Math.ceil(((1 - present) / perSecond) * 1000), false)
    this.#budgets.set(budget, { left: present - 1, asOf: now })
  }
}

/** 3 s, then four times as long with every further try, at most ten minutes. */
function inDoubtMs(tries: number): number {
  return Math.min(3_000 * 4 ** Math.max(tries, 0), 600_000)
}

function prefixed(message: Message, prefix: string): Message {
  if (prefix === '') return message
  const text = prefix + message.text
  return { text, blocks: [{ type: 'section', text: { type: 'mrkdwn', text: cut(text, limits.sectionText) } }] }
}
