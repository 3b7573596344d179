/** Checked answers → a job, stored before Slack gets its answer, and what the person sees when it starts. */
import type { ViewOutput, ViewResponseAction } from '@slack/bolt'
import type { ModalView } from '@slack/types'
import { boundedKeep } from '../../domain/expiry.js'
import type { ApprovalRequest, Job } from '../../domain/job.js'
import type { Thread } from '../../domain/thread.js'
import { isChannel } from '../../lib/channel.js'
import type { Named, Operation } from '../../providers/provider.js'
import { fieldsOf } from '../../slack/form/fields.js'
import { labelsOf } from '../../slack/form/saved.js'
import { noticeView } from '../../slack/form/view.js'
import { brief, inWords, mrkdwn } from '../../slack/text.js'
import { dropDraft } from '../../store/drafts.js'
import { createJob } from '../../store/jobs.js'
import { readThread } from '../../store/messages.js'
import type { NewJob } from '../../store/new-job.js'
import type { Services, Target } from '../services.js'
import { mentionsOnFailure } from '../settings/preferences.js'

/** Answers that were checked. */
export interface Decided {
  named: Named
  channel: string
  askedIn: string | null
  mentionOnSuccess: boolean
  /** In milliseconds; null for no expiry. */
  keepForMs: number | null
  params: Record<string, unknown>
  approval: ApprovalRequest | null
}

/** The job that checked answers become. */
export function jobOf(
  { connection, operation, operationId }: Target,
  { named, ...decided }: Decided,
  { submission, requester }: { submission: string; requester: string },
): NewJob {
  const { from, to } = operation.summary(named)
  return {
    ...decided,
    // What made nothing of its own has nothing to delete later.
    keepForMs: operation.removal ? boundedKeep(decided.keepForMs, connection.expiry) : null,
    connection: connection.name,
    operation: operationId,
    step: operation.steps[0].id,
    personal: personalKeys(operation),
    labels: labelsOf(operation, { values: decided.params, named }),
    source: from,
    target: to,
    lock: operation.lock(decided.params),
    submission,
    requester,
  }
}

function personalKeys(operation: Operation): string[] {
  return fieldsOf(operation)
    .filter((field) => field.personal)
    .map(({ key }) => key)
}

/**
 * The hand-over: from here on everything is in the database, and nothing else needs to know that there was a modal.
 *
 * @param leftMs how long the person still waits for an answer, in milliseconds.
 */
export async function startJob(
  services: Services,
  leftMs: () => number,
  target: Target,
  { named, channel, askedIn, mentionOnSuccess, keepForMs, params, approval }: Decided,
  view: ViewOutput,
  requester: string,
): Promise<ViewResponseAction> {
  const { connection, operationId } = target
  const decided = { named, channel, askedIn, mentionOnSuccess, keepForMs, params, approval }
  const mentionOnFailure = await mentionsOnFailure(services.db, requester, askedIn)
  const job = { ...jobOf(target, decided, { submission: submissionOf(view), requester }), mentionOnFailure }
  const draft = { ...job, draft: view.private_metadata }
  const creation = await createJob(services.db, draft, services.now())
  // The draft is purged within the hour anyway, and the answer is true without it.
  if (creation.kind !== 'created') await dropDraft(services.db, view.private_metadata).catch(() => undefined)
  if (creation.kind === 'locked') {
    return { response_action: 'update', view: await holderView(services, creation.holder, requester) }
  }
  if (creation.kind === 'repeated') {
    // Personal answers may have been deleted by now.
    const personal = personalKeys(target.operation)
    const lasting = (all: object) => Object.entries(all).filter(([key]) => !personal.includes(key))
    const text = (all: object) => JSON.stringify(Object.fromEntries(lasting(all)))
    if (text(creation.job.params) === text(params)) return { response_action: 'clear' }
    const words = `This form already started job \`${creation.job.id}\`, with other answers. Nothing more was started. To start another job, use /clone-app.`
    return { response_action: 'update', view: noticeView('Already started', words) }
  }
  services.log.info({ job: creation.job.id, connection: connection.name, operation: operationId }, 'a job was created')
  services.wake()
  return await afterStart(services, creation.job, Math.min(Math.max(leftMs(), MIN_THREAD_WAIT_MS), MAX_THREAD_WAIT_MS))
}

/** How long the form stays open for its thread to begin, in milliseconds. */
const MIN_THREAD_WAIT_MS = 50
const MAX_THREAD_WAIT_MS = 1_000

/**
 * The form closes, and its thread begins in the channel where the person is. If it begins elsewhere, because another channel
 * was chosen or Dolly can't post in this one, nothing there would show them: then the form says where it is.
 */
export async function afterStart(
  services: Pick<Services, 'waitForThread' | 'workspaceUrl'>,
  { id, askedIn, channel, requester, state }: Job,
  withinMs: number,
): Promise<ViewResponseAction> {
  if (askedIn === null) return { response_action: 'clear' }
  // The job is stored by now: a failed read is no reason to alarm anybody.
  const thread = (await services.waitForThread(id, withinMs).catch(() => null)) ?? { channel, ts: null }
  if (thread.channel === askedIn) return { response_action: 'clear' }
  const link = threadLink(services, thread)
  const words = link === null ? 'its thread will be' : `<${link}|its thread> is`
  const where = isChannel(thread.channel) ? `in <#${thread.channel}>` : 'in a direct message'
  const isStray = thread.channel !== channel && channel !== requester
  const why = isStray ? " I can't post where you asked me to." : ''
  const isWaiting = state === 'awaiting_approval'
  const status = isWaiting ? 'is waiting for approval' : 'is on its way'
  const view = noticeView(
    isWaiting ? 'Approval requested' : 'Started',
    `Job \`${id}\` ${status}: ${words} ${where}.${why}`,
  )
  // The form beneath it is finished with.
  return { response_action: 'update', view: { ...view, clear_on_close: true } }
}

/** One modal is one job, however often its submission arrives. */
export function submissionOf(view: ViewOutput): string {
  return view.root_view_id ?? view.id
}

/** The page that says whose live job works on the same target. */
export async function holderView(
  services: Services,
  holder: Job,
  asker: string,
  draw = noticeView,
): Promise<ModalView> {
  const title = holder.requester === asker ? 'Already running' : 'Someone was first'
  return draw(title, await holderWords(services, holder, asker))
}

/** Whose live job works on the same target, as mrkdwn. */
export async function holderWords(services: Services, holder: Job, asker: string): Promise<string> {
  const age = inWords(services.now() - holder.createdAt)
  const link = threadLink(services, await readThread(services.db, holder.id))
  const thread = link === null ? '' : ` <${link}|See that thread.>`
  const [who, end] =
    holder.requester === asker
      ? ['You already asked for this', 'Nothing more was started.']
      : [`<@${holder.requester}> was first`, 'Nothing was started for you.']
  const does = holder.state === 'awaiting_approval' ? 'waiting for approval to change' : 'working on'
  return `${who}: job \`${holder.id}\` has been ${does} *${mrkdwn(brief(holder.target))}* for ${age}.${thread} ${end}`
}

/** The address of a message; null if it isn't known. */
export function threadLink({ workspaceUrl }: Pick<Services, 'workspaceUrl'>, thread: Thread | null): string | null {
  if (thread === null || thread.ts === null) return null
  return `${workspaceUrl()}archives/${thread.channel}/p${thread.ts.replace('.', '')}`
}
