/** Jobs that no connection's workers claim: their connection is gone, or they wait for a person. */
import { claimWaitingJobs } from '../store/claims.js'
import type { WorkerContext } from './context.js'
import { advance, leaveStranded, runAll, withClaim } from './worker.js'

/** More wait for the next run. */
const MAX_JOBS_PER_RUN = 100

/** Handles the due ones. Returns whether any job was moved. */
export async function handleWaitingJobs(context: WorkerContext): Promise<boolean> {
  const wanted = { connections: [...context.connections.keys()], limit: MAX_JOBS_PER_RUN }
  return await withClaim(
    context,
    (token) => claimWaitingJobs(context.db, wanted, context.now(), token),
    (claimed) =>
      runAll(context, claimed, async (one) =>
        one.job.state === 'uncertain'
          ? (await advance(context, one, { kind: 'unanswered' })) !== null
          : await leaveStranded(context, one),
      ),
  )
}
