/** The only caller of chat.*: brings one job's messages up to date, at Slack's pace, and never posts blindly twice. */
import type { Job, JobEvent } from '../../domain/job.js'
import type { NotifyResult } from '../../domain/thread.js'
import type { RateLimiter } from '../../lib/rate-limiter.js'
import { cut } from '../../lib/text.js'
import type { Meter } from '../../metrics/meter.js'
import {
  close,
  confirm,
  type MessageKey,
  type MessageRow,
  markNotified,
  move,
  type PendingThread,
  setRefusals,
} from '../../store/messages.js'
import { ChannelClosedError, RetryLaterError, SlackRefusalError } from '../api/errors.js'
import { createRateLimits } from '../api/rate-limits.js'
import { section } from '../blocks.js'
import { limits } from '../limits.js'
import { type JobDescription, type JobView, type Message, oldRootMessage, rootMessage } from '../message/job.js'
import { replyMessage } from '../message/reply.js'
import { type BotIdentity, type Conversations, MessageLookup } from './lookup.js'
import { type PostContext, postOnce } from './post-once.js'
import { editMessage, type Place } from './requests.js'

interface SenderContext extends PostContext {
  /** The words about a job that come from its provider. */
  describe(job: Job): Promise<JobDescription>
  /** How long saving the place of a posted message is tried, in milliseconds. After that it's looked up. Default 30 000. */
  confirmWithinMs?: number
  /** Left out where nobody measures. */
  meter?: Meter
}

interface SenderOptions extends Omit<SenderContext, 'rateLimits' | 'lookup' | 'workspace' | 'isOurs'> {
  /** Where to look for messages whose outcome is unknown. Default: nowhere. */
  conversations?: Conversations
  /** Who the bot is: messages posted by others aren't ours. */
  self?(): Promise<BotIdentity>
  /** Counts the calls to Slack. */
  rateLimiter: RateLimiter
  /** Monotonic milliseconds; for durations, never timestamps. */
  elapsed(): number
}

/** Slack's words for a root that somebody deleted: the channel itself may be open. */
const ROOT_GONE = new Set(['message_not_found', 'thread_not_found'])

/** Pauses after a refusal that only Slack, the operator or a new version can fix, in milliseconds. */
const REFUSED_WAIT_MS = 60_000
const MAX_REFUSED_WAIT_MS = 15 * 60_000
/** How long a refused edit is tried again, in milliseconds. */
const MAX_EDIT_AGE_MS = 24 * 60 * 60_000

/** How often a channel is tried that refuses messages with an error that may pass, with growing pauses. */
const MAX_PLACE_TRIES = 4
const PLACE_WAIT_MS = 30_000

/**
 * Returns the function that brings a claimed thread up to date, and answers how long to leave that thread alone. It sends nothing
 * once `isOurs` says that the claim may be lost.
 */
export function createSender(
  options: SenderOptions,
): (thread: PendingThread, stopping: AbortSignal, isOurs: () => boolean) => Promise<NotifyResult> {
  const { conversations, elapsed, rateLimiter, log, self = async () => ({}) } = options
  const rateLimits = createRateLimits(rateLimiter, log)
  const lookup = conversations ? new MessageLookup(conversations, rateLimits, elapsed, self) : null
  const context = { ...options, rateLimits, lookup, workspace: { hasPlans: true } }
  return async (thread, stopping, isOurs) => await bringUpToDate({ ...context, isOurs }, thread, stopping)
}

/**
 * An event is done when its reply is posted and the root shows it, and so does a root that stayed behind. A root that has to
 * wait holds up no reply.
 */
async function bringUpToDate(
  context: SenderContext,
  thread: PendingThread,
  stopping: AbortSignal,
): Promise<NotifyResult> {
  const { db, now } = context
  let root = placeOf(thread.root)
  try {
    const view = await viewOf(context, thread)
    const shown = await updateRoot(context, thread, view)
    root = shown.root
    const later = shown.later ?? (await updateLeftRoot(context, thread, view, true))
    for (const event of thread.events) {
      if (stopping.aborted) return { waitMs: 0 }
      await ensureReply(context, thread, view, event, shown.root)
      if (later) continue
      await markNotified(db, thread, event, now())
      context.meter?.notified(now() - event.at)
    }
    if (thread.root.refusals > 0) await setRefusals(db, thread, 'root', 0)
    if (later) throw later
    return { waitMs: 0 }
  } catch (error) {
    if (error instanceof RetryLaterError) return { waitMs: error.ms, isUnanswered: error.mayHaveHappened }
    if (error instanceof ChannelClosedError) return await leavePlace(context, thread, root, error.message)
    if (error instanceof SlackRefusalError) return await handleRefusal(context, thread, root, error)
    throw error
  }
}

