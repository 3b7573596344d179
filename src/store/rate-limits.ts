/**
 * The rate_limits table: how many calls all processes together have made under each limit. A row holds one time, as in the generic
 * cell rate algorithm: the time at which all calls made so far are paid for, at the rate that the limit allows in the long run.
 */
import { sql } from 'kysely'
import type { RateLimit, RateLimiter } from '../lib/rate-limiter.js'
import type { Database } from './schema.js'
import { inTransaction } from './transaction.js'

/** A row is deleted when its limit has been unused for so long, in milliseconds. */
const KEPT_MS = 60 * 60_000
/** In milliseconds, longer than any pause: a row that is further ahead was written before the database's clock was set back. */
const MAX_PAID_AHEAD_MS = 20 * 60_000

/**
 * Counts in the database, for processes that share it.
 *
 * @param now milliseconds since 1970, by the clock that they share.
 */
export function createSharedRateLimiter(db: Database, now: () => number): RateLimiter {
  return {
    take: async ([narrowest, ...wider]) => {
      if (!narrowest) return 0
      if (wider.length === 0) return await takeOne(db, narrowest, now())
      return await inTransaction(db, async (transaction) => {
        for (const limit of [narrowest, ...wider]) {
          const waitMs = await takeOne(transaction, limit, now())
          if (waitMs > 0) throw new NoneTaken(waitMs)
        }
        return 0
      }).catch((error: unknown) => {
        if (error instanceof NoneTaken) return error.waitMs
        throw error
      })
    },
    pause: async ([narrowest, ...wider], ms) => {
      if (!narrowest) return
      await pauseOne(db, narrowest, now() + ms)
      for (const limit of wider) {
        const others = db
          .selectFrom('rateLimits')
          .select('name')
          .where(sql<string>`substr(name, 1, ${sql.lit(limit.name.length + 1)})`, '=', `${limit.name} `)
          .where('name', '!=', narrowest.name)
          .where('pausedUntil', '>', now())
        if (await others.executeTakeFirst()) await pauseOne(db, limit, now() + ms)
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
function intervalMs({ perMinute }: RateLimit): number {
  return Math.ceil(60_000 / perMinute)
}

/** How far ahead of now a limit may be paid for and still allow one more call, in milliseconds. */
function aheadMs(limit: RateLimit): number {
  return intervalMs(limit) * (limit.burst - 1)
}

/** In one statement: the lock on the row lets processes take calls one after the other. */
async function takeOne(db: Database, limit: RateLimit, at: number): Promise<number> {
  const { name } = limit
  const until = at + intervalMs(limit)
  const taken = await db
    .insertInto('rateLimits')
    .values({ name, paidUntil: until, pausedUntil: null })
    .onConflict((same) =>
      same
        .column('name')
        .doUpdateSet((row) => ({
          paidUntil: row
            .case()
            .when(row.between('rateLimits.paidUntil', at, at + MAX_PAID_AHEAD_MS))
            .then(row('rateLimits.paidUntil', '+', intervalMs(limit)))
            .else(until)
            .end(),
        }))
        .where((row) =>
          row.or([
            row('rateLimits.paidUntil', '<=', at + aheadMs(limit)),
            row('rateLimits.paidUntil', '>', at + MAX_PAID_AHEAD_MS),
          ]),
        ),
    )
    .returning('paidUntil')
    .executeTakeFirst()
  if (taken) return 0
  const row = await db.selectFrom('rateLimits').select('paidUntil').where('name', '=', name).executeTakeFirst()
  return Math.max((row?.paidUntil ?? at) - aheadMs(limit) - at, 1)
}

/** Exactly one call is allowed then. */
async function pauseOne(db: Database, limit: RateLimit, pausedUntil: number): Promise<void> {
  const { name } = limit
  const paidUntil = pausedUntil + aheadMs(limit)
  await db
    .insertInto('rateLimits')
    .values({ name, paidUntil, pausedUntil })
    .onConflict((same) =>
      same.column('name').doUpdateSet({ paidUntil, pausedUntil }).where('rateLimits.paidUntil', '<', paidUntil),
    )
    .execute()
}

/** Deletes rows that were not used for an hour, such as those of quiet channels. */
export async function purgeRateLimits(db: Database, now: number): Promise<void> {
  await db
    .deleteFrom('rateLimits')
    .where('paidUntil', '<', now - KEPT_MS)
    .execute()
}
