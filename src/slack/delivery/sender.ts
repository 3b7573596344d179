/** The only caller of chat.*: brings a job's thread up to date, at Slack's pace, and never posts blindly twice. */

import type { Job } from '../../domain/job.js'
import type { Told } from '../../jobs/notify.js'
import { cut } from '../../lib/text.js'
import {
  markAttempted,
  markReplied,
  markRootAttempted,
  markTold,
  saveRoot,
  type Untold,
  type UntoldEvent,
} from '../../store/events.js'
import { moveThread, saveOldRoot, savePlaceRefusals } from '../../store/moved-threads.js'
import type { Database } from '../../store/schema.js'
import { ChannelClosed, RetryLater, SlackRefusal } from '../api/errors.js'
import { RateLimits } from '../api/rate-limits.js'
import { limits } from '../limits.js'
import { type JobView, type Message, oldRootMessage, replyMessage, rootMessage } from '../message/job.js'
import { type BotIdentity, type Conversations, MessageLookup } from './lookup.js'
import { type Chat, type Place, type Post, Requests } from './requests.js'

export type { Chat } from './requests.js'

interface Options {
  db: Database
  chat: Chat
  /** Where it may look for messages that nobody knows the fate of; without it, it asks nobody. */
  conversations?: Conversations
  /** Who the bot is, as Slack says: messages posted by others are not ours. */
  self?(): Promise<BotIdentity>
  /** The words around a job that the sender cannot know. */
  describe(job: Job): Promise<JobView>
  now(): number
  /** Milliseconds that nobody sets, from any beginning: what is waited for in this process is measured by it. */
  elapsed(): number
  log: { warn(fields: object, message: string): void; error(fields: object, message: string): void }
}

/** Slack's words for a root that somebody deleted: the place itself may be open. */
const ROOTS_GONE = new Set(['message_not_found', 'thread_not_found'])

/** Errors that mean Slack will never accept an edit of this message. After any other error the root is not up to date. */
const isLasting = ({ code, fault }: SlackRefusal) => fault === 'message' || code === 'edit_window_closed'

/** Pauses after a refusal that only Slack, the operator or a new version can fix, in milliseconds. */
const REFUSED_WAIT_MS = 60_000
const MAX_REFUSED_WAIT_MS = 15 * 60_000
/** How long a refused edit is tried again, in milliseconds. */
const MAX_EDIT_AGE_MS = 24 * 60 * 60_000

/** How often a place is tried that refuses messages with a possibly temporary error, with growing pauses. */
const MAX_PLACE_TRIES = 4
const PLACE_WAIT_MS = 30_000

export class Sender {
  readonly #options: Options
  readonly #requests: Requests
  readonly #history: MessageLookup | null

  constructor(options: Options) {
    const { chat, now, log, elapsed, conversations, self = async () => ({}) } = options
    const budgets = new RateLimits(elapsed)
    this.#options = options
    this.#requests = new Requests({ chat, budgets, now, log })
    this.#history = conversations ? new MessageLookup(conversations, budgets, elapsed, self) : null
  }

  /** Tells all that is untold of one job; answers for how long to leave this thread alone. */
  async tell(untold: Untold, stopping: AbortSignal): Promise<Told> {
    const standing = { root: rootOf(untold.job) }
    try {
      await this.#tellInOrder(untold, stopping, standing)
      return { waitMs: 0 }
    } catch (error) {
      if (error instanceof RetryLater) return { waitMs: error.ms, isUnanswered: error.mayHaveHappened }
      if (error instanceof ChannelClosed) return await this.#giveWay(untold, standing.root, error.message)
      if (error instanceof SlackRefusal) return await this.#refused(untold, standing.root, error)
      throw error
    }
  }

  /**
   * An event is done when its reply is posted, the root shows it, and so does a root that the thread left behind. A
   * root that has to wait holds up no reply.
   */
  async #tellInOrder(untold: Untold, stopping: AbortSignal, standing: { root: Place | null }): Promise<void> {
    const { db, now } = this.#options
    const view = await this.#describe(untold)
    const { root, later } = await this.#bringRootUpToDate(untold, view)
    standing.root = root
    const oldLater = later ?? (await this.#bringOldRootUpToDate(untold, view, true))
    for (const event of untold.events) {
      if (stopping.aborted) return
      const reply = event.replyTs === null ? replyMessage(view, event) : null
      const replyTs = reply ? await this.#reply(untold, event, reply, root) : event.replyTs
      if (!oldLater) await markTold(db, untold, event, { replyTs, toldAt: now() })
      else if (reply) await markReplied(db, untold, event, replyTs)
    }
    if (untold.placeRefusals > 0) await savePlaceRefusals(db, untold, 0)
    if (oldLater) throw oldLater
  }

