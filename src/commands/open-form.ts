/** Page 2 of the modal: drawn from memory at once, corrected when a list turns out not to be had. */
import type { WebClient } from '@slack/web-api'
import { fieldsOf } from '../slack/fields.js'
import { type FormState, formView, waitsFor } from '../slack/form.js'
import { findTarget, type Services } from './services.js'

/** The form of an operation as it is first shown. */
export function firstFormState(
  connection: string,
  operation: string,
  channel: string,
  values: Readonly<Record<string, string>> = {},
): FormState {
  return { connection, operation, channel, values: { ...values }, typed: {} }
}

/**
 * Asks for the form's lists before the person does. One that cannot be had becomes a text box that says why; the others
 * are then there when they are opened.
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
  const typed: Record<string, string> = {}
  await Promise.all(
    fieldsOf(operation)
      .filter((field) => field.picker && !waitsFor(field, state) && state.typed[field.key] === undefined)
      .map(async (field) => {
        const list = await services.lists.get(connection, field, state)
        if ('reason' in list) typed[field.key] = list.reason
      }),
  )
  if (Object.keys(typed).length === 0) return
  const corrected = { ...state, typed: { ...state.typed, ...typed } }
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
