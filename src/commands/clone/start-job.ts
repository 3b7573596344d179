/** Checked answers → a job, stored before Slack gets its answer, and what the person sees of its start. */
import type { ViewOutput, ViewResponseAction } from '@slack/bolt'
import type { ModalView } from '@slack/types'
import type { Job } from '../../domain/job.js'
import type { Named } from '../../providers/provider.js'
import { fieldsOf } from '../../slack/form/fields.js'
import { noticeView } from '../../slack/form/view.js'
import { brief, inWords, mrkdwn } from '../../slack/text.js'
import { dropDraft } from '../../store/drafts.js'
import { createJob, findJob } from '../../store/jobs.js'
import type { Services, Target } from '../services.js'

/** Answers that were checked. */
interface Decided {
  named: Named
  channel: string
  askedIn: string | null
  mentionOnSuccess: boolean
  params: Record<string, unknown>
}

/**
 * The hand-over: from here on the database knows, and nothing else needs to know that there was a modal.
 *
 * @param leftMs for how long the person still waits for an answer, in milliseconds.
 */
export async function startJob(
  services: Services,
  leftMs: () => number,
  { connection, operation, operationId }: Target,
  { named, channel, askedIn, mentionOnSuccess, params }: Decided,
  view: ViewOutput,
  requester: string,
): Promise<ViewResponseAction> {
  const { from, to } = operation.summary(named)
  const personal = fieldsOf(operation)
    .filter((field) => field.personal)
    .map(({ key }) => key)
  const draft = {
    connection: connection.name,
    operation: operationId,
    step: operation.steps[0].id,
    params,
    personal,
    draft: view.private_metadata,
    source: from,
    target: to,
    lock: operation.lock(params),
    submission: submissionOf(view),
    requester,
    mentionOnSuccess,
    askedIn,
    channel,
  }
  const creation = await createJob(services.db, draft, services.now())
  // What it kept is gone within the hour anyway, and the answer is true without it.
  if (creation.kind !== 'created') await dropDraft(services.db, view.private_metadata).catch(() => undefined)
  if (creation.kind === 'locked') {
    return { response_action: 'update', view: holderView(services, creation.holder, requester) }
  }
  if (creation.kind === 'repeated') {
    // Personal answers may be forgotten by now.
    const lasting = (all: object) => Object.entries(all).filter(([key]) => !personal.includes(key))
    const text = (all: object) => JSON.stringify(Object.fromEntries(lasting(all)))
    if (text(creation.job.params) === text(params)) return { response_action: 'clear' }
    const words = `Job \`${creation.job.id}\` was already started from this form, with other answers. Nothing more was started; begin again with /clone-app.`
    return { response_action: 'update', view: noticeView('Already started', words) }
  }
  services.log.info(
    { job: creation.job.id, connection: connection.name, operation: operationId },
    'a job was asked for',
  )
  services.wake()
  const times = Math.min(lookForThread.times, Math.max(1, Math.floor(leftMs() / lookForThread.everyMs)))
  return await afterStart(services, creation.job, { ...lookForThread, times })
}

/** How long the form stays open for its thread to begin: how many times we check, and the milliseconds between checks. */
const lookForThread = { times: 20, everyMs: 50 }

/**
 * The form closes, and its thread begins where the person looks. Where it does not, because another channel was chosen or
 * Dolly may not write in this one, nothing would show them: then the form says where it is.
 */
export async function afterStart(
  services: Pick<Services, 'db' | 'workspaceUrl'>,
  job: Job,
  { times, everyMs } = lookForThread,
): Promise<ViewResponseAction> {
  const { askedIn } = job
  let told = job
  for (let look = 0; look < times && askedIn !== null && told.rootTs === null; look += 1) {
    await new Promise((resolve) => setTimeout(resolve, everyMs))
    // The job is stored by now, so a failed read does no harm.
    told = (await findJob(services.db, job.id).catch(() => null)) ?? job
  }
  const { channel, rootChannel } = told
  const place = rootChannel ?? channel
  if (askedIn === null || place === askedIn) return { response_action: 'clear' }
  const link = threadLink(services, told)
  const thread = link === null ? 'its thread will be' : `<${link}|its thread> is`
  const where = /^[CG]/.test(place) ? `in <#${place}>` : 'in a direct message'
  const isStray = rootChannel !== null && rootChannel !== channel && channel !== told.requester
  const why = isStray ? ' Dolly can’t post where you wanted it.' : ''
  const view = noticeView('Started', `Job \`${job.id}\` is on its way: ${thread} ${where}.${why}`)
  // The form beneath it is finished with.
  return { response_action: 'update', view: { ...view, clear_on_close: true } }
}

/** One modal is one job, however often its submission arrives. */
export function submissionOf(view: ViewOutput): string {
  return view.root_view_id ?? view.id
}

/** The page that says whose live job holds the same target. */
export function holderView(services: Services, holder: Job, asker: string): ModalView {
  const age = inWords(services.now() - holder.createdAt)
  const link = threadLink(services, holder)
  const thread = link === null ? '' : ` <${link}|See that thread.>`
  const isOwn = holder.requester === asker
  const [who, end] = isOwn
    ? ['You already asked for this', 'Nothing more was started.']
    : [`<@${holder.requester}> was first`, 'Nothing was started for you.']
  const words = `${who}: job \`${holder.id}\` has been working on *${mrkdwn(brief(holder.target))}* for ${age}.${thread} ${end}`
  return noticeView(isOwn ? 'Already under way' : 'Somebody was first', words)
}

function threadLink({ workspaceUrl }: Pick<Services, 'workspaceUrl'>, { rootChannel, rootTs }: Job): string | null {
  if (rootChannel === null || rootTs === null) return null
  return `${workspaceUrl()}archives/${rootChannel}/p${rootTs.replace('.', '')}`
}
