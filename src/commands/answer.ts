/** Answers a command or a click in words that only that person sees, through Slack's response URL. */
import { setTimeout as delay } from 'node:timers/promises'
import { RespondError, type RespondFn } from '@slack/bolt'
import { type Services, within } from './services.js'

/** Slack takes five answers in thirty minutes: pauses before the second and the third try, in milliseconds. */
const pausesMs = [500, 2_000]
/** How long one try may take, in milliseconds. */
const tryWithinMs = 3_000

/**
 * Never rejects: where Slack takes no answer there is nobody to tell but the log. An answer that Slack took without saying
 * so may stand there twice, which does no harm.
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
    const pauseMs = pausesMs[tries]
    if (pauseMs === undefined || isFinal(failure)) {
      log.error({ err: failure, tries: tries + 1 }, 'Slack did not take the answer to a person')
      return
    }
    log.warn({ err: failure }, 'Slack did not take the answer to a person; it is tried again')
    await sleep(pauseMs)
  }
}

async function tryOnce(respond: RespondFn, text: string): Promise<Error | undefined> {
  try {
    const answer = respond({ response_type: 'ephemeral', replace_original: false, text }).then(() => true)
    return (await within(tryWithinMs, answer)) ? undefined : new Error(`No answer within ${tryWithinMs} ms.`)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** The address is used up, too old or not ours: it stays so. */
function isFinal(failure: Error): boolean {
  return failure instanceof RespondError && failure.statusCode < 500 && ![408, 429].includes(failure.statusCode)
}
