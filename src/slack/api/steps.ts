/** Completes steps of workflows, with the bot's own token: the token that came with a step is never stored. */
import type { WebClient } from '@slack/web-api'
import { slackErrorCode } from './errors.js'

/** The step has ended already, or is gone: nothing will change that. */
const OVER = ['execution_not_in_running_state', 'function_execution_not_found', 'access_denied']

/** What the next steps of the workflow can use, or in a sentence why there is nothing. */
export type StepOutcome = { outputs: { job: string; state: string; url?: string } } | { error: string }

/** @throws when Slack can't do it now. */
export async function completeStep(client: WebClient, executionId: string, outcome: StepOutcome): Promise<void> {
  try {
    const function_execution_id = executionId
    if ('outputs' in outcome) {
      await client.functions.completeSuccess({ function_execution_id, outputs: { ...outcome.outputs } })
    } else {
      await client.functions.completeError({ function_execution_id, error: outcome.error })
    }
  } catch (error) {
    if (!OVER.includes(slackErrorCode(error) ?? '')) throw error
  }
}
