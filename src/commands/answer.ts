/** Answers a command or a click so that only that person sees it, through Slack's response URL. */
import { setTimeout as delay } from 'node:timers/promises'
import { RespondError, type RespondFn } from '@slack/bolt'
import { within } from '../lib/within.js'
import type { Message } from '../slack/message/job.js'
import type { Services } from './services.js'

/** Pauses before the second and the third try, in milliseconds. Slack takes five answers in thirty minutes. */
const PAUSES_MS = [500, 2_000]
/** For one try. */
const TRY_TIMEOUT_MS = 3_000

/** What only one person reads: a text as mrkdwn, or a message with its blocks. */
export type Answer = string | Message

/**
 * Never rejects: if Slack accepts no answer, only the log can say so. An answer whose confirmation was lost may appear
 * twice, which does no harm.
 */
export async function answerPrivately(
  { log }: Pick<Services, 'log'>,
  respond: RespondFn,
  answer: Answer,
  sleep: (ms: number) => Promise<unknown> = delay,
): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const failure = await tryOnce(respond, answer)
    if (failure === undefined) return
    const pauseMs = PAUSES_MS[tries]
    if (pauseMs === undefined || isFinal(failure)) {
      log.error({ err: failure, tries: tries + 1 }, 'Slack did not accept a private answer')
      return
    }
    log.warn({ err: failure }, 'Slack did not accept a private answer; trying again')
    await sleep(pauseMs)
  }
}

async function tryOnce(respond: RespondFn, answer: Answer): Promise<Error | undefined> {
  try {
    const message = typeof answer === 'string' ? { text: answer } : answer
    const sent = respond({ response_type: 'ephemeral', replace_original: false, ...message }).then(() => true)
    return (await within(TRY_TIMEOUT_MS, sent)) ? undefined : new Error(`No answer within ${TRY_TIMEOUT_MS} ms.`)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** The URL is used up, expired or not ours; trying again never helps. */
function isFinal(failure: Error): boolean {
  return failure instanceof RespondError && failure.statusCode < 500 && ![408, 429].includes(failure.statusCode)
}
