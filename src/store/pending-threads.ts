/** Threads that don't show all events of their job: who works at them, and what they need. */
import { randomUUID } from 'node:crypto'
import type { Selectable } from 'kysely'
import type { Job, JobEvent } from '../domain/job.js'
import { readPendingEvents } from './events.js'
import { type Database, type MessageTable, toJob } from './schema.js'

export type MessageRow = Selectable<MessageTable>

/** A claimed thread, and what it doesn't show yet. */
export interface PendingThread {
  job: Job
  /** The claim. Every write below names it. */
  token: string
  root: MessageRow
  /** Null unless the thread has moved. */
  left: MessageRow | null
  /** Oldest first. */
  events: readonly JobEvent[]
  /** Replies to these events that were begun or posted before, by `seq`. */
  replies: ReadonlyMap<number, MessageRow>
}

/** No pause is longer, in milliseconds. */
const MAX_PAUSE_MS = 15 * 60_000

/**
 * Claims threads that don't show all events. Channels take turns, so that a busy one doesn't block the others. Within a
 * channel, threads without a root come first, because a root shows everything at once; then ended jobs, first ended first;
 * then those pending the longest.
 *
 * @returns in the order in which they should be notified, all under one new token.
 */
export async function claimPendingThreads(
  db: Database,
  limit: { threads: number; perChannel: number },
  now: number,
): Promise<{ jobId: string; channel: string; token: string }[]> {
  const pending = db
    .selectFrom('events')
    .innerJoin('jobs', 'jobs.id', 'events.jobId')
    .innerJoin('messages', (root) => root.onRef('messages.jobId', '=', 'jobs.id').on('messages.key', '=', 'root'))
    .where('events.notifiedAt', 'is', null)
    .where('messages.claimToken', 'is', null)
    .where((row) => row.or([row('messages.dueAt', 'is', null), row('messages.dueAt', '<=', now)]))
    .groupBy(['jobs.id', 'messages.channel', 'messages.ts'])
    .select((job) => [
      'jobs.id as jobId',
      'messages.channel as channel',
      job('messages.ts', 'is not', null).as('hasBegun'),
      job('jobs.endedAt', 'is', null).as('isLive'),
      job.fn.coalesce('jobs.endedAt', job.fn.min('events.at')).as('since'),
    ])
  const ranked = db.selectFrom(pending.as('pending')).select((job) => [
    'jobId',
    'channel',
    'since',
    job.fn
      .agg<number>('row_number')
      .over((rank) =>
        rank.partitionBy('channel').orderBy('hasBegun').orderBy('isLive').orderBy('since').orderBy('jobId'),
      )
      .as('rank'),
  ])
  const wanted = await db
    .selectFrom(ranked.as('ranked'))
    .select(['jobId', 'channel'])
    .where('rank', '<=', limit.perChannel)
    .orderBy('rank')
    .orderBy('since')
    .limit(limit.threads)
    .execute()
  if (wanted.length === 0) return []
  const token = randomUUID()
  const claimed = await db
    .updateTable('messages')
    .set({ claimToken: token })
    .where('key', '=', 'root')
    .where(
      'jobId',
      'in',
      wanted.map(({ jobId }) => jobId),
    )
    .where('claimToken', 'is', null)
    .returning('jobId')
    .execute()
  const ids = new Set(claimed.map(({ jobId }) => jobId))
  return wanted.filter(({ jobId }) => ids.has(jobId)).map((thread) => ({ ...thread, token }))
}

/** Gives a claim back. The thread is left alone for `pauseMs` milliseconds from now. */
export async function releaseThread(
  db: Database,
  claim: { jobId: string; token: string },
  now: number,
  pauseMs: number,
): Promise<void> {
  await db
    .updateTable('messages')
    .set({ claimToken: null, dueAt: pauseMs > 0 ? now + Math.min(pauseMs, MAX_PAUSE_MS) : null })
    .where('jobId', '=', claim.jobId)
    .where('key', '=', 'root')
    .where('claimToken', '=', claim.token)
    .execute()
}

/** Ends pauses that are longer than this many milliseconds from now: after a clock was set, their end says nothing. */
export async function shortenPauses(db: Database, now: number, maxMs: number): Promise<void> {
  const latest = now + maxMs
  await db.updateTable('messages').set({ dueAt: latest }).where('dueAt', '>', latest).execute()
}

/**
 * Reads what a claimed thread doesn't show yet; null if that is nothing, or the claim no longer holds. Events are read
 * before the job: the other way round, an event that came in between would be marked as shown by an older root.
 */
export async function readPendingThread(
  db: Database,
  { jobId, token }: { jobId: string; token: string },
): Promise<PendingThread | null> {
  const events = await readPendingEvents(db, jobId)
  const job = await db.selectFrom('jobs').selectAll().where('id', '=', jobId).executeTakeFirst()
  const messages = await db.selectFrom('messages').selectAll().where('jobId', '=', jobId).execute()
  const byKey = new Map(messages.map((message) => [message.key, message]))
  const root = byKey.get('root')
  if (!job || root?.claimToken !== token || events.length === 0) return null
  const replies = events.flatMap(({ seq }): [number, MessageRow][] => {
    const reply = byKey.get(`event:${seq}`)
    return reply ? [[seq, reply]] : []
  })
  return { job: toJob(job), token, root, left: byKey.get('left') ?? null, events, replies: new Map(replies) }
}
