/** Moves claimed jobs: what a worker learned is applied to the job as it is now, with its event. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Job, JobInput, TransitionContext } from '../domain/job.js'
import { next } from '../domain/machine.js'
import { allStepsOf, operationOf } from '../providers/provider.js'
import { type ClaimedJob, readClaimed } from '../store/claims.js'
import { applyTransition, applyTransitions } from '../store/jobs.js'
import { saveNextPolls } from '../store/next-polls.js'
import type { WorkerContext } from './context.js'
import { runAll } from './run-all.js'

/** Applies an input under this claim; false when the claim was lost or the job has moved on. */
export async function move(context: WorkerContext, claimed: ClaimedJob, input: JobInput): Promise<boolean> {
  return (await advance(context, claimed, input)) !== null
}

/** How often an input is applied to a job that people change at that moment. */
const MAX_ADVANCES = 5

/**
 * Applies an input under this claim. Where a person's click came in between, which leaves the claim with its worker, it's
 * applied to the job as it is by now: an answer of the provider is never lost to a click.
 *
 * @param requestId the provider's own id of the request that the input is about, for the audit.
 * @returns null when the claim was lost or the job has moved on.
 */
export async function advance(
  context: WorkerContext,
  claimed: ClaimedJob,
  input: JobInput,
  { keepClaim = false, requestId }: { keepClaim?: boolean; requestId?: string | undefined } = {},
): Promise<Job | null> {
  const { job, token } = claimed
  const transition = transitionOf(context, job)
  const claim = { token, keep: keepClaim }
  let present: Job | null = job
  for (let tries = 0; present !== null && tries < MAX_ADVANCES; tries += 1) {
    const { set, event } = next(present, input, transition)
    const noted = { set, event: event && { ...event, requestId } }
    const changed = await applyTransition(context.db, present, noted, transition.now, claim)
    if (changed) {
      context.log.debug({ job: job.id, state: changed.state, after: input.kind }, 'job moved')
      measureStep(context, present, changed)
      return changed
    }
    present = await readClaimed(context.db, claimed)
  }
  context.log.warn({ job: job.id, input: input.kind }, 'the job has changed meanwhile; nothing was changed')
  return null
}

/** Measures a step that this change ended. What dolly.yml and the code no longer name has no step. */
function measureStep({ connections, meter, now }: WorkerContext, before: Job, { state, step, endedAt }: Job): void {
  const { connection, operation } = before
  const outcome = state === 'succeeded' || (endedAt === null && step !== before.step) ? 'done' : state
  const isEnd = outcome === 'done' || outcome === 'failed' || outcome === 'timed_out' || outcome === 'cancelled'
  const known = operationOf(connections.get(connection)?.provider, operation)
  if (!isEnd || !known || !allStepsOf(known, before).some(({ id }) => id === before.step)) return
  meter?.stepEnded({ connection, operation, step: before.step, outcome }, now() - before.stepSince)
}

function transitionOf({ connections, now, random }: WorkerContext, job: Job, at = now()): TransitionContext {
  const operation = operationOf(connections.get(job.connection)?.provider, job.operation)
  return { now: at, jitter: random(), pollEveryMs: operation?.pollEveryMs }
}

/** In one transaction, which holds up people's requests for some milliseconds. */
const MAX_MOVES_AT_ONCE = 25
/** In one statement, where only the time of the next poll changes. */
const MAX_NEXT_POLLS_AT_ONCE = 250

/**
 * Applies an input to each of many claimed jobs, with one commit for several of them. Those that can't be moved together, because
 * a person changed one, one is a bug or the disk is full, are moved one by one.
 *
 * @param inputOf is asked once for each job, because it also logs what broke.
 * @returns whether any was moved.
 */
export async function moveAll<T extends ClaimedJob>(
  context: WorkerContext,
  items: readonly T[],
  inputOf: (item: T) => JobInput,
): Promise<boolean> {
  const inputs = new Map<string, JobInput>()
  const inputOfOne = (item: T) => {
    const input = inputs.get(item.job.id) ?? inputOf(item)
    inputs.set(item.job.id, input)
    return input
  }
  let hasMoved = false
  for (let first = 0; first < items.length; first += MAX_NEXT_POLLS_AT_ONCE) {
    const chunk = items.slice(first, first + MAX_NEXT_POLLS_AT_ONCE)
    const rescheduled = await reschedulePolls(context, chunk, inputOfOne)
    const changing = chunk.filter(({ job }) => !rescheduled.has(job.id))
    hasMoved ||= rescheduled.size > 0
    // SQLite answers before the event loop turns: Slack's requests and the timers get their turn.
    await nextTurn()
    for (let at = 0; at < changing.length; at += MAX_MOVES_AT_ONCE) {
      const batch = changing.slice(at, at + MAX_MOVES_AT_ONCE)
      const moved = await moveTogether(context, batch, inputOfOne)
      const left = batch.filter(({ job }) => !moved.has(job.id))
      const haveMoved = await runAll(context, left, async (one) => await move(context, one, inputOfOne(one)))
      hasMoved ||= moved.size > 0 || haveMoved
      await nextTurn()
    }
  }
  return hasMoved
}

/**
 * Saves the time of the next poll for the jobs that the input changes in no other way: most jobs of most polls.
 *
 * @returns the ids of those that were saved; none if they can't be saved together.
 */
async function reschedulePolls<T extends ClaimedJob>(
  context: WorkerContext,
  items: readonly T[],
  inputOf: (item: T) => JobInput,
): Promise<ReadonlySet<string>> {
  const now = context.now()
  try {
    const polls = items.flatMap((item) => {
      const { job, token } = item
      const { set, event } = next(job, inputOf(item), transitionOf(context, job, now))
      const { dueAt, ...rest } = set
      return dueAt && !event && isAlready(job, rest) ? [{ job, token, dueAt }] : []
    })
    return await saveNextPolls(context.db, polls)
  } catch (error) {
    context.log.debug({ err: error }, 'the next polls could not be saved together')
    return new Set()
  }
}

/** Whether a job has all these values already. */
function isAlready(job: Job, set: Partial<Job>): boolean {
  return Object.entries(set).every(([key, value]) => isDeepStrictEqual(value, job[key as keyof Job]))
}

/** Returns the ids of the moved jobs; none if they can't be moved together. */
async function moveTogether<T extends ClaimedJob>(
  context: WorkerContext,
  items: readonly T[],
  inputOf: (item: T) => JobInput,
): Promise<ReadonlySet<string>> {
  let moved: readonly Job[]
  const now = context.now()
  try {
    const changes = items.map((item) => {
      const { job, token } = item
      return { job, token, transition: next(job, inputOf(item), transitionOf(context, job, now)) }
    })
    moved = await applyTransitions(context.db, changes, now)
  } catch (error) {
    context.log.debug({ err: error }, 'jobs could not be moved together')
    return new Set()
  }
  const before = new Map(items.map(({ job }) => [job.id, job]))
  for (const job of moved) {
    context.log.debug({ job: job.id, state: job.state }, 'job moved')
    measureStep(context, before.get(job.id) ?? job, job)
  }
  return new Set(moved.map(({ id }) => id))
}
