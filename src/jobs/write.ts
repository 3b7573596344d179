/** Due writes: the crash-safe protocol of one write to a provider. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Job, JobInput } from '../domain/job.js'
import { LAST_ECHO } from '../domain/machine.js'
import { ConnectionError, TemporaryError, UserError } from '../errors.js'
import type { Api } from '../providers/provider.js'
import { type ClaimedJob, readClaimed } from '../store/claims.js'
import { claimDueWrite, hasSlot } from '../store/slots.js'
import type { WorkerContext } from './context.js'
import { advance } from './move.js'
import { accepted, attemptOf, findWrite } from './reconcile.js'
import { explain, runTasks, type Task, withClaim } from './tasks.js'

/** One slow answer must not hold up all other writes of its connection. */
const DEFAULT_MAX_CONCURRENT_WRITES = 4

/** How many writes of a connection may be under way at once, in all processes together. */
export function maxConcurrentWrites({ connections }: Pick<WorkerContext, 'connections'>, connection: string): number {
  return connections.get(connection)?.provider.maxConcurrentWrites ?? DEFAULT_MAX_CONCURRENT_WRITES
}

/** Makes the write that has been due the longest in a connection, if it has a free slot. Returns whether its job was moved. */
export async function writeNextJob(context: WorkerContext, connection: string): Promise<boolean> {
  const wanted = { connection, maxConcurrent: maxConcurrentWrites(context, connection) }
  return await withClaim(
    context,
    (claimant) => claimDueWrite(context.db, wanted, context.now(), claimant),
    (claimed) => runTasks(context, claimed, (task) => write(context, task)),
  )
}

/**
 * `starting` is durable before the write, the ref after it. Whatever stops us between the two leaves `starting`, which is
 * reconciled.
 */
async function write(context: WorkerContext, task: Task): Promise<boolean> {
  const ready = await prepare(context, task)
  const job = await advance(context, task, ready, { keepClaim: ready.kind === 'begin' })
  if (job && ready.kind === 'begin') {
    const begun = { ...task, job }
    const { input, requestId } = await attempt(context, begun)
    await saveAnswer(context, begun, input, requestId)
  }
  return job !== null
}

/** How often saving an answer is tried while the database is away, and the pause in between, in milliseconds: a minute in all. */
const MAX_SAVES = 60
const SAVE_AGAIN_AFTER_MS = 1_000

/**
 * Saves a provider's answer, also through an outage of the database: without it Dolly would have to search for the write, which
 * not every provider allows. The claim survives an outage; if it's lost anyway, nothing is changed.
 */
async function saveAnswer(
  context: WorkerContext,
  begun: Task,
  input: JobInput,
  requestId: string | undefined,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await advance(context, begun, input, { requestId })
      return
    } catch (error) {
      if (!(error instanceof TemporaryError) || tries >= MAX_SAVES) throw error
      context.log.warn({ job: begun.job.id, err: error }, "a provider's answer could not be saved yet")
    }
    await delay(SAVE_AGAIN_AFTER_MS)
  }
}

/** Notes what stands at the target. If that can't be read, nothing was written yet. */
async function prepare(context: WorkerContext, { job, step, connection }: Task): Promise<JobInput> {
  if (!step.baseline || job.baseline !== null) return { kind: 'begin' }
  try {
    return { kind: 'begin', baseline: await step.baseline(connection.api, job.params, job.ref) }
  } catch (error) {
    const failure = explain(context, job, error)
    if (!(error instanceof TemporaryError)) return { kind: 'refused', ...failure }
    return { kind: 'postponed', reason: failure.reason, retryAfterMs: error.retryAfterMs }
  }
}

/** Makes the write. The id is the provider's own of its last request, if the answer had one. */
async function attempt(
  context: WorkerContext,
  task: Task,
): Promise<{ input: JobInput; requestId: string | undefined }> {
  const { job, step, connection } = task
  const thisTry = await attemptOf(context, job, 0)
  let requestId: string | undefined
  const answered = (id: string) => {
    requestId = id
  }
  const api = checkingClaim(context, task, connection.api, answered)
  try {
    const written = await step.run(api, job.params, job.ref, thisTry)
    return { input: accepted('wrote', task, written), requestId }
  } catch (error) {
    return { input: await afterFailedWrite(context, task, error), requestId }
  }
}

/**
 * The connection's client for one try. Right before a write goes out, after the login that it may need, the claim is checked:
 * a person may have ended or cancelled the job while the step was still reading, and another process may have taken it over. A step that has begun to write isn't cancelled any more, because its answer says what it made.
 */
function checkingClaim(
  context: WorkerContext,
  claimed: ClaimedJob,
  api: Api,
  answered: (requestId: string) => void,
): Api {
  let hasSent = false
  const beforeSend = async () => {
    const isOurs = context.membership.watchLease()
    const job = isOurs() ? await readClaimedWithSlot(context, claimed).catch(unread) : null
    // Once more, because the process may have frozen while it waited for the database.
    if (!isOurs()) throw nothingSent("I couldn't reach my database for a moment")
    if (!job || (job.cancelRequestedBy !== null && !hasSent)) throw nothingSent('This job was changed meanwhile')
    hasSent = true
  }
  const checked = (send: Api['post']): Api['post'] => {
    return (path, schema, options) => send(path, schema, { ...options, beforeSend, answered })
  }
  const { post, put, patch, delete: remove } = api
  return { ...api, post: checked(post), put: checked(put), patch: checked(patch), delete: checked(remove) }
}

function unread(): never {
  throw nothingSent("I couldn't read my database")
}

function nothingSent(why: string): TemporaryError {
  return new TemporaryError(`${why}, so nothing was sent.`, { mayHaveHappened: false })
}

/** The claimed job as it is now; null if the claim or its slot was lost. */
async function readClaimedWithSlot({ db, membership }: WorkerContext, claimed: ClaimedJob): Promise<Job | null> {
  const claimant = { token: claimed.token, owner: membership.owner }
  return (await hasSlot(db, claimant)) ? await readClaimed(db, claimed) : null
}

async function afterFailedWrite(context: WorkerContext, task: Task, error: unknown): Promise<JobInput> {
  const failure = explain(context, task.job, error)
  if (error instanceof TemporaryError) {
    if (error.mayHaveHappened) return { kind: 'lost', ...failure, status: error.status ?? 0 }
    return { kind: 'postponed', reason: failure.reason, retryAfterMs: error.retryAfterMs }
  }
  if (error instanceof UserError || error instanceof ConnectionError) {
    // "The name is taken" may be the echo of our own earlier write that arrived late: search before believing it.
    return task.job.attempt > 1 ? await findEarlierWrite(context, task, failure) : { kind: 'refused', ...failure }
  }
  return { kind: 'lost', ...failure }
}

async function findEarlierWrite(
  context: WorkerContext,
  task: Task,
  failure: ReturnType<typeof explain>,
): Promise<JobInput> {
  try {
    const found = await findWrite(context, task, 0)
    if (found) return accepted('found', task, found)
    // What was made just now may not be listed yet, so only the last refusal is believed at once.
    return { kind: task.job.attempt < LAST_ECHO ? 'lost' : 'refused', ...failure }
  } catch (error) {
    return { kind: 'lost', ...explain(context, task.job, error) }
  }
}
