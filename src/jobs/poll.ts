/** Due looks: asks each connection once for as many jobs as possible and decides what the answers mean. */

import type { Job, JobInput } from '../domain/job.js'
import { type Observation, withoutCredentials } from '../providers/provider.js'
import { claimDueJobs } from '../store/claims.js'
import {
  type AnyStep,
  advance,
  followingStep,
  leaseOf,
  runAll,
  runTasks,
  type Task,
  type WorkerContext,
} from './context.js'
import { unseen } from './write.js'

/** More than the busiest connection has alive at once; it only bounds memory. */
const MAX_JOBS_PER_RUN = 5_000

/** One round over a connection's jobs that are due for a look. Answers whether any job was moved. */
export async function pollDueJobs(context: WorkerContext, connection: string): Promise<boolean> {
  const wanted = { connection, states: ['working'] as const, limit: MAX_JOBS_PER_RUN }
  const jobs = await claimDueJobs(context.db, wanted, leaseOf(context))
  const groups = new Map<AnyStep['check'], Sight[]>()
  const wasBroken = await runTasks(context, jobs, async (task) => {
    const ref = task.operation.ref.safeParse(task.job.ref)
    if (!ref.success) {
      return await moved(context, task.job, unseen(context, task.job, ref.error, task.operation.deadlineMs))
    }
    append(groups, task.step.check, { ...task, ref: ref.data })
    return false
  })
  const looks = await Promise.all([...groups].map(([check, sights]) => look(context, check, sights)))
  return wasBroken || looks.includes(true)
}

async function moved(context: WorkerContext, job: Job, input: JobInput): Promise<boolean> {
  return (await advance(context, job, input)) !== null
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

async function look(context: WorkerContext, check: AnyStep['check'], sights: readonly Sight[]): Promise<boolean> {
  const looks = await observe(check, sights, context.now()).catch((error: unknown) =>
    sights.map((sight) => ({ ...sight, look: error instanceof Error ? error : new Error(String(error)) })),
  )
  return await runAll(context, looks, ({ look, ...task }) => {
    const { job, operation } = task
    if (look instanceof Error) return moved(context, job, unseen(context, job, look, operation.deadlineMs))
    return moved(context, job, { kind: 'observed', observation: look, nextStep: followingStep(task) })
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