async function viewOf({ describe }: SenderContext, { job, root, left }: PendingThread): Promise<JobView> {
  // A root whose answer was lost before its channel was closed: nobody knows where to edit it.
  const isLeftUnseen = left !== null && left.ts === null && left.tries > 0
  const { channel, ts } = root
  return { ...(await describe(job)), thread: { channel, ts }, mayAppearTwice: root.tries > 1 || isLeftUnseen }
}

/** Returns where the root stands, and what to wait for if it doesn't show the present state yet. */
async function updateRoot(
  context: SenderContext,
  thread: PendingThread,
  view: JobView,
): Promise<{ root: Place; later: RetryLaterError | null }> {
  const { job } = thread
  const root = placeOf(thread.root)
  if (root === null) return await beginThread(context, thread, view)
  if (thread.root.shownVersion === job.version) return { root, later: null }
  try {
    await editMessage(context, root, rootMessage(view))
  } catch (error) {
    if (error instanceof RetryLaterError) return { root, later: error }
    if (!(error instanceof SlackRefusalError)) throw error
    context.log.error({ job: job.id, err: error }, 'Slack refuses to edit a root message')
    if (!isFinal(error) && ageMs(context, thread) < MAX_EDIT_AGE_MS)
      return { root, later: growingWait(context, thread) }
    // The next change tries again; until then the replies say what this edit would have said.
  }
  await confirm(context.db, thread, 'root', { ...root, shownVersion: job.version }, context.confirmWithinMs)
  return { root, later: null }
}

async function beginThread(
  context: SenderContext,
  thread: PendingThread,
  view: JobView,
): Promise<{ root: Place; later: RetryLaterError | null }> {
  const { isFound, ...root } = await postOnce(context, thread, {
    key: 'root',
    row: thread.root,
    place: threadOf(thread.root.channel, thread.root.threadTs),
    message: rootMessage(view),
    repeated: rootMessage({ ...view, mayAppearTwice: true }),
  })
  // One that is found shows what was true when it was posted, so an edit comes next.
  const shownVersion = isFound ? 0 : thread.job.version
  await confirm(context.db, thread, 'root', { ...root, shownVersion }, context.confirmWithinMs)
  return { root, later: isFound ? new RetryLaterError(1, { mayHaveHappened: false }) : null }
}

async function ensureReply(
  context: SenderContext,
  thread: PendingThread,
  view: JobView,
  event: JobEvent,
  root: Place,
): Promise<void> {
  const key: MessageKey = `event:${event.seq}`
  const row = thread.replies.get(event.seq)
  const message = replyMessage(view, event)
  if (message === null || (row && row.ts !== null)) return
  const repeated = prefixed(message, "Slack didn't confirm this message, so it may appear twice. ")
  const place = threadOf(root.channel, thread.root.threadTs ?? root.ts)
  const { ts } = await postOnce(context, thread, { key, row, place, message, repeated })
  await confirm(context.db, thread, key, { channel: root.channel, ts, shownVersion: null }, context.confirmWithinMs)
}

/**
 * A root that stayed behind says where the thread went, and at the end how the job ended; after that it is never edited.
 * Returns what to wait for if it doesn't say so yet.
 *
 * @param goesOn false when Slack takes no messages in the new channel either.
 */
async function updateLeftRoot(
  context: SenderContext,
  thread: PendingThread,
  view: JobView,
  goesOn: boolean,
): Promise<RetryLaterError | null> {
  const { db, log, now } = context
  const { job, left } = thread
  const place = left && left.closedAt === null ? placeOf(left) : null
  const isOver = job.endedAt !== null
  if (!left || !place || (goesOn && left.shownVersion !== null && !isOver)) return null
  try {
    await editMessage(context, place, oldRootMessage(view, goesOn))
  } catch (error) {
    const mayPass = error instanceof RetryLaterError || (error instanceof SlackRefusalError && !isFinal(error))
    if (!mayPass && !(error instanceof SlackRefusalError || error instanceof ChannelClosedError)) throw error
    const refusals = left.refusals + (error instanceof RetryLaterError ? 0 : 1)
    if (mayPass && refusals < MAX_PLACE_TRIES && ageMs(context, thread) < MAX_EDIT_AGE_MS) {
      if (error instanceof RetryLaterError) return error
      await setRefusals(db, thread, 'left', refusals)
      return growingWait(context, thread)
    }
    log.warn(
      { job: job.id, channel: place.channel, err: error },
      'Slack refuses to edit the root of a thread that moved',
    )
    await close(db, thread, 'left', now())
    return null
  }
  await confirm(db, thread, 'left', { ...place, shownVersion: isOver || goesOn ? job.version : null })
  if (left.refusals > 0) await setRefusals(db, thread, 'left', 0)
  if (isOver) await close(db, thread, 'left', now())
  return null
}

