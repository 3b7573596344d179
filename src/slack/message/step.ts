/** Pure: how a job ended, for the step of a workflow that waited for it. */
import type { Job } from '../../domain/job.js'
import { plainText } from '../../lib/text.js'
import { stateInWords } from './job.js'

const MAX_ERROR_LENGTH = 500

/** The step's outputs, or in a sentence why there are none. */
export function stepOutcome(job: Job): { outputs: { job: string; state: string; url?: string } } | { error: string } {
  const { id, state, url, consoleUrl, detail } = job
  const address = url ?? consoleUrl
  if (state === 'succeeded') return { outputs: { job: id, state, ...(address !== null && { url: address }) } }
  const reason = detail === null ? '' : ` ${detail}`
  return { error: plainText(`Job ${id} ${stateInWords(job)}.${reason}`, MAX_ERROR_LENGTH) }
}
