/** A post whose outcome may be unknown: noted before the request, and looked up before it is tried again. */
import { begin, type MessageKey, type MessageRow, type PendingThread, retract } from '../../store/messages.js'
import type { Database } from '../../store/schema.js'
import { ChannelClosedError, RetryLaterError, SlackRefusalError } from '../api/errors.js'
import type { Message } from '../message/job.js'
import type { MessageLookup } from './lookup.js'
import { type Place, postMessage, type RequestContext, takeCall } from './requests.js'

export interface PostContext extends RequestContext {
  db: Database
  /** Null where nothing can be looked up. */
  lookup: MessageLookup | null
}

export interface Outgoing {
  key: MessageKey
  /** What is known of earlier attempts. */
  row: MessageRow | undefined
  place: { channel: string; ts?: string }
  message: Message
  /** What to post if an earlier attempt may have succeeded. */
  repeated: Message
}

/**
 * Posts a message, or finds it where an earlier attempt left it.
 *
 * @throws RetryLaterError, ChannelClosedError, SlackRefusalError or ClaimLost
 */
export async function postOnce(
  context: PostContext,
  thread: PendingThread,
  { key, row, place, message, repeated }: Outgoing,
): Promise<Place & { isFound: boolean }> {
  const { db, lookup, now } = context
  const attemptedAt = row?.attemptedAt ?? null
  const metadata = { job: thread.job.id, event: key === 'root' ? key : Number(key.split(':')[1]) } as const
  const earlier = attemptedAt === null ? null : lookup ? await lookup.find(place, metadata, attemptedAt) : 'unknown'
  if (earlier !== null && earlier !== 'unknown') return { channel: place.channel, ts: earlier, isFound: true }
  const isAbsent = earlier === null && attemptedAt !== null
  if (isAbsent) await retract(db, thread, key, null)
  // Earlier copies may be where the lookup didn't search: from long before the last attempt, or where the thread was before it
  // moved.
  const mayAppearTwice = (row?.tries ?? 0) > (isAbsent ? 1 : 0)
  await takeCall(context, 'chat.postMessage', place.channel)
  await begin(db, thread, key, { channel: place.channel, at: now() })
  try {
    const posted = await postMessage(context, place, mayAppearTwice ? repeated : message, metadata, row?.tries ?? 0)
    return { ...posted, isFound: false }
  } catch (error) {
    const isUnsent =
      (error instanceof ChannelClosedError && !error.mayHaveHappened) ||
      error instanceof SlackRefusalError ||
      (error instanceof RetryLaterError && !error.mayHaveHappened)
    // The outcome of an earlier attempt stays unknown.
    if (isUnsent) await retract(db, thread, key, earlier === null ? null : attemptedAt)
    throw error
  }
}
