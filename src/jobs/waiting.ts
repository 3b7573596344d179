/** Jobs that no connection's workers claim. */
import { claimWaitingJobs } from '../store/claims.js'
import type { WorkerContext } from './context.js'
import { leaveStranded, move, runAll, withClaim } from './tasks.js'

/** More wait for the next run. */
const MAX_WAITING_PER_RUN = 100

/** Handles due jobs that no connection's workers claim: their connection is gone, or they wait for a person. */
export async function handleWaitingJobs(context: WorkerContext): Promise<boolean> {
  const wanted = { connections: [...context.connections.keys()], limit: MAX_WAITING_PER_RUN }
  return await withClaim(
    context,
    (token) => claimWaitingJobs(context.db, wanted, context.now(), token),
    (claimed) =>
      runAll(context, claimed, async (one) =>
        one.job.state === 'uncertain'
          ? await move(context, one, { kind: 'unanswered' })
          : await leaveStranded(context, one),
      ),
  )
}
