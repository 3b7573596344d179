/** Pages 2 and 3 are submitted: answers → draft → job, durable before Slack gets its answer. */
import type { App, ViewOutput, ViewResponseAction } from '@slack/bolt'
import { z } from 'zod'
import { type Approval, dependsOnNames } from '../../access/rules.js'
import { UserError } from '../../errors.js'
import { isChannel } from '../../lib/channel.js'
import type { Named } from '../../providers/provider.js'
import { errorsOfBlocks, fieldError, readAnswers } from '../../slack/form/answers.js'
import { fieldsOf } from '../../slack/form/fields.js'
import { keepNote } from '../../slack/form/keep.js'
import { lastPageView, shownNames } from '../../slack/form/last-page.js'
import { callbacks, noticeOnTop } from '../../slack/form/view.js'
import { mrkdwn, mrkdwnWithin } from '../../slack/text.js'
import { readDraft, saveDraft } from '../../store/drafts.js'
import { findSubmitted } from '../../store/jobs.js'
import { approvalFor, approvalNotice, placeProblem } from '../approvals/request.js'
import { identifyAsker, type Origin, readForm } from '../authorize.js'
import { explain, findTarget, isInDoubt, type Services, type Target } from '../services.js'
import { allowances, Throttle, tooManyRequests } from '../throttle.js'
import { resolveDestination } from './destinations.js'
import { assertAllowed, prepareJob, type Starting, UNREADABLE } from './prepare-job.js'
import { answersOfDraft, resolveNames } from './resolve-names.js'
import { holderView, startJob, submissionOf } from './start-job.js'
import { withSuggestedNames } from './suggest-name.js'

/** Names that rules depend on are read again on the last page if they are older than this. */
const NAMES_FRESH_MS = 60_000

/** The answers of page 2, stored for page 3. */
export const Draft = z.object({
  connection: z.string(),
  operation: z.string(),
  values: z.record(z.string(), z.unknown()),
  named: z.record(z.string(), z.string()),
  channel: z.string(),
  /** In milliseconds; null for no expiry. */
  keepForMs: z.number().nullable().default(null),
  mentionOnSuccess: z.boolean(),
  /** The channel where the command was typed; null if unknown. */
  askedIn: z.string().nullable(),
  /** Whether `named` was read from the provider, because rules look at these names for this person. */
  isNamedByProvider: z.boolean(),
  /** `named` with long names cut, as page 3 shows them. */
  shown: z.record(z.string(), z.string()),
  /** Whether the provider was asked what it would refuse. */
  isValidated: z.boolean(),
  /** What the provider warned of on page 3, for those who must approve. */
  warnings: z.array(z.string()).default([]),
  /** Names with placeholders, by field, which `values` has filled in: a preset keeps these. */
  templates: z.record(z.string(), z.string()).default({}),
})
export type Draft = z.infer<typeof Draft>

/** What the last page says whose answers are gone. The page below it still has them. */
export const EXPIRED = 'This page has expired. Close this, go back and press Next again; your answers are still there.'

/** A page makes one job, preset or schedule, however often it's submitted. */
const PAGE_IN_DOUBT =
  "The database's answer was lost, so I don't know whether that worked. Submit the page again: nothing starts twice."

const SEND_AGAIN = 'submit again. Press Back: your answers are still there'

/**
 * For everything that waits for the provider, in milliseconds: Slack waits three seconds, network included, and the
 * database may be busy for most of one.
 */
const ANSWER_TIMEOUT_MS = 2_000
/** The part of it that is left for a job to be saved and its thread to begin. */
const START_MS = 500

export function registerFormSubmit(app: App, services: Services, throttle = new Throttle(allowances.submission)): void {
  const pages = { [callbacks.form]: submitForm, [callbacks.preview]: submitPreview }
  for (const [callback_id, submit] of Object.entries(pages)) {
    app.view({ callback_id, type: 'view_submission' }, async ({ ack, view, body }) => {
      const startedAt = services.elapsed()
      const { waitMs } = throttle.take(body.user.id, startedAt)
      const notice = noticeOnTop('Please wait', tooManyRequests(waitMs, SEND_AGAIN))
      if (waitMs > 0) return await ack({ response_action: 'push', view: notice })
      const remainingMs = () => startedAt + ANSWER_TIMEOUT_MS - services.elapsed()
      const given = { ...services, remainingMs }
      await ack(await answerSubmission(services, async () => await submit(given, view, body)))
    })
  }
}

