/** Buttons and pages of presets: saving a job or a filled form, and the list's buttons. */
import type { App, BlockAction, ButtonAction, ViewOutput, ViewResponseAction } from '@slack/bolt'
import type { Asker } from '../../access/rules.js'
import { PRESET_SCOPES } from '../../domain/preset.js'
import { UserError } from '../../errors.js'
import {
  NAME_BLOCK,
  PRESET_CALLBACK,
  PresetFormState,
  presetView,
  readPresetAnswers,
  SAVE_ACTION,
  SCOPE_BLOCK,
} from '../../slack/form/preset-view.js'
import { noticeView } from '../../slack/form/view.js'
import { presetActions } from '../../slack/message/presets.js'
import { readPreset } from '../../store/presets.js'
import { answerPrivately, errorText } from '../answer.js'
import {
  AFTER_ACK_TIMEOUT_MS,
  identifyAsker,
  type Origin,
  readOpeningChannel,
  saveOpeningChannel,
} from '../authorize.js'
import { answerSubmission } from '../clone/form-submit.js'
import type { JobButton } from '../job-button.js'
import { findTarget, readFormState, type Services } from '../services.js'
import type { Throttle } from '../throttle.js'
import { tooManyRequests } from '../throttle.js'
import { readerOf } from './access.js'
import { removePreset } from './delete.js'
import { openPreset, startNow } from './open.js'
import { type Content, contentOfForm, contentOfJob, namesOf, saveUnder, scopesFor, withNames } from './save.js'
import { savedWords } from './verbs.js'

/** "Save as preset…" below a job. */
export const presetButtons: readonly JobButton[] = [
  {
    word: 'preset',
    async press({ services, client, asker, jobId, triggerId: trigger_id }) {
      const content = await contentOfJob(services, asker, jobId)
      const opening = await saveOpeningChannel(services, asker.id, asker.channel ?? '')
      await client.views.open({
        trigger_id,
        view: pageFor(services, asker, content, { from: 'job', id: jobId, opening }),
      })
      return null
    },
  },
]

function pageFor(services: Services, asker: Asker, content: Content, state: PresetFormState) {
  const { operation } = findTarget(services, content.connection, content.operation)
  return presetView(state, { scopes: scopesFor(services, asker, content), names: namesOf(operation, content.values) })
}

/** @param verbs words that mean something else after the slash command. */
export function registerPresets(app: App, services: Services, throttle: Throttle, verbs: readonly string[]): void {
  app.action<BlockAction<ButtonAction>>(
    { type: 'block_actions', action_id: SAVE_ACTION },
    async ({ ack, body, client }) => {
      await ack()
      const key = body.view?.private_metadata ?? ''
      const view = await formPage(services, body, key).catch((error: unknown) =>
        noticeView("That didn't work", errorText(services, error)),
      )
      // On top of the last page, which is the second of the three that Slack stacks.
      await client.views
        .push({ trigger_id: body.trigger_id, view })
        .catch((error: unknown) => services.log.warn({ err: error }, 'Slack did not open the page of a preset'))
    },
  )

  app.view({ callback_id: PRESET_CALLBACK, type: 'view_submission' }, async ({ ack, view, body }) => {
    const { waitMs } = throttle.take(body.user.id, services.elapsed())
    const problem = tooManyRequests(waitMs, 'press Save again')
    if (waitMs > 0) return await ack({ response_action: 'errors', errors: { [NAME_BLOCK]: problem } })
    await ack(await answerSubmission(services, async () => await submit(services, view, body, verbs), NAME_BLOCK))
  })

  app.action<BlockAction<ButtonAction>>(
    { type: 'block_actions', action_id: /^preset:(open|run|delete)$/ },
    async ({ ack, action, body, respond, client }) => {
      await ack()
      try {
        const asker = await identifyAsker(services, body, AFTER_ACK_TIMEOUT_MS)
        const request = { services, client, asker, triggerId: body.trigger_id }
        const answer = await press(request, action.action_id, action.value ?? '')
        if (answer !== null) await answerPrivately(services, respond, answer)
      } catch (error) {
        await answerPrivately(services, respond, errorText(services, error))
      }
    },
  )
}

async function formPage(services: Services, origin: Origin, key: string) {
  const person = await identifyAsker(services, origin)
  const { content, channel } = await contentOfForm(services, person, key)
  return pageFor(services, { ...person, channel }, content, { from: 'form', id: key, opening: '' })
}

async function submit(
  services: Services,
  view: ViewOutput,
  origin: Origin,
  verbs: readonly string[],
): Promise<ViewResponseAction> {
  const state = readFormState(PresetFormState, view)
  const { texts, names } = readPresetAnswers(view.state.values)
  const { asker, content } = await readContent(services, await identifyAsker(services, origin), state)
  const scope = PRESET_SCOPES.find((one) => one === texts[SCOPE_BLOCK]) ?? 'person'
  const wanted = { name: texts[NAME_BLOCK] ?? '', scope, verbs }
  const preset = await saveUnder(services, asker, withNames(services, content, names), wanted)
  return { response_action: 'update', view: noticeView('Saved', savedWords(preset.name)) }
}

async function readContent(
  services: Services,
  person: Asker,
  { from, id, opening }: PresetFormState,
): Promise<{ asker: Asker; content: Content }> {
  if (from === 'form') {
    const { content, channel } = await contentOfForm(services, person, id)
    return { asker: { ...person, channel }, content }
  }
  const channel = await readOpeningChannel(services, person.id, opening)
  const asker = { ...person, channel: channel || null }
  return { asker, content: await contentOfJob(services, asker, id) }
}

async function press(request: Parameters<typeof openPreset>[0], actionId: string, id: string): Promise<string | null> {
  const { services, asker } = request
  const preset = await readPreset(services.db, id)
  const { ids, channel } = readerOf(asker)
  const owners = { person: ids, channel: [channel], everyone: [''] }
  // An old list, or a forged button.
  if (!preset || !owners[preset.scope].includes(preset.owner))
    throw new UserError('This preset is gone. /clone-app presets lists the current ones.')
  if (actionId === presetActions.delete) return await removePreset(services, asker, preset)
  if (actionId === presetActions.run) {
    const answer = await startNow(request, preset)
    return typeof answer === 'string' ? answer : answer.text
  }
  await openPreset(request, preset)
  return null
}
