/** Page 2 of the modal: drawn at once without asking anybody, then corrected when a list can't be read. */
import type { WebClient } from '@slack/web-api'
import type { Asker } from '../../access/rules.js'
import { updateView } from '../../slack/api/views.js'
import { entriesOf, type Field, fieldsOf } from '../../slack/form/fields.js'
import { unansweredParents } from '../../slack/form/options.js'
import type { FormState } from '../../slack/form/state.js'
import { formView, typeInstead } from '../../slack/form/view.js'
import { findTarget, type Services, type Target } from '../services.js'
import { openingState } from '../settings/preferences.js'
import { nameFrom, namesInUse, SUGGESTED_NAME } from './suggest-name.js'
import { inDependencyOrder, matchNames } from './typed-names.js'

/** A form to be opened: for whom, and with what it shows already. */
interface Opening {
  services: Services
  client: WebClient
  asker: Asker
  triggerId: string
  /** Where it is opened; null on the App Home, which is no channel. */
  channel: string | null
}

/**
 * Opens the form of an operation, filled in with these values, and corrects it once its lists are read.
 *
 * @param labels of values that were picked before, which are shown until then.
 */
export async function openForm(
  { services, client, asker, triggerId: trigger_id, channel }: Opening,
  { connection, operation, operationId }: Target,
  values: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>> = {},
): Promise<void> {
  const from = await openingState(services, asker, channel ?? '')
  const state = initialFormState(connection.name, operationId, from, values)
  const opened = await client.views.open({
    trigger_id,
    view: formView(operation, { ...state, labels }, connection.provider.name, connection.expiry),
  })
  if (opened.view?.id) await correctForm(services, client, asker, { id: opened.view.id, hash: opened.view.hash }, state)
}

/** The form of an operation as it is first shown. */
export function initialFormState(
  connection: string,
  operation: string,
  from: Pick<FormState, 'channel' | 'opening' | 'choosableChannels' | 'tell' | 'place'>,
  values: Readonly<Record<string, string>> = {},
): FormState {
  return {
    connection,
    operation,
    ...from,
    values: { ...values },
    labels: {},
    remarks: {},
    typed: {},
    suggested: {},
    notes: {},
  }
}

/**
 * Reads the form's lists before the person opens them. A list that can't be read becomes a text box that says why, a name
 * from the command is replaced by the entry it stands for or gets a remark, and all other lists are in the cache. Where it is
 * known what is cloned, a name is suggested beside its field, never in it: the person may be typing there by now.
 *
 * @param view.hash of the view as it was drawn: a choice made meanwhile wins over this correction.
 */
export async function correctForm(
  services: Services,
  client: WebClient,
  asker: Asker,
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
  for (const field of fields) {
    const name = await suggestionFor(services, asker, { connection, operation }, field, corrected)
    if (name === undefined || name === corrected.suggested[field.key]) continue
    corrected.suggested[field.key] = name
    isCorrected = true
  }
  if (!isCorrected) return
  try {
    const { id, hash } = view
    await updateView(
      client,
      { id, hash, view: formView(operation, corrected, connection.provider.name, connection.expiry) },
      services,
    )
  } catch (error) {
    // Closed, or changed by the person in the meantime: opening a list then says the same.
    services.log.info({ err: error, view: view.id }, 'the form could not be corrected')
  }
}

/** What to suggest for a field; undefined if it takes no suggestion, or has an answer. */
async function suggestionFor(
  services: Services,
  asker: Asker,
  { connection, operation }: Pick<Target, 'connection' | 'operation'>,
  field: Field,
  { values }: FormState,
): Promise<string | undefined> {
  const from = fieldsOf(operation).find(({ key }) => key === field.suggestFrom)
  const chosen = from && values[from.key]
  if (!from || !chosen || values[field.key]) return undefined
  const list = await services.lists.get(connection, from, { values })
  const source = 'options' in list ? list.options.find(({ value }) => value === chosen) : undefined
  if (!source) return undefined
  const taken = await namesInUse(services, { connection, operation }, values)
  return nameFrom(SUGGESTED_NAME, field, { source: source.label, asker, now: services.now(), taken })
}