/**
 * Whatever happens, the person gets an answer in the modal.
 *
 * @param block of a page that may be the third: Slack stacks no fourth, so what fits no field is shown here.
 */
export async function answerSubmission(
  services: Pick<Services, 'access' | 'log'>,
  submit: () => Promise<ViewResponseAction>,
  block?: string,
): Promise<ViewResponseAction> {
  try {
    return await submit()
  } catch (error) {
    const words = isInDoubt(error) ? PAGE_IN_DOUBT : explain(services, error, 'Nothing starts twice.')
    if (isInDoubt(error)) services.log.warn({ err: error }, "it's unknown whether a submitted page was saved")
    const field = (error instanceof UserError ? error.field : undefined) ?? block
    if (field !== undefined) return { response_action: 'errors', errors: { [field]: fieldError(words) } }
    // On top of the form, so that the answers are still there after going back.
    const title = isInDoubt(error) ? 'Outcome unknown' : "That didn't work"
    return { response_action: 'push', view: noticeOnTop(title, mrkdwn(words)) }
  }
}

const NO_PLACE = { problem: 'Choose where updates go.' }

async function submitForm(services: Starting, view: ViewOutput, origin: Origin): Promise<ViewResponseAction> {
  const { state, asker, target } = await readForm(services, view, origin)
  const { operation } = target
  const given = withSuggestedNames(operation, readAnswers(operation, view.state.values))
  const place = given.channel === undefined ? NO_PLACE : resolveDestination(services, asker, given.channel)
  const prepared = await prepareJob(services, asker, target, given, place)
  if (prepared.kind === 'errors') {
    return { response_action: 'errors', errors: errorsOfBlocks(operation, prepared.errors) }
  }
  if (prepared.kind === 'unread') throw new UserError(prepared.reason, { field: prepared.field })
  if (prepared.kind === 'locked') {
    return { response_action: 'push', view: await holderView(services, prepared.holder, asker.id, noticeOnTop) }
  }
  const { answers, params, checked, channel, keepForMs, approval, templates, isNamedByProvider } = prepared
  const { values, named, mentionOnSuccess } = answers
  const { connection, operation: operationId } = state
  const facts = {
    askedIn: asker.channel,
    isNamedByProvider,
    isValidated: checked.isChecked,
    warnings: checked.isChecked ? [...checked.warnings] : [],
    templates,
  }
  const shown = shownNames(answers)
  const chosen = { connection, operation: operationId, values, named, shown, channel, keepForMs, mentionOnSuccess }
  const draft = { ...chosen, ...facts }
  const key = await saveDraft(services.db, 'answers', asker.id, draft, services.now())
  const about = aboutStart(target, draft, approval)
  return { response_action: 'push', view: lastPageView(target, params, shown, key, checked, about) }
}

