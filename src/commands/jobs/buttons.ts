/** Registers the buttons and menus of jobs' messages, and has those that change a job at once. */
import type { App, BlockAction, ButtonAction, OverflowAction } from '@slack/bolt'
import type { Asker } from '../../access/rules.js'
import { ACTS } from '../../domain/job.js'
import { withLogFields } from '../../log-fields.js'
import { jobActions } from '../../slack/message/buttons.js'
import { stateInWords } from '../../slack/message/job.js'
import { answerClick, errorText } from '../answer.js'
import { AFTER_ACK_TIMEOUT_MS, identifyAsker } from '../authorize.js'
import type { JobButton } from '../job-button.js'
import { openRemoval } from '../removal/open.js'
import type { Services } from '../services.js'
import { performAct } from './act.js'

/** Buttons that need nothing but the click. */
export const actButtons: readonly JobButton[] = ACTS.map((act) => ({
  word: act,
  async press(request) {
    const { services, asker, jobId, isPrivate } = request
    const done = await performAct(services, asker, jobId, act)
    if ('deletes' in done) return await openRemoval({ ...request, jobId: done.deletes }, done.isForRetry)
    if ('refusal' in done) return done.refusal
    return isPrivate ? `Done: job \`${done.job.id}\` ${stateInWords(done.job)}.` : null
  },
}))

/** @param refreshHome brings somebody's Home tab up to date, if it was pressed there. */
export function registerJobButtons(
  app: App,
  services: Services,
  buttons: readonly JobButton[],
  refreshHome: (asker: Asker) => Promise<unknown> = async () => undefined,
): void {
  const pressed = new Map(buttons.map((button) => [`job:${button.word}`, button]))
  for (const actionId of [...pressed.keys(), jobActions.more]) {
    app.action<BlockAction<ButtonAction | OverflowAction>>(
      { type: 'block_actions', action_id: actionId },
      async ({ ack, action, body, respond, client }) => {
        await ack()
        const entry = action.type === 'overflow' ? action.selected_option.value : `${actionId.slice(4)} ${action.value}`
        const [word = '', jobId = '', drawnFor] = entry.split(' ')
        await withLogFields({ job: jobId }, async () => {
          try {
            const asker = await identifyAsker(services, body, AFTER_ACK_TIMEOUT_MS)
            const isPrivate = body.container.is_ephemeral === true
            const request = { services, client, asker, jobId, drawnFor, triggerId: body.trigger_id, isPrivate }
            const answer = (await pressed.get(`job:${word}`)?.press(request)) ?? null
            if (answer !== null) await answerClick(services, { body, client, respond }, answer)
            if (body.view?.type === 'home') {
              // The worker would do it too, a few seconds later.
              await refreshHome(asker).catch((error) => services.log.warn({ err: error }, 'a Home tab stays as it was'))
            }
          } catch (error) {
            await answerClick(services, { body, client, respond }, errorText(services, error))
          }
        })
      },
    )
  }
  // A link button reports its click all the same.
  app.action(jobActions.openConsole, async ({ ack }) => await ack())
}
