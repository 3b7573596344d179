/** Pure: a job and its events → the blocks of the root message and its replies, each with a full-sentence fallback text. */

import type { KnownBlock } from '@slack/types'
import type { Job, JobEvent } from '../../domain/job.js'
import { isUnreachable } from '../../domain/polling.js'
import { cut, plainText } from '../../lib/text.js'
import { limits } from '../limits.js'
import { fromTo, inWords, mrkdwn, mrkdwnWithin, time } from '../text.js'
import { buttonsOf, wasSent } from './buttons.js'

/** A job with the words around it that are not the job's own. */
export interface JobView {
  job: Job
  /** The operation's title, such as "Copy a container". */
  title: string
  /** The provider's name, such as "Hoody". */
  provider: string
  /** Titles of the steps this job goes through by their ids, in order. */
  steps: ReadonlyMap<string, string>
  /** Median duration of such jobs in milliseconds; null while there are too few to tell. */
  typicalMs: number | null
  /** When this is told, in milliseconds. */
  now: number
  /** Whether an earlier root, which nobody edits any more, may stand in the same place or in the one before it. */
  mayStandTwice?: boolean
}

/** `text` is what screen readers and notifications get: it says everything that matters, without the blocks. */
export interface Message {
  text: string
  blocks: KnownBlock[]
}

/** The message at the top of the thread: always the whole present truth. */
export function rootMessage(view: JobView): Message {
  const { job, provider } = view
  const outcome = outcomeOf(view)
  const blocks: KnownBlock[] = [
    header(view),
    section(`${outcome.icon} *${outcome.word}${outcome.rest === '' ? '.' : ':'}* ${outcome.rest}`.trim()),
    // Where the connection or the present step is gone, it is unknown which are done; and Slack refuses an empty section.
    ...(view.steps.has(job.step) ? [section(stepLines(view).join('\n'))] : []),
    context(facts(view).join('  ·  ')),
    ...(view.mayStandTwice ? [context(theOneToRead(job))] : []),
  ]
  // Asked for as a direct message, it stands where it was meant to: that conversation has an id of its own.
  const isStray = job.rootChannel !== null && job.rootChannel !== job.channel && job.channel !== job.requester
  if (isStray) blocks.push(context(whyStray(job.channel)))
  blocks.push(...buttonsOf(job, provider))
  const more = view.mayStandTwice ? ` ${theOneToRead(view.job)}` : ''
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
    const rest = `This job goes on ${there}. This message will say how it ended.`
    const blocks = [header(view), section(`:arrow_right: *Moved:* ${rest}`), context(facts(view).join('  ·  '))]
    return { text: `${inOneSentence(view)} ${rest}`, blocks }
  }
  const { text, blocks } = rootMessage({ ...view, mayStandTwice: false, job: { ...job, rootChannel: job.channel } })
  const note = goesOn
    ? `The details are ${there}.`
    : `Slack refuses replies here, and direct messages to <@${job.requester}> too. There are no more details.`
  return { text: `${text} ${note}`, blocks: [...blocks, context(note)] }
}

/** What is done, from where and to where. Both ends show, even if one is long. */
function whatOf({ job, title }: JobView, most: number): string {
  const head = `${plainText(title, Math.floor(most / 2))}: `
  return head + fromTo(job.source, job.target, most - head.length)
}

function header(view: JobView): KnownBlock {
  return { type: 'header', text: { type: 'plain_text', text: whatOf(view, limits.headerText), emoji: false } }
}

/** What a screen reader is read out first. */
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

/*
 * Limits for text that others wrote, in characters as sent to Slack. Longer text is cut, so that our own sentences stay
 * whole: a section takes 3,000 characters, a fallback text 4,000.
 */
const MAX_TITLE_LENGTH = 1_000
const MAX_NAME_LENGTH = 150
const MAX_DETAIL_LENGTH = 1_500

