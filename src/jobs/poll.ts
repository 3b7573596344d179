/** Due polls: asks each connection once for as many jobs as possible and decides what the answers mean. */
import type { Job, Observation } from '../domain/job.js'
import { withLogFields } from '../log-fields.js'
import type { ClaimedJob } from '../store/claims.js'
import type { WorkerContext } from './context.js'
import { move, moveAll } from './move.js'
import { type AnyStep, pollFailed, resultOf, runTasks, type Task, withDueJobs } from './tasks.js'

/**
 * More jobs than the busiest connection should ever have under way. Bounds memory, and how many refs a step's check gets at once.
 */
const MAX_JOBS_PER_RUN = 10_000

/** Polls a connection's due jobs. Returns whether any job was moved. */
export async function pollDueJobs(context: WorkerContext, connection: string): Promise<boolean> {
  return await withDueJobs(context, { connection, state: 'working', limit: MAX_JOBS_PER_RUN }, (claimed) =>
    pollClaimed(context, claimed),
  )
}

/** A job to be polled, with its ref as its provider knows it. */
interface PollTarget extends Task {
  ref: NonNullable<Job['ref']>
}

async function pollClaimed(context: WorkerContext, claimed: readonly ClaimedJob[]): Promise<boolean> {
  context.polling?.(claimed.map(({ job }) => job))
  const groups = new Map<AnyStep['check'], PollTarget[]>()
  const hasFailed = await runTasks(context, claimed, async (task) => {
    const ref = task.operation.ref.safeParse(task.job.ref)
    if (!ref.success) return await move(context, task, pollFailed(context, task, ref.error))
    append(groups, task.step.check, { ...task, ref: ref.data })
    return false
  })
  const polls = await Promise.all([...groups].map(([check, targets]) => pollGroup(context, check, targets)))
  return hasFailed || polls.includes(true)
}

function append<K, V>(groups: Map<K, V[]>, key: K, value: V): void {
  const group = groups.get(key)
  if (group) group.push(value)
  else groups.set(key, [value])
}

async function pollGroup(
  context: WorkerContext,
  check: AnyStep['check'],
  targets: readonly PollTarget[],
): Promise<boolean> {
  const [first] = targets
  if (!first) return false
  const begunAt = context.elapsed()
  // With more than one job, a line about the poll is about none of them.
  const about = targets.length === 1 ? { job: first.job.id } : {}
  const answers = await withLogFields(about, () => observe(context, check, targets)).catch((error: unknown) =>
    targets.map(() => (error instanceof Error ? error : new Error(String(error)))),
  )
  const outcome = answers.every((answer) => answer instanceof Error) ? 'failed' : 'ok'
  const { name, provider } = first.connection
  context.meter?.polled({ connection: name, provider: provider.id, outcome }, context.elapsed() - begunAt)
  const answered = targets.map((target, at) => ({ ...target, answer: answers[at] }))
  return await moveAll(context, answered, (target) => {
    const { answer } = target
    if (!answer || answer instanceof Error) return pollFailed(context, target, answer)
    return { kind: 'observed', ...resultOf(target, answer) }
  })
}

async function observe(
  context: WorkerContext,
  check: AnyStep['check'],
  targets: readonly PollTarget[],
): Promise<readonly (Observation | Error)[]> {
  const [first] = targets
  if (!first) return []
  const refs = targets.map(({ ref }) => ref)
  const answers = await check(first.connection.api, refs, context.now())
  if (answers.length === refs.length) return answers
  throw new Error(
    `"${first.step.title}" was asked about ${refs.length} refs and returned ${answers.length} observations.`,
  )
}

/**
 * Logs once how many milliseconds after the start the last of these jobs got its first poll.
 *
 * @param startedAt when this process got the database, as `elapsed` counts.
 * @returns what to call with the jobs of each poll.
 */
export function logFirstPolls(
  running: readonly string[],
  startedAt: number,
  { elapsed, log }: Pick<WorkerContext, 'elapsed' | 'log'>,
): NonNullable<WorkerContext['polling']> {
  const left = new Set(running)
  return (jobs) => {
    if (left.size === 0) return
    for (const { id } of jobs) left.delete(id)
    if (left.size > 0) return
    const ms = Math.round(elapsed() - startedAt)
    log.info({ jobs: running.length, ms }, 'every running job was polled after the start')
  }
}
