/** Tells Slack how the jobs ended that steps of its workflows wait for, also hours later. */
import { dropStep, type EndedStep, findEndedSteps, postponeStep } from '../store/workflow-steps.js'
import type { WorkerContext } from './context.js'
import type { Worker } from './scheduler.js'

const MAX_STEPS = 20
/** How long Slack is left alone after it couldn't be told. */
const PAUSE_MS = 60_000

/**
 * Telling Slack twice does no harm: a step that has ended stays as it is. So no claim is needed, and a process that dies in
 * between repeats it.
 *
 * @param complete tells Slack; rejects when it may be possible later.
 */
export function stepWorker({ db, now, log }: WorkerContext, complete: (step: EndedStep) => Promise<void>): Worker {
  return {
    name: 'workflow steps',
    countDue: (due) => (due.some(({ kind }) => kind === 'step') ? 1 : 0),
    runOnce: async () => {
      const steps = await findEndedSteps(db, now(), MAX_STEPS)
      for (const step of steps) {
        try {
          await complete(step)
          await dropStep(db, step.job.id)
        } catch (error) {
          log.warn(
            { err: error, job: step.job.id },
            "Slack couldn't be told how the job of a workflow ended; it's told later",
          )
          await postponeStep(db, step.job.id, now() + PAUSE_MS)
        }
      }
      return steps.length > 0
    },
  }
}
