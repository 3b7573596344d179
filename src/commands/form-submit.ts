/** Pages 2 and 3 submitted: answers → draft → job, durable before Slack is told that all is well. */
import type { App, ViewOutput, ViewResponseAction } from '@slack/bolt'
import { z } from 'zod'
import { UserError } from '../errors.js'
import type { Job } from '../jobs/machine.js'
import type { Named, Option } from '../providers/provider.js'
import { type Answers, fieldErrors, readAnswers } from '../slack/answers.js'
import { type Field, fieldsOf } from '../slack/fields.js'
import { callbacks, channelBlock, FormState, noticeView, previewView, waitsFor } from '../slack/form.js'
import { inWords, mrkdwn } from '../slack/message.js'
import { readDraft, saveDraft } from '../store/drafts.js'
import { createJob } from '../store/jobs.js'
import { matchingOptions } from './lists.js'
import { explain, findTarget, type Services, type Target, within } from './services.js'

/** What page 3 remembers of page 2. */
const Draft = z.object({
  connection: z.string(),
  operation: z.string(),
  values: z.record(z.string(), z.unknown()),
  named: z.record(z.string(), z.string()),
  channel: z.string(),
  mentionOnSuccess: z.boolean(),
})

/** What all typed names together may take to be looked up before Slack loses patience, in milliseconds. */
const lookUpWithinMs = 1_500

export function registerFormSubmit(app: App, services: Services): void {
  app.view({ callback_id: callbacks.form, type: 'view_submission' }, async ({ ack, view, body }) => {
    await ack(await answerOf(services, async () => await submitForm(services, view, body.user.id)))
  })
  app.view({ callback_id: callbacks.preview, type: 'view_submission' }, async ({ ack, view, body }) => {
    await ack(await answerOf(services, async () => await submitPreview(services, view, body.user.id)))
  })
}

/** Whatever happens, the person gets an answer in the modal. */
async function answerOf(services: Services, submit: () => Promise<ViewResponseAction>): Promise<ViewResponseAction> {
  try {
    return await submit()
  } catch (error) {
    if (error instanceof UserError && error.field !== undefined) {
      return { response_action: 'errors', errors: { [error.field]: error.message } }
    }
    return { response_action: 'update', view: noticeView('That did not work', mrkdwn(explain(services, error))) }
  }
}

async function submitForm(services: Services, view: ViewOutput, requester: string): Promise<ViewResponseAction> {
  const state = FormState.parse(JSON.parse(view.private_metadata))
  const target = findTarget(services, state.connection, state.operation)
  const { operation } = target
  const answers = await lookUpTypedNames(services, target, state, readAnswers(operation, view.state.values))
  const { values, named, channel, mentionOnSuccess } = answers
  const checked = operation.fields.safeParse(values)
  if (!checked.success || channel === undefined) {
    const missing = channel === undefined ? { [channelBlock]: 'Choose where the updates shall go.' } : {}
    return {
      response_action: 'errors',
      errors: { ...missing, ...(checked.success ? {} : fieldErrors(checked.error, values)) },
    }
  }
  const draft = { connection: state.connection, operation: state.operation, values, named, channel, mentionOnSuccess }
  const key = await saveDraft(services.db, requester, draft, services.now())
  const preview = operation.preview(checked.data, named)
  return { response_action: 'push', view: previewView(operation, operation.summary(named), preview, key) }
}

async function submitPreview(services: Services, view: ViewOutput, requester: string): Promise<ViewResponseAction> {
  const draft = await readDraft(services.db, view.private_metadata, requester)
  if (draft === null) throw new UserError('This form is too old to be sent. Begin again with /clone-app.')
  const { values, ...answers } = Draft.parse(draft)
  const target = findTarget(services, answers.connection, answers.operation)
  const params = target.operation.fields.parse(values)
  return await start(services, target, { ...answers, params }, view, requester)
}

/** Answers that were checked. */
interface Decided {
  named: Named
  channel: string
  mentionOnSuccess: boolean
  params: Record<string, unknown>
}