function theOneToRead({ channel, rootChannel }: Job): string {
  const hasMoved = rootChannel !== null && rootChannel !== channel
  const there = /^[CG]/.test(channel) ? `<#${channel}>` : 'the first place'
  const where = hasMoved ? `still stand here or in ${there}` : 'stand in this channel'
  return `An earlier message about this job may ${where}; this one is kept up to date.`
}

/** What an event adds to the thread; null for one that only changes the root. */
export function replyMessage(view: JobView, event: JobEvent): Message | null {
  const text = replyText(view, event)
  return text === null ? null : { text, blocks: [section(text)] }
}

function replyText({ job, provider, steps, typicalMs }: JobView, event: JobEvent): string | null {
  const step = `“${name(steps.get(event.step) ?? event.step)}”`
  const by = name(provider)
  const detail = sentence(event.detail)
  const requester = `<@${job.requester}>`
  const person = event.actor ? `<@${event.actor}>` : 'Somebody'
  const duration = inWords((job.endedAt ?? event.at) - job.createdAt)

  switch (event.kind) {
    case 'queued':
    case 'step_started':
    case 'progress':
      return null
    case 'step_accepted':
      // The root shows the steps after it. How long it takes is said only as long as it can still come true.
      if (event.step !== [...steps.keys()][0]) return null
      return typicalMs === null || job.endedAt !== null
        ? `${by} accepted ${step}.`
        : `${by} accepted ${step}. The whole job usually takes ${inWords(typicalMs)}.`
    case 'postponed':
      return `${withDetail(`${step} has to wait`, detail)} Dolly tries again by itself.`
    case 'answer_lost':
      return `${withDetail(`Nobody can tell yet whether ${by} received ${step}`, detail)} Dolly looks before anything is sent again.`
    case 'found':
      return `Found it: ${by} had received ${step}. Nothing was sent twice.`
    case 'absent':
      return `${by} never received ${step}. Sending it again.`
    case 'unsettled':
      return `Dolly still can't tell whether ${by} received ${step}, and keeps checking. Dismiss ends this job; whatever was made stays.`
    case 'reminder':
      return `${requester} This job is still waiting for your answer: Dolly doesn't know whether ${by} carried out ${step}. Check there, then press a button above. Without an answer the job ends two weeks after the question.`
    case 'stranded':
      return `${requester} ${withDetail("Dolly can't carry on with this job", detail)} Dismiss ends it; whatever was made stays. Otherwise it ends by itself in a week.`
    case 'uncertain':
      return `${requester} ${withDetail(`Nobody can tell from here whether ${by} carried out ${step}`, detail)} Please look there and answer with a button above.`
    case 'unreachable':
      return `${withDetail(`For five minutes ${by} could not be asked`, detail)} Dolly keeps looking; nothing is lost.`
    case 'reachable':
      return `${by} answers again.`
    case 'step_done':
      // The root shows that it is done; a reply of its own is for what there is to say about it.
      return detail === '' ? null : withDetail(`${step} is done`, detail)
    case 'succeeded':
      return withDetail(`${job.mentionOnSuccess ? `${requester} ` : ''}Done in ${duration}`, detail)
    case 'failed':
      return `${requester} ${withDetail(`This failed after ${duration}`, detail)}`
    case 'timed_out':
      return `${requester} ${withDetail(`Dolly gave up after ${duration}, for it took too long`, detail)} It may still finish at ${by}.`
    case 'checked_again':
      return `${person} asked Dolly to look again.`
    case 'started_over':
      return `${person} asked Dolly to start ${step} over.`
    case 'cancelled':
      return wasSent(job)
        ? `${person} dismissed this job. Whatever ${by} made of it is still there.`
        : `${person} cancelled this job before anything was sent to ${by}.`
  }
}

