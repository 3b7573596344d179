/** Which steps a job goes through: those of its operation, or those that delete what another job made. */
import type { Job } from '../domain/job.js'
import { canDelete } from '../domain/removal.js'
import type { Operation, Provider, Removal, RemovalStep } from './provider.js'

/** Undefined for a name that is no operation, whatever else an object may answer to. */
export function operationOf(provider: Provider | undefined, id: string): Operation | undefined {
  return provider && Object.hasOwn(provider.operations, id) ? provider.operations[id] : undefined
}

/** A step of an operation, or of its removal. */
export type JobStep = Operation['steps'][number] | RemovalStep

/** All steps there are for a job: those of its operation, or of that operation's removal. Empty where there is none. */
export function allStepsOf({ steps, removal }: Operation, { removes }: Pick<Job, 'removes'>): readonly JobStep[] {
  return removes === null ? steps : (removal?.steps ?? [])
}

/** The steps that a job with these params goes through, in order. */
export function stepsOf(operation: Operation, job: Pick<Job, 'params' | 'removes'>): JobStep[] {
  return allStepsOf(operation, job).filter((step) => step.when?.({ ...job.params }) ?? true)
}

/** How a job begins that deletes what this one made: its first step, and its lock if that is another one than this job's. */
export function startOf({ steps, lock }: Removal, { ref }: Pick<Job, 'ref'>): { step: string; lock?: string } {
  const own = ref === null ? undefined : lock?.(ref)
  return { step: steps[0].id, ...(own !== undefined && { lock: own }) }
}

/**
 * Whether a job that failed left something behind that another try would collide with, or forget: its first step would make a
 * second thing, and a later one may say that it can't be repeated.
 */
export function mustDeleteFirst({ steps, removal }: Operation, job: Job): boolean {
  if (removal === undefined || !canDelete(job)) return false
  const wasSent = job.attempt > 0
  if (job.step === steps[0].id) return wasSent && job.deadlineAt !== null
  return wasSent && steps.some(({ id, isOnceOnly }) => id === job.step && isOnceOnly)
}