/**
 * Slack refuses a message, but not clearly because of the channel. What no other channel would fix is tried again and again;
 * the rest a few times, before the channel counts as closed.
 */
async function handleRefusal(
  context: SenderContext,
  thread: PendingThread,
  root: Place | null,
  error: SlackRefusalError,
): Promise<NotifyResult> {
  const { refusals } = thread.root
  const tries = refusals + 1
  context.log.error({ job: thread.job.id, tries, err: error }, 'Slack refuses a message')
  if (error.fault === 'everywhere') return { waitMs: growingWait(context, thread).ms }
  if (tries >= MAX_PLACE_TRIES) return await leavePlace(context, thread, root, error.code)
  await setRefusals(context.db, thread, 'root', tries)
  return { waitMs: PLACE_WAIT_MS * 2 ** refusals }
}

/**
 * The channel takes no messages, or the root is gone: the thread goes on as a direct message to the requester, even if it
 * was there already and lost its root. But a root that disappears as soon as it is posted shows that it is no use.
 *
 * @param root where it stands by now.
 */
async function leavePlace(
  context: SenderContext,
  thread: PendingThread,
  root: Place | null,
  reason: string,
): Promise<NotifyResult> {
  const { db, log, now } = context
  const { job, events, left } = thread
  const { channel, ts } = thread.root
  // The direct message was asked for, or has become the place: there is no other after it.
  const isElsewhere = left !== null || job.channel === job.requester || channel !== job.channel
  const isRootGone = ROOT_GONE.has(reason)
  const fields = { job: job.id, channel, reason }
  if (!isElsewhere || (isRootGone && ts !== null)) {
    log.warn(fields, 'Slack refuses messages there')
    await move(db, thread, { channel: job.requester, root: isRootGone ? null : root, now: now() })
    return { waitMs: 1 }
  }
  // No place is left: only the original root can still show how the job stands.
  const later = await updateLeftRoot(context, thread, await viewOf(context, thread), false)
  if (later) return { waitMs: later.ms, isUnanswered: later.mayHaveHappened }
  log.warn(fields, 'Slack refuses messages there too: nobody reads about this job')
  for (const event of events) await markNotified(db, thread, event, now())
  if (thread.root.refusals > 0) await setRefusals(db, thread, 'root', 0)
  return { waitMs: 0 }
}

/** Slack will never accept an edit of this message. After any other error, the root is not up to date. */
function isFinal({ code, fault }: SlackRefusalError): boolean {
  return fault === 'message' || code === 'edit_window_closed'
}

/** Back off, so that refused messages don't starve healthy threads. */
function growingWait(context: SenderContext, thread: PendingThread): RetryLaterError {
  const ms = Math.min(Math.max(ageMs(context, thread), REFUSED_WAIT_MS), MAX_REFUSED_WAIT_MS)
  return new RetryLaterError(ms, { mayHaveHappened: false })
}

/** How long the oldest event has been pending, in milliseconds. */
function ageMs({ now }: SenderContext, { events }: PendingThread): number {
  return now() - (events[0]?.at ?? 0)
}

/** Where a message stands; null if it isn't known to stand anywhere. */
function placeOf({ channel, ts }: MessageRow): Place | null {
  return ts === null ? null : { channel, ts }
}

/** Where a message goes: into the thread that begins with this one, or into the channel itself. */
function threadOf(channel: string, ts: string | null): { channel: string; ts?: string } {
  return ts === null ? { channel } : { channel, ts }
}

/** The same reply, which begins with one more sentence. */
function prefixed(message: Message, prefix: string): Message {
  const text = cut(prefix + message.text, limits.messageText)
  return { text, blocks: [section(text), ...message.blocks.slice(1)] }
}
