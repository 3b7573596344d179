/**
 * The messages table: every Slack message of a job. A post is never repeated blindly, so each leaves a trace: `begin` before
 * the request, then `confirm` or `retract`. A message with neither may stand in Slack.
 *
 * Each write names the claim on the thread. Without it, nothing is changed and `ClaimLost` is thrown.
 */
import { type QueryCreator, type Selectable, sql, type Transaction, type UpdateObject } from 'kysely'
import type { Job, JobEvent } from '../domain/job.js'
import type { Thread } from '../domain/thread.js'
import { NO_CLAIM } from './claims.js'
import { readPendingEvents } from './events.js'
import { type Database, type MessageTable, type Schema, toJob } from './schema.js'
import { inTransaction, retryWhileAway } from './transaction.js'

/**
 * Which message of a job it is. `root`: the first of its thread, edited in place. `left`: the root that stayed behind when
 * the thread moved. `event:<seq>`: the reply about one event.
 */
export type MessageKey = 'root' | 'left' | `event:${number}`

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

export class ClaimLost extends Error {}

/** A new job's thread, which has to begin in this channel, or inside the thread of another job if that has begun. */
export async function insertRoot(
  transaction: Transaction<Schema>,
  jobId: string,
  { channel, ts: threadTs }: Thread,
): Promise<void> {
  const row = { jobId, key: 'root', channel, threadTs, tries: 0, refusals: 0 }
  await transaction.insertInto('messages').values(row).execute()
}

/** A job that lives again changes the root it left behind too, which was closed when the job ended. */
export async function reopenLeft(transaction: Transaction<Schema>, jobId: string): Promise<void> {
  await transaction
    .updateTable('messages')
    .set({ closedAt: null, shownVersion: null })
    .where('jobId', '=', jobId)
    .where('key', '=', 'left')
    .where('ts', 'is not', null)
    .execute()
}

/** Where a job's thread is; null if there's no such job. */
export async function readThread(db: Database, jobId: string): Promise<Thread | null> {
  const root = db.selectFrom('messages').select(['channel', 'ts']).where('jobId', '=', jobId).where('key', '=', 'root')
  return (await root.executeTakeFirst()) ?? null
}

/**
 * Reads what a claimed thread doesn't show yet; null if that is nothing, or the claim no longer holds. Events are read
 * before the job: in the reverse order, an event that came in between would be marked as shown by an older root.
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

type Claimed = Pick<PendingThread, 'job' | 'token'>

/** Notes that a post begins. Until `confirm` or `retract`, nobody knows whether it stands in Slack. */
export async function begin(
  db: Database,
  { job, token }: Claimed,
  key: MessageKey,
  { channel, at }: { channel: string; at: number },
): Promise<void> {
  // One statement for the root, which has its row, and for a reply, which may have none. It selects the claim.
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('messages')
    .columns(['jobId', 'key', 'channel', 'attemptedAt', 'tries', 'refusals'])
    .expression((row) =>
      row
        .selectFrom('messages')
        .select(({ val }) => [
          'jobId',
          val<string>(key).as('key'),
          val(channel).as('channel'),
          val(at).as('attemptedAt'),
          val(1).as('tries'),
          val(0).as('refusals'),
        ])
        .where('jobId', '=', job.id)
        .where('key', '=', 'root')
        .where('claimToken', '=', token)
        .forUpdate(),
    )
    .onConflict((same) =>
      same
        .columns(['jobId', 'key'])
        .doUpdateSet((row) => ({ channel, attemptedAt: at, tries: row('messages.tries', '+', 1) })),
    )
    .executeTakeFirst()
  if (!numInsertedOrUpdatedRows) throw new ClaimLost()
}

/**
 * Saves where a message is, posted or edited, and which version of the job it shows.
 *
 * @param withinMs how long to try while the database is busy or away, in milliseconds.
 */
export async function confirm(
  db: Database,
  claimed: Claimed,
  key: MessageKey,
  { channel, ts, shownVersion }: { channel: string; ts: string; shownVersion: number | null },
  withinMs = 30_000,
): Promise<void> {
  await retryWhileAway(withinMs, async () => await update(db, claimed, key, { channel, ts, shownVersion }))
}

