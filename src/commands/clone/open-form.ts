/** Page 2 of the modal: drawn at once without asking anybody, then corrected when a list can't be read. */
import type { WebClient } from '@slack/web-api'
import { updateView } from '../../slack/api/views.js'
import { entriesOf, fieldsOf } from '../../slack/form/fields.js'
import { unansweredParents } from '../../slack/form/options.js'
import type { FormState } from '../../slack/form/state.js'
import { formView, typeInstead } from '../../slack/form/view.js'
import { findTarget, type Services } from '../services.js'
import { inDependencyOrder, matchNames } from './typed-names.js'

/** The form of an operation as it is first shown. */
export function initialFormState(
  connection: string,
  operation: string,
  from: Pick<FormState, 'channel' | 'opening' | 'choosableChannels'>,
  values: Readonly<Record<string, string>> = {},
): FormState {
  return { connection, operation, ...from, values: { ...values }, labels: {}, remarks: {}, typed: {} }
}

/**
 * Reads the form's lists before the person opens them. A list that can't be read becomes a text box that says why, a name
 * from the command is replaced by the entry it stands for or gets a remark, and all other lists are in the cache.
 *
 * @param view.hash of the view as it was drawn: a choice made meanwhile wins over this correction.
 */
export async function correctForm(
  services: Services,
  client: WebClient,
  view: { id: string; hash?: string | undefined },
  state: FormState,
): Promise<void> {
  const { connection, operation } = findTarget(services, state.connection, state.operation)
  const corrected = structuredClone(state)
  let isCorrected = false
  const fields = fieldsOf(operation)
  const pickers = fields.filter((field) => field.picker && state.typed[field.key] === undefined)
  await inDependencyOrder(pickers, async (field) => {
    const { key } = field
    if (unansweredParents(field, fields, corrected).length > 0) return
    const list = await services.lists.get(connection, field, corrected)
    if ('reason' in list) {
      corrected.typed[key] = typeInstead(list)
      isCorrected = true
      return
    }
    const typed = state.labels[key] === undefined ? entriesOf(field, state.values[key] ?? '') : []
    if (typed.length === 0) return
    const matches = matchNames(list.options, typed)
    const found = matches.flatMap((match) => ('option' in match ? [match.option] : []))
    corrected.values[key] = found.map(({ value }) => value).join(',')
    corrected.labels[key] = found.map(({ label }) => label.replaceAll('\n', ' ')).join('\n')
    const problems = matches.flatMap((match) => ('problem' in match ? [match.problem] : []))
    corrected.remarks[key] = problems.filter(Boolean).join(' ')
    isCorrected = true
  })
  if (!isCorrected) return
  try {
    const { id, hash } = view
    await updateView(client, { id, hash, view: formView(operation, corrected, connection.provider.name) }, services)
  } catch (error) {
    // Closed, or changed by the person in the meantime: opening a list then says the same.
    services.log.info({ err: error, view: view.id }, 'the form could not be corrected')
  }
}
