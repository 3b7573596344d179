/** Answers a command or a click so that only that person sees it, through Slack's response URL. */
import { setTimeout as delay } from 'node:timers/promises'
import { RespondError, type RespondFn } from '@slack/bolt'
import type { WebClient } from '@slack/web-api'
import { UserError } from '../errors.js'
import { plainText } from '../lib/text.js'
import { within } from '../lib/within.js'
import { noticeView } from '../slack/form/view.js'
import type { Message } from '../slack/message/job.js'
import { escapeSlack, mrkdwn } from '../slack/text.js'
import { explain, type Services } from './services.js'

/** Pauses before the second and the third try, in milliseconds. Slack takes five answers in thirty minutes. */
const PAUSES_MS = [500, 2_000]
/** For one try. */
const TRY_TIMEOUT_MS = 3_000

/** Answers quote typed text, which must not push the rest past Slack's limit. In characters. */
const MAX_ERROR_LENGTH = 2_500

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
  how: { replace_original: boolean } = { replace_original: false },
): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const failure = await tryOnce(respond, answer, how)
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

/** A click, and the ways to answer it. */
export interface Click {
  body: { view?: unknown; trigger_id: string }
  client: WebClient
  respond: RespondFn
}

/** As `answerPrivately`; in a Home tab, where Slack takes no private messages, the answer is a page on top of it. */
export async function answerClick(
  services: Pick<Services, 'log'>,
  { body, client, respond }: Click,
  answer: Answer,
): Promise<void> {
  if (body.view === undefined) return await answerPrivately(services, respond, answer)
  const notice = noticeView('Dolly', typeof answer === 'string' ? answer : answer.text)
  const view = typeof answer === 'string' ? notice : { ...notice, blocks: answer.blocks }
  await client.views
    .open({ trigger_id: body.trigger_id, view })
    .catch((error: unknown) => services.log.warn({ err: error }, 'Slack did not open the answer to a click'))
}

/** Puts an answer in the place of the private one whose button was pressed. */
export async function replaceAnswer(
  services: Pick<Services, 'log'>,
  respond: RespondFn,
  answer: Answer,
): Promise<void> {
  await answerPrivately(services, respond, answer, delay, { replace_original: true })
}

async function tryOnce(
  respond: RespondFn,
  answer: Answer,
  how: { replace_original: boolean },
): Promise<Error | undefined> {
  try {
    const message = typeof answer === 'string' ? { text: answer } : answer
    const sent = respond({ response_type: 'ephemeral', ...how, ...message }).then(() => true)
    return (await within(TRY_TIMEOUT_MS, sent)) ? undefined : new Error(`No answer within ${TRY_TIMEOUT_MS} ms.`)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** The URL is used up, expired or not ours; trying again never helps. */
function isFinal(failure: Error): boolean {
  return failure instanceof RespondError && failure.statusCode < 500 && ![408, 429].includes(failure.statusCode)
}

/** What a person reads after an error, as mrkdwn: a sentence, and on a line of its own what to type instead. */
export function errorText(services: Services, error: unknown): string {
  const sentence = mrkdwn(explain(services, error), MAX_ERROR_LENGTH)
  const instead = error instanceof UserError ? error.instead : undefined
  // Inside code nothing is formatted, and only a backtick would end it.
  return instead === undefined ? sentence : `${sentence}\n\`${escapeSlack(plainText(instead).replaceAll('`', 'ˋ'))}\``
}
