/** Due looks: asks each connection once for as many jobs as possible and decides what the answers mean. */
import type { Observation } from '../providers/provider.js'
import { claimDueJobs } from '../store/jobs.js'
import { type AnyStep, advance, followingStep, type House, openTask, type Task } from './house.js'
import { unseen } from './run.js'

/** More than the busiest connection has alive at once; it only bounds memory. */
const jobsPerRound = 5_000

/** One round over a connection's jobs that are due for a look. Answers whether any job was looked at. */
export async function watchDueJobs(house: House, connection: string): Promise<boolean> {
  const lease = { worker: house.worker, now: house.now(), leaseMs: house.leaseMs }
  const wanted = { connection, states: ['working'] as const, limit: jobsPerRound }
  const jobs = await claimDueJobs(house.db, wanted, lease)
  const groups = new Map<AnyStep['check'], Task[]>()
  for (const job of jobs) {
    const task = openTask(house, job)
    if (task) append(groups, task.step.check, task)
  }
  await Promise.all([...groups].map(([check, tasks]) => look(house, check, tasks)))
  return jobs.length > 0
}

function append<K, V>(groups: Map<K, V[]>, key: K, value: V): void {
  const group = groups.get(key)
  if (group) group.push(value)
  else groups.set(key, [value])
}

async function look(house: House, check: AnyStep['check'], tasks: readonly Task[]): Promise<void> {
  const [first] = tasks
  if (!first) return
  let observations: readonly Observation[]
  try {
    observations = await check(
      first.connection.api,
      tasks.map((task) => task.operation.ref.parse(task.job.ref)),
    )
    if (observations.length !== tasks.length) {
      throw new Error(
        `"${first.step.title}" looked at ${tasks.length} refs and made ${observations.length} observations.`,
      )
    }
  } catch (error) {
    for (const task of tasks) {
      await advance(house, task.job, unseen(house, task.job, error, task.operation.deadlineMs))
    }
    return
  }
  for (const [at, task] of tasks.entries()) {
    const look = observations[at]
    if (look) await advance(house, task.job, { kind: 'observed', look, nextStep: followingStep(task) })
  }
}
