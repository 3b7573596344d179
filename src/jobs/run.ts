/** Due writes: begins the next step of a job, and settles writes whose answer never came. */
import { ConnectionError, TemporaryError, UserError } from '../errors.js'
import type { Api, Attempt } from '../providers/provider.js'
import { endOfEarlierJob, withoutPersonal } from '../store/jobs.js'
import { claimDueJobs, renewLease } from '../store/leases.js'
import { advance, type House, leaseOf, type Task, workAtTasks } from './house.js'
import type { Happening, Job } from './job.js'
import { lastEcho, maxAttempts } from './machine.js'

/** Looks for lost writes that are under way at once. They only read. */
const looksAtOnce = 8
const settleMs = 10_000
/** Two machines' clocks differ by this much as a rule. */
const clockSkewMs = 15_000
/** A clock that was set wrong may be off by this much: from a farther one Slack's requests would have been refused. */
const wrongClockMs = 5 * 60_000

/** Makes the one write of a connection that is due for longest. Answers whether its job was moved. */
export async function writeNextJob(house: House, connection: string): Promise<boolean> {
  const wanted = { connection, states: ['queued'] as const, limit: 1 }
  const jobs = await claimDueJobs(house.db, wanted, leaseOf(house))
  return await workAtTasks(house, jobs, (task) => write(house, task))
}

/** One round over a connection's writes of which nobody knows what became. Answers whether any job was moved. */
export async function settleLostWrites(house: House, connection: string): Promise<boolean> {
  const wanted = { connection, states: ['starting'] as const, limit: looksAtOnce }
  const jobs = await claimDueJobs(house.db, wanted, leaseOf(house))
  return await workAtTasks(house, jobs, (task) => settle(house, task))
}

/**
 * The crash-safe protocol of one write: `starting` is durable before it, the ref after it, and whatever stops us between
 * the two leaves `starting` for `settle`.
 */
async function write(house: House, task: Task): Promise<boolean> {
  const ready = await prepare(house, task)
  const job = await advance(house, task.job, ready, { keepLease: ready.kind === 'begin' })
  if (job && ready.kind === 'begin') await advance(house, job, await attempt(house, { ...task, job }))
  return job !== null
}

/** Notes what stands at the target. Where that cannot be read, surely nothing was written. */
async function prepare(house: House, { job, step, connection }: Task): Promise<Happening> {
  if (!step.mark || job.mark !== null) return { kind: 'begin' }
  try {
    return { kind: 'begin', mark: await step.mark(connection.api, job.params, job.ref) }
  } catch (error) {
    const reason = reasonOf(house, job, error)
    if (!(error instanceof TemporaryError)) return { kind: 'refused', reason }
    return { kind: 'postponed', reason, retryAfterMs: error.retryAfterMs }
  }
}

async function attempt(house: House, task: Task): Promise<Happening> {
  const { job, step, connection, operation } = task
  const thisTry = await attemptOf(house, job)
  try {
    const ref = await step.run(underLease(house, job, connection.api), job.params, job.ref, thisTry)
    return { kind: 'wrote', ref, deadlineMs: operation.deadlineMs }
  } catch (error) {
    return await afterFailedWrite(house, task, error)
  }
}

/**
 * The connection's client for one try. Right before a write goes out, behind the login that it may need, the claim on the
 * job is renewed: a process that was stopped for long between its reads may have lost the job to another, and then sends
 * nothing more.
 */
function underLease(house: House, job: Job, api: Api): Api {
  const beforeSend = async () => {
    if (await renewLease(house.db, job, leaseOf(house))) return
    throw new TemporaryError('Another process has taken over this job.', { mayHaveHappened: false })
  }
  const after = (write: Api['post']): Api['post'] => {
    return (path, schema, options) => write(path, schema, { ...options, beforeSend })
  }
  const { post, put, patch, delete: remove } = api
  return { ...api, post: after(post), put: after(put), patch: after(patch), delete: after(remove) }
}

