/** The seen table: requests that came to one of the processes that share a database, so that the others refuse them. */
import type { SeenBefore } from '../lib/seen.js'
import { indexable } from './indexable.js'
import type { Database } from './schema.js'

export function seenByAll(db: Database): SeenBefore {
  return async (key, until) => {
    const { numInsertedOrUpdatedRows: count = 0n } = await db
      .insertInto('seen')
      .values({ key: indexable(key), until })
      .onConflict((same) => same.column('key').doNothing())
      .executeTakeFirstOrThrow()
    return count === 0n
  }
}

/** `now`: milliseconds since 1970. */
export async function purgeSeen(db: Database, now: number): Promise<void> {
  await db.deleteFrom('seen').where('until', '<', now).execute()
}
