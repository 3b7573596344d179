/** Due writes: begins the next step of a job, and settles writes whose answer never came. */

import type { EndedWrite, Job, JobInput, Ref } from '../domain/job.js'
import { LAST_ECHO, MAX_ATTEMPTS } from '../domain/machine.js'
import { ConnectionError, TemporaryError, UserError } from '../errors.js'
import { type Api, type Attempt, readWritten, type Written, withoutCredentials } from '../providers/provider.js'
import { claimDueJobs, renewLease } from '../store/claims.js'
import { endOfEarlierJob, withoutPersonal } from '../store/jobs.js'
import { advance, followingStep, leaseOf, runTasks, type Task, type WorkerContext } from './context.js'

/** Looks for lost writes that are under way at once. They only read. */
const MAX_CONCURRENT_RECONCILES = 8
const ABSENT_AFTER_MS = 10_000
/** Two machines' clocks differ by this much as a rule. */
const CLOCK_SKEW_MS = 15_000
/** A clock that was set wrong may be off by this much: from a farther one Slack's requests would have been refused. */
const MAX_CLOCK_ERROR_MS = 5 * 60_000

/** Makes the one write of a connection that is due for longest. Answers whether its job was moved. */
export async function writeNextJob(context: WorkerContext, connection: string): Promise<boolean> {
  const wanted = { connection, states: ['queued'] as const, limit: 1 }
  const jobs = await claimDueJobs(context.db, wanted, leaseOf(context))
  return await runTasks(context, jobs, (task) => write(context, task))
}

/** One round over a connection's writes of which nobody knows what became. Answers whether any job was moved. */
export async function reconcileLostWrites(context: WorkerContext, connection: string): Promise<boolean> {
  const wanted = { connection, states: ['starting'] as const, limit: MAX_CONCURRENT_RECONCILES }
  const jobs = await claimDueJobs(context.db, wanted, leaseOf(context))
  return await runTasks(context, jobs, (task) => settle(context, task))
}

/**
 * The crash-safe protocol of one write: `starting` is durable before it, the ref after it, and whatever stops us between
 * the two leaves `starting` for `settle`.
 */
async function write(context: WorkerContext, task: Task): Promise<boolean> {
  const ready = await prepare(context, task)
  const job = await advance(context, task.job, ready, { keepLease: ready.kind === 'begin' })
  if (job && ready.kind === 'begin') await advance(context, job, await attempt(context, { ...task, job }))
  return job !== null
}

/** Notes what stands at the target. Where that cannot be read, surely nothing was written. */
async function prepare(context: WorkerContext, { job, step, connection }: Task): Promise<JobInput> {
  if (!step.baseline || job.baseline !== null) return { kind: 'begin' }
  try {
    return { kind: 'begin', baseline: await step.baseline(connection.api, job.params, job.ref) }
  } catch (error) {
    const reason = reasonOf(context, job, error)
    if (!(error instanceof TemporaryError)) return { kind: 'refused', reason }
    return { kind: 'postponed', reason, retryAfterMs: error.retryAfterMs }
  }
}

async function attempt(context: WorkerContext, task: Task): Promise<JobInput> {
  const { job, step, connection, operation } = task
  const thisTry = await attemptOf(context, job)
  try {
    const written = await step.run(underLease(context, job, connection.api), job.params, job.ref, thisTry)
    return { kind: 'wrote', deadlineMs: operation.deadlineMs, ...outcomeOf(task, written) }
  } catch (error) {
    return await afterFailedWrite(context, task, error)
  }
}

/**
 * The connection's client for one try. Right before a write goes out, behind the login that it may need, the claim on the
 * job is renewed: a process that was stopped for long between its reads may have lost the job to another, and then sends
 * nothing more.
 */
function underLease(context: WorkerContext, job: Job, api: Api): Api {
  const beforeSend = async () => {
    if (await renewLease(context.db, job, leaseOf(context))) return
    throw new TemporaryError('Another process has taken over this job.', { mayHaveHappened: false })
  }
  const after = (write: Api['post']): Api['post'] => {
    return (path, schema, options) => write(path, schema, { ...options, beforeSend })
  }
  const { post, put, patch, delete: remove } = api
  return { ...api, post: after(post), put: after(put), patch: after(patch), delete: after(remove) }
}

async function afterFailedWrite(context: WorkerContext, task: Task, error: unknown): Promise<JobInput> {
  const reason = reasonOf(context, task.job, error)
  if (error instanceof TemporaryError) {
    if (error.mayHaveHappened) return { kind: 'lost', reason, status: error.status ?? 0 }
    return { kind: 'postponed', reason, retryAfterMs: error.retryAfterMs }
  }
  if (error instanceof UserError || error instanceof ConnectionError) {
    // "The name is taken" may be the echo of our own earlier write that arrived late: look before believing it.
    return task.job.attempt > 1 ? await findEarlierWrite(context, task, reason) : { kind: 'refused', reason }
  }
  return { kind: 'lost', reason }
}

