/** Typing in a picker: the live list, searched and cut, within Slack's three seconds. */
import type { App } from '@slack/bolt'
import type { PlainTextOption } from '@slack/types'
import { cut } from '../../lib/text.js'
import { within } from '../../lib/within.js'
import type { Operation } from '../../providers/provider.js'
import { readAnswers, type StateValues } from '../../slack/form/answers.js'
import { fieldsOf } from '../../slack/form/fields.js'
import { chooseFirst, remarkOption, searchOptions, unansweredParents } from '../../slack/form/options.js'
import type { FormState } from '../../slack/form/state.js'
import { FIELD_ACTION } from '../../slack/form/view.js'
import { limits } from '../../slack/limits.js'
import { allowedOptions, isAllowedParent, readForm } from '../authorize.js'
import { explain, type Services } from '../services.js'
import { correctForm } from './open-form.js'

/** Slack waits three seconds, network included. In milliseconds. */
const ANSWER_TIMEOUT_MS = 2_300

export function registerFieldOptions(app: App, services: Services): void {
  app.options<'block_suggestion'>(
    { type: 'block_suggestion', action_id: FIELD_ACTION },
    async ({ ack, body, client }) => {
      const { view } = body
      if (!view) return await ack({ options: [] })
      const deadline = services.elapsed() + ANSWER_TIMEOUT_MS
      const form = await readForm(services, view, body).catch(async (error: unknown) => {
        await ack({ options: [remarkOption(cut(explain(services, error), limits.optionText))] })
      })
      if (!form) return
      const state = withCurrentChoices(form.target.operation, form.state, view.state?.values ?? {})
      const query = { field: body.block_id, text: body.value, deadline }
      const options = await findOptions(services, { ...form, state }, query)
      await ack({ options: options ?? [remarkOption("The list can't be loaded. You can type the ID instead.")] })
      if (!options) await correctForm(services, client, { id: view.id, hash: view.hash }, state)
    },
  )
}

/** What to offer; undefined if the list could be read when the form was opened, and can't now. */
async function findOptions(
  services: Services,
  { state, asker, target }: Awaited<ReturnType<typeof readForm>>,
  query: { field: string; text: string; deadline: number },
): Promise<PlainTextOption[] | undefined> {
  const fields = fieldsOf(target.operation)
  const field = fields.find(({ key }) => key === query.field)
  if (!field?.picker) return []
  const unmet = unansweredParents(field, fields, state)
  if (unmet.length > 0) return [remarkOption(chooseFirst(unmet, limits.optionText))]
  // A list below an entry that this person can't choose is not theirs to read either.
  const reading = Promise.all([
    services.lists.get(target.connection, field, state),
    isAllowedParent(services, asker, target, field, state),
  ])
  const [list, isAllowed] = (await within(query.deadline - services.elapsed(), reading)) ?? []
  if (list === undefined) return [remarkOption('Still loading. Type again in a moment.')]
  if ('reason' in list) return undefined
  if (list.options.length === 0) return [remarkOption("There's nothing to choose from.")]
  const mine = isAllowed ? allowedOptions(services, asker, target, field, list.options) : []
  if (mine.length === 0) return [remarkOption("There's nothing here you can choose.")]
  return searchOptions(mine, query.text, services.lists.textOf)
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
