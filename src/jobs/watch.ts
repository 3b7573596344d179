/** Due looks: asks each connection once for as many jobs as possible and decides what the answers mean. */
import { type Observation, withoutCredentials } from '../providers/provider.js'
import { claimDueJobs } from '../store/jobs.js'
import { type AnyStep, advance, followingStep, type House, leaseOf, openTasks, type Task, workAt } from './house.js'
import type { Job } from './machine.js'
import { unseen } from './run.js'

/** More than the busiest connection has alive at once; it only bounds memory. */
const jobsPerRound = 5_000

/** One round over a connection's jobs that are due for a look. Answers whether any job was looked at. */
export async function watchDueJobs(house: House, connection: string): Promise<boolean> {
  const wanted = { connection, states: ['working'] as const, limit: jobsPerRound }
  const jobs = await claimDueJobs(house.db, wanted, leaseOf(house))
  const groups = new Map<AnyStep['check'], Sight[]>()
  await workAt(house, openTasks(house, jobs), async (task) => {
    const ref = task.operation.ref.safeParse(task.job.ref)
    if (ref.success) append(groups, task.step.check, { ...task, ref: ref.data })
    else await advance(house, task.job, unseen(house, task.job, ref.error, task.operation.deadlineMs))
  })
  await Promise.all([...groups].map(([check, sights]) => look(house, check, sights)))
  return jobs.length > 0
}

function append<K, V>(groups: Map<K, V[]>, key: K, value: V): void {
  const group = groups.get(key)
  if (group) group.push(value)
  else groups.set(key, [value])
}

/** A job to be looked at, with its ref as its provider knows it. */
interface Sight extends Task {
  ref: NonNullable<Job['ref']>
}

async function look(house: House, check: AnyStep['check'], sights: readonly Sight[]): Promise<void> {
  try {
    const looks = await observe(check, sights, house.now())
    await workAt(house, looks, async ({ look, ...task }) => {
      const { job, operation } = task
      if (look instanceof Error) await advance(house, job, unseen(house, job, look, operation.deadlineMs))
      else await advance(house, job, { kind: 'observed', look, nextStep: followingStep(task) })
    })
  } catch (error) {
    await workAt(house, sights, async ({ job, operation }) => {
      await advance(house, job, unseen(house, job, error, operation.deadlineMs))
    })
  }
}

async function observe(
  check: AnyStep['check'],
  sights: readonly Sight[],
  now: number,
): Promise<readonly (Sight & { look: Observation | Error })[]> {
  const [first] = sights
  if (!first) return []
  const observations = await check(
    first.connection.api,
    sights.map(({ ref }) => ref),
    now,
  )
  return sights.map((sight, at) => {
    const look = observations[at]
    if (look instanceof Error) return { ...sight, look }
    if (look) return { ...sight, look: { ...look, ...(look.detail && { detail: withoutCredentials(look.detail) }) } }
    throw new Error(
      `"${first.step.title}" looked at ${sights.length} refs and made ${observations.length} observations.`,
    )
  })
}
