/** Page 2 of the modal: drawn from memory at once, corrected when a list turns out not to be had. */
import type { WebClient } from '@slack/web-api'
import { fieldsOf } from '../slack/fields.js'
import { type FormState, formView, waitsFor } from '../slack/form.js'
import { matchingOptions } from './lists.js'
import { findTarget, type Services } from './services.js'

/** The form of an operation as it is first shown. */
export function firstFormState(
  connection: string,
  operation: string,
  from: { channel: string; opening: string },
  values: Readonly<Record<string, string>> = {},
): FormState {
  return { connection, operation, ...from, values: { ...values }, labels: {}, typed: {} }
}

/**
 * Asks for the form's lists before the person does. One that cannot be had becomes a text box that says why, a name that
 * the command text gave is replaced by the id behind it, and the others are there when they are opened.
 *
 * @param hash of the view as it was drawn: a choice made meanwhile wins over this correction.
 */
export async function correctForm(
  services: Services,
  client: WebClient,
  view: { id: string; hash?: string | undefined },
  state: FormState,
): Promise<void> {
  const { connection, operation } = findTarget(services, state.connection, state.operation)
  const corrected = { ...state, values: { ...state.values }, labels: { ...state.labels }, typed: { ...state.typed } }
  let isCorrected = false
  await Promise.all(
    fieldsOf(operation)
      .filter((field) => field.picker && !waitsFor(field, state) && state.typed[field.key] === undefined)
      .map(async (field) => {
        const list = await services.lists.get(connection, field, state)
        if ('reason' in list) {
          corrected.typed[field.key] = list.reason
          isCorrected = true
          return
        }
        // A name from the command text: the lists that depend on it want the id behind it.
        const [named, another] = matchingOptions(list.options, state.values[field.key] ?? '')
        if (named && !another && state.labels[field.key] === undefined) {
          corrected.values[field.key] = named.value
          corrected.labels[field.key] = named.label
          isCorrected = true
        }
      }),
  )
  if (!isCorrected) return
  try {
    await client.views.update({
      view_id: view.id,
      ...(view.hash === undefined ? {} : { hash: view.hash }),
      view: formView(operation, corrected),
    })
  } catch (error) {
    // Closed, or changed by the person in the meantime: the options request says the same once more.
    services.log.info({ err: error, view: view.id }, 'the form could not be corrected')
  }
}
