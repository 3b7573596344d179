/** Due looks: asks each connection once for as many jobs as possible and decides what the answers mean. */
import { type Observation, withoutCredentials } from '../providers/provider.js'
import { claimDueJobs } from '../store/leases.js'
import { type AnyStep, advance, followingStep, type House, leaseOf, type Task, workAt, workAtTasks } from './house.js'
import type { Happening, Job } from './job.js'
import { unseen } from './run.js'

/** More than the busiest connection has alive at once; it only bounds memory. */
const jobsPerRound = 5_000

/** One round over a connection's jobs that are due for a look. Answers whether any job was moved. */
export async function watchDueJobs(house: House, connection: string): Promise<boolean> {
  const wanted = { connection, states: ['working'] as const, limit: jobsPerRound }
  const jobs = await claimDueJobs(house.db, wanted, leaseOf(house))
  const groups = new Map<AnyStep['check'], Sight[]>()
  const wasBroken = await workAtTasks(house, jobs, async (task) => {
    const ref = task.operation.ref.safeParse(task.job.ref)
    if (!ref.success) {
      return await moved(house, task.job, unseen(house, task.job, ref.error, task.operation.deadlineMs))
    }
    append(groups, task.step.check, { ...task, ref: ref.data })
    return false
  })
  const looks = await Promise.all([...groups].map(([check, sights]) => look(house, check, sights)))
  return wasBroken || looks.includes(true)
}

async function moved(house: House, job: Job, happening: Happening): Promise<boolean> {
  return (await advance(house, job, happening)) !== null
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

async function look(house: House, check: AnyStep['check'], sights: readonly Sight[]): Promise<boolean> {
  const looks = await observe(check, sights, house.now()).catch((error: unknown) =>
    sights.map((sight) => ({ ...sight, look: error instanceof Error ? error : new Error(String(error)) })),
  )
  return await workAt(house, looks, ({ look, ...task }) => {
    const { job, operation } = task
    if (look instanceof Error) return moved(house, job, unseen(house, job, look, operation.deadlineMs))
    return moved(house, job, { kind: 'observed', look, nextStep: followingStep(task) })
  })
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
