/** Threads that go on elsewhere, and the roots that they leave behind. */
import { type OldRoot, type Untold, updateEvent, updateToldJob } from './events.js'
import type { Database } from './schema.js'

/**
 * Moves the thread elsewhere, where the next message starts it again.
 *
 * @param oldRoot the root that is left behind and still stands; null keeps the one that an earlier move left.
 */
export async function moveThread(
  db: Database,
  untold: Untold,
  rootChannel: string,
  oldRoot: { channel: string; ts: string } | null = null,
): Promise<void> {
  // A root of which nobody knows whether it stands is still one: the next root speaks of it.
  const tries = untold.job.rootTs === null ? {} : { rootTries: 0 }
  const nowhere = { rootTs: null, rootAttemptedAt: null, ...tries, rootVersion: null, placeRefusals: 0 }
  const left = oldRoot && { oldRootChannel: oldRoot.channel, oldRootTs: oldRoot.ts, oldRootSaysMoved: 0 }
  await db.transaction().execute(async (transaction) => {
    await updateToldJob(transaction, untold.job.id, untold.teller, (row) => ({
      rootChannel,
      moves: row('moves', '+', 1),
      ...nowhere,
      ...left,
    }))
    // What was begun or said in the old place says nothing about the new one.
    for (const event of untold.events) {
      await updateEvent(transaction, event, untold.teller, () => ({ attemptedAt: null, tries: 0, replyTs: null }))
    }
  })
}

/** What the root that was left behind says now; null when nobody edits it any more. */
export async function saveOldRoot(
  db: Database,
  { job, teller }: Untold,
  says: Pick<OldRoot, 'saysMoved' | 'refusals'> | null,
): Promise<void> {
  const isOver = says === null ? { oldRootChannel: null, oldRootTs: null } : {}
  const { saysMoved, refusals } = says ?? { saysMoved: false, refusals: 0 }
  const set = { ...isOver, oldRootSaysMoved: saysMoved ? 1 : 0, oldRootRefusals: refusals }
  await updateToldJob(db, job.id, teller, () => set)
}

/** Counts refusals of the present place, or begins anew at 0 when it took something. */
export async function savePlaceRefusals(db: Database, { job, teller }: Untold, placeRefusals: number): Promise<void> {
  await updateToldJob(db, job.id, teller, () => ({ placeRefusals }))
}
