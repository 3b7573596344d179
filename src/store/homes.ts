/** The homes table: whose Home tab was opened, what was published there, and which tabs no longer show everything. */
import type { Selectable } from 'kysely'
import type { Database, HomeTable } from './schema.js'

/** A tab that was opened longer ago than this, in milliseconds, is taken for closed: Slack doesn't tell. */
export const OPEN_FOR_MS = 30 * 60_000
/** Between two views of one person, in milliseconds: a job may change several times a second. */
const MIN_PAUSE_MS = 5_000
/** How long a worker has for a tab that it claimed, in milliseconds, before another one takes it. */
const CLAIM_MS = 60_000

export type Home = Selectable<HomeTable>

/** Notes that a person looks at their Home tab. `channel`: their direct messages with Dolly. */
export async function noteHomeOpened(db: Database, person: string, channel: string | null, now: number): Promise<void> {
  await db
    .insertInto('homes')
    .values({ person, channel, openedAt: now, hash: null, shownAt: null, changes: 0, dueAt: null })
    .onConflict((same) => same.column('person').doUpdateSet({ channel, openedAt: now }))
    .execute()
}

/** Undefined for somebody who has never opened it. */
export async function readHome(db: Database, person: string): Promise<Home | undefined> {
  return await db.selectFrom('homes').selectAll().where('person', '=', person).executeTakeFirst()
}

/** People whose tabs no longer show everything, or `all`. */
export type StaleHomes = Set<string>

/**
 * Marks open tabs that no longer show everything. Called once, at the end of the transaction of the change: two transactions that
 * lock some tabs and then more could deadlock.
 *
 * @param now milliseconds since 1970.
 */
export async function markHomes(db: Database, people: StaleHomes, now: number): Promise<void> {
  await db
    .with('stale', (homes) =>
      homes
        .selectFrom('homes')
        .select('person')
        .where('openedAt', '>', now - OPEN_FOR_MS)
        .$if(!people.has('all'), (some) => some.where('person', 'in', [...people]))
        // Always in the same order, for the same reason.
        .orderBy('person')
        .forUpdate(),
    )
    .updateTable('homes')
    .set((home) => ({
      changes: home('changes', '+', 1),
      dueAt: home.fn.coalesce(
        'dueAt',
        home
          .case()
          .when('shownAt', '>', now - MIN_PAUSE_MS)
          .then(home('shownAt', '+', MIN_PAUSE_MS))
          .else(now)
          .end(),
      ),
    }))
    .where('person', 'in', (wanted) => wanted.selectFrom('stale').select('person'))
    .execute()
}

/** Takes due tabs for this worker. One that it neither shows nor postpones becomes due again in a minute. */
export async function claimDueHomes(db: Database, limit: number, now: number): Promise<string[]> {
  const claimed = await db
    .with('due', (homes) =>
      homes
        .selectFrom('homes')
        .select('person')
        .where('dueAt', '<=', now)
        .orderBy('dueAt')
        .limit(limit)
        .forUpdate()
        .skipLocked(),
    )
    .updateTable('homes')
    .set({ dueAt: now + CLAIM_MS })
    .where('person', 'in', (wanted) => wanted.selectFrom('due').select('person'))
    .returning('person')
    .execute()
  return claimed.map(({ person }) => person)
}

/**
 * Notes that a tab was published.
 *
 * @param shown.changes of the row as it was before what is shown was read: later changes are still to be shown.
 */
export async function noteHomeShown(
  db: Database,
  person: string,
  shown: { changes: number; hash: string | null },
  now: number,
): Promise<void> {
  await db
    .updateTable('homes')
    .set((home) => ({
      hash: shown.hash,
      shownAt: now,
      dueAt: home
        .case()
        .when('changes', '=', shown.changes)
        .then(null)
        .else(now + MIN_PAUSE_MS)
        .end(),
    }))
    .where('person', '=', person)
    .execute()
}

/** Leaves a tab alone for so many milliseconds. */
export async function postponeHome(db: Database, person: string, ms: number, now: number): Promise<void> {
  await db
    .updateTable('homes')
    .set({ dueAt: now + ms })
    .where('person', '=', person)
    .execute()
}
