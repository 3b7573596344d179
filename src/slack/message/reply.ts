/** Pure: an event of a job → the reply in its thread: only what the root doesn't say, or what somebody must notice. */
import type { KnownBlock } from '@slack/types'
import type { EventKind, JobEvent } from '../../domain/job.js'
import { name, section, sentence, withDetail } from '../blocks.js'
import { dateAndTime, inWords } from '../text.js'
import { expiryButtons } from './buttons.js'
import type { JobView, Message } from './job.js'
import { atTheEnd, stepName, subjectOf, successWords, wasSent } from './outcome.js'

/** What a muted thread says all the same: nothing is deleted unannounced, and nothing waits for an answer in silence. */
const NEVER_MUTED = new Set<EventKind>([
  'expiry_near',
  'expiry_reached',
  'uncertain',
  'unsettled',
  'reminder',
  'stranded',
])

/** What an event adds to the thread; null for one that only changes the root, and for most of a muted job. */
export function replyMessage(view: JobView, event: JobEvent): Message | null {
  const isMuted = view.job.isMuted && !NEVER_MUTED.has(event.kind)
  const text = isMuted ? null : replyText(view, event)
  return text === null ? null : { text, blocks: [section(text), ...replyButtons(view, event)] }
}

function replyButtons(view: JobView, { kind, detail }: JobEvent): KnownBlock[] {
  const isQuestion = kind === 'expiry_near' || (kind === 'expiry_reached' && detail === ASK)
  return isQuestion ? expiryButtons(view) : []
}

/** The detail of an expiry's events where people are asked at the end. Otherwise the thing is deleted then. */
const ASK = 'ask'

function replyText(view: JobView, event: JobEvent): string | null {
  const { job, provider, hasRemoval } = view
  const step = stepName(view, event.step)
  const by = name(provider)
  const subject = subjectOf(job)
  const what = job.removes === null ? subject : `Deleting ${subject}`
  const detail = sentence(event.detail)
  const requester = `<@${job.requester}>`
  const person = event.actor ? `<@${event.actor}>` : 'Someone'
  /** Who did it themselves sees it in the root. */
  const ifOthers = (words: string) => (event.actor === job.requester ? null : words)
  /** What expires. */
  const expiring = job.state === 'succeeded' ? subject : `What's left of ${subject}`
  const took = inWords((job.endedAt ?? event.at) - job.runSince)

  switch (event.kind) {
    case 'queued':
    case 'step_started':
    case 'step_accepted':
    case 'progress':
    case 'postponed':
    case 'answer_lost':
    case 'absent':
    // The root names those who can approve, which lets Slack notify them.
    case 'approval_requested':
    case 'cancel_requested':
    case 'muted':
    case 'unmuted':
    // A removal has its own message in the same thread.
    case 'removal_started':
    case 'removal_ended':
    case 'removed':
      return null
    case 'approval_given':
      return `${person} approved. ${detail || 'More approvals are needed.'}`
    case 'approved':
      return `${person} approved. Starting ${subject}.`
    case 'denied':
      return event.actor === null
        ? `${requester} ${withDetail(`${subject} was denied`, detail)} Nothing was sent to ${by}.`
        : `${requester} ${subject} was denied by ${person}. Nothing was sent to ${by}.`
    case 'expired':
      return `${requester} Nobody approved ${subject} in time. Nothing was sent to ${by}.`
    case 'tried_again':
      return ifOthers(`${person} asked me to try again.`)
    case 'checked_again':
      return ifOthers(`${person} asked me to check again.`)
    case 'started_over':
      return ifOthers(`${person} asked me to start ${step} over.`)
    case 'extended': {
      const until =
        job.expiresAt === null
          ? "doesn't expire any more."
          : `now expires ${dateAndTime(job.expiresAt)}. ${atTheEnd(view.isDeletedAtEnd)}`
      return ifOthers(`${person} extended ${subject}. It ${until}`)
    }
    case 'expiry_near': {
      const then = atTheEnd(event.detail !== ASK)
      const when = job.expiresAt === null ? 'soon' : dateAndTime(job.expiresAt)
      return `${requester} ${expiring} expires ${when}. ${then} Extend keeps it longer.`
    }
    case 'expiry_reached':
      return event.detail === ASK
        ? `${requester} ${expiring} has expired. Do you still need it? Extend keeps it, Delete removes it with all its data.`
        : `${requester} ${expiring} has expired. I'm deleting it.`
    case 'unsettled':
      return `${requester} I don't know yet whether ${by} received ${step}, and I'm still checking. You can wait, or press Stop watching to end this job. Anything already made stays.`
    case 'reminder':
      return `${requester} ${what} is still waiting for your answer: I don't know whether ${by} carried out ${step}. Check ${by}, then press a button above. If nobody answers, the job ends two weeks after I first asked.`
    case 'stranded':
      return `${requester} ${withDetail(`I can't continue ${subject}`, detail)} You can end it with the button above; anything already made stays. Otherwise it ends by itself in a week.`
    case 'uncertain':
      return `${requester} ${withDetail(`${what}: I don't know whether ${by} carried out ${step}`, detail)} Check ${by}, then press a button above.`
    case 'unreachable':
      return `${withDetail(`I couldn't reach ${by} for five minutes`, detail)} Nothing is lost, and I'll keep trying.`
    case 'reachable':
      return `${by} is answering again.`
    case 'found':
      return `Found it: ${by} had received ${step}. Nothing was sent twice. ${detail}`.trim()
    // The root shows that a step is done; a reply of its own is for what there is to say about it.
    case 'step_done':
      return detail === '' ? null : withDetail(`${step} is done`, detail)
    case 'succeeded':
      if (detail === '' && !job.mentionOnSuccess) return null
      return withDetail(
        `${job.mentionOnSuccess ? `${requester} ` : ''}${successWords(job, hasRemoval)} after ${took}`,
        detail,
      )
    case 'failed':
      return `${job.mentionOnFailure ? `${requester} ` : ''}${withDetail(`${what} failed after ${took}`, detail)} The message above says what's left and what you can do.`
    case 'timed_out':
      return `${job.mentionOnFailure ? `${requester} ` : ''}${withDetail(`${what} timed out after ${took}`, detail)} It may still finish on ${by}.`
    case 'cancelled': {
      const left = wasSent(view) ? `Anything ${by} already made is still there.` : `Nothing was sent to ${by}.`
      return ifOthers(`${requester} ${what} was ended by ${person}. ${left}`)
    }
    default:
      // An event of a newer release that runs beside this one.
      return null
  }
}
