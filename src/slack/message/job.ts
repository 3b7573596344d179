/** Pure: a job → the blocks of the message at the top of its thread, with a fallback text that says it all. */
import type { KnownBlock } from '@slack/types'
import type { Job } from '../../domain/job.js'
import type { Thread } from '../../domain/thread.js'
import { isChannel } from '../../lib/channel.js'
import { plainText } from '../../lib/text.js'
import { context, name, section, sentence } from '../blocks.js'
import { fromTo, mrkdwn, peopleNames } from '../text.js'
import { addressOf, buttonsOf, consoleButton } from './buttons.js'
import { type Outcome, outcomeOf, subjectOf } from './outcome.js'
import { areStepsShown, detailOf, planBlock, stepLines } from './steps.js'

/** A job with the words about it that come from its provider. */
export interface JobDescription {
  job: Job
  /** The operation's title, such as "Copy a container". */
  title: string
  /** The provider's name, such as "Hoody". */
  provider: string
  /** The steps this job goes through by their ids, in order: "Copy the container", "Copying the container". */
  steps: ReadonlyMap<string, { title: string; doing: string }>
  /**
   * Whether the operation makes something of its own, which can be deleted again. Without one it changes something that was
   * there before. Undefined if nobody knows, because the operation is gone.
   */
  hasRemoval?: boolean | undefined
  /** Whether what it left behind when it failed must be deleted before it can be tried again. */
  mustDeleteFirst?: boolean
  /** Whether what it made is deleted when it expires. Otherwise people are asked. */
  isDeletedAtEnd?: boolean
  /** Who has approved it, oldest first. Slack user ids. */
  approvedBy?: readonly string[]
  /** The Slack user id of who denied it. */
  deniedBy?: string | undefined
  /** Median duration of such jobs in milliseconds; null while there are too few to tell. */
  typicalMs: number | null
  /** The time, in milliseconds since 1970. */
  now: number
}

/** All that a job's messages show. */
export interface JobView extends JobDescription {
  thread: Thread
  /** Whether an earlier root, which is no longer edited, may stand in the same channel or in the one before it. */
  mayAppearTwice?: boolean
}

/** `text` is what screen readers and notifications get: it says everything that matters, without the blocks. */
export interface Message {
  text: string
  blocks: KnownBlock[]
  /** The same for workspaces that don't have all of these blocks yet. Absent where every workspace has them. */
  plainBlocks?: KnownBlock[]
}

/** The message at the top of the thread: always the whole present truth. */
export function rootMessage(view: JobView): Message {
  const { job, thread } = view
  const outcome = outcomeOf(view)
  const address = addressOf(view)
  const areSteps = areStepsShown(view)
  const unread = job.state === 'awaiting_approval' && !isChannel(thread.channel) ? [unreadHere(job)] : []
  const lines = [...outcome.lines, ...unread, ...(areSteps ? [] : stepRemark(view))]
  const top: KnownBlock[] = [
    headline(outcome, view),
    // Slack refuses an empty section.
    ...(lines.length === 0 ? [] : [section(lines.join('\n'))]),
    ...(address === null ? [] : [section(address.link)]),
  ]
  // Direct messages that were asked for have another id than the person.
  const isStray = thread.channel !== job.channel && job.channel !== job.requester
  const bottom: KnownBlock[] = [
    context(facts(view).join('  ·  ')),
    ...(view.mayAppearTwice ? [context(theOneToRead(view))] : []),
    ...(isStray ? [context(whyStray(job.channel))] : []),
    ...buttonsOf(view),
  ]
  const text = [
    headlineText(outcome),
    ...outcome.lines,
    ...unread,
    ...stepRemark(view),
    ...(address === null ? [] : [`Its address is ${address.text}.`]),
    inOneSentence(view),
    ...(view.mayAppearTwice ? [theOneToRead(view)] : []),
  ].join(' ')
  return areSteps
    ? { text, blocks: [...top, planBlock(view), ...bottom], plainBlocks: [...top, stepLines(view), ...bottom] }
    : { text, blocks: [...top, ...bottom] }
}

/**
 * The root that a thread left behind: where the job goes on, or how it ended. It is no longer kept up to date in between.
 *
 * @param goesOn false where the requester cannot be written to either, so that this message is all there is.
 */
export function oldRootMessage(view: JobView, goesOn: boolean): Message {
  const { job } = view
  const there = `in a direct message to <@${job.requester}>`
  if (goesOn && job.endedAt === null) {
    const subject = subjectOf(job)
    const rest = `Updates continue ${there}. This message will show how the job ends.`
    const blocks = [section(`:arrow_right: *${subject}: moved*`), section(rest), context(facts(view).join('  ·  '))]
    return { text: `${subject}: moved. ${rest} ${inOneSentence(view)}`, blocks }
  }
  const thread = { channel: job.channel, ts: null }
  const { plainBlocks: _, ...root } = rootMessage({ ...view, mayAppearTwice: false, thread })
  const note = goesOn
    ? `The details are ${there}.`
    : `Slack won't let me reply here or message <@${job.requester}> directly, so there are no more details.`
  // The other root has the buttons, and is kept up to date.
  const blocks = root.blocks.filter(({ type }) => !goesOn || type !== 'actions')
  return { text: `${root.text} ${note}`, blocks: [...blocks, context(note)] }
}