/** How the job stands, without a full stop, and what is known beyond that. */
function outcomeOf({ job, provider, now }: JobView): { icon: string; word: string; rest: string } {
  const detail = sentence(job.detail)
  const by = name(provider)
  if (job.strandedSince !== null && job.endedAt === null && job.state !== 'uncertain')
    return { icon: ':warning:', word: "Dolly can't carry on with this job", rest: detail }
  switch (job.state) {
    case 'queued':
      return { icon: ':hourglass:', word: 'Waiting its turn', rest: waitOf(job, detail) }
    case 'starting':
      return { icon: ':hourglass_flowing_sand:', word: `Asking ${by}`, rest: detail }
    case 'working':
      return isUnreachable(job, now)
        ? { icon: ':hourglass:', word: `${by} cannot be asked just now`, rest: detail }
        : { icon: ':hourglass_flowing_sand:', word: `${by} is at it`, rest: detail }
    case 'uncertain':
      return {
        icon: ':grey_question:',
        word: `Nobody knows whether ${by} did it`,
        rest: `${detail} Check again looks once more, Start over sends the request again, Dismiss ends this job.`.trim(),
      }
    case 'succeeded':
      return { icon: ':white_check_mark:', word: 'Done', rest: detail }
    case 'failed':
      return { icon: ':x:', word: 'Failed', rest: detail }
    case 'timed_out':
      return { icon: ':x:', word: 'Gave up, for it took too long', rest: detail }
    case 'cancelled':
      return { icon: ':heavy_minus_sign:', word: wasSent(job) ? 'Dismissed' : 'Cancelled', rest: '' }
  }
}

/** Why a job waits, and until when. */
function waitOf({ dueAt }: Job, detail: string): string {
  return detail === '' || dueAt === null ? detail : `${detail} Next try at ${time(dueAt)}.`
}

/** One line a step. The word says what the sign says: nobody should have to tell signs apart. */
function stepLines({ job, steps }: JobView): string[] {
  const present = [...steps.keys()].indexOf(job.step)
  return [...steps.values()].map((title, place) => {
    const { icon, word } = stepState(job, place - present)
    return `${icon} ${name(title)} – ${word}`
  })
}

/** @param ahead how many steps after the present one; negative for those before it. */
function stepState(job: Job, ahead: number): { icon: string; word: string } {
  if (ahead < 0 || job.state === 'succeeded') return { icon: ':white_check_mark:', word: 'done' }
  if (ahead > 0) return { icon: ':white_circle:', word: job.endedAt === null ? 'later' : 'not done' }
  switch (job.state) {
    case 'queued':
      return { icon: ':white_circle:', word: 'next' }
    case 'starting':
      return { icon: ':large_blue_circle:', word: 'being asked for' }
    case 'working':
      return { icon: ':large_blue_circle:', word: 'under way' }
    case 'uncertain':
      return { icon: ':grey_question:', word: 'unknown' }
    case 'cancelled':
      return { icon: ':heavy_minus_sign:', word: wasSent(job) ? 'dismissed' : 'cancelled' }
    default:
      return { icon: ':x:', word: job.state === 'timed_out' ? 'took too long' : 'failed' }
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

/** Times are shown in whole minutes: what is over before the next one needs none. */
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
  if (!/^[CG]/.test(channel)) return 'Dolly could not write where this was meant to be, or its message there is gone.'
  return `Dolly could not write in <#${channel}>, or its message there is gone. Where Dolly is no member, \`/invite @dolly\` lets it write.`
}

function section(text: string): KnownBlock {
  return { type: 'section', text: { type: 'mrkdwn', verbatim: true, text: cut(text, limits.sectionText) } }
}

function context(text: string): KnownBlock {
  return { type: 'context', elements: [{ type: 'mrkdwn', verbatim: true, text }] }
}

/** A connection's, a provider's or a step's name, which is short. */
function name(text: string): string {
  return mrkdwnWithin(MAX_NAME_LENGTH, plainText(text, 75))
}

/** What is known, to be read after a colon: names keep their small letters. */
function sentence(text: string | null): string {
  const escaped = mrkdwnWithin(MAX_DETAIL_LENGTH, plainText(text ?? ''))
  return escaped === '' || /[.!?…]$/.test(escaped) ? escaped : `${escaped}.`
}

function withDetail(words: string, detail: string): string {
  return detail === '' ? `${words}.` : `${words}: ${detail}`
}