/**
 * Takes back the last attempt, because it surely didn't arrive.
 *
 * @param attemptedAt when an earlier attempt began whose outcome is unknown; null if there's none.
 */
export async function retract(
  db: Database,
  claimed: Claimed,
  key: MessageKey,
  attemptedAt: number | null,
): Promise<void> {
  await update(db, claimed, key, { attemptedAt, tries: sql`tries - 1` })
}

/** Counts refusals by Slack that may pass. */
export async function setRefusals(db: Database, claimed: Claimed, key: MessageKey, refusals: number): Promise<void> {
  await update(db, claimed, key, { refusals })
}

/** Notes that a message is never edited again. */
export async function close(db: Database, claimed: Claimed, key: MessageKey, now: number): Promise<void> {
  await update(db, claimed, key, { closedAt: now })
}

/**
 * Leaves the root behind, under the key `left`, and lets the thread begin again in another channel. Only the first root left
 * behind is kept: the thread moves a second time only when its root is gone. Replies that stand in the old place, or may
 * stand there, are remembered, so that none is posted twice without saying so.
 *
 * @param root where the root stands; null if it's gone or was never posted.
 */
export async function move(
  db: Database,
  thread: PendingThread,
  { channel, root, now }: { channel: string; root: { channel: string; ts: string } | null; now: number },
): Promise<void> {
  const { job } = thread
  await inTransaction(db, async (transaction) => {
    // As they are now: the attempt that led here was taken back after the thread was read.
    const attempts = await transaction
      .selectFrom('messages')
      .select(['attemptedAt', 'tries'])
      .where('jobId', '=', job.id)
      .where('key', '=', 'root')
      .executeTakeFirst()
    const left = { ...thread.root, ...attempts, ...root, key: 'left', shownVersion: null, refusals: 0, ...NO_CLAIM }
    await transaction
      .insertInto('messages')
      .values({ ...left, dueAt: null, closedAt: root ? null : now })
      .onConflict((same) => same.doNothing())
      .execute()
    const fresh = { ts: null, threadTs: null, attemptedAt: null, tries: 0, shownVersion: null, refusals: 0 }
    await update(transaction, thread, 'root', { channel, ...fresh })
    // They can't be looked up in the new channel. `tries` still says that they may appear twice.
    await transaction
      .updateTable('messages')
      .set({ attemptedAt: null })
      .where('jobId', '=', job.id)
      .where('key', 'like', 'event:%')
      .where('ts', 'is', null)
      .execute()
  })
}

/** Notes that the thread shows an event. */
export async function markNotified(
  db: Database,
  { job, token }: Claimed,
  { seq }: JobEvent,
  now: number,
): Promise<void> {
  const { numUpdatedRows } = await db
    .with('claimed', (messages) => selectClaimed(messages, job.id, token))
    .updateTable('events')
    .set({ notifiedAt: now })
    .where('jobId', '=', job.id)
    .where('seq', '=', seq)
    .where('jobId', 'in', (root) => root.selectFrom('claimed').select('jobId'))
    .executeTakeFirst()
  if (numUpdatedRows === 0n) throw new ClaimLost()
}

async function update(
  db: Database,
  { job, token }: Claimed,
  key: MessageKey,
  set: UpdateObject<Schema, 'messages'>,
): Promise<void> {
  const { numUpdatedRows } = await db
    .with('claimed', (messages) => selectClaimed(messages, job.id, token))
    .updateTable('messages')
    .set(set)
    .where('jobId', '=', job.id)
    .where('key', '=', key)
    .where('jobId', 'in', (root) => root.selectFrom('claimed').select('jobId'))
    .executeTakeFirst()
  if (numUpdatedRows === 0n) throw new ClaimLost()
}

/**
 * The root, if it has this token. Locked, so that nobody takes the claim before the statement ends: without the lock it would see
 * the root as it was when the statement began.
 */
function selectClaimed(db: QueryCreator<Schema>, jobId: string, token: string) {
  const root = db.selectFrom('messages').select('jobId').where('jobId', '=', jobId).where('key', '=', 'root')
  return root.where('claimToken', '=', token).forUpdate()
}
