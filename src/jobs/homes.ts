/** Keeps open Home tabs fresh: decides whose and when, not what they show. */
import { claimDueHomes, postponeHome } from '../store/homes.js'
import type { WorkerContext } from './context.js'

/** Puts what is true now into a person's Home tab; answers after how many milliseconds to try again, 0 if it's shown. */
export type PublishHome = (person: string) => Promise<number>

/** One run takes as many calls as Slack allows at once. */
const MAX_HOMES = 20
/** How long a tab is left alone after a bug or a failed query, in milliseconds. */
const BROKEN_WAIT_MS = 30_000

/** Works once through the tabs that are due; returns whether there may be more. */
export async function refreshHomes(
  { db, membership, now, log }: Pick<WorkerContext, 'db' | 'membership' | 'now' | 'log'>,
  publish: PublishHome,
  stopping: AbortSignal,
): Promise<boolean> {
  if (!membership.mayWork()) return false
  const people = await claimDueHomes(db, MAX_HOMES, now())
  for (const person of people) {
    const waitMs =
      stopping.aborted || !membership.mayWork()
        ? 1
        : await publish(person).catch((error: unknown) => {
            log.warn({ person, err: error }, 'a Home tab could not be brought up to date; it is tried again')
            return BROKEN_WAIT_MS
          })
    if (waitMs > 0) await postponeHome(db, person, waitMs, now())
  }
  return people.length === MAX_HOMES
}
