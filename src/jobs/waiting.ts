/** Jobs that no connection's own rounds take up: their connection is gone, or they wait for a person. */
import { claimWaitingJobs } from '../store/leases.js'
import { advance, type House, leaseOf, leaveStranded, workAt } from './house.js'

/** More wait for the next round. */
const jobsPerRound = 100

/** One round over the due ones. Answers whether any job was moved. */
export async function tendWaitingJobs(house: House): Promise<boolean> {
  const wanted = { connections: [...house.connections.keys()], limit: jobsPerRound }
  const jobs = await claimWaitingJobs(house.db, wanted, leaseOf(house))
  const items = jobs.map((job) => ({ job }))
  return await workAt(house, items, async ({ job }) =>
    job.state === 'uncertain'
      ? (await advance(house, job, { kind: 'unanswered' })) !== null
      : await leaveStranded(house, job),
  )
}
