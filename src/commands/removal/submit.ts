/** The page that asks whether to delete something is confirmed: a job of its own does it. */
import type { App, ViewOutput, ViewResponseAction } from '@slack/bolt'
import { startOf } from '../../providers/provider.js'
import { REMOVAL_CALLBACK, RemovalState } from '../../slack/form/removal-page.js'
import { noticeOnTop } from '../../slack/form/view.js'
import { createJob, findSubmitted } from '../../store/jobs.js'
import { newRemoval } from '../../store/removals.js'
import { approvalFor } from '../approvals/request.js'
import { identifyAsker, type Origin, readOpeningChannel } from '../authorize.js'
import { answerSubmission } from '../clone/form-submit.js'
import { afterStart, holderWords, submissionOf } from '../clone/start-job.js'
import { readFormState, type Services } from '../services.js'
import { type Throttle, tooManyRequests } from '../throttle.js'
import { findDeletable } from './check.js'

/** How long the page stays open for the thread to show the deletion, in milliseconds. */
const THREAD_WAIT_MS = 1_000

export function registerRemovalSubmit(app: App, services: Services, throttle: Throttle): void {
  app.view({ callback_id: REMOVAL_CALLBACK, type: 'view_submission' }, async ({ ack, view, body }) => {
    const { waitMs } = throttle.take(body.user.id, services.elapsed())
    if (waitMs > 0) return await ack(refused(tooManyRequests(waitMs, 'submit again. Close this to go back')))
    await ack(await answerSubmission(services, async () => await submitRemoval(services, view, body)))
  })
}

async function submitRemoval(services: Services, view: ViewOutput, origin: Origin): Promise<ViewResponseAction> {
  const submission = submissionOf(view)
  const state = readFormState(RemovalState, view)
  const channel = await readOpeningChannel(services, origin.user.id, state.opening)
  const asker = { ...(await identifyAsker(services, origin)), channel }
  // Slack delivers a submission again if it didn't hear that it arrived.
  const repeated = await findSubmitted(services.db, submission)
  if (repeated?.requester === asker.id) return { response_action: 'clear' }
  // Rules, groups and the job may have changed since the page was opened.
  const found = await findDeletable(services, asker, state.job, state.isForRetry)
  if ('refusal' in found) return refused(found.refusal)
  const { job, removal, operation } = found
  const then = state.isForRetry ? ' Then the job runs again from the start, with the same answers.' : ''
  const warning = `This deletes ${job.target}. ${removal.loses}${then}`
  const approval = approvalFor(services, asker, found.approval, { copied: '', notCopied: '', warning })
  const about = { submission, requester: asker.id, askedIn: channel, approval }
  const retryFrom = state.isForRetry ? operation.steps[0].id : null
  const wanted = { ...newRemoval(job, { ...startOf(removal, job), retryFrom }), ...about }
  const creation = await createJob(services.db, wanted, services.now())
  if (creation.kind === 'locked') return refused(await holderWords(services, creation.holder, asker.id))
  if (creation.kind === 'repeated') return { response_action: 'clear' }
  services.log.info({ job: job.id, removal: creation.job.id, user: asker.id }, 'what a job made is deleted')
  services.wake()
  return await afterStart(services, creation.job, THREAD_WAIT_MS)
}

/** On top of the page, which stays. */
function refused(words: string): ViewResponseAction {
  return { response_action: 'push', view: noticeOnTop('Nothing was deleted', words) }
}