async function submitPreview(services: Starting, view: ViewOutput, origin: Origin): Promise<ViewResponseAction> {
  const requester = origin.user.id
  const kept = await readDraft(services.db, 'answers', view.private_metadata, requester, services.now())
  const draft = Draft.safeParse(kept?.answers)
  if (!kept || !draft.success) {
    // A draft is used up by its job: a submission that arrives twice finds the job instead.
    const job = await findSubmitted(services.db, submissionOf(view))
    if (job?.requester === requester) return { response_action: 'clear' }
    throw new UserError(EXPIRED)
  }
  const { values, isNamedByProvider, shown, isValidated, warnings, ...answers } = draft.data
  const target = findTarget(services, answers.connection, answers.operation)
  const params = target.operation.fields.parse(values)
  const asker = { ...(await identifyAsker(services, origin)), channel: answers.askedIn }
  // Rules or groups may have changed since page 2, and now look at names that were not verified then.
  const mustVerifyLabels = dependsOnNames(services.access.rules, asker, answers.connection)
  if (mustVerifyLabels && !isNamedByProvider) throw new UserError(EXPIRED)
  // `abs`: a clock that was set back must not keep old names fresh.
  const isStale = mustVerifyLabels && Math.abs(services.now() - kept.createdAt) > NAMES_FRESH_MS
  const [names, place] = await Promise.all([
    isStale ? readNamesAgain(services, target, draft.data) : { named: answers.named, shown },
    // The person may have left the channel since page 2.
    resolveDestination(services, asker, answers.channel),
  ])
  const { named } = names
  const rule = assertAllowed(services, asker, target, named)
  const problem = 'problem' in place ? place.problem : placeProblem(rule, place.channel)
  if ('problem' in place || problem !== undefined) throw new UserError(`${problem} Go back to change it.`)
  const readAt = isStale ? services.now() : kept.createdAt
  const answer = isValidated
    ? null
    : await validateLate(services, target, params, { ...draft.data, ...names }, asker.id, readAt, rule)
  if (answer) return answer
  const preview = target.operation.preview(params, names.shown)
  const warning = [...warnings, ...(preview.warning ? [preview.warning] : [])].join(' ')
  const approval = approvalFor(services, asker, rule, { ...preview, warning })
  const decided = { ...answers, ...place, named, params, approval }
  return await startJob(services, services.remainingMs, target, decided, view, asker.id)
}

/**
 * Asks the provider what it could not say when page 2 was submitted. Null if nothing is wrong, or if the provider is too
 * slow again: then the write itself decides.
 *
 * @param readAt when the draft's names were read, in milliseconds; showing them again makes them no newer.
 */
async function validateLate(
  services: Starting,
  target: Target,
  params: Record<string, unknown>,
  draft: Draft,
  requester: string,
  readAt: number,
  approval: Approval | undefined,
): Promise<ViewResponseAction | null> {
  const checked = await services.validator.check(target, params, services.remainingMs() - START_MS)
  if (!checked.isChecked) return null
  const problems = Object.entries(checked.errors).map(([key, sentence]) => {
    const title = fieldsOf(target.operation).find((field) => field.key === key)?.title ?? key
    return `*${mrkdwn(title)}*: ${mrkdwnWithin(400, sentence)}`
  })
  if (problems.length > 0) {
    // The last page has no fields to put errors on.
    const advice = 'Nothing was started. Go back to change it: your answers are still there.'
    return { response_action: 'push', view: noticeOnTop("This won't work", [...problems, advice].join('\n')) }
  }
  if (checked.warnings.length === 0) return null
  // The person hasn't seen these warnings yet, so the page is shown again.
  const { warnings } = checked
  const key = await saveDraft(services.db, 'answers', requester, { ...draft, isValidated: true, warnings }, readAt)
  const about = aboutStart(target, draft, approval)
  return { response_action: 'update', view: lastPageView(target, params, draft.shown, key, checked, about) }
}

/** What the last page says besides what is copied: who must approve, where the thread goes, how long the clone is kept. */
function aboutStart(
  { connection, operation }: Target,
  { channel, keepForMs }: Pick<Draft, 'channel' | 'keepForMs'>,
  approval: Approval | undefined,
): { needsApproval: boolean; notes: string[] } {
  const kept = operation.removal ? [keepNote(keepForMs, connection.expiry)] : []
  const place = isChannel(channel) ? `Updates go to <#${channel}>.` : 'Updates go to your direct messages.'
  return {
    needsApproval: approval !== undefined,
    notes: [...(approval ? [approvalNotice(approval)] : []), ...kept, place],
  }
}

/**
 * The current names of what was chosen, whole and as the last page shows them.
 *
 * @throws UserError when something chosen is gone, or its name can't be read.
 */
async function readNamesAgain(
  services: Services,
  target: Target,
  { values, named }: Pick<Draft, 'values' | 'named'>,
): Promise<{ named: Named; shown: Named }> {
  const { answers, unknown, unread } = await resolveNames(services, target, answersOfDraft(target, values, named), true)
  const [problem] = Object.values(unknown)
  if (problem !== undefined) throw new UserError(`${problem} Go back and choose again.`)
  if (unread !== null) throw new UserError(`${UNREADABLE} ${unread.reason}`)
  return { named: answers.named, shown: shownNames(answers) }
}
