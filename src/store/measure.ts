/** Counts what is unfinished, for monitoring. */
import { sql } from 'kysely'
import type { State } from '../domain/job.js'
import type { Database } from './schema.js'

export interface Unfinished {
  /** Live jobs; states without one are left out. */
  jobs: readonly { connection: string; state: State; count: number }[]
  /** Events that their threads don't show yet, and when the oldest happened, in milliseconds since 1970; null if there's none. */
  pending: { count: number; oldestAt: number | null }
}

/** In one query, which reads nothing that is over: an old database costs no more than a new one. */
export async function countUnfinished(db: Database): Promise<Unfinished> {
  const rows = await db
    .selectFrom('jobs')
    .where('endedAt', 'is', null)
    .select((job) => [
      job.ref('state').$castTo<State | 'pending'>().as('kind'),
      'connection',
      job.fn.countAll<number>().as('count'),
      job.fn.min<number | null>('createdAt').as('oldestAt'),
    ])
    .groupBy(['state', 'connection'])
    .unionAll(
      db
        .selectFrom('events')
        .where('notifiedAt', 'is', null)
        .select((event) => [
          sql.lit<State | 'pending'>('pending').as('kind'),
          sql.lit('').as('connection'),
          event.fn.countAll<number>().as('count'),
          event.fn.min<number | null>('at').as('oldestAt'),
        ]),
    )
    .execute()
  const pending = rows.find(({ kind }) => kind === 'pending')
  return {
    jobs: rows.flatMap(({ kind, connection, count }) =>
      kind === 'pending' ? [] : [{ connection, state: kind, count }],
    ),
    pending: { count: pending?.count ?? 0, oldestAt: pending?.oldestAt ?? null },
  }
}