async function findEarlierWrite(context: WorkerContext, task: Task, reason: string): Promise<JobInput> {
  try {
    const found = await find(context, task)
    if (found) return { kind: 'found', deadlineMs: task.operation.deadlineMs, ...outcomeOf(task, found) }
    // What was made just now may not be listed yet, so that only the last no is believed at once.
    return task.job.attempt < LAST_ECHO ? { kind: 'lost', reason } : { kind: 'refused', reason }
  } catch (error) {
    return { kind: 'lost', reason: reasonOf(context, task.job, error) }
  }
}

/** A write was begun, by this process or a dead one, and nobody knows what became of it. */
async function settle(context: WorkerContext, task: Task): Promise<boolean> {
  return (await advance(context, task.job, await findLostWrite(context, task))) !== null
}

async function findLostWrite(context: WorkerContext, task: Task): Promise<JobInput> {
  const { step, operation, job } = task
  if (!step.find) return { kind: 'unknowable', reason: 'The provider has no way to look up what became of it.' }
  try {
    const found = await find(context, task)
    if (found) return { kind: 'found', deadlineMs: operation.deadlineMs, ...outcomeOf(task, found) }
    // What we broke ourselves another try will not mend.
    const maxTries = job.detail === brokenHere(job) ? LAST_ECHO : MAX_ATTEMPTS
    return { kind: 'absent', absentAfterMs: step.absentAfterMs ?? ABSENT_AFTER_MS, maxTries }
  } catch (error) {
    // With a status it is the provider's own no to the search, which says nothing about the write.
    if (error instanceof UserError && error.status === undefined)
      return { kind: 'refused', reason: reasonOf(context, job, error) }
    return unseen(context, job, error, operation.deadlineMs)
  }
}

async function find(context: WorkerContext, { job, step, connection }: Task): Promise<Written<Ref> | null> {
  return (await step.find?.(connection.api, job.params, job.ref, await attemptOf(context, job))) ?? null
}

/** The ref of what was written, and how its step ends where there is nothing to wait for. */
function outcomeOf(task: Task, written: Written<Ref>): { ref: Ref; ended?: EndedWrite } {
  const { ref, observation } = readWritten(written)
  if (!observation) return { ref }
  const detail = observation.detail && withoutCredentials(observation.detail)
  return { ref, ended: { observation: { ...observation, ...(detail && { detail }) }, nextStep: followingStep(task) } }
}

async function attemptOf(context: WorkerContext, job: Job): Promise<Attempt> {
  // What any try of this job made is its own, also the one before somebody pressed Start over. It may look older than the
  // job, for our clock may have been ahead when that was asked for; what an earlier job with the same target made is not.
  const earlier = (await endOfEarlierJob(context.db, job)) ?? 0
  const since = new Date(Math.min(Math.max(job.createdAt - MAX_CLOCK_ERROR_MS, earlier), job.createdAt - CLOCK_SKEW_MS))
  const now = context.now()
  const searchedFrom = Math.min(job.waitingSince ?? now, job.absentSince ?? now, job.unreachableSince ?? now)
  const searchedForMs = Math.min(now - searchedFrom, context.steadyForMs?.() ?? Number.POSITIVE_INFINITY)
  const lost = job.lostStatus === null ? undefined : { ...(job.lostStatus > 0 && { status: job.lostStatus }) }
  const { id, baseline, attempt: tries } = job
  return { job: id, since, baseline: baseline ?? '', tries, searchedForMs, now, ...(lost && { lost }) }
}

/** A look that failed, whether for a lost write or at a running step. */
export function unseen(context: WorkerContext, job: Job, error: unknown, giveUpMs: number): JobInput {
  const retryAfterMs = error instanceof TemporaryError ? error.retryAfterMs : undefined
  return { kind: 'poll_failed', reason: reasonOf(context, job, error), retryAfterMs, giveUpMs }
}

/** A sentence for the thread. What is not one of our errors is a bug: its stack goes to the log, not to the thread. */
function reasonOf(context: WorkerContext, job: Job, error: unknown): string {
  if (error instanceof UserError || error instanceof ConnectionError || error instanceof TemporaryError) {
    const reason = withoutPersonal(job, error.message)
    context.log.info({ job: job.id, error: error.name, reason }, 'the provider did not do it')
    if (error instanceof ConnectionError) context.refused?.(job.connection, reason)
    return error.message
  }
  context.log.error({ job: job.id, err: error }, 'a bug, not the provider')
  return brokenHere(job)
}

function brokenHere({ id }: Job): string {
  return `Something broke on our side, job ${id}.`
}
