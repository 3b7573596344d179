/** What is due, of all kinds, in one query: with every tick the scheduler asks for no more than that. */
import { sql } from 'kysely'
import type { State } from '../domain/job.js'
import { isFree, selectExpiring, selectPending } from './claims.js'
import type { Database } from './schema.js'
import { selectEndedSteps } from './workflow-steps.js'

/** Work of one kind that is due and that nobody does. */
export interface DueWork {
  /** The state of due jobs, or what else is due: messages, expiries, schedules, rows of the audit, workflows, Home tabs. */
  kind: State | 'notify' | 'expiry' | 'schedule' | 'seal' | 'step' | 'home'
  /** Empty for all but jobs. */
  connection: string
  /** How many jobs are due; 1 for anything else. */
  count: number
}

/** All that is due now and free, in one query. */
export async function findDueWork(db: Database, now: number): Promise<DueWork[]> {
  return await db
    .selectFrom('jobs')
    .select((job) => [
      job.ref('state').$castTo<DueWork['kind']>().as('kind'),
      'connection',
      job.fn.countAll<number>().as('count'),
    ])
    .where('dueAt', '<=', now)
    .where(isFree('jobs'))
    .groupBy(['state', 'connection'])
    .unionAll(
      selectPending(db, now)
        .select([sql.lit<DueWork['kind']>('notify').as('kind'), sql.lit('').as('connection'), sql.lit(1).as('count')])
        .distinct(),
    )
    .unionAll(
      selectExpiring(db, now)
        .select([sql.lit<DueWork['kind']>('expiry').as('kind'), sql.lit('').as('connection'), sql.lit(1).as('count')])
        .distinct(),
    )
    .unionAll(
      db
        .selectFrom('audit')
        .where('seq', 'is', null)
        .select([sql.lit<DueWork['kind']>('seal').as('kind'), sql.lit('').as('connection'), sql.lit(1).as('count')])
        .distinct(),
    )
    .unionAll(
      db
        .selectFrom('schedules')
        .select([sql.lit<DueWork['kind']>('schedule').as('kind'), sql.lit('').as('connection'), sql.lit(1).as('count')])
        .where('dueAt', '<=', now)
        .distinct(),
    )
    .unionAll(
      db
        .selectFrom('homes')
        .select([sql.lit<DueWork['kind']>('home').as('kind'), sql.lit('').as('connection'), sql.lit(1).as('count')])
        .where('dueAt', '<=', now)
        .distinct(),
    )
    .unionAll(
      selectEndedSteps(db, now)
        .select([sql.lit<DueWork['kind']>('step').as('kind'), sql.lit('').as('connection'), sql.lit(1).as('count')])
        .distinct(),
    )
    .execute()
}
