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
import { noticeOnTop, noticeView } from '../../slack/form/view.js'
import { presetActions } from '../../slack/message/presets.js'
import { type Answer, errorText } from '../answer.js'
import { identifyAsker, type Origin } from '../authorize.js'
import type { JobButton } from '../job-button.js'
import { findTarget, readFormState, type Services } from '../services.js'
import type { Throttle } from '../throttle.js'
import { removePreset } from './delete.js'
import { presetsFor } from './find.js'
import { openPreset, startNow } from './open.js'
import { pageButton, readRepeated, registerListButtons, registerPage } from './pages.js'
import { type Content, contentOfForm, namesOf, saveUnder, scopesFor, withNames } from './save.js'
import { savedWords } from './verbs.js'

/** "Save as preset…" below a job. */
export const presetButtons: readonly JobButton[] = [
  pageButton('preset', ({ services, asker }, content, names, { job, opening }) =>
    presetView({ from: 'job', id: job, opening }, { scopes: scopesFor(services, asker, content), names }),
  ),
]

/** @param verbs words that mean something else after the slash command. */
export function registerPresets(app: App, services: Services, throttle: Throttle, verbs: readonly string[]): void {
  app.action<BlockAction<ButtonAction>>(
    { type: 'block_actions', action_id: SAVE_ACTION },
    async ({ ack, body, client }) => {
      await ack()
      const key = body.view?.private_metadata ?? ''
      const view = await formPage(services, body, key).catch((error: unknown) =>
        noticeOnTop("That didn't work", errorText(services, error)),
      )
      // On top of the last page, which is the second of the three that Slack stacks.
      await client.views
        .push({ trigger_id: body.trigger_id, view })
        .catch((error: unknown) => services.log.warn({ err: error }, 'Slack did not open the page of a preset'))
    },
  )

  const page = { callback_id: PRESET_CALLBACK, block: NAME_BLOCK, button: 'Save', mayBeThird: true }
  registerPage(app, services, throttle, page, async (view, origin) => await submit(services, view, origin, verbs))
  registerListButtons(app, services, /^preset:(open|run|delete)$/, press)
}

async function formPage(services: Services, origin: Origin, key: string) {
  const person = await identifyAsker(services, origin)
  const { content, channel } = await contentOfForm(services, person, key)
  const { operation } = findTarget(services, content.connection, content.operation)
  const scopes = scopesFor(services, { ...person, channel }, content)
  return presetView({ from: 'form', id: key, opening: '' }, { scopes, names: namesOf(operation, content.values) })
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
  if (from === 'job') return await readRepeated(services, person, { job: id, opening })
  const { content, channel } = await contentOfForm(services, person, id)
  return { asker: { ...person, channel }, content }
}

async function press(
  request: Parameters<typeof openPreset>[0],
  { id: actionId, value: id }: { id: string; value: string },
): Promise<Answer | null> {
  const { services, asker } = request
  const preset = (await presetsFor(services, asker)).find((one) => one.id === id)
  // An old list, or a forged button.
  if (!preset) throw new UserError('This preset is gone. /clone-app presets lists the current ones.')
  if (actionId === presetActions.delete) return await removePreset(services, asker, preset)
  if (actionId === presetActions.run) return await startNow(request, preset)
  await openPreset(request, preset)
  return null
}
