/** Pure: where a job stands, in one line, and the sentences that people need with it. */
import { accepts } from '../../domain/acts.js'
import type { ApprovalRequest, Job } from '../../domain/job.js'
import { isUnreachable } from '../../domain/polling.js'
import { name, sentence, withDetail } from '../blocks.js'
import { approverNames, dateAndTime, inWords, ownName, peopleNames, time } from '../text.js'
import type { JobDescription } from './job.js'

/** Texts are escaped mrkdwn. */
export interface Outcome {
  icon: string
  /** Without a full stop: "shop-copy is running". */
  headline: string
  /** What goes with the headline, and stays true until the next edit: "39 s", "since 10:42". */
  aside: string | null
  /** Whole sentences, in the order in which they are read. */
  lines: readonly string[]
}

/** What the job makes, by its own name; for a removal what it deletes. */
export function subjectOf({ target }: Job): string {
  return name(ownName(target)) || name(target) || 'The job'
}

/** Where the job stands. */
export function outcomeOf(view: JobDescription): Outcome {
  const { job, provider } = view
  const [subject, by, detail] = [subjectOf(job), name(provider), sentence(job.detail)]
  if (job.strandedSince !== null && job.endedAt === null && job.state !== 'uncertain') {
    const lines = [detail, "If that doesn't change within a week, the job ends by itself."]
    return { icon: ':warning:', headline: `I can't continue ${subject}`, aside: null, lines }
  }
  if (job.endedAt !== null) return endOf(view)
  const aside = asideOf(view)
  if (job.cancelRequestedBy !== null && job.state !== 'uncertain') {
    const icon = ':octagonal_sign:'
    return { icon, headline: `${subject}: stopping after this step`, aside, lines: [stoppingWords(view, by)] }
  }
  switch (job.state) {
    case 'awaiting_approval': {
      const lines = job.approval === null ? [] : approvalLines(job.approval, view.approvedBy)
      return { icon: ':raised_hand:', headline: `${subject} needs approval`, aside: null, lines }
    }
    case 'queued': {
      const next = job.dueAt === null ? '' : `Next try at ${time(job.dueAt)}.`
      return detail === ''
        ? { icon: ':hourglass:', headline: startedAs(job, `${subject} is queued`), aside, lines: [] }
        : {
            icon: ':hourglass:',
            headline: `${subject} is waiting for ${by}`,
            aside,
            lines: [`${detail} ${next}`.trim()],
          }
    }
    case 'uncertain':
      return {
        icon: ':grey_question:',
        headline: `${subject}: outcome unknown`,
        aside: null,
        lines: question(view, detail),
      }
    case 'starting':
      // After a crash nothing shows that an answer was lost until the first search.
      return job.waitingSince === null
        ? { icon: RUNNING, headline: startedAs(job, `${subject}: ${doingOf(view)}`), aside, lines: [] }
        : {
            icon: RUNNING,
            headline: `${subject}: checking what ${by} received`,
            aside,
            lines: [`${withDetail(`${by}'s answer was lost`, detail)} I'm checking before I try again.`],
          }
    default:
      return isUnreachable(job, view.now)
        ? {
            icon: ':warning:',
            headline: `${subject}: can't reach ${by} right now`,
            aside,
            lines: [`${detail} Nothing is lost, and I keep trying.`.trim()],
          }
        : { icon: RUNNING, headline: startedAs(job, `${subject}: ${doingOf(view)}`), aside, lines: [] }
  }
}

const RUNNING = ':hourglass_flowing_sand:'

/** A removal that has begun says nothing but that, and what follows. */
function startedAs(job: Job, words: string): string {
  if (job.removes === null) return words
  return job.retryFrom === null ? `Deleting ${subjectOf(job)}` : `Deleting ${subjectOf(job)} before I try again`
}

/** "Copying the container on Hoody". */
function doingOf({ job, steps, provider }: JobDescription): string {
  return `${name(steps.get(job.step)?.doing ?? 'In progress')} on ${name(provider)}`
}

/** Since when it runs and how long such jobs usually take: both stay true until the next edit. */
function asideOf({ job, typicalMs }: JobDescription): string {
  return `since ${time(job.runSince)}${typicalMs === null ? '' : `, usually takes ${inWords(typicalMs)}`}`
}

function stoppingWords(view: JobDescription, by: string): string {
  const { job, steps } = view
  const step = stepName(view)
  if (job.step === [...steps.keys()].at(-1))
    return `<@${job.cancelRequestedBy}> asked me to stop. ${step} is the last step: if ${by} accepts it, the job finishes as usual.`
  return `<@${job.cancelRequestedBy}> asked me to stop. ${by} finishes ${step} first, and I won't send anything after that. Anything made by then stays.`
}

function question(view: JobDescription, detail: string): string[] {
  const by = name(view.provider)
  return [
    `${withDetail(`I don't know whether ${by} carried out ${stepName(view)}`, detail)} Look there, then choose.`,
    'Check again looks for it once more, Start over sends the request again, Dismiss ends this job.',
  ]
}

/** Who must agree, who has, until when, and to what. */
function approvalLines(
  { by, count, expiresAt, copied, notCopied, warning }: ApprovalRequest,
  approvedBy: readonly string[] = [],
): string[] {
  const who = approverNames(by)
  const many = count > 1 ? `${count} people must approve it: ${who}.` : `${who} can approve it.`
  const until = `The request expires ${dateAndTime(expiresAt)}.`
  // A deletion copies nothing, and its warning says it all.
  const what = [
    ...(copied === '' ? [] : [`Copied: ${sentence(copied, MAX_PREVIEW_LENGTH)}`]),
    ...(notCopied === '' ? [] : [`Not copied: ${sentence(notCopied, MAX_PREVIEW_LENGTH)}`]),
  ]
  return [
    `${many[0]?.toUpperCase()}${many.slice(1)} ${until}`,
    ...(approvedBy.length === 0 ? [] : [`${approvedBy.length} of ${count} approved: ${peopleNames(approvedBy)}.`]),
    ...(warning === null ? [] : [`⚠️ ${sentence(warning, MAX_PREVIEW_LENGTH)}`]),
    ...what,
  ]
}

/** Characters of each part of what approvers read, as sent to Slack. */
const MAX_PREVIEW_LENGTH = 600

function endOf(view: JobDescription): Outcome {
  const { job, provider, hasRemoval } = view
  const [subject, by, detail] = [subjectOf(job), name(provider), sentence(job.detail)]
  const took = inWords((job.endedAt ?? job.runSince) - job.runSince)
  const reason = detail === '' ? [] : [detail]
  const expiry = expiryLine(view)
  if (job.removedAt !== null)
    return { icon: DELETED, headline: `${subject} was deleted`, aside: dateAndTime(job.removedAt), lines: [] }
  if (job.removalJob !== null) return { icon: DELETED, headline: `${subject} is being deleted`, aside: null, lines: [] }
  switch (job.state) {
    case 'denied': {
      const who = view.deniedBy === undefined ? [] : [`<@${view.deniedBy}> denied it.`]
      const lines = [[...who, nothingSent(by)].join(' ')]
      return { icon: ':no_entry:', headline: `${subject} was denied`, aside: null, lines: [...reason, ...lines] }
    }
    case 'expired':
      return {
        icon: ':no_entry:',
        headline: `${subject} wasn't approved in time`,
        aside: null,
        lines: [nothingSent(by)],
      }
    case 'cancelled':
      return {
        icon: ':no_entry_sign:',
        headline: cancelledAs(job, subject),
        aside: null,
        lines: [whatStays(view), ...expiry],
      }
    case 'failed': {
      const headline = job.removes === null ? `${subject} failed` : `${subject} wasn't deleted`
      // A scheduled run that couldn't start has no step.
      const failed = job.step === '' ? detail : withDetail(`${stepName(view)}${placeOf(view)} failed`, detail)
      return { icon: ':x:', headline, aside: took, lines: [failed, whatStays(view), ...expiry, ...advice(view)] }
    }
    case 'timed_out': {
      const headline = job.removes === null ? `${subject} timed out` : `${subject}: deleting timed out`
      const unfinished = withDetail(`${stepName(view)}${placeOf(view)} didn't finish in time`, detail)
      const lines = [`${unfinished} It may still finish on ${by}.`, ...expiry, ...advice(view)]
      return { icon: ':x:', headline, aside: took, lines }
    }
    case 'succeeded': {
      const icon = job.removes === null ? ':white_check_mark:' : DELETED
      const remark = detail === '' ? [] : [`${by}: ${detail}`]
      return { icon, headline: successWords(job, hasRemoval), aside: took, lines: [...remark, ...expiry] }
    }
    default:
      // A state of a newer release that runs beside this one.
      return {
        icon: ':information_source:',
        headline: `${subject} has ended`,
        aside: took,
        lines: [...reason, ...expiry],
      }
  }
}

/** Past its end it stays until somebody answers, or it is deleted. */
function expiryLine({ job: { expiresAt, state }, isDeletedAtEnd, now }: JobDescription): string[] {
  if (expiresAt === null) return []
  const isPast = expiresAt <= now
  const verb = isPast ? 'expired' : 'expires'
  const words = state === 'succeeded' ? `${verb.charAt(0).toUpperCase()}${verb.slice(1)}` : `What's left ${verb}`
  return [`${words} ${dateAndTime(expiresAt)}.${isPast ? '' : ` ${atTheEnd(isDeletedAtEnd)}`}`]
}

/** What happens when something expires. */
export function atTheEnd(isDeleted = false): string {
  return isDeleted ? 'Then I delete it with all its data.' : "Then I ask whether it's still needed."
}

const DELETED = ':wastebasket:'

/** "shop-copy is running". What was there before is up to date; a remark says what is different from what one may expect. */
export function successWords(job: Job, hasRemoval: boolean | undefined): string {
  const subject = subjectOf(job)
  if (job.removes !== null) return `${subject} is deleted`
  if (hasRemoval === false) return `${subject} is up to date`
  return hasRemoval && job.detail === null ? `${subject} is running` : `${subject} is ready`
}

function cancelledAs(job: Job, subject: string): string {
  return job.removes === null ? `${subject} was cancelled` : `${subject}: deleting was cancelled`
}

const nothingSent = (by: string) => `Nothing was sent to ${by}.`

/** What a job that ended early leaves behind. */
function whatStays(view: JobDescription): string {
  const { job, provider, hasRemoval } = view
  const by = name(provider)
  if (!wasSent(view)) return nothingSent(by)
  if (job.state === 'cancelled' && job.deadlineAt !== null)
    return `I've stopped watching. ${by} may still be working on ${stepName(view)}, and what it makes stays.`
  if (job.state === 'cancelled')
    return job.attempt === 0
      ? `I stopped before ${stepName(view)}. What ${by} already did stays.`
      : `Anything ${by} already did stays.`
  if (job.removes !== null) return 'Anything not deleted yet is still there.'
  if (job.ref === null) return 'As far as I know, nothing was made.'
  return hasRemoval === false ? 'Part of it may have changed.' : `What ${by} made so far stays until it's deleted.`
}

/** What to do, where that isn't plain from the buttons. */
function advice({ job, mustDeleteFirst }: JobDescription): string[] {
  if (accepts(job, 'try_again') && mustDeleteFirst)
    return [
      'What it made blocks another try. Delete and try again asks first, deletes it, and runs the job again from the start. Edit and retry leaves it there; choose another name.',
    ]
  if (accepts(job, 'try_again'))
    return job.removes === null
      ? ['Try again continues from this step, with the same answers.']
      : ['Try again asks once more before it deletes anything.']
  return job.isPersonalGone && job.removes === null
    ? ["Its secret and personal answers are deleted, so it can't run again as it was. Edit and retry asks for them."]
    : []
}

/** Whether anything of this job can have reached its provider. A removal begins with the ref of what it deletes. */
export function wasSent({ job, steps }: JobDescription): boolean {
  const isFirstStep = job.step === [...steps.keys()][0]
  return job.attempt > 0 || (job.removes === null ? job.ref !== null : !isFirstStep)
}

/** The present step's title in quotation marks. */
export function stepName({ job, steps }: JobDescription, id = job.step): string {
  return `"${name(steps.get(id)?.title ?? id)}"`
}

/** " (step 2 of 3)"; empty where there is only one. */
function placeOf({ job, steps }: JobDescription): string {
  const place = [...steps.keys()].indexOf(job.step) + 1
  return steps.size > 1 && place > 0 ? ` (step ${place} of ${steps.size})` : ''
}
