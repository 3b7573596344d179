/**
 * The paces table: how often all processes together have called what is limited. Each pace is one time (a "generic cell rate
 * algorithm"): until then the calls that were taken are paid for, at the rate that is allowed in the long run.
 */
import { sql } from 'kysely'
import type { Pace, Paces } from '../lib/paces.js'
import type { Database } from './schema.js'

/** A pace that is full for longer than this, in milliseconds, says nothing any more. */
const KEPT_MS = 60 * 60_000
/** No pause is longer, in milliseconds: what is paid for beyond this comes from a database whose clock was set back since. */
const MAX_PAID_AHEAD_MS = 20 * 60_000

/**
 * The count of processes that share a database.
 *
 * @param now milliseconds since 1970, by the clock that they share.
 */
export function createSharedPaces(db: Database, now: () => number): Paces {
  return {
    take: async ([narrowest, ...wider]) => {
      if (!narrowest) return 0
      if (wider.length === 0) return await takeOne(db, narrowest, now())
      return await db
        .transaction()
        .execute(async (transaction) => {
          for (const pace of [narrowest, ...wider]) {
            const waitMs = await takeOne(transaction, pace, now())
            if (waitMs > 0) throw new NoneTaken(waitMs)
          }
          return 0
        })
        .catch((error: unknown) => {
          if (error instanceof NoneTaken) return error.waitMs
          throw error
        })
    },
    pause: async ([narrowest, ...wider], ms) => {
      if (!narrowest) return
      await pauseOne(db, narrowest, now() + ms)
      for (const pace of wider) {
        const others = db
          .selectFrom('paces')
          .select('name')
          .where(sql<string>`substr(name, 1, ${sql.lit(pace.name.length + 1)})`, '=', `${pace.name} `)
          .where('name', '!=', narrowest.name)
          .where('pausedUntil', '>', now())
        if (await others.executeTakeFirst()) await pauseOne(db, pace, now() + ms)
      }
    },
  }
}

/** Rolls a transaction back. */
class NoneTaken extends Error {
  readonly waitMs: number

  constructor(waitMs: number) {
    super()
    this.waitMs = waitMs
  }
}

/** Rounded up, because the columns take whole milliseconds. */
function intervalMs({ perMinute }: Pace): number {
  return Math.ceil(60_000 / perMinute)
}

/** How far ahead of now a pace may be paid for, so that one more call is allowed. */
function aheadMs(pace: Pace): number {
  return intervalMs(pace) * (pace.burst - 1)
}

/** One statement, which the row's lock makes one after the other: each sees what the one before it left. */
async function takeOne(db: Database, pace: Pace, at: number): Promise<number> {
  const { name } = pace
  const until = at + intervalMs(pace)
  const taken = await db
    .insertInto('paces')
    .values({ name, paidUntil: until, pausedUntil: null })
    .onConflict((same) =>
      same
        .column('name')
        .doUpdateSet((row) => ({
          paidUntil: row
            .case()
            .when(row.between('paces.paidUntil', at, at + MAX_PAID_AHEAD_MS))
            .then(row('paces.paidUntil', '+', intervalMs(pace)))
            .else(until)
            .end(),
        }))
        .where((row) =>
          row.or([
            row('paces.paidUntil', '<=', at + aheadMs(pace)),
            row('paces.paidUntil', '>', at + MAX_PAID_AHEAD_MS),
          ]),
        ),
    )
    .returning('paidUntil')
    .executeTakeFirst()
  if (taken) return 0
  const row = await db.selectFrom('paces').select('paidUntil').where('name', '=', name).executeTakeFirst()
  return Math.max((row?.paidUntil ?? at) - aheadMs(pace) - at, 1)
}

/** Exactly one call is allowed then. */
async function pauseOne(db: Database, pace: Pace, pausedUntil: number): Promise<void> {
  const { name } = pace
  const paidUntil = pausedUntil + aheadMs(pace)
  await db
    .insertInto('paces')
    .values({ name, paidUntil, pausedUntil })
    .onConflict((same) =>
      same.column('name').doUpdateSet({ paidUntil, pausedUntil }).where('paces.paidUntil', '<', paidUntil),
    )
    .execute()
}

/** Deletes what was not used for an hour, such as the paces of quiet channels. */
export async function purgePaces(db: Database, now: number): Promise<void> {
  await db
    .deleteFrom('paces')
    .where('paidUntil', '<', now - KEPT_MS)
    .execute()
}
