/** Lost writes: finds out what became of a write whose answer never came, because it was lost or the process died. */
import type { Job, JobInput, Ref } from '../domain/job.js'
import { LAST_ECHO, MAX_ATTEMPTS } from '../domain/machine.js'
import { UserError } from '../errors.js'
import { type Attempt, readWritten, type Written } from '../providers/provider.js'
import { lastRestart } from '../store/events.js'
import { endOfEarlierJob } from '../store/job-reads.js'
import type { Search, WorkerContext } from './context.js'
import { advance } from './move.js'
import { explain, pollFailed, resultOf, runTasks, type Task, withDueJobs } from './tasks.js'

/** They only read. */
const MAX_CONCURRENT_RECONCILES = 8
/** How long searches must find nothing before a write counts as never received, if the step doesn't say. */
const DEFAULT_SETTLE_MS = 10_000
/** The clocks of two machines usually differ by less than this. */
const CLOCK_SKEW_MS = 15_000
/** How far a wrong clock of ours may be off: Slack refuses requests from farther ones. */
const MAX_CLOCK_ERROR_MS = 5 * 60_000
/** After failing for this long, a search no longer knows what happened in between. */
const MAX_BLIND_MS = 30_000
/** For how much of the time until absence is believed a process may leave the search to others. */
const MAX_BLIND_PART = 0.25

/** Searches for a connection's lost writes. Returns whether any job was moved. */
export async function reconcileLostWrites(context: WorkerContext, connection: string): Promise<boolean> {
  return await withDueJobs(context, { connection, state: 'starting', limit: MAX_CONCURRENT_RECONCILES }, (claimed) =>
    runTasks(context, claimed, (task) => reconcile(context, task)),
  )
}

async function reconcile(context: WorkerContext, task: Task): Promise<boolean> {
  const { searches } = context.memory
  const { id, step, attempt } = task.job
  // A restart counts attempts from the start again. It may have happened in another process, while this one still has the old search.
  const key = `${id} ${step} ${await lastRestart(context.db, id)} ${attempt}`
  const now = context.elapsed()
  const search = searches.get(key) ?? { since: now, lastAt: now, absentSince: null, failingSince: null }
  // Other processes may have searched meanwhile, and failed. They take turns by chance, so some minutes may pass between two turns:
  // where absence takes long to be believed, a part of that time changes little.
  if (now - search.lastAt >= Math.max(MAX_BLIND_MS, absentAfterMs(task) * MAX_BLIND_PART)) search.absentSince = null
  search.lastAt = now
  searches.set(key, search)
  const changed = await advance(context, task, await searchOnce(context, task, search))
  if (changed && changed.state !== 'starting') searches.delete(key)
  return changed !== null
}

async function searchOnce(context: WorkerContext, task: Task, search: Search): Promise<JobInput> {
  const { step, job } = task
  if (!step.find) return { kind: 'unknowable', reason: 'This provider has no way to look up what happened to it.' }
  try {
    const found = await findWrite(context, task, context.elapsed() - search.since)
    search.failingSince = null
    if (found) return accepted('found', task, found)
    search.absentSince ??= context.elapsed()
    return {
      kind: 'absent',
      absentForMs: context.elapsed() - search.absentSince,
      absentAfterMs: absentAfterMs(task),
      // What we broke ourselves won't work in the next try either.
      maxTries: job.failureKind === 'bug' ? LAST_ECHO : MAX_ATTEMPTS,
    }
  } catch (error) {
    // With a status it is the provider's own no to the search, which says nothing about the write.
    if (error instanceof UserError && error.status === undefined)
      return { kind: 'refused', ...explain(context, job, error) }
    // A failed search is no evidence of absence. One that failed between others doesn't undo theirs.
    search.failingSince ??= context.elapsed()
    if (context.elapsed() - search.failingSince >= MAX_BLIND_MS) search.absentSince = null
    return pollFailed(context, task, error)
  }
}

function absentAfterMs({ step }: Task): number {
  return step.absentAfterMs ?? DEFAULT_SETTLE_MS
}

/**
 * What the provider has of this job's write; null if it has nothing or the step can't search.
 *
 * @param searchedForMs how long the search for it has lasted.
 */
export async function findWrite(
  context: WorkerContext,
  { job, step, connection }: Task,
  searchedForMs: number,
): Promise<Written<Ref> | null> {
  const attempt = await attemptOf(context, job, searchedForMs)
  return (await step.find?.(connection.api, job.params, job.ref, attempt)) ?? null
}

/** The input for a write that was answered or found. */
export function accepted(kind: 'wrote' | 'found', task: Task, written: Written<Ref>): JobInput {
  const { ref, observation } = readWritten(written)
  const ended = observation && resultOf(task, observation)
  return { kind, ref, deadlineMs: task.operation.deadlineMs, ...(ended && { ended }) }
}

/** What a step may know of its current try. */
export async function attemptOf(context: WorkerContext, job: Job, searchedForMs: number): Promise<Attempt> {
  // Everything that any try of this job made is its own, also before somebody pressed Start over. It may look older than
  // the job, if our clock was ahead when the job was made; what an earlier job with the same target made is not its own.
  const earlier = (await endOfEarlierJob(context.db, job)) ?? 0
  const since = new Date(Math.min(Math.max(job.createdAt - MAX_CLOCK_ERROR_MS, earlier), job.createdAt - CLOCK_SKEW_MS))
  const lost = job.lostStatus === null ? undefined : { ...(job.lostStatus > 0 && { status: job.lostStatus }) }
  const { id, baseline, attempt: tries } = job
  return { job: id, since, baseline: baseline ?? '', tries, searchedForMs, now: context.now(), ...(lost && { lost }) }
}
