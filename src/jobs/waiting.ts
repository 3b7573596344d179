/** Jobs that no connection's own rounds take up: their connection is gone, or they wait for a person. */
import { claimWaitingJobs } from '../store/claims.js'
import { advance, leaseOf, leaveStranded, runAll, type WorkerContext } from './context.js'

/** More wait for the next round. */
const MAX_JOBS_PER_RUN = 100

/** One round over the due ones. Answers whether any job was moved. */
export async function handleWaitingJobs(context: WorkerContext): Promise<boolean> {
  const wanted = { connections: [...context.connections.keys()], limit: MAX_JOBS_PER_RUN }
  const jobs = await claimWaitingJobs(context.db, wanted, leaseOf(context))
  const items = jobs.map((job) => ({ job }))
  return await runAll(context, items, async ({ job }) =>
    job.state === 'uncertain'
      ? (await advance(context, job, { kind: 'unanswered' })) !== null
      : await leaveStranded(context, job),
  )
}