async function afterFailedWrite(house: House, task: Task, error: unknown): Promise<Happening> {
  const reason = reasonOf(house, task.job, error)
  if (error instanceof TemporaryError) {
    if (error.mayHaveHappened) return { kind: 'lost', reason }
    return { kind: 'postponed', reason, retryAfterMs: error.retryAfterMs }
  }
  if (error instanceof UserError || error instanceof ConnectionError) {
    // "The name is taken" may be the echo of our own earlier write that arrived late: look before believing it.
    return task.job.attempt > 1 ? await lookForEarlierWrite(house, task, reason) : { kind: 'refused', reason }
  }
  return { kind: 'lost', reason }
}

async function lookForEarlierWrite(house: House, task: Task, reason: string): Promise<Happening> {
  try {
    const ref = await find(house, task)
    if (ref) return { kind: 'found', ref, deadlineMs: task.operation.deadlineMs }
    // What was made just now may not be listed yet, so that only the last no is believed at once.
    return task.job.attempt < lastEcho ? { kind: 'lost', reason } : { kind: 'refused', reason }
  } catch (error) {
    return { kind: 'lost', reason: reasonOf(house, task.job, error) }
  }
}

/** A write was begun, by this process or a dead one, and nobody knows what became of it. */
async function settle(house: House, task: Task): Promise<boolean> {
  return (await advance(house, task.job, await lookForLostWrite(house, task))) !== null
}

async function lookForLostWrite(house: House, task: Task): Promise<Happening> {
  const { step, operation, job } = task
  if (!step.find) return { kind: 'unknowable', reason: 'The provider has no way to look up what became of it.' }
  try {
    const ref = await find(house, task)
    if (ref) return { kind: 'found', ref, deadlineMs: operation.deadlineMs }
    // What we broke ourselves another try will not mend.
    const mostTries = job.detail === brokenHere(job) ? lastEcho : maxAttempts
    return { kind: 'absent', settleMs: step.settleMs ?? settleMs, mostTries }
  } catch (error) {
    // With a status it is the provider's own no to the search, which says nothing about the write.
    if (error instanceof UserError && error.status === undefined)
      return { kind: 'refused', reason: reasonOf(house, job, error) }
    return unseen(house, job, error, operation.deadlineMs)
  }
}

async function find(house: House, { job, step, connection }: Task): Promise<NonNullable<Job['ref']> | null> {
  return (await step.find?.(connection.api, job.params, job.ref, await attemptOf(house, job))) ?? null
}

async function attemptOf(house: House, job: Job): Promise<Attempt> {
  // What any try of this job made is its own, also the one before somebody pressed Start over. It may look older than the
  // job, for our clock may have been ahead when that was asked for; what an earlier job with the same target made is not.
  const earlier = (await endOfEarlierJob(house.db, job)) ?? 0
  const since = new Date(Math.min(Math.max(job.createdAt - wrongClockMs, earlier), job.createdAt - clockSkewMs))
  const now = house.now()
  const soughtFrom = Math.min(job.waitingSince ?? now, job.absentSince ?? now, job.unseenSince ?? now)
  const soughtMs = Math.min(now - soughtFrom, house.steadyForMs?.() ?? Number.POSITIVE_INFINITY)
  return { job: job.id, since, mark: job.mark ?? '', tries: job.attempt, soughtMs, now }
}

/** A look that failed, whether for a lost write or at a running step. */
export function unseen(house: House, job: Job, error: unknown, giveUpMs: number): Happening {
  const retryAfterMs = error instanceof TemporaryError ? error.retryAfterMs : undefined
  return { kind: 'unseen', reason: reasonOf(house, job, error), retryAfterMs, giveUpMs }
}

/** A sentence for the thread. What is not one of our errors is a bug: its stack goes to the log, not to the thread. */
function reasonOf(house: House, job: Job, error: unknown): string {
  if (error instanceof UserError || error instanceof ConnectionError || error instanceof TemporaryError) {
    const reason = withoutPersonal(job, error.message)
    house.log.info({ job: job.id, error: error.name, reason }, 'the provider did not do it')
    if (error instanceof ConnectionError) house.refused?.(job.connection, reason)
    return error.message
  }
  house.log.error({ job: job.id, err: error }, 'a bug, not the provider')
  return brokenHere(job)
}

function brokenHere({ id }: Job): string {
  return `Something broke on our side, job ${id}.`
}
