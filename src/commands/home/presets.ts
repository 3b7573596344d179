/** Presets on the Home tab: those that this person can start, each with a button that opens its form. */
import type { App, BlockAction, ButtonAction } from '@slack/bolt'
import type { Asker } from '../../access/rules.js'
import { UserError } from '../../errors.js'
import { homeActions } from '../../slack/message/home.js'
import { fromTo } from '../../slack/text.js'
import { answerClick, errorText } from '../answer.js'
import { AFTER_ACK_TIMEOUT_MS, identifyAsker } from '../authorize.js'
import { canStart } from '../presets/access.js'
import { presetsFor } from '../presets/find.js'
import { openPreset } from '../presets/open.js'
import type { Services } from '../services.js'
import type { HomeParts } from './model.js'

/** Of "source → target", in characters. */
const MAX_WHAT_LENGTH = 150

export async function homePresets(services: Services, asker: Asker): Promise<HomeParts['presets']> {
  const presets = await presetsFor(services, asker)
  return (
    presets
      // What a schedule repeats is among the schedules.
      .filter((preset) => preset.repeats === null && canStart(services, asker, preset))
      .map(({ id, name, source, target }) => ({ id, name, what: fromTo(source, target, MAX_WHAT_LENGTH) }))
  )
}

export function registerHomePresets(app: App, services: Services): void {
  app.action<BlockAction<ButtonAction>>(
    { type: 'block_actions', action_id: homeActions.preset },
    async ({ ack, action, body, client, respond }) => {
      await ack()
      try {
        const asker = await identifyAsker(services, body, AFTER_ACK_TIMEOUT_MS)
        // Looked for among those that they may find here: the button's value is only a hint.
        const presets = await presetsFor(services, asker)
        const preset = presets.find(({ id }) => id === action.value)
        if (!preset) throw new UserError('That preset is gone. Open this tab again to see the current ones.')
        await openPreset({ services, client, asker, triggerId: body.trigger_id }, preset)
      } catch (error) {
        await answerClick(services, { body, client, respond }, errorText(services, error))
      }
    },
  )
}
