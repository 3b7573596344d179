/** What presets and schedules have alike: a button below a job, the page it opens, and the buttons of their lists. */
import type { App, BlockAction, ButtonAction, ViewOutput, ViewResponseAction } from '@slack/bolt'
import type { ModalView } from '@slack/types'
import type { Asker } from '../../access/rules.js'
import type { NameField } from '../../slack/form/preset-view.js'
import { type Answer, answerPrivately, errorText } from '../answer.js'
import {
  AFTER_ACK_TIMEOUT_MS,
  identifyAsker,
  type Origin,
  readOpeningChannel,
  saveOpeningChannel,
} from '../authorize.js'
import { answerSubmission } from '../clone/form-submit.js'
import type { ButtonRequest, JobButton } from '../job-button.js'
import { findTarget, type Services } from '../services.js'
import { type Throttle, tooManyRequests } from '../throttle.js'
import { type Content, contentOfJob, namesOf } from './save.js'

/** A job that a page is about, and the key of the row that says where the page was opened. */
interface RepeatedJob {
  job: string
  opening: string
}

/**
 * A button below a job that opens a page about repeating it.
 *
 * @param viewOf the page; throws UserError for people who can't do that.
 */
export function pageButton(
  word: string,
  viewOf: (
    request: Pick<ButtonRequest, 'services' | 'asker'>,
    content: Content,
    names: NameField[],
    about: RepeatedJob,
  ) => ModalView | Promise<ModalView>,
): JobButton {
  return {
    word,
    async press({ services, client, asker, jobId, triggerId: trigger_id }) {
      const content = await contentOfJob(services, asker, jobId)
      const { operation } = findTarget(services, content.connection, content.operation)
      const opening = await saveOpeningChannel(services, asker.id, asker.channel ?? '')
      const names = namesOf(operation, content.values)
      const view = await viewOf({ services, asker }, content, names, { job: jobId, opening })
      await client.views.open({ trigger_id, view })
      return null
    },
  }
}

/**
 * What such a page is about, read again when it is sent, and who sends it, in the channel where it was opened.
 *
 * @throws UserError when there's no such job, or this person can't start one like it any more.
 */
export async function readRepeated(
  services: Services,
  person: Asker,
  { job, opening }: RepeatedJob,
): Promise<{ asker: Asker; content: Content }> {
  const asker = { ...person, channel: (await readOpeningChannel(services, person.id, opening)) || null }
  return { asker, content: await contentOfJob(services, asker, job) }
}

/**
 * @param page.block where it says that someone submits too often; for a page that may be the third, all that fits no other
 *   field, because Slack stacks no fourth.
 * @param page.button what they press.
 */
export function registerPage(
  app: App,
  services: Services,
  throttle: Throttle,
  page: { callback_id: string; block: string; button: string; mayBeThird: boolean },
  submit: (view: ViewOutput, origin: Origin) => Promise<ViewResponseAction>,
): void {
  const { callback_id, block, button, mayBeThird } = page
  app.view({ callback_id, type: 'view_submission' }, async ({ ack, view, body }) => {
    const { waitMs } = throttle.take(body.user.id, services.elapsed())
    const problem = tooManyRequests(waitMs, `press ${button} again`)
    if (waitMs > 0) return await ack({ response_action: 'errors', errors: { [block]: problem } })
    await ack(await answerSubmission(services, async () => await submit(view, body), mayBeThird ? block : undefined))
  })
}

/** @param press does what a button of a list says; its value is only a hint. Null if there's nothing to answer. */
export function registerListButtons(
  app: App,
  services: Services,
  actionId: RegExp,
  press: (
    request: Pick<ButtonRequest, 'services' | 'client' | 'asker' | 'triggerId'>,
    action: { id: string; value: string },
  ) => Promise<Answer | null>,
): void {
  app.action<BlockAction<ButtonAction>>(
    { type: 'block_actions', action_id: actionId },
    async ({ ack, action, body, respond, client }) => {
      await ack()
      try {
        const asker = await identifyAsker(services, body, AFTER_ACK_TIMEOUT_MS)
        const request = { services, client, asker, triggerId: body.trigger_id }
        const answer = await press(request, { id: action.action_id, value: action.value ?? '' })
        if (answer !== null) await answerPrivately(services, respond, answer)
      } catch (error) {
        await answerPrivately(services, respond, errorText(services, error))
      }
    },
  )
}
