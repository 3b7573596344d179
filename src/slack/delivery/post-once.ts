/** A post whose outcome may be unknown: noted before the request, and looked up before it is tried again. */

import type { MessageRow, PendingThread } from '../../store/messages.js'
import { begin, type MessageKey, retract } from '../../store/messages.js'
import type { Database } from '../../store/schema.js'
import type { Message } from '../message/job.js'
import type { MessageLookup } from './lookup.js'
import { type Place, postMessage, type RequestContext } from './requests.js'

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
 * @throws Wait, Closed, Refused or ClaimLost
 */
export async function postOnce(
  context: PostContext,
  thread: PendingThread,
  { key, row, place, message, repeated }: Outgoing,
): Promise<Place & { isFound: boolean }> {
  const { db, lookup } = context
  const attemptedAt = row?.attemptedAt ?? null
  const metadata = { job: thread.job.id, event: key === 'root' ? key : Number(key.split(':')[1]) } as const
  const earlier = attemptedAt === null ? null : lookup ? await lookup.find(place, metadata, attemptedAt) : 'unknown'
  if (earlier !== null && earlier !== 'unknown') return { channel: place.channel, ts: earlier, isFound: true }
  // Provably absent: the next attempt is the first one again.
  if (earlier === null && attemptedAt !== null) await retract(db, thread, key, null)
  const posted = await postMessage(context, {
    message: earlier === null ? message : repeated,
    place,
    key: metadata,
    tries: row?.tries ?? 0,
    begin: async (at) => await begin(db, thread, key, { channel: place.channel, at }),
    // The outcome of an earlier attempt stays unknown.
    retract: async () => await retract(db, thread, key, earlier === null ? null : attemptedAt),
  })
  return { ...posted, isFound: false }
}
