/** Page 1 submitted: shows the form of what was chosen. */
import type { App } from '@slack/bolt'
import { z } from 'zod'
import { operationOf } from '../providers/provider.js'
import { callbacks, formView } from '../slack/form.js'
import { correctForm, firstFormState } from './open-form.js'
import { findTarget, type Services } from './services.js'

export function registerOperationChoice(app: App, services: Services): void {
  app.view(callbacks.choice, async ({ ack, view, client }) => {
    const chosen = view.state.values.choice?.choice?.selected_option?.value ?? ''
    const [connectionName = '', operationId = ''] = chosen.split('/')
    const target = operationOf(services.connections.get(connectionName)?.provider, operationId)
    if (!target) {
      await ack({ response_action: 'errors', errors: { choice: 'This is not to be had any more. Choose another.' } })
      return
    }
    const { channel } = z.object({ channel: z.string() }).parse(JSON.parse(view.private_metadata))
    const state = firstFormState(connectionName, operationId, channel)
    const { operation } = findTarget(services, connectionName, operationId)
    const form = formView(operation, state)
    await ack({ response_action: 'update', view: form })
    // The acknowledgement does not say which version of the view it made. Drawing the same once more does, and only with
    // that can a later correction tell whether the person has chosen something in the meantime.
    const drawn = await client.views.update({ view_id: view.id, view: form })
    await correctForm(services, client, { id: view.id, hash: drawn.view?.hash }, state)
  })
}
