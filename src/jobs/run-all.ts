/** Works at many claimed jobs side by side, so that one that breaks holds up no other. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { withLogFields } from '../log-fields.js'
import type { ClaimedJob } from '../store/claims.js'
import type { WorkerContext } from './context.js'

/** Of one run. All at once would take every connection of the pool, and what is due could not even be read meanwhile. */
const MAX_JOBS_AT_ONCE = 8
/** SQLite answers before the event loop turns: after this many jobs Slack's requests and the timers get their turn. */
const JOBS_PER_EVENT_LOOP_TURN = 50

/**
 * Works at claimed jobs, eight at a time. A job whose work breaks, because the disk is full or we have a bug, is logged and due
 * again with the next tick; the others go on.
 *
 * @param work returns whether it moved the job.
 * @returns whether any job was moved, so that there may be more to do at once.
 */
export async function runAll<T extends ClaimedJob>(
  context: WorkerContext,
  items: readonly T[],
  work: (item: T, at: number) => Promise<boolean>,
): Promise<boolean> {
  const left = items.entries()
  let turn: Promise<unknown> = Promise.resolve()
  let hasMoved = false
  const workInTurn = async () => {
    for (const [at, item] of left) {
      if (at % JOBS_PER_EVENT_LOOP_TURN === JOBS_PER_EVENT_LOOP_TURN - 1) turn = nextTurn()
      await turn
      try {
        if (await withLogFields({ job: item.job.id }, () => work(item, at))) hasMoved = true
      } catch (error) {
        context.log.error({ job: item.job.id, err: error }, 'work at a job broke; it is tried again')
      }
    }
  }
  await Promise.all(Array.from({ length: MAX_JOBS_AT_ONCE }, workInTurn))
  return hasMoved
}