  async #describe({ job, rootTries, moves }: Untold): Promise<JobView> {
    // A root whose answer was lost before its place refused the next try: nobody knows where to edit it.
    const isOrphaned = moves > 0 && job.rootTs === null && rootTries > 0
    return { ...(await this.#options.describe(job)), mayStandTwice: rootTries > 1 || isOrphaned }
  }

  /** Where the root stands, and what to wait for when it does not show the present state yet. */
  async #bringRootUpToDate(untold: Untold, view: JobView): Promise<{ root: Place; later: RetryLater | null }> {
    const { db } = this.#options
    const { job } = untold
    const root = rootOf(job)
    if (root === null) return await this.#beginThread(untold, view)
    if (untold.rootIsCurrent) return { root, later: null }
    try {
      await this.#requests.edit(root, rootMessage(view))
    } catch (error) {
      if (error instanceof RetryLater) return { root, later: error }
      if (!(error instanceof SlackRefusal)) throw error
      this.#options.log.error({ job: job.id, err: error }, 'Slack does not take the edit of a root message')
      if (!isLasting(error) && this.#ageMs(untold) < MAX_EDIT_AGE_MS) return { root, later: this.#growingWait(untold) }
      // The next change tries anew; the replies tell what this edit would have.
    }
    await saveRoot(db, untold, { rootChannel: root.channel, rootTs: root.ts }, job.version)
    return { root, later: null }
  }

  async #beginThread(untold: Untold, view: JobView): Promise<{ root: Place; later: RetryLater | null }> {
    const { db } = this.#options
    const { job, rootAttemptedAt } = untold
    const post: Post = {
      message: rootMessage(view),
      place: { channel: job.rootChannel ?? job.channel },
      key: { job: job.id, event: 'root' },
      tries: untold.rootTries,
      attemptedAt: rootAttemptedAt,
      note: async (at, by) => await markRootAttempted(db, untold, at, by),
    }
    const fate = await this.#fate(post, rootAttemptedAt)
    if (fate !== null && fate !== 'unknown') {
      // Found again: it shows what was true when it was posted, so an edit comes next.
      await saveRoot(db, untold, { rootChannel: post.place.channel, rootTs: fate }, 0)
      return { root: { ...post.place, ts: fate }, later: new RetryLater(1, { mayHaveHappened: false }) }
    }
    // Provably absent: the next try is the first one again.
    if (fate === null && rootAttemptedAt !== null) await post.note(null, -1)
    const again = { ...post, message: rootMessage({ ...view, mayStandTwice: true }) }
    const root = await this.#requests.post(fate === null ? { ...post, attemptedAt: null } : again)
    await saveRoot(db, untold, { rootChannel: root.channel, rootTs: root.ts }, job.version)
    return { root, later: null }
  }

  async #reply(untold: Untold, event: UntoldEvent, message: Message, root: Place): Promise<string> {
    const { db } = this.#options
    const post: Post = {
      message,
      place: root,
      key: { job: event.jobId, event: event.seq },
      tries: event.tries,
      attemptedAt: event.attemptedAt,
      note: async (at, by) => await markAttempted(db, untold, event, at, by),
    }
    const fate = await this.#fate(post, event.attemptedAt)
    if (fate === null) return (await this.#requests.post({ ...post, attemptedAt: null })).ts
    if (fate !== 'unknown') return fate
    const warned = prefixed(message, 'Nobody can tell whether this was posted before, so it may stand twice. ')
    return (await this.#requests.post({ ...post, message: warned })).ts
  }

  /** The ts of a post that was begun before, null when it surely is not there, or 'unknown'. */
  async #fate({ place, key }: Post, attemptedAt: number | null): Promise<string | null | 'unknown'> {
    if (attemptedAt === null) return null
    return (await this.#history?.find(place, key, attemptedAt)) ?? (this.#history ? null : 'unknown')
  }

  /**
   * The root that the thread left behind says where the job goes on, and at the end how it ended: nobody edits it after
   * that. Answers what to wait for when it does not say so yet.
   *
   * @param goesOn false when Slack takes no messages in the new place either.
   */
  async #bringOldRootUpToDate(untold: Untold, view: JobView, goesOn: boolean): Promise<RetryLater | null> {
    const { db, log } = this.#options
    const { oldRoot, job } = untold
    const isOver = job.endedAt !== null
    if (!oldRoot || (goesOn && oldRoot.saysMoved && !isOver)) return null
    try {
      await this.#requests.edit(oldRoot, oldRootMessage(view, goesOn))
    } catch (error) {
      const isPassing = error instanceof RetryLater || (error instanceof SlackRefusal && !isLasting(error))
      if (!isPassing && !(error instanceof SlackRefusal || error instanceof ChannelClosed)) throw error
      const refusals = oldRoot.refusals + (error instanceof RetryLater ? 0 : 1)
      if (isPassing && refusals < MAX_PLACE_TRIES && this.#ageMs(untold) < MAX_EDIT_AGE_MS) {
        if (error instanceof RetryLater) return error
        await saveOldRoot(db, untold, { ...oldRoot, refusals })
        return this.#growingWait(untold)
      }
      log.warn(
        { job: job.id, channel: oldRoot.channel, err: error },
        'Slack refuses to edit the root that a thread left behind',
      )
      await saveOldRoot(db, untold, null)
      return null
    }
    await saveOldRoot(db, untold, isOver ? null : { saysMoved: goesOn, refusals: 0 })
    return null
  }

