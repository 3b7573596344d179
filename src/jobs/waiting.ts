/** Jobs that no connection's own rounds take up: their connection is gone, or they wait for a person. */
import { claimStrandedJobs, claimUnansweredJobs } from '../store/leases.js'
import { advance, type House, leaseOf, leaveStranded, workAt } from './house.js'

/** More wait for the next round. */
const jobsPerRound = 100

/** One round over the due ones. Answers whether any job was moved. */
export async function tendWaitingJobs(house: House): Promise<boolean> {
  const { db, connections } = house
  const stranded = await claimStrandedJobs(
    db,
    { connections: [...connections.keys()], limit: jobsPerRound },
    leaseOf(house),
  )
  const areLeft = await workAt(house, stranded.map(asItem), ({ job }) => leaveStranded(house, job))
  const unanswered = await claimUnansweredJobs(db, { limit: jobsPerRound }, leaseOf(house))
  const areReminded = await workAt(
    house,
    unanswered.map(asItem),
    async ({ job }) => (await advance(house, job, { kind: 'unanswered' })) !== null,
  )
  return areLeft || areReminded
}

const asItem = <T>(job: T) => ({ job })
