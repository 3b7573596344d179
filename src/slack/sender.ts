/** The only caller of chat.*: brings a job's thread up to date, at Slack's pace, and never posts blindly twice. */

import type { KnownBlock } from '@slack/types'
import type { Job } from '../jobs/job.js'
import type { Told } from '../jobs/tell.js'
import { cut } from '../lib/text.js'
import {
  markAttempted,
  markReplied,
  markRootAttempted,
  markTold,
  moveThread,
  saveRoot,
  type Untold,
  type UntoldEvent,
} from '../store/events.js'
import type { Database } from '../store/schema.js'
import { Budgets } from './budgets.js'
import { type Conversations, eventType, History, type Mark } from './history.js'
import { limits, type Method } from './limits.js'
import { type Message, replyMessage, rootMessage, type Story } from './message.js'
import { Closed, Refused, sorted, Wait } from './trouble.js'

/** The part of Slack's client that the sender needs. */
export interface Chat {
  postMessage(post: {
    channel: string
    thread_ts?: string
    text: string
    blocks?: KnownBlock[]
    unfurl_links: boolean
    unfurl_media: boolean
    metadata: { event_type: string; event_payload: { job: string; event: Mark['event'] } }
  }): Promise<{ channel?: string; ts?: string; message?: { thread_ts?: string } }>
  update(edit: { channel: string; ts: string; text: string; blocks: KnownBlock[] }): Promise<unknown>
}

interface Options {
  db: Database
  chat: Chat
  /** Where it may look for messages that nobody knows the fate of; without it, it asks nobody. */
  conversations?: Conversations
  /** The words around a job that the sender cannot know. */
  describe(job: Job): Promise<Story>
  now(): number
  /** Milliseconds that nobody sets, from any beginning: what is waited for in this process is measured by it. */
  elapsed(): number
  log: { warn(fields: object, message: string): void; error(fields: object, message: string): void }
}

interface Place {
  channel: string
  ts: string
}

/** A message on its way: to where, how to know it again, and what is known of earlier tries. */
interface Post {
  message: Message
  place: { channel: string; ts?: string }
  mark: Mark
  tries: number
  /** When an earlier try began of which nobody knows how it ended. */
  attemptedAt: number | null
  /**
   * Is told the time before the request, and one try more; when it surely did not arrive, what was so before, and one
   * less. What stays says that nobody knows.
   */
  note(at: number | null, tries: 1 | -1): Promise<void>
}

/** Slack's words for a root that somebody deleted: the place itself may be open. */
const rootsGone = new Set(['message_not_found', 'thread_not_found'])

/** Slack's words for an edit that no waiting mends. With any other the root must not be taken for up to date. */
const lastingFaults = new Set([
  'edit_window_closed',
  'msg_too_long',
  'invalid_blocks',
  'msg_blocks_too_long',
  'no_text',
])

/** After a refusal that only Slack, the operator or a new version can mend. */
const refusedWaitMs = 60_000
const longestRefusedWaitMs = 15 * 60_000

export class Sender {
  readonly #options: Options
  readonly #budgets: Budgets
  readonly #history: History | null

  constructor(options: Options) {
    const { elapsed, conversations } = options
    this.#options = options
    this.#budgets = new Budgets(elapsed)
    this.#history = conversations ? new History(conversations, this.#budgets, elapsed) : null
  }

  /** Tells all that is untold of one job; answers for how long to leave this thread alone. */
  async tell(untold: Untold, stopping: AbortSignal): Promise<Told> {
    try {
      await this.#tellInOrder(untold, stopping)
      return { waitMs: 0 }
    } catch (error) {
      if (error instanceof Wait) return { waitMs: error.ms, isUnanswered: error.mayHaveHappened }
      if (error instanceof Closed) return await this.#giveWay(untold, error.message)
      if (!(error instanceof Refused)) throw error
      this.#options.log.error({ job: untold.job.id, err: error }, 'Slack does not take this message; it is tried again')
      return { waitMs: refusedWaitMs }
    }
  }

