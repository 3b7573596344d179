/** Page 1 submitted: shows the form of what was chosen. */
import type { App } from '@slack/bolt'
import type { Asker } from '../../access/rules.js'
import { updateView } from '../../slack/api/views.js'
import { fieldError } from '../../slack/form/answers.js'
import { ChoiceState, type FormState } from '../../slack/form/state.js'
import { callbacks, formView } from '../../slack/form/view.js'
import { identifyFormUser } from '../authorize.js'
import { explain, findTarget, readFormState, type Services, type Target } from '../services.js'
import { allowances, Throttle, tooManyRequests } from '../throttle.js'
import { correctForm, initialFormState } from './open-form.js'
import { parseTypedValues } from './typed-values.js'

export function registerOperationChoice(
  app: App,
  services: Services,
  throttle = new Throttle(allowances.submission),
): void {
  app.view(callbacks.choice, async ({ ack, view, body, client }) => {
    const refuse = (problem: string) => ack({ response_action: 'errors', errors: { choice: fieldError(problem) } })
    const { waitMs } = throttle.take(body.user.id, services.elapsed())
    if (waitMs > 0) return await refuse(tooManyRequests(waitMs, 'press Next again'))
    const chosen = view.state.values.choice?.choice?.selected_option?.value ?? ''
    const [connectionName = '', operationId = ''] = chosen.split('/')
    let target: Target
    let state: FormState
    let asker: Asker
    try {
      const { values, ...from } = readFormState(ChoiceState, view)
      target = findTarget(services, connectionName, operationId)
      const { opening } = from
      asker = await identifyFormUser(services, body, { connection: connectionName, operation: operationId, opening })
      const typed = parseTypedValues(target.operation, operationId, values, target.connection.expiry)
      state = initialFormState(connectionName, operationId, from, typed)
    } catch (error) {
      return await refuse(explain(services, error))
    }
    const { operation, connection } = target
    const form = formView(operation, state, connection.provider.name, connection.expiry)
    await ack({ response_action: 'update', view: form })
    // An acknowledgement does not return the hash of the new view. Drawing the same view again does, and the correction
    // needs it to tell whether the person has chosen something in the meantime.
    try {
      const hash = await updateView(client, { id: view.id, view: form }, services)
      await correctForm(services, client, asker, { id: view.id, hash }, state)
    } catch (error) {
      // The form is open all the same; a list that can't be read says so when it is opened.
      services.log.warn({ err: error, view: view.id }, 'the form could not be corrected')
    }
  })
}
