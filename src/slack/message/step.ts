/** Pure: how a step of a workflow ended, in what Slack is told. */
import type { Job } from '../../domain/job.js'
import { plainText } from '../../lib/text.js'
import { stateInWords } from './job.js'

const MAX_ERROR_LENGTH = 500

/** The step's outputs, or in a sentence why there are none. */
export function stepOutcome(
  outcome: { job: Job } | { refusal: string },
): { outputs: { job: string; state: string; url?: string } } | { error: string } {
  if ('refusal' in outcome) return { error: plainText(outcome.refusal, MAX_ERROR_LENGTH) }
  const { job } = outcome
  const { id, state, url, consoleUrl, detail } = job
  const address = url ?? consoleUrl
  if (state === 'succeeded') return { outputs: { job: id, state, ...(address !== null && { url: address }) } }
  const reason = detail === null ? '' : ` ${detail}`
  return { error: plainText(`Job ${id} ${stateInWords(job)}.${reason}`, MAX_ERROR_LENGTH) }
}
