/** How a worker works at jobs: claims them, works at them side by side, and gives back what it did not finish. */
import { randomUUID } from 'node:crypto'
import type { Job, JobInput, TransitionContext } from '../domain/job.js'
import { next } from '../domain/machine.js'
import { type Connection, type Operation, operationOf, type Step } from '../providers/provider.js'
import { type ClaimedJob, releaseClaim } from '../store/claims.js'
import { applyTransition } from '../store/jobs.js'
import type { WorkerContext } from './context.js'

/** A step as the workers see it: they pass params and refs through without knowing their shape. */
export type AnyStep = Step<Job['params'], Job['ref'], NonNullable<Job['ref']>>

/** A claimed job with everything that is needed to work at it. */
export interface Task extends ClaimedJob {
  connection: Connection
  operation: Operation
  step: AnyStep
}

/**
 * Claims jobs, works at them, and gives back what is still claimed then. A claim that can't be given back is remembered and
 * given back before this process claims anything again.
 *
 * @param claim claims jobs with the given token.
 * @returns whether any job was moved, so that there may be more to do at once.
 * @throws what the database throws when jobs can't be claimed, or earlier claims can't be given back.
 */
export async function withClaim(
  { db, memory: { unreleased }, log }: WorkerContext,
  claim: (token: string) => Promise<readonly ClaimedJob[]>,
  work: (claimed: readonly ClaimedJob[]) => Promise<boolean>,
): Promise<boolean> {
  for (const token of unreleased) {
    await releaseClaim(db, token)
    unreleased.delete(token)
  }
  const token = randomUUID()
  let isEmpty = false
  try {
    const claimed = await claim(token)
    isEmpty = claimed.length === 0
    return isEmpty ? false : await work(claimed)
  } finally {
    if (!isEmpty) {
      await releaseClaim(db, token).catch((error) => {
        unreleased.add(token)
        log.warn({ err: error }, 'a claim could not be given back yet')
      })
    }
  }
}

/**
 * Works at those claimed jobs whose connection, operation and step are there. The others wait, and their threads say so:
 * nothing is written for a job whose step is not the one that was planned.
 */
export async function runTasks(
  context: WorkerContext,
  claimed: readonly ClaimedJob[],
  work: (task: Task) => Promise<boolean>,
): Promise<boolean> {
  const tasks: Task[] = []
  const stranded: ClaimedJob[] = []
  for (const one of claimed) {
    const task = openTask(context, one)
    if (task) tasks.push(task)
    else stranded.push(one)
  }
  const hasStranded = await runAll(context, stranded, (one) => leaveStranded(context, one))
  return (await runAll(context, tasks, work)) || hasStranded
}

function openTask(context: WorkerContext, claimed: ClaimedJob): Task | null {
  const { job } = claimed
  const connection = context.connections.get(job.connection)
  const operation = operationOf(connection?.provider, job.operation)
  const step = operation?.steps.find(({ id }) => id === job.step)
  if (!connection || !operation || !step) return null
  return { ...claimed, connection, operation, step: step as AnyStep }
}

/** Reports a claimed job that this version or configuration can't continue, and puts it off for a while. */
export async function leaveStranded(context: WorkerContext, claimed: ClaimedJob): Promise<boolean> {
  const { job } = claimed
  const connection = context.connections.get(job.connection)
  const operation = operationOf(connection?.provider, job.operation)
  const reason = !connection
    ? `dolly.yml no longer has the connection ${job.connection}.`
    : `This version of Dolly has no ${operation ? `step “${job.step}”` : `operation “${job.operation}”`}.`
  if (job.strandedSince === null) context.log.error({ job: job.id, reason }, 'a job cannot continue; it waits')
  return (await advance(context, claimed, { kind: 'stranded', reason })) !== null
}

/** SQLite answers before the event loop turns: after this many jobs Slack's requests and the timers get their turn. */
const JOBS_PER_EVENT_LOOP_TURN = 50

/**
 * Works at claimed jobs side by side. A job whose work breaks, because the disk is full or we have a bug, is logged and due
 * again with the next tick; the others go on.
 *
 * @param work returns whether it moved the job.
 * @returns whether any job was moved, so that there may be more to do at once.
 */
export async function runAll<T extends ClaimedJob>(
  context: WorkerContext,
  items: readonly T[],
  work: (item: T) => Promise<boolean>,
): Promise<boolean> {
  const started: Promise<boolean>[] = []
  for (const item of items) {
    if (started.length % JOBS_PER_EVENT_LOOP_TURN === JOBS_PER_EVENT_LOOP_TURN - 1)
      await new Promise((resolve) => setImmediate(resolve))
    started.push(runOne(context, item, work))
  }
  return (await Promise.all(started)).includes(true)
}

async function runOne<T extends ClaimedJob>(context: WorkerContext, item: T, work: (item: T) => Promise<boolean>) {
  try {
    return await work(item)
  } catch (error) {
    context.log.error({ job: item.job.id, err: error }, 'work at a job broke; it is tried again')
    return false
  }
}

/** Id of the step after this one that these params ask for; null after the last. */
export function followingStep({ job, operation, step }: Task): string | null {
  const place = operation.steps.findIndex(({ id }) => id === step.id)
  return operation.steps.find(({ when }, at) => at > place && (when?.({ ...job.params }) ?? true))?.id ?? null
}

/** Applies an input under this claim; null when the claim was lost or the job has moved on. */
export async function advance(
  context: WorkerContext,
  { job, token }: ClaimedJob,
  input: JobInput,
  { keepClaim }: { keepClaim: boolean } = { keepClaim: false },
): Promise<Job | null> {
  const operation = operationOf(context.connections.get(job.connection)?.provider, job.operation)
  const transition: TransitionContext = {
    now: context.now(),
    jitter: context.random(),
    pollEveryMs: operation?.pollEveryMs,
  }
  const claim = { token, keep: keepClaim }
  const changed = await applyTransition(context.db, job, next(job, input, transition), transition.now, claim)
  if (changed) context.log.debug({ job: job.id, state: changed.state, after: input.kind }, 'job moved')
  else context.log.warn({ job: job.id, input: input.kind }, 'the job has changed meanwhile; nothing was changed')
  return changed
}
