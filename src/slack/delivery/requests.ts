/** Single requests to chat.*: within Slack's rate limits, with plainer content if Slack rejects it, each error classified. */
import type { KnownBlock } from '@slack/types'
import type { Log } from '../../lib/log.js'
import { cut } from '../../lib/text.js'
import { ChannelClosedError, classifySlackError, RetryLaterError, SlackRefusalError } from '../api/errors.js'
import type { Method, RateLimits } from '../api/rate-limits.js'
import type { Message } from '../message/job.js'
import { EVENT_TYPE, type MetadataKey } from './lookup.js'

/** The part of Slack's client that posts and edits. */
export interface Chat {
  postMessage(post: {
    channel: string
    thread_ts?: string
    text: string
    blocks?: KnownBlock[]
    unfurl_links: boolean
    unfurl_media: boolean
    metadata: { event_type: string; event_payload: { job: string; event: MetadataKey['event'] } }
  }): Promise<{ channel?: string; ts?: string; message?: { thread_ts?: string } }>
  update(edit: { channel: string; ts: string; text: string; blocks: KnownBlock[] }): Promise<unknown>
}

export interface Place {
  channel: string
  ts: string
}

export interface RequestContext {
  chat: Chat
  /** Whether the claim on the thread surely still holds. */
  isOurs(): boolean
  rateLimits: RateLimits
  /** What this process has learned of the workspace. A restart learns it again. */
  workspace: { hasPlans: boolean }
  now(): number
  log: Pick<Log, 'warn' | 'error'>
}

/** How long a thread is left alone if its claim may be lost, in milliseconds. */
const UNSURE_WAIT_MS = 1_000
/** Characters of the last try, after Slack rejected the blocks and the whole text. */
const SHORT_TEXT = 1_000

/**
 * Edits a message. An edit can be repeated: its outcome needs no bookkeeping.
 *
 * @throws RetryLaterError, ChannelClosedError or SlackRefusalError
 */
export async function editMessage(context: RequestContext, { channel, ts }: Place, message: Message): Promise<void> {
  await takeCall(context, 'chat.update', channel)
  await call(context, 'chat.update', channel, 0, () =>
    withPlainText(context, message, (given) => context.chat.update({ channel, ts, ...given })),
  )
}

/**
 * Posts a message. The caller has taken the call, and notes the outcome.
 *
 * @param place with a `ts`, it's a reply in that thread.
 * @param tries how many earlier attempts may have left this message in Slack.
 * @throws RetryLaterError, ChannelClosedError or SlackRefusalError
 */
export async function postMessage(
  context: RequestContext,
  { channel, ts }: { channel: string; ts?: string },
  message: Message,
  key: MetadataKey,
  tries: number,
): Promise<Place> {
  const answer = await call(context, 'chat.postMessage', channel, tries, () =>
    withPlainText(context, message, ({ text, blocks }) =>
      context.chat.postMessage({
        channel,
        ...(ts === undefined ? {} : { thread_ts: ts }),
        text,
        ...(blocks.length === 0 ? {} : { blocks }),
        unfurl_links: false,
        unfurl_media: false,
        metadata: { event_type: EVENT_TYPE, event_payload: { ...key } },
      }),
    ),
  )
  // Slack doesn't refuse a reply to a root that was just deleted: it puts it into the channel, outside any thread.
  if (ts !== undefined && answer.message && !answer.message.thread_ts)
    throw new ChannelClosedError('thread_not_found', { mayHaveHappened: true })
  return { channel: answer.channel ?? channel, ts: answer.ts ?? '' }
}

/**
 * A message that Slack rejects must not block the thread: it's sent again with the blocks that every workspace has, then as
 * text alone, then as a short text. A rejected message surely isn't posted.
 */
async function withPlainText<T>(
  { log, workspace, isOurs }: RequestContext,
  message: Message,
  sendNow: (message: Message) => Promise<T>,
): Promise<T> {
  const send = async (given: Message) => {
    // Right before it leaves, because the process may have frozen since it claimed the thread.
    if (!isOurs()) throw new RetryLaterError(UNSURE_WAIT_MS, { mayHaveHappened: false })
    return await sendNow(given)
  }
  const isRejected = (error: unknown) => {
    const failure = classifySlackError(error, 0)
    if (!(failure instanceof SlackRefusalError && failure.fault === 'message')) return false
    log.warn({ err: error }, 'Slack rejected the content of a message; trying a plainer one')
    return true
  }
  const { text, blocks, plainBlocks } = message
  const isNew = plainBlocks !== undefined && workspace.hasPlans
  const known = { text, blocks: plainBlocks ?? blocks }
  for (const given of [...(isNew ? [message] : []), known, { text, blocks: [] }]) {
    try {
      const sent = await send(given)
      // The same message was fine without them.
      if (isNew && given === known) workspace.hasPlans = false
      return sent
    } catch (error) {
      if (!isRejected(error)) throw error
    }
  }
  return await send({ text: cut(text, SHORT_TEXT), blocks: [] })
}

/** @throws RetryLaterError, ChannelClosedError or SlackRefusalError, and nothing else. */
async function call<T>(
  { rateLimits, log }: RequestContext,
  method: Method,
  channel: string,
  tries: number,
  request: () => Promise<T>,
): Promise<T> {
  try {
    return await request()
  } catch (error) {
    const failure = classifySlackError(error, tries)
    if (failure instanceof RetryLaterError && failure.isRateLimit) await rateLimits.pause(method, channel, failure.ms)
    // An edit is simply repeated.
    if (method === 'chat.postMessage' && failure instanceof RetryLaterError && failure.mayHaveHappened)
      log.warn({ err: error, channel }, "Slack didn't confirm a message")
    throw failure
  }
}

/** @throws RetryLaterError if the rate limits leave no call right now. */
export async function takeCall({ rateLimits }: RequestContext, method: Method, channel: string): Promise<void> {
  const waitMs = await rateLimits.spend(method, channel)
  if (waitMs > 0) throw new RetryLaterError(waitMs, { mayHaveHappened: false })
}
