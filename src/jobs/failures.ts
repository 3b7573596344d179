/** What a failed request means for a job, in words for its thread. */
import type { FailureKind, Job, JobInput } from '../domain/job.js'
import { ConnectionError, TemporaryError, UserError } from '../errors.js'
import { withoutPersonal } from '../store/jobs.js'
import type { WorkerContext } from './context.js'

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

/** The input for a poll or a search that failed. `giveUpMs`: how long polls may fail. */
export function pollFailed(context: WorkerContext, job: Job, error: unknown, giveUpMs: number): JobInput {
  const retryAfterMs = error instanceof TemporaryError ? error.retryAfterMs : undefined
  return { kind: 'poll_failed', reason: explain(context, job, error).reason, retryAfterMs, giveUpMs }
}