  /**
   * Slack refuses the message, but not clearly because of the place. What no other place would fix is tried on and on; the
   * rest a few times, before the place counts as closed.
   */
  async #refused(untold: Untold, root: Place | null, error: SlackRefusal): Promise<Told> {
    const { db, log } = this.#options
    const { job } = untold
    const tries = untold.placeRefusals + 1
    const isHopeless = error.fault !== 'everywhere' && tries >= MAX_PLACE_TRIES
    log.error({ job: job.id, tries, err: error }, 'Slack does not take a message')
    if (isHopeless) return await this.#giveWay(untold, root, error.code)
    if (error.fault === 'everywhere') return { waitMs: this.#growingWait(untold).ms }
    await savePlaceRefusals(db, untold, tries)
    return { waitMs: PLACE_WAIT_MS * 2 ** untold.placeRefusals }
  }

  /**
   * The place asked for takes no messages, or the root is gone: the thread goes on as a direct message to the person who
   * asked, also where it stood there and lost its root. A root that is gone as soon as it is posted is no place either.
   *
   * @param root where it stands by now.
   */
  async #giveWay(untold: Untold, root: Place | null, reason: string): Promise<Told> {
    const { db, log, now } = this.#options
    const { job, events, moves } = untold
    const { channel, rootChannel, rootTs, requester } = job
    // A direct message was the place asked for, or has become it: there is no other after it.
    const isElsewhere = moves > 0 || channel === requester || (rootChannel !== null && rootChannel !== channel)
    const isRootGone = ROOTS_GONE.has(reason)
    const isLastResort = isElsewhere && !(isRootGone && rootTs !== null)
    const place = { job: job.id, channel: rootChannel ?? channel, reason }
    if (!isLastResort) {
      log.warn(place, 'Slack refuses messages there')
      await moveThread(db, untold, requester, isRootGone ? null : root)
      return { waitMs: 1 }
    }
    // No place is left: only the original root can still show how the job stands.
    const later = await this.#bringOldRootUpToDate(untold, await this.#describe(untold), false)
    if (later) return { waitMs: later.ms, isUnanswered: later.mayHaveHappened }
    log.warn(place, 'Slack refuses messages there too: nobody reads about this job')
    for (const event of events) await markTold(db, untold, event, { replyTs: event.replyTs, toldAt: now() })
    if (untold.placeRefusals > 0) await savePlaceRefusals(db, untold, 0)
    return { waitMs: 0 }
  }

  /** Back off, so that refused messages don't take the budget from the others. */
  #growingWait(untold: Untold): RetryLater {
    const ms = Math.min(Math.max(this.#ageMs(untold), REFUSED_WAIT_MS), MAX_REFUSED_WAIT_MS)
    return new RetryLater(ms, { mayHaveHappened: false })
  }

  /** For how long the oldest fact has waited to be told, in milliseconds. */
  #ageMs({ events }: Untold): number {
    return this.#options.now() - (events[0]?.at ?? 0)
  }
}

/** Where a job's root stands; null where none is known to. */
function rootOf({ channel, rootChannel, rootTs }: Job): Place | null {
  return rootTs === null ? null : { channel: rootChannel ?? channel, ts: rootTs }
}

function prefixed(message: Message, prefix: string): Message {
  const text = cut(prefix + message.text, limits.messageText)
  return {
    text,
    blocks: [{ type: 'section', text: { type: 'mrkdwn', verbatim: true, text: cut(text, limits.sectionText) } }],
  }
}
