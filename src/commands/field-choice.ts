/** A choice that other fields' lists depend on: remembered in the form, whose dependent fields begin anew. */
import type { App, BlockAction } from '@slack/bolt'
import type { Operation } from '../providers/provider.js'
import { readAnswers } from '../slack/answers.js'
import { fieldsOf } from '../slack/fields.js'
import { FormState, fieldAction, formView } from '../slack/form.js'
import { whoFillsIn } from './access.js'
import { correctForm } from './open-form.js'
import { explain, findTarget, recall, type Services } from './services.js'

export function registerFieldChoice(app: App, services: Services): void {
  app.action<BlockAction>({ type: 'block_actions', action_id: fieldAction }, async ({ ack, body, client }) => {
    await ack()
    if (!body.view) return
    let state: FormState
    let operation: Operation
    try {
      state = recall(FormState, body.view)
      await whoFillsIn(services, body, state)
      ;({ operation } = findTarget(services, state.connection, state.operation))
    } catch (error) {
      // The form stays as it is; sending it in, or opening a list, says why.
      services.log.warn({ reason: explain(services, error), user: body.user.id }, 'a choice in a form was refused')
      return
    }
    const { values, named } = readAnswers(operation, body.view.state.values)
    const parents = fieldsOf(operation).flatMap((field) => field.dependsOn)
    const chosen = Object.fromEntries(parents.map((key) => [key, String(values[key] ?? '')]))
    const labels = Object.fromEntries(parents.map((key) => [key, named[key] ?? '']))
    const next = { ...state, values: { ...state.values, ...chosen }, labels: { ...state.labels, ...labels } }
    const updated = await client.views.update({
      // Without the view's hash: what a person chose wins over a correction of ours that came between.
      view_id: body.view.id,
      view: formView(operation, next),
    })
    await correctForm(services, client, { id: body.view.id, hash: updated.view?.hash }, next)
  })
}