  /** An event is ticked off when both its reply stands and the root shows it; a root that has to wait holds up no reply. */
  async #tellInOrder(untold: Untold, stopping: AbortSignal): Promise<void> {
    const { db, describe, now } = this.#options
    const story = { ...(await describe(untold.job)), mayStandTwice: untold.rootTries > 1 }
    const { root, later } = await this.#bringRootUpToDate(untold, story)
    for (const event of untold.events) {
      if (stopping.aborted) return
      const reply = event.replyTs === null ? replyMessage(story, event) : null
      const replyTs = reply ? await this.#reply(untold, event, reply, root) : event.replyTs
      if (!later) await markTold(db, untold, event, { replyTs, toldAt: now() })
      else if (reply) await markReplied(db, untold, event, replyTs)
    }
    if (later) throw later
  }

  /** Where the root stands, and what to wait for when it does not show the present state yet. */
  async #bringRootUpToDate(untold: Untold, story: Story): Promise<{ root: Place; later: Wait | null }> {
    const { db } = this.#options
    const { job } = untold
    if (job.rootTs === null) return await this.#beginThread(untold, story)
    const root = { channel: job.rootChannel ?? job.channel, ts: job.rootTs }
    if (untold.rootIsCurrent) return { root, later: null }
    try {
      await this.#edit(root, rootMessage(story))
    } catch (error) {
      if (error instanceof Wait) return { root, later: error }
      if (!(error instanceof Refused)) throw error
      this.#options.log.error({ job: job.id, err: error }, 'Slack does not take the edit of a root message')
      if (!lastingFaults.has(error.code)) {
        // The longer it is so, the seldomer: it must not take the budget from those whom Slack does not refuse.
        const ageMs = this.#options.now() - (untold.events[0]?.at ?? 0)
        const ms = Math.min(Math.max(ageMs, refusedWaitMs), longestRefusedWaitMs)
        return { root, later: new Wait(ms, { mayHaveHappened: false }) }
      }
      // The next change tries anew; the replies tell what this edit would have.
    }
    await saveRoot(db, untold, { rootChannel: root.channel, rootTs: root.ts }, job.version)
    return { root, later: null }
  }

  async #beginThread(untold: Untold, story: Story): Promise<{ root: Place; later: Wait | null }> {
    const { db } = this.#options
    const { job, rootAttemptedAt } = untold
    const post: Post = {
      message: rootMessage(story),
      place: { channel: job.rootChannel ?? job.channel },
      mark: { job: job.id, event: 'root' },
      tries: untold.rootTries,
      attemptedAt: rootAttemptedAt,
      note: async (at, by) => await markRootAttempted(db, untold, at, by),
    }
    const fate = await this.#fate(post, rootAttemptedAt)
    if (fate !== null && fate !== 'unknown') {
      // Found again: it shows what was true when it was posted, so an edit comes next.
      await saveRoot(db, untold, { rootChannel: post.place.channel, rootTs: fate }, 0)
      return { root: { ...post.place, ts: fate }, later: new Wait(1, { mayHaveHappened: false }) }
    }
    // Provably absent: the next try is the first one again.
    if (fate === null && rootAttemptedAt !== null) await post.note(null, -1)
    const again = { ...post, message: rootMessage({ ...story, mayStandTwice: true }) }
    const root = await this.#post(fate === null ? { ...post, attemptedAt: null } : again)
    await saveRoot(db, untold, { rootChannel: root.channel, rootTs: root.ts }, job.version)
    return { root, later: null }
  }

  async #reply(untold: Untold, event: UntoldEvent, message: Message, root: Place): Promise<string> {
    const { db } = this.#options
    const post: Post = {
      message,
      place: root,
      mark: { job: event.jobId, event: event.seq },
      tries: event.tries,
      attemptedAt: event.attemptedAt,
      note: async (at, by) => await markAttempted(db, untold, event, at, by),
    }
    const fate = await this.#fate(post, event.attemptedAt)
    if (fate === null) return (await this.#post({ ...post, attemptedAt: null })).ts
    if (fate !== 'unknown') return fate
    const warned = prefixed(message, 'Nobody can tell whether this was posted before, so it may stand twice. ')
    return (await this.#post({ ...post, message: warned })).ts
  }

  /** The ts of a post that was begun before, null when it surely is not there, or 'unknown'. */
  async #fate({ place, mark }: Post, attemptedAt: number | null): Promise<string | null | 'unknown'> {
    if (attemptedAt === null) return null
    return (await this.#history?.find(place, mark, attemptedAt)) ?? (this.#history ? null : 'unknown')
  }

  /** An edit is naturally repeatable: it needs no note before it and leaves no doubt after it. */
  async #edit(root: Place, message: Message): Promise<void> {
    const { chat } = this.#options
    this.#spend('chat.update', root.channel)
    await this.#call('chat.update', root.channel, 0, () =>
      this.#withPlainText(message, async (given) => await chat.update({ ...root, ...given })),
    )
  }

  /** Posts once. */
  async #post({ message, place, mark, tries, attemptedAt, note }: Post): Promise<Place> {
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
            metadata: { event_type: eventType, event_payload: { ...mark } },
          }),
        ),
      )
      // A reply to a root that was just deleted is not refused: Slack puts it into the channel, outside any thread.
      if (place.ts !== undefined && answer.message && !answer.message.thread_ts) throw new Closed('thread_not_found')
      return { channel: answer.channel ?? place.channel, ts: answer.ts ?? '' }
    } catch (error) {
      if (error instanceof Closed || error instanceof Refused || (error instanceof Wait && !error.mayHaveHappened)) {
        // It surely did not arrive. What an earlier try may have left stays in doubt.
        await note(attemptedAt, -1)
      }
      throw error
    }
  }

  /** Blocks that Slack finds fault with must not keep the thread from being told: it then gets the words alone. */
  async #withPlainText<T>(message: Message, send: (message: Message) => Promise<T>): Promise<T> {
    try {
      return await send(message)
    } catch (error) {
      const trouble = sorted(error, 0)
      if (!(trouble instanceof Refused && /^(invalid_blocks|msg_blocks_too_long)/.test(trouble.code))) throw error
      this.#options.log.warn({ err: error }, 'Slack refused the blocks of a message; it gets the text alone')
      return await send({ text: message.text, blocks: [] })
    }
  }

  /** @throws Wait, Closed or Refused, and nothing else. */
  async #call<T>(method: Method, channel: string, tries: number, request: () => Promise<T>): Promise<T> {
    try {
      return await request()
    } catch (error) {
      const trouble = sorted(error, tries)
      if (trouble instanceof Wait && trouble.isRateLimit) this.#budgets.pause(method, channel, trouble.ms)
      // An edit is simply made again.
      if (method === 'chat.postMessage' && trouble instanceof Wait && trouble.mayHaveHappened)
        this.#options.log.warn({ err: error, channel }, 'Slack did not say whether it took a message')
      throw trouble
    }
  }

  /**
   * The place asked for takes no messages, or the root is gone: the thread goes on as a direct message to the person who
   * asked, also where it stood there and lost its root. A root that is gone as soon as it is posted is no place either.
   */
  async #giveWay(untold: Untold, reason: string): Promise<{ waitMs: number }> {
    const { db, log, now } = this.#options
    const { job, events } = untold
    // A direct message was the place asked for, or has become it: there is no other after it.
    const isElsewhere = job.channel === job.requester || (job.rootChannel !== null && job.rootChannel !== job.channel)
    const isLastResort = isElsewhere && !(rootsGone.has(reason) && job.rootTs !== null)
    log.warn(
      { job: job.id, channel: job.rootChannel ?? job.channel, reason },
      isLastResort ? 'Slack takes no messages there either: this is told to nobody' : 'Slack takes no messages there',
    )
    if (!isLastResort) await moveThread(db, untold, job.requester)
    else for (const event of events) await markTold(db, untold, event, { replyTs: event.replyTs, toldAt: now() })
    return { waitMs: isLastResort ? 0 : 1 }
  }

  /** Takes one call from the budgets, or says when there will be one. */
  #spend(method: Method, channel: string): void {
    const waitMs = this.#budgets.spend(method, channel)
    if (waitMs > 0) throw new Wait(waitMs, { mayHaveHappened: false })
  }
}

function prefixed(message: Message, prefix: string): Message {
  const text = cut(prefix + message.text, limits.messageText)
  return {
    text,
    blocks: [{ type: 'section', text: { type: 'mrkdwn', verbatim: true, text: cut(text, limits.sectionText) } }],
  }
}