/** The hand-over: from here on the database knows, and no room needs to know that there was a modal. */
async function start(
  services: Services,
  { connection, operation, operationId }: Target,
  { named, channel, mentionOnSuccess, params }: Decided,
  view: ViewOutput,
  requester: string,
): Promise<ViewResponseAction> {
  const { from, to } = operation.summary(named)
  const draft = {
    connection: connection.name,
    operation: operationId,
    params,
    source: from,
    target: to,
    lock: operation.lock(params),
    // One modal is one job, however often its submission arrives.
    submission: view.root_view_id ?? view.id,
    requester,
    mentionOnSuccess,
    channel,
  }
  const creation = await createJob(services.db, draft, services.now())
  if (creation.kind === 'locked') {
    return { response_action: 'update', view: noticeView('Somebody was first', whoIsFirst(services, creation.holder)) }
  }
  if (creation.kind === 'repeated') {
    if (JSON.stringify(creation.job.params) === JSON.stringify(params)) return { response_action: 'clear' }
    const text = `Job \`${creation.job.id}\` was already started from this form, with other answers. Nothing more was started; begin again with /clone-app.`
    return { response_action: 'update', view: noticeView('Already started', text) }
  }
  services.log.info(
    { job: creation.job.id, connection: connection.name, operation: operationId },
    'a job was asked for',
  )
  services.wake()
  return { response_action: 'clear' }
}

function whoIsFirst(services: Services, holder: Job): string {
  const age = inWords(services.now() - holder.createdAt)
  const thread =
    holder.rootTs === null || holder.rootChannel === null
      ? ''
      : ` <${services.workspaceUrl()}archives/${holder.rootChannel}/p${holder.rootTs.replace('.', '')}|See that thread.>`
  return `<@${holder.requester}> was first: job \`${holder.id}\` has been working on *${mrkdwn(holder.target)}* for ${age}.${thread} Nothing was started for you.`
}

/**
 * A name that came from the command text or a text box stands for the id behind it. Where the list is not to be had in
 * time, what was typed is taken for the id itself.
 *
 * @throws UserError on the field when the name is not on the list or fits several entries.
 */
async function lookUpTypedNames(
  services: Services,
  { connection, operation }: Target,
  state: FormState,
  answers: Answers,
): Promise<Answers> {
  const values = { ...answers.values }
  const named = { ...answers.named }
  const parents = { values: { ...state.values } }
  const deadline = services.now() + lookUpWithinMs
  const listOf = (field: Field) => services.lists.get(connection, field, parents)
  // A choice from the list has a label of its own; typed text is its own label.
  const fields = fieldsOf(operation).filter(({ kind, key }) => kind === 'picker' && typeof values[key] === 'string')
  const isTyped = ({ key }: Field) => named[key] === values[key]
  // All at once first, so that each is there when its turn comes: Slack's patience is for all of them together.
  await within(
    lookUpWithinMs,
    Promise.all(fields.filter((field) => isTyped(field) && !waitsFor(field, parents)).map(listOf)),
  )
  for (const field of fields) {
    const typed = String(values[field.key])
    const list = isTyped(field) ? await within(Math.max(deadline - services.now(), 1), listOf(field)) : undefined
    if (list && 'options' in list) {
      const option = findOption(list.options, typed, field)
      values[field.key] = option.value
      named[field.key] = option.label
    }
    parents.values[field.key] = String(values[field.key])
  }
  return { ...answers, values, named }
}

/**
 * The entry that was meant by an id or a name.
 *
 * @throws UserError on the field when there is none or more than one.
 */
function findOption(options: readonly Option[], typed: string, field: Field): Option {
  const [only, another] = matchingOptions(options, typed)
  if (only && !another) return only
  const message =
    another === undefined
      ? `There is no "${typed}" on the list. Choose one from it, or type an id.`
      : `"${typed}" fits several entries of the list. Choose the one you mean.`
  throw new UserError(message, { field: field.key })
}
