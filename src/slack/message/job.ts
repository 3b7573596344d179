/** Pure: a job and its events → the blocks of its root message and its replies, each with a fallback text that says it all. */

import type { KnownBlock } from '@slack/types'
import type { Job, JobEvent } from '../../domain/job.js'
import { isUnreachable } from '../../domain/polling.js'
import type { Thread } from '../../domain/thread.js'
import { plainText } from '../../lib/text.js'
import { context, name, section, sentence, withDetail } from '../blocks.js'
import { limits } from '../limits.js'
import { fromTo, inWords, mrkdwn, time } from '../text.js'
import { buttonsOf, wasSent } from './buttons.js'

/** A job with the words about it that come from its provider. */
export interface JobDescription {
  job: Job
  /** The operation's title, such as "Copy a container". */
  title: string
  /** The provider's name, such as "Hoody". */
  provider: string
  /** The steps this job goes through by their ids, in order: "Copy the container", "Copying the container". */
  steps: ReadonlyMap<string, { title: string; doing: string }>
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
}

/** The message at the top of the thread: always the whole present truth. */
export function rootMessage(view: JobView): Message {
  const { job, provider, thread } = view
  const outcome = outcomeOf(view)
  const blocks: KnownBlock[] = [
    header(view),
    section(`${outcome.icon} *${outcome.word}${outcome.rest === '' ? '.' : ':'}* ${outcome.rest}`.trim()),
    // If the connection or the present step is gone, nobody knows which are done; and Slack refuses an empty section.
    ...(view.steps.has(job.step) ? [section(stepLines(view).join('\n'))] : []),
    context(facts(view).join('  ·  ')),
    ...(view.mayAppearTwice ? [context(theOneToRead(view))] : []),
  ]
  // Direct messages that were asked for have another id than the person.
  const isStray = thread.channel !== job.channel && job.channel !== job.requester
  if (isStray) blocks.push(context(whyStray(job.channel)))
  blocks.push(...buttonsOf(job, provider))
  const more = view.mayAppearTwice ? ` ${theOneToRead(view)}` : ''
  return { text: `${inOneSentence(view)} ${withDetail(outcome.word, outcome.rest)}${more}`, blocks }
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
    const rest = `Updates continue ${there}. This message will show how the job ends.`
    const blocks = [header(view), section(`:arrow_right: *Moved:* ${rest}`), context(facts(view).join('  ·  '))]
    return { text: `${inOneSentence(view)} ${rest}`, blocks }
  }
  const { text, blocks } = rootMessage({ ...view, mayAppearTwice: false, thread: { channel: job.channel, ts: null } })
  const note = goesOn
    ? `The details are ${there}.`
    : `Slack won't let me reply here or message <@${job.requester}> directly, so there are no more details.`
  return { text: `${text} ${note}`, blocks: [...blocks, context(note)] }
}

/** What is done, from where and to where. Both ends show, even if one is long. */
function whatOf({ job, title }: JobView, maxLength: number): string {
  const head = `${plainText(title, Math.floor(maxLength / 2))}: `
  return head + fromTo(job.source, job.target, maxLength - head.length)
}

function header(view: JobView): KnownBlock {
  return { type: 'header', text: { type: 'plain_text', text: whatOf(view, limits.headerText), emoji: false } }
}

