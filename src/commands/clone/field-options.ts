/** Typing in a picker: the live list, searched and cut, within Slack's three seconds. */
import type { App } from '@slack/bolt'
import type { PlainTextOption } from '@slack/types'
import type { WebClient } from '@slack/web-api'
import { within } from '../../lib/within.js'
import type { Operation } from '../../providers/provider.js'
import { updateView } from '../../slack/api/views.js'
import { readAnswers, type StateValues } from '../../slack/form/answers.js'
import { fieldsOf } from '../../slack/form/fields.js'
import { chooseFirst, searchOptions, unansweredParents } from '../../slack/form/options.js'
import type { FormState } from '../../slack/form/state.js'
import { FIELD_ACTION, formView } from '../../slack/form/view.js'
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
      const form = await readForm(services, view, body).catch((error: unknown) => {
        // There's no room for a reason beside an empty list; submitting the form gives it.
        services.log.warn({ reason: explain(services, error), user: body.user.id }, 'a list in a form was refused')
      })
      if (!form) return await ack({ options: [] })
      const state = withCurrentChoices(form.target.operation, form.state, view.state?.values ?? {})
      const query = { field: body.block_id, text: body.value, deadline }
      const found = await findOptions(services, { ...form, state }, query)
      await ack({ options: found?.options ?? [] })
      const { id, hash } = view
      if (!found) return await correctForm(services, client, form.asker, { id, hash }, state)
      await showNote(services, client, { id, hash }, { ...form, state }, body.block_id, found.note)
    },
  )
}

type OpenForm = Awaited<ReturnType<typeof readForm>>

/**
 * Says in the hint below a field why its list is empty, or no longer says so. A reason among the options could be chosen,
 * and answer nothing.
 */
async function showNote(
  services: Services,
  client: WebClient,
  view: { id: string; hash: string },
  { state, target }: OpenForm,
  field: string,
  note: string,
): Promise<void> {
  if ((state.notes[field] ?? '') === note) return
  const notes = { ...state.notes, [field]: note }
  const { operation, connection } = target
  const form = formView(operation, { ...state, notes }, connection.provider.name, connection.expiry)
  await updateView(client, { ...view, view: form }, services).catch((error: unknown) =>
    // Closed, or changed meanwhile.
    services.log.info({ err: error, view: view.id }, 'the reason for an empty list could not be shown'),
  )
}

/** What to offer, or why that is nothing; undefined if the list could be read when the form was opened, and can't now. */
async function findOptions(
  services: Services,
  { state, asker, target }: OpenForm,
  query: { field: string; text: string; deadline: number },
): Promise<{ options: PlainTextOption[]; note: string } | undefined> {
  const nothing = (note: string) => ({ options: [], note })
  const fields = fieldsOf(target.operation)
  const field = fields.find(({ key }) => key === query.field)
  if (!field?.picker) return nothing('')
  const unmet = unansweredParents(field, fields, state)
  if (unmet.length > 0) return nothing(chooseFirst(unmet, limits.optionText))
  // A list below an entry that this person can't choose is not theirs to read either.
  const reading = Promise.all([
    services.lists.get(target.connection, field, state),
    isAllowedParent(services, asker, target, field, state),
  ])
  const [list, isAllowed] = (await within(query.deadline - services.elapsed(), reading)) ?? []
  if (list === undefined) return nothing('Still loading. Type again in a moment.')
  if ('reason' in list) return undefined
  if (list.options.length === 0) return nothing("There's nothing to choose from.")
  const mine = isAllowed ? allowedOptions(services, asker, target, field, list.options) : []
  if (mine.length === 0) return nothing("There's nothing here you can choose.")
  return { options: searchOptions(mine, query.text, services.lists.textOf), note: '' }
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
