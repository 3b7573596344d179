/** Jobs that no connection's workers claim. */
import { claimWaitingJobs } from '../store/claims.js'
import type { WorkerContext } from './context.js'
import { move } from './move.js'
import { runAll } from './run-all.js'
import { leaveStranded, withClaim } from './tasks.js'

/** More wait for the next run. */
const MAX_WAITING_PER_RUN = 100

/** Handles due jobs that no connection's workers claim: their connection is gone, or they waited for people. */
export async function handleWaitingJobs(context: WorkerContext): Promise<boolean> {
  const wanted = { connections: [...context.connections.keys()], limit: MAX_WAITING_PER_RUN }
  return await withClaim(
    context,
    (claimant) => claimWaitingJobs(context.db, wanted, context.now(), claimant),
    (claimed) =>
      runAll(context, claimed, async (one) => {
        const { state } = one.job
        if (state === 'uncertain') return await move(context, one, { kind: 'unanswered' })
        if (state === 'awaiting_approval') return await move(context, one, { kind: 'approval_expired' })
        return await leaveStranded(context, one)
      }),
  )
}
