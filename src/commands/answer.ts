/** Answers a command or a click in words that only that person sees, through Slack's response URL. */
import { setTimeout as delay } from 'node:timers/promises'
import { RespondError, type RespondFn } from '@slack/bolt'
import { type Services, within } from './services.js'

/** Slack takes five answers in thirty minutes: pauses before the second and the third try, in milliseconds. */
const PAUSES_MS = [500, 2_000]
/** How long one try may take, in milliseconds. */
const TRY_TIMEOUT_MS = 3_000

/**
 * Never rejects: if Slack accepts no answer, only the log can be told. An answer that Slack accepted without confirming it
 * may appear twice, which does no harm.
 */
export async function answerPrivately(
  { log }: Pick<Services, 'log'>,
  respond: RespondFn,
  text: string,
  sleep: (ms: number) => Promise<unknown> = delay,
): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const failure = await tryOnce(respond, text)
    if (failure === undefined) return
    const pauseMs = PAUSES_MS[tries]
    if (pauseMs === undefined || isFinal(failure)) {
      log.error({ err: failure, tries: tries + 1 }, 'Slack did not accept the answer to a person')
      return
    }
    log.warn({ err: failure }, 'Slack did not accept the answer to a person; trying again')
    await sleep(pauseMs)
  }
}

async function tryOnce(respond: RespondFn, text: string): Promise<Error | undefined> {
  try {
    const answer = respond({ response_type: 'ephemeral', replace_original: false, text }).then(() => true)
    return (await within(TRY_TIMEOUT_MS, answer)) ? undefined : new Error(`No answer within ${TRY_TIMEOUT_MS} ms.`)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** The URL is used up, expired or not ours; trying again never helps. */
function isFinal(failure: Error): boolean {
  return failure instanceof RespondError && failure.statusCode < 500 && ![408, 429].includes(failure.statusCode)
}
