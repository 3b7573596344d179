/** How workers work at jobs: claim them, work at them side by side, and give back what they did not finish. */
import { randomUUID } from 'node:crypto'
import type { FailureKind, Job, JobInput, Observation, State, StepResult } from '../domain/job.js'
import { ConnectionError, TemporaryError, UserError } from '../errors.js'
import {
  allStepsOf,
  type Connection,
  type Operation,
  operationOf,
  type Step,
  withoutCredentials,
} from '../providers/provider.js'
import { type Claimant, type ClaimedJob, claimDueJobs, releaseClaim } from '../store/claims.js'
import { withoutPersonal } from '../store/detail.js'
import { capabilitiesOf, type WorkerContext } from './context.js'
import { move } from './move.js'
import { runAll } from './run-all.js'

/** A step as the workers see it: they pass params and refs through without knowing their shape. */
export type AnyStep = Step<Job['params'], Job['ref'], NonNullable<Job['ref']>>

/** A claimed job with everything that is needed to work at it. */
export interface Task extends ClaimedJob {
  connection: Connection
  operation: Operation
  step: AnyStep
}

/**
 * Claims work, does it, and gives back what is still claimed then. A claim that can't be given back, because the disk is full,
 * is remembered and given back before this process claims anything again.
 *
 * @param claim claims for the given claimant.
 * @param work does it. `isOurs` answers whether the claim surely still holds: call it right before a request leaves.
 * @returns what `work` answers; false if there's nothing to claim, or others may take this process for dead.
 * @throws what the database throws when nothing can be claimed, or earlier claims can't be given back.
 */
export async function withClaim<T>(
  context: WorkerContext,
  claim: (claimant: Claimant) => Promise<readonly T[]>,
  work: (claimed: readonly T[], isOurs: () => boolean) => Promise<boolean>,
): Promise<boolean> {
  if (!context.membership.mayWork()) return false
  await releaseRememberedClaims(context)
  const isOurs = context.membership.watchLease()
  const token = randomUUID()
  let isEmpty = false
  try {
    const claimed = await claim({ token, owner: context.membership.owner, capabilities: capabilitiesOf(context) })
    isEmpty = claimed.length === 0
    return isEmpty ? false : await work(claimed, isOurs)
  } finally {
    if (!isEmpty) {
      await releaseClaim(context.db, token).catch((error) => {
        context.memory.unreleased.add(token)
        context.log.warn({ err: error }, 'a claim could not be given back yet')
      })
    }
  }
}

/**
 * Gives back the claims that could not be given back before. Nobody else finds their jobs, because claimed jobs are not due.
 * Returns whether there were any.
 */
export async function releaseRememberedClaims({ db, memory }: WorkerContext): Promise<boolean> {
  const tokens = [...memory.unreleased]
  for (const token of tokens) {
    await releaseClaim(db, token)
    memory.unreleased.delete(token)
  }
  return tokens.length > 0
}

/** Claims due jobs of a connection in one state, longest due first, and works at them. Returns whether any job was moved. */
export async function withDueJobs(
  context: WorkerContext,
  wanted: { connection: string; state: State; limit: number },
  work: (claimed: readonly ClaimedJob[]) => Promise<boolean>,
): Promise<boolean> {
  return await withClaim(context, (claimant) => claimDueJobs(context.db, wanted, context.now(), claimant), work)
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
  return await runAll(context, claimed, async (one) => {
    const task = openTask(context, one)
    return task ? await work(task) : await leaveStranded(context, one)
  })
}

function openTask(context: WorkerContext, claimed: ClaimedJob): Task | null {
  const { job } = claimed
  const connection = context.connections.get(job.connection)
  const operation = operationOf(connection?.provider, job.operation)
  const step = operation && allStepsOf(operation, job).find(({ id }) => id === job.step)
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
    : `This version of Dolly has no ${operation ? `step "${job.step}"` : `operation "${job.operation}"`}.`
  if (job.strandedSince === null) context.log.error({ job: job.id, reason }, 'a job cannot continue; it waits')
  return await move(context, claimed, { kind: 'stranded', reason })
}

/** An observation as it may be shown, and the next step that these params ask for. */
export function resultOf({ job, operation, step }: Task, { detail, ...observation }: Observation): StepResult {
  const steps = allStepsOf(operation, job)
  const place = steps.findIndex(({ id }) => id === step.id)
  const next = steps.find(({ when }, at) => at > place && (when?.({ ...job.params }) ?? true))
  const shown = detail === undefined ? observation : { ...observation, detail: withoutCredentials(detail) }
  return { observation: shown, nextStep: next?.id ?? null }
}

/** A sentence for the thread, and who caused it. What is not one of our errors is a bug: its stack goes to the log alone. */
export function explain(
  context: WorkerContext,
  job: Job,
  error: unknown,
): { reason: string; failureKind: FailureKind } {
  if (error instanceof UserError || error instanceof ConnectionError || error instanceof TemporaryError) {
    const reason = withoutPersonal(job, error.message)
    context.log.info({ job: job.id, error: error.name, reason }, 'a request to the provider failed')
    if (error instanceof ConnectionError) context.refused?.(job.connection, reason)
    return { reason: error.message, failureKind: 'provider' }
  }
  context.log.error({ job: job.id, err: error }, 'a bug, not the provider')
  return { reason: `Something broke on our side, job ${job.id}.`, failureKind: 'bug' }
}

/** The input for a poll or a search that failed. */
export function pollFailed(context: WorkerContext, { job, operation }: Task, error: unknown): JobInput {
  const retryAfterMs = error instanceof TemporaryError ? error.retryAfterMs : undefined
  const { reason } = explain(context, job, error)
  return { kind: 'poll_failed', reason, retryAfterMs, giveUpMs: operation.deadlineMs }
}