/** What a screen reader reads out first. */
function inOneSentence(view: JobView): string {
  const { job, provider } = view
  return `${shortWhat(view)} on ${name(job.connection)} (${name(provider)}), asked for by <@${job.requester}>.`
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

function theOneToRead({ job: { channel }, thread }: JobView): string {
  const hasMoved = thread.channel !== channel
  const there = /^[CG]/.test(channel) ? `<#${channel}>` : 'the first conversation'
  const where = hasMoved ? `here or in ${there}` : 'in this channel'
  return `An earlier message about this job may appear ${where}. This one is kept up to date.`
}

/** What an event adds to the thread; null for one that only changes the root. */
export function replyMessage(view: JobView, event: JobEvent): Message | null {
  const text = replyText(view, event)
  return text === null ? null : { text, blocks: [section(text)] }
}

function replyText({ job, provider, steps, typicalMs }: JobView, event: JobEvent): string | null {
  const step = `"${name(steps.get(event.step)?.title ?? event.step)}"`
  const by = name(provider)
  const detail = sentence(event.detail)
  const requester = `<@${job.requester}>`
  const person = event.actor ? `<@${event.actor}>` : 'Someone'
  const duration = inWords((job.endedAt ?? event.at) - job.createdAt)

  switch (event.kind) {
    case 'queued':
    case 'step_started':
    case 'progress':
    case 'approval_requested':
    case 'cancel_requested':
    case 'muted':
    case 'unmuted':
    case 'removal_started':
    case 'removal_ended':
    case 'removed':
      return null
    case 'approval_given':
      return `${person} approved.`
    case 'approved':
      return `${person} approved. Starting.`
    case 'denied':
      return `${requester} ${person} denied this request. Nothing was sent to ${by}.`
    case 'expired':
      return `${requester} Nobody approved this request in time. Nothing was sent to ${by}.`
    case 'tried_again':
      return `${person} asked me to try again.`
    case 'extended':
    case 'expiry_near':
    case 'expiry_reached':
      return null
    case 'step_accepted':
      // The root shows the steps after it. How long it takes is said only as long as it can still come true.
      if (event.step !== [...steps.keys()][0]) return null
      return typicalMs === null || job.endedAt !== null
        ? `${by} accepted ${step}.`
        : `${by} accepted ${step}. The whole job usually takes ${inWords(typicalMs)}.`
    case 'postponed':
      return `${withDetail(`${step} has to wait`, detail)} I'll try again automatically.`
    case 'answer_lost':
      return `${withDetail(`${by}'s answer to ${step} was lost`, detail)} I'll check whether it arrived before I try again.`
    case 'found':
      return `Found it: ${by} had received ${step}. Nothing was sent twice. ${detail}`.trim()
    case 'absent':
      return `${by} never received ${step}. Sending it again.`
    case 'unsettled':
      return `I don't know yet whether ${by} received ${step}, and I'm still checking. You can wait, or press Dismiss to end this job. Anything already made stays.`
    case 'reminder':
      return `${requester} This job is still waiting for your answer: I don't know whether ${by} carried out ${step}. Check ${by}, then press a button above. Without an answer, the job ends two weeks after my question.`
    case 'stranded':
      return `${requester} ${withDetail("I can't continue this job", detail)} Press Dismiss to end it; anything already made stays. Otherwise it ends by itself in a week.`
    case 'uncertain':
      return `${requester} ${withDetail(`I don't know whether ${by} carried out ${step}`, detail)} Check ${by}, then press a button above.`
    case 'unreachable':
      return `${withDetail(`I couldn't reach ${by} for five minutes`, detail)} Nothing is lost, and I'll keep trying.`
    case 'reachable':
      return `${by} is answering again.`
    case 'step_done':
      // The root shows that it is done; a reply of its own is for what there is to say about it.
      return detail === '' ? null : withDetail(`${step} is done`, detail)
    case 'succeeded':
      return withDetail(`${job.mentionOnSuccess ? `${requester} ` : ''}Done in ${duration}`, detail)
    case 'failed':
      return `${requester} ${withDetail(`Failed after ${duration}`, detail)}`
    case 'timed_out':
      return `${requester} ${withDetail(`Timed out after ${duration}`, detail)} It may still finish on ${by}.`
    case 'checked_again':
      return `${person} asked me to check again.`
    case 'started_over':
      return `${person} asked me to start ${step} over.`
    case 'cancelled':
      return wasSent(job)
        ? `${person} dismissed this job. Anything ${by} already made is still there.`
        : `${person} cancelled this job before anything was sent to ${by}.`
  }
}

/** How a job stands, after its name: "failed", "is running". */
export function stateInWords({ state, removedAt }: Job): string {
  if (removedAt !== null) return 'succeeded, and what it made was deleted'
  switch (state) {
    case 'awaiting_approval':
      return 'waits for an approval'
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
      return 'was not approved in time'
    default:
      return state
  }
}

/** How the job stands, without a full stop, and what is known beyond that. */
function outcomeOf({ job, provider, steps, now }: JobView): { icon: string; word: string; rest: string } {
  const detail = sentence(job.detail)
  const by = name(provider)
  if (job.strandedSince !== null && job.endedAt === null && job.state !== 'uncertain')
    return { icon: ':warning:', word: "I can't continue this job", rest: detail }
  switch (job.state) {
    case 'awaiting_approval':
      return { icon: ':hourglass:', word: 'Waiting for approval', rest: '' }
    case 'denied':
      return { icon: ':heavy_minus_sign:', word: 'Denied', rest: '' }
    case 'expired':
      return { icon: ':heavy_minus_sign:', word: 'Expired', rest: 'Nobody approved it in time.' }
    case 'queued':
      return { icon: ':hourglass:', word: 'Queued', rest: waitOf(job, detail) }
    case 'starting':
      return {
        icon: ':hourglass_flowing_sand:',
        word: isAnswerLost(job) ? `Checking whether ${by} received the request` : `Sending the request to ${by}`,
        rest: detail,
      }
    case 'working':
      return isUnreachable(job, now)
        ? { icon: ':hourglass:', word: `Can't reach ${by} right now`, rest: detail }
        : {
            icon: ':hourglass_flowing_sand:',
            word: `${name(steps.get(job.step)?.doing ?? 'In progress')} on ${by}`,
            rest: detail,
          }
    case 'uncertain':
      return {
        icon: ':grey_question:',
        word: 'Outcome unknown',
        rest: `${detail} Check again looks for it once more, Start over sends the request again, Dismiss ends this job.`.trim(),
      }
    case 'succeeded':
      return { icon: ':white_check_mark:', word: 'Done', rest: detail }
    case 'failed':
      return { icon: ':x:', word: 'Failed', rest: detail }
    case 'timed_out':
      return {
        icon: ':x:',
        word: job.endedAt === null ? 'Timed out' : `Timed out after ${inWords(job.endedAt - job.createdAt)}`,
        rest: detail,
      }
    case 'cancelled':
      return { icon: ':heavy_minus_sign:', word: wasSent(job) ? 'Dismissed' : 'Cancelled', rest: '' }
  }
}

/** Whether a search has left open what became of the write. After a crash this is false until the first search. */
function isAnswerLost({ waitingSince }: Job): boolean {
  return waitingSince !== null
}

/** Why a job waits, and until when. */
function waitOf({ dueAt }: Job, detail: string): string {
  return detail === '' || dueAt === null ? detail : `${detail} Next try at ${time(dueAt)}.`
}

/** One line per step. The word says what the icon says: nobody should have to tell icons apart. */
function stepLines({ job, steps }: JobView): string[] {
  const present = [...steps.keys()].indexOf(job.step)
  return [...steps.values()].map(({ title }, place) => {
    const { icon, word } = stepState(job, place - present)
    return `${icon} ${name(title)} – ${word}`
  })
}

/** @param ahead how many steps after the present one; negative for those before it. */
function stepState(job: Job, ahead: number): { icon: string; word: string } {
  if (ahead < 0 || job.state === 'succeeded') return { icon: ':white_check_mark:', word: 'done' }
  if (ahead > 0) return { icon: ':white_circle:', word: job.endedAt === null ? 'not started' : 'not done' }
  switch (job.state) {
    case 'awaiting_approval':
    case 'denied':
    case 'expired':
      return { icon: ':white_circle:', word: 'not started' }
    case 'queued':
      return { icon: ':white_circle:', word: 'next' }
    case 'starting':
      return { icon: ':large_blue_circle:', word: isAnswerLost(job) ? 'checking' : 'sending' }
    case 'working':
      return { icon: ':large_blue_circle:', word: 'running' }
    case 'uncertain':
      return { icon: ':grey_question:', word: 'unknown' }
    case 'cancelled':
      return { icon: ':heavy_minus_sign:', word: wasSent(job) ? 'dismissed' : 'cancelled' }
    default:
      return { icon: ':x:', word: job.state === 'timed_out' ? 'timed out' : 'failed' }
  }
}

function facts(view: JobView): string[] {
  const { job, provider } = view
  const end = expectedEnd(view)
  return [
    `Asked for by <@${job.requester}>`,
    `${name(job.connection)} (${name(provider)})`,
    job.endedAt === null ? `since ${time(job.createdAt)}` : `took ${inWords(job.endedAt - job.createdAt)}`,
    ...(end === null ? [] : [`usually done by ${time(end)}`]),
    `job \`${job.id}\``,
  ]
}

/** Times are shown in whole minutes: what ends before the next one needs none. */
const MIN_WAIT_MS = 60_000

/** When such a job has usually ended, as long as that can still come true: none ends before it goes on. */
function expectedEnd({ job, typicalMs, now }: JobView): number | null {
  if (typicalMs === null || job.endedAt !== null || job.state === 'uncertain') return null
  const goesOnAt = job.state === 'queued' ? Math.max(job.dueAt ?? now, now) : now
  const end = job.createdAt + typicalMs
  return end > goesOnAt + MIN_WAIT_MS ? end : null
}

/** Why the thread is here and not where it was asked to be. */
function whyStray(channel: string): string {
  if (!/^[CG]/.test(channel))
    return "I couldn't post where you asked me to, or my message there was deleted, so updates come here."
  return `I couldn't post in <#${channel}>, or my message there was deleted, so updates come here. If I'm not in that channel, invite me with \`/invite @dolly\`.`
}
