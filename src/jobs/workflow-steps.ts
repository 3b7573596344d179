/** Tells Slack how the steps of its workflows ended: with their jobs, also hours later, or with why they got none. */
import { withLogFields } from '../log-fields.js'
import { closeStep, type EndedStep, findEndedSteps, forgetRefusals, postponeStep } from '../store/workflow-steps.js'
import type { WorkerContext } from './context.js'
import type { Worker } from './scheduler.js'

const MAX_STEPS = 20
/** How long Slack is left alone after it couldn't be told. */
const PAUSE_MS = 60_000
/** When Slack still can't be told, the step is given up. */
const GIVE_UP_AFTER_MS = 24 * 60 * 60_000
/** Longer than Slack goes on sending what was acknowledged late or not at all: a day, where "delayed events" are on. */
const REMEMBER_REFUSALS_MS = 2 * GIVE_UP_AFTER_MS

/**
 * What Slack says to it: `told` also where the step is over there anyway; otherwise the code of a refusal that will not
 * change. Rejects when it may be possible later.
 */
export type CompleteStep = (step: EndedStep) => Promise<'told' | { refusedWith: string }>

/**
 * Telling Slack twice does no harm: a step that has ended stays as it is. So no claim is needed, and a process that dies in
 * between repeats it.
 */
export function stepWorker({ db, membership, now, log }: WorkerContext, complete: CompleteStep): Worker {
  return {
    name: 'workflow steps',
    countDue: (due) => (due.some(({ kind }) => kind === 'step') ? 1 : 0),
    runOnce: async () => {
      if (!membership.mayWork()) return false
      const steps = await findEndedSteps(db, now(), MAX_STEPS)
      for (const step of steps) {
        const { outcome } = step
        const about = 'job' in outcome ? { job: outcome.job.id } : {}
        if (membership.mayWork()) await withLogFields(about, () => tell(step))
      }
      await forgetRefusals(db, now() - REMEMBER_REFUSALS_MS)
      return steps.length > 0
    },
  }

  async function tell(step: EndedStep): Promise<void> {
    const { executionId, endedAt } = step
    const about = { execution: executionId }
    try {
      const answer = await complete(step)
      if (answer !== 'told')
        log.error({ ...about, code: answer.refusedWith }, 'Slack refuses to hear how a step of a workflow ended')
      await closeStep(db, step)
    } catch (error) {
      if (now() - endedAt < GIVE_UP_AFTER_MS) {
        log.warn({ err: error, ...about }, "Slack couldn't be told how a step of a workflow ended; it's told later")
        await postponeStep(db, executionId, now() + PAUSE_MS)
      } else {
        log.error({ err: error, ...about }, "Slack couldn't be told for a day how a step of a workflow ended: given up")
        await closeStep(db, step)
      }
    }
  }
}