function headline(outcome: Outcome, view: JobView): KnownBlock {
  const aside = outcome.aside === null ? '' : `  ·  ${outcome.aside}`
  return section(`${outcome.icon} *${outcome.headline}*${aside}`, consoleButton(view))
}

/** What a screen reader reads out first. */
function headlineText({ headline, aside }: Outcome): string {
  return `${headline}${aside === null ? '' : ` (${aside})`}.`
}

/** What the provider says of the present step. */
function stepRemark(view: JobView): string[] {
  const remark = sentence(detailOf(view))
  return remark === '' ? [] : [remark]
}

/** What is done, from where and to where. Both ends show, even if one is long. */
function whatOf({ job, title }: JobView, maxLength: number): string {
  if (job.removes !== null) return `Delete ${plainText(job.target, maxLength - 'Delete '.length)}`
  const head = `${plainText(title, Math.floor(maxLength / 2))}: `
  return head + fromTo(job.source, job.target, maxLength - head.length)
}

function inOneSentence(view: JobView): string {
  const { job, provider } = view
  const people = peopleOf(view).join(', ')
  return `${shortWhat(view)} on ${name(job.connection)} (${name(provider)}), ${people}.`
}

/** Both ends show here as well: escaped, a character may take five. */
function shortWhat(view: JobView): string {
  for (let length = MAX_TITLE_LENGTH / 2; ; length = Math.floor(length * 0.8)) {
    const escaped = mrkdwn(whatOf(view, length), length)
    if (escaped.length <= MAX_TITLE_LENGTH) return escaped
  }
}

/** Characters of a title as sent to Slack, so that our own sentences stay whole. */
const MAX_TITLE_LENGTH = 1_000

/** The small print: what, where, who, and the job's id. */
function facts(view: JobView): string[] {
  const { job, provider } = view
  return [
    shortWhat(view),
    `${name(job.connection)} (${name(provider)})`,
    ...peopleOf(view),
    `job \`${job.id}\``,
    ...(job.isMuted && job.endedAt === null ? ['muted'] : []),
  ]
}

/** While it waits for more approvals, its lines say who gave theirs. */
function peopleOf({ job, approvedBy = [] }: JobView): string[] {
  const isShown = approvedBy.length > 0 && job.state !== 'awaiting_approval'
  return [`requested by <@${job.requester}>`, ...(isShown ? [`approved by ${peopleNames(approvedBy)}`] : [])]
}

function theOneToRead({ job: { channel }, thread }: JobView): string {
  const hasMoved = thread.channel !== channel
  const there = isChannel(channel) ? `<#${channel}>` : 'the first conversation'
  const where = hasMoved ? `here or in ${there}` : 'in this channel'
  return `An earlier message about this job may appear ${where}. This one is kept up to date.`
}

/** Where Slack let the thread go nowhere else, or what is deleted has its thread in direct messages. */
function unreadHere({ id }: Job): string {
  return `Nobody else reads this conversation, so ask them to type \`/clone-app approve ${id}\`.`
}

/** Why the thread is here and not where it was asked to be. */
function whyStray(channel: string): string {
  if (!isChannel(channel))
    return "I couldn't post where you asked me to, or my message there was deleted, so updates come here."
  return `I couldn't post in <#${channel}>, or my message there was deleted, so updates come here. If I'm not in that channel, invite me with \`/invite @dolly\`.`
}

/** Where a job stands, after its ID: "failed", "is running". What it makes is another thing: see `outcomeOf`. */
export function stateInWords({ state, removedAt, cancelRequestedBy, endedAt }: Job): string {
  if (removedAt !== null)
    return state === 'succeeded' ? 'succeeded, and what it made was deleted' : 'ended, and what it left was deleted'
  if (cancelRequestedBy !== null && endedAt === null && state !== 'uncertain') return 'is stopping after this step'
  switch (state) {
    case 'awaiting_approval':
      return 'is waiting for approval'
    case 'queued':
      return 'is queued'
    case 'starting':
    case 'working':
      return 'is running'
    case 'uncertain':
      return 'has an unknown outcome'
    case 'timed_out':
      return 'timed out'
    case 'cancelled':
      return 'was cancelled'
    case 'denied':
      return 'was denied'
    case 'expired':
      return "wasn't approved in time"
    default:
      return state
  }
}
