/** Completes steps of workflows, with the bot's own token: the token that came with a step is never stored. */
import type { WebClient } from '@slack/web-api'
import { slackErrorCode } from './errors.js'

/** The step has ended already, or is gone: nothing will change that. */
const OVER_CODES = ['execution_not_in_running_state', 'function_execution_not_found', 'access_denied']

/** What is said doesn't fit the step, or this app's kind of token can't say it: no later try will do better. */
const REFUSED_CODES = [
  'parameter_validation_failed',
  'invalid_arguments',
  'invalid_args',
  'invalid_arg_name',
  'not_allowed_token_type',
  'feature_not_enabled',
  'unknown_method',
  'method_deprecated',
  'deprecated_endpoint',
]

/** What the next steps of the workflow can use, or in a sentence why there is nothing. */
export type StepOutcome = { outputs: { job: string; state: string; url?: string } } | { error: string }

/**
 * Says how a step ended.
 *
 * @returns `told`, or Slack's code for why it will never take it.
 * @throws when Slack can't do it now, which includes a token that the operator has to renew.
 */
export async function completeStep(
  client: WebClient,
  executionId: string,
  outcome: StepOutcome,
): Promise<'told' | { refusedWith: string }> {
  try {
    const function_execution_id = executionId
    if ('outputs' in outcome) {
      await client.functions.completeSuccess({ function_execution_id, outputs: { ...outcome.outputs } })
    } else {
      await client.functions.completeError({ function_execution_id, error: outcome.error })
    }
    return 'told'
  } catch (error) {
    const code = slackErrorCode(error)
    if (OVER_CODES.includes(code)) return 'told'
    if (REFUSED_CODES.includes(code)) return { refusedWith: code }
    throw error
  }
}
