/** A choice that other fields depend on: the form keeps it, clears the lists below it, and suggests a name. */
import type { App, BlockAction } from '@slack/bolt'
import type { Operation } from '../../providers/provider.js'
import { updateView } from '../../slack/api/views.js'
import { type Answers, readAnswers } from '../../slack/form/answers.js'
import { fieldsOf, reportingFields } from '../../slack/form/fields.js'
import type { FormState } from '../../slack/form/state.js'
import { FIELD_ACTION, formView, noticeOnTop } from '../../slack/form/view.js'
import { readForm } from '../authorize.js'
import { explain, type Services } from '../services.js'
import { allowances, Throttle, tooManyRequests } from '../throttle.js'
import { correctForm } from './open-form.js'

export function registerFieldChoice(app: App, services: Services): void {
  const throttle = new Throttle(allowances.choice)
  const notices = new Throttle(allowances.notice)
  app.action<BlockAction>({ type: 'block_actions', action_id: FIELD_ACTION }, async ({ ack, body, client }) => {
    await ack()
    if (!body.view) return
    const { waitMs } = throttle.take(body.user.id, services.elapsed())
    if (waitMs > 0) {
      services.log.info({ user: body.user.id }, 'a choice in a form was throttled')
      // A flood of choices must not become a flood of notices.
      if (notices.take(body.user.id, services.elapsed()).waitMs > 0) return
      const text = tooManyRequests(waitMs, 'choose again. Press Back: your answers are still there')
      await client.views.push({ trigger_id: body.trigger_id, view: noticeOnTop('Please wait', text) })
      return
    }
    const form = await readForm(services, body.view, body).catch((error: unknown) => {
      // The form stays as it is; submitting it, or opening a list, says why.
      services.log.warn({ reason: explain(services, error), user: body.user.id }, 'a choice in a form was refused')
    })
    if (!form) return
    const { operation, connection } = form.target
    const next = withChoices(operation, form.state, readAnswers(operation, body.view.state.values))
    const { id, hash: retryHash } = body.view
    const view = formView(operation, next, connection.provider.name, connection.expiry)
    let hash: string | undefined
    try {
      // The first try goes without the view's hash, so that the choice wins over a correction of ours in between. A retry
      // with no hash could overwrite what the person chose since.
      hash = await updateView(client, { id, view, retryHash }, services)
    } catch (error) {
      // Slack still has the choice, and lists read it from the view.
      services.log.warn({ err: error, view: id }, 'a choice could not be shown in the form')
      return
    }
    await correctForm(services, client, form.asker, { id, hash }, next)
  })
}

/** The form's state after a choice: the answers that other fields depend on, without what belonged to the old lists. */
function withChoices(operation: Operation, state: FormState, { values, named }: Answers): FormState {
  const next = { ...structuredClone(state), notes: {} }
  const fields = fieldsOf(operation)
  for (const key of reportingFields(fields)) {
    next.values[key] = String(values[key] ?? '')
    const label = named[key]
    // Text that is its own label was typed: a name that is still to be looked up.
    if (label === undefined || label === values[key]) delete next.labels[key]
    else next.labels[key] = label
    // This choice answers the remark about what was not found.
    if (next.values[key] && next.remarks[key]) next.remarks[key] = ''
  }
  for (const { key, dependsOn, suggestFrom } of fields) {
    if (suggestFrom !== undefined) {
      // Somebody's own name needs no suggestion, and another source needs another one.
      next.values[key] = String(values[key] ?? '')
      if (next.values[suggestFrom] !== (state.values[suggestFrom] ?? '')) delete next.suggested[key]
    }
    const hasNewList = dependsOn.some((parent) => next.values[parent] !== (state.values[parent] ?? ''))
    if (!hasNewList || state.remarks[key] === undefined) continue
    delete next.values[key]
    delete next.labels[key]
    delete next.remarks[key]
  }
  return next
}
