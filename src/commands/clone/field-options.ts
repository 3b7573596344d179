/** Typing in a picker: the live list, searched and cut, within Slack's three seconds. */

import type { App } from '@slack/bolt'
import type { Asker } from '../../access/rules.js'
import { cut } from '../../lib/text.js'
import { within } from '../../lib/within.js'
import type { Operation } from '../../providers/provider.js'
import { readAnswers, type StateValues } from '../../slack/form/answers.js'
import { fieldsOf } from '../../slack/form/fields.js'
import { chooseFirst, remarkOption, searchOptions, unansweredParents } from '../../slack/form/options.js'
import { FormState } from '../../slack/form/state.js'
import { FIELD_ACTION } from '../../slack/form/view.js'
import { limits } from '../../slack/limits.js'
import { allowedOptions, identifyFormUser, isAllowedParent } from '../authorize.js'
import { explain, findTarget, readFormState, type Services, type Target } from '../services.js'
import { correctForm } from './open-form.js'

/** Slack waits three seconds, network included. In milliseconds. */
const ANSWER_TIMEOUT_MS = 2_300

export function registerFieldOptions(app: App, services: Services): void {
  app.options<'block_suggestion'>(
    { type: 'block_suggestion', action_id: FIELD_ACTION },
    async ({ ack, body, client }) => {
      if (!body.view) return await ack({ options: [] })
      const startedAt = services.elapsed()
      let state: FormState
      let asker: Asker
      let target: Target
      try {
        state = readFormState(FormState, body.view)
        asker = await identifyFormUser(services, body, state)
        target = findTarget(services, state.connection, state.operation)
      } catch (error) {
        return await ack({ options: [remarkOption(cut(explain(services, error), limits.optionText))] })
      }
      const { connection, operation } = target
      state = withCurrentChoices(operation, state, body.view.state?.values ?? {})
      const fields = fieldsOf(operation)
      const field = fields.find(({ key }) => key === body.block_id)
      if (!field?.picker) return await ack({ options: [] })
      const unmet = unansweredParents(field, fields, state)
      if (unmet.length > 0) return await ack({ options: [remarkOption(chooseFirst(unmet, limits.optionText))] })

      const remainingMs = ANSWER_TIMEOUT_MS - (services.elapsed() - startedAt)
      // A list below an entry that this person can't choose is not theirs to read either.
      const allowed = isAllowedParent(services, asker, target, field, state)
      const [list, isAllowed] =
        (await within(remainingMs, Promise.all([services.lists.get(connection, field, state), allowed]))) ?? []
      if (list === undefined) return await ack({ options: [remarkOption('Still loading. Type again in a moment.')] })
      if ('options' in list && list.options.length === 0)
        return await ack({ options: [remarkOption('There is nothing to choose from.')] })
      if ('options' in list) {
        const mine = isAllowed ? allowedOptions(services, asker, target, field, list.options) : []
        if (mine.length === 0)
          return await ack({ options: [remarkOption('There is nothing here that you can choose.')] })
        return await ack({ options: searchOptions(mine, body.value, services.lists.textOf) })
      }
      // The list could be read when the form was opened, and can't now.
      await ack({ options: [remarkOption("The list can't be loaded. You can type the ID instead.")] })
      await correctForm(services, client, { id: body.view.id, hash: body.view.hash }, state)
    },
  )
}

/**
 * The form's state with the current answers of fields that others depend on: a choice counts even if Slack rejected the
 * redraw that followed it.
 */
function withCurrentChoices(operation: Operation, state: FormState, shown: StateValues): FormState {
  const { values } = readAnswers(operation, shown)
  const parents = fieldsOf(operation).flatMap((field) => field.dependsOn)
  const current = parents.map((key) => [key, String(values[key] ?? '')]).filter(([, value]) => value !== '')
  return { ...state, values: { ...state.values, ...Object.fromEntries(current) } }
}
