/** Pure: the links and buttons of a job's messages: few, in the order of their use, and only those that do something now. */
import type { Button, ConfirmationDialog, KnownBlock, Overflow } from '@slack/types'
import { accepts } from '../../domain/acts.js'
import { canExtend } from '../../domain/expiry.js'
import type { Act, Job } from '../../domain/job.js'
import { canDelete } from '../../domain/removal.js'
import { cut, plainText } from '../../lib/text.js'
import { plain } from '../blocks.js'
import { limits, mustFit } from '../limits.js'
import { fromTo, mrkdwnWithin } from '../text.js'
import type { JobDescription } from './job.js'
import { wasSent } from './outcome.js'

/** The buttons of a job. Their value is only a hint (see `hintOf`): the job is read and checked again. */
export const jobActions = {
  checkAgain: 'job:check_again',
  startOver: 'job:start_over',
  dismiss: 'job:dismiss',
  cancel: 'job:cancel',
  tryAgain: 'job:try_again',
  approve: 'job:approve',
  deny: 'job:deny',
  /** Opens the form with the same answers. */
  edit: 'job:edit',
  extend: 'job:extend',
  /** Asks before it deletes. */
  delete: 'job:delete',
  schedule: 'job:schedule',
  /** The menu of everything else. */
  more: 'job:more',
  openConsole: 'job:open_console',
} as const

/**
 * What a button carries: the job's id, and for Extend the end that it was shown with, so that a double click extends once.
 *
 * @param word of the button or the entry, such as `extend`.
 */
export function hintOf({ id, expiresAt }: Job, word: string): string {
  return word === 'extend' && expiresAt !== null ? `${id} ${expiresAt}` : id
}

/** What a person can answer or do now, and a menu of what is rarer. */
export function buttonsOf(view: JobDescription): KnownBlock[] {
  const menu = menuOf(view)
  const elements = [...choicesOf(view), ...(menu.length === 0 ? [] : [overflow(view.job, menu)])]
  return elements.length === 0 ? [] : [{ type: 'actions', block_id: 'job', elements }]
}

/** One to three. What can't be undone asks first, so it is never in the menu, which can't. */
function choicesOf(view: JobDescription): Button[] {
  const { job, steps, hasRemoval } = view
  const does = (act: Act) => accepts(job, act)
  const button = (action: string, text: string, more: Partial<Button> = {}): Button => ({
    type: 'button',
    action_id: action,
    value: mustFit(hintOf(job, wordOf(action)), limits.buttonValue),
    text: plain(mustFit(text, limits.buttonText)),
    ...more,
  })
  const cancel = (text: string, yes = text) =>
    button(jobActions.cancel, text, { confirm: confirmation(promise(view), yes) })
  const dismiss = (text: string) => {
    const consequence =
      job.removes === null
        ? "I'll stop watching this job. Anything already made stays."
        : "I'll stop watching this deletion. It may still happen."
    return button(jobActions.dismiss, text, { confirm: confirmation(consequence, text) })
  }
  const edit = (text: string, more: Partial<Button> = {}) =>
    job.removes === null && isOffered(view) ? [button(jobActions.edit, text, more)] : []
  const remove = hasRemoval && canDelete(job) ? [button(jobActions.delete, 'Delete…')] : []

  switch (job.state) {
    case 'awaiting_approval': {
      const consequence = 'The request ends, and nothing is sent to the provider.'
      return [
        button(jobActions.approve, 'Approve', {
          style: 'primary',
          confirm: { ...confirmation(approvalWords(view), 'Approve'), style: 'primary' },
        }),
        button(jobActions.deny, 'Deny', { confirm: confirmation(consequence, 'Deny') }),
        cancel('Withdraw'),
      ]
    }
    case 'uncertain': {
      const consequence = 'If the first request went through, this does it a second time.'
      return [
        button(jobActions.checkAgain, 'Check again', { style: 'primary' }),
        button(jobActions.startOver, 'Start over', { confirm: confirmation(consequence, 'Start over') }),
        dismiss('Dismiss'),
      ]
    }
    case 'queued':
    case 'starting':
    case 'working': {
      // The last request can't be called back. A job that can't continue reaches no next step either.
      const isLast = job.state === 'working' && job.step === [...steps.keys()].at(-1)
      const canCancel = does('cancel') && !isLast && (job.strandedSince === null || job.state === 'queued')
      return [
        ...(canCancel ? [cancel('Cancel', 'Cancel the job')] : []),
        ...(does('dismiss') ? [dismiss('Stop watching')] : []),
      ]
    }
    case 'failed':
    case 'timed_out': {
      // The page behind it asks.
      const words = view.mustDeleteFirst ? 'Delete and try again…' : job.removes === null ? 'Try again' : 'Try again…'
      const retry = does('try_again') ? [button(jobActions.tryAgain, words, { style: 'primary' })] : []
      return [...retry, ...edit('Edit and retry', retry.length === 0 ? { style: 'primary' } : {}), ...remove]
    }
    case 'denied':
    case 'expired':
      return edit('Edit and ask again')
    case 'cancelled':
      return [...edit('Clone again'), ...remove]
    case 'succeeded': {
      if (job.removes !== null || isBeingDeleted(job)) return []
      if (job.removedAt !== null) return edit('Clone again')
      const extend = canExtend(job) ? [button(jobActions.extend, 'Extend')] : []
      const words = hasRemoval === false ? 'Run nightly…' : 'Repeat on a schedule…'
      return [...extend, ...(isOffered(view) ? [button(jobActions.schedule, words)] : []), ...remove]
    }
    default:
      // A state of a newer release that runs beside this one.
      return []
  }
}

/** What the menu offers: the word of each entry and what a person reads. */
function menuOf(view: JobDescription): [word: string, text: string][] {
  const { job, hasRemoval } = view
  if (accepts(job, 'mute')) return job.state === 'awaiting_approval' ? [] : [['mute', 'Mute this thread']]
  if (accepts(job, 'unmute')) return [['unmute', 'Unmute this thread']]
  if (job.removes !== null || isBeingDeleted(job)) return []
  if (job.state === 'succeeded') {
    if (!isOffered(view)) return []
    const again: [string, string] = ['edit', hasRemoval === false ? 'Run again…' : 'Clone again…']
    return [...(job.removedAt === null ? [again] : []), ['preset', 'Save as preset…']]
  }
  const rest: [string, string][] = accepts(job, 'check_again') ? [['check_again', 'Check again']] : []
  return canExtend(job) ? [...rest, ['extend', 'Extend']] : rest
}

/** All that a person can do now, as words and what they read: for a list, where there is room for a menu alone. */
export function actsOf(view: JobDescription): [word: string, text: string][] {
  const choices = choicesOf(view).map(({ action_id = '', text }): [string, string] => [wordOf(action_id), text.text])
  return [...choices, ...menuOf(view)]
}

function isBeingDeleted({ removalJob, removedAt }: Job): boolean {
  return removalJob !== null && removedAt === null
}

/** Whether the operation still exists, so that it can run again. */
function isOffered({ steps }: JobDescription): boolean {
  return steps.size > 0
}

/** What cancelling means for what was sent so far. */
function promise(view: JobDescription): string {
  return wasSent(view)
    ? "I won't send anything more. Anything already made stays."
    : 'Nothing has been sent to the provider, and nothing will be.'
}

/** What an approval lets happen: what is copied from where to where, or what is deleted. */
function approvalWords({ job, approvedBy = [] }: JobDescription): string {
  const { source, target, connection, removes, approval } = job
  const isLast = approval === null || approval.count - approvedBy.length <= 1
  const start = removes === null ? 'Starts' : 'Deletes'
  const when = isLast ? 'now' : 'once everyone has approved'
  const what = removes === null ? fromTo(source, target, MAX_ENDS_LENGTH) : plainText(target, MAX_ENDS_LENGTH)
  const copied = approval?.copied ? ` Copied: ${plainText(approval.copied)}` : ''
  return cut(
    `${start} ${when}: ${what} on ${plainText(connection, MAX_CONNECTION_LENGTH)}.${copied}`,
    limits.confirmText,
  )
}

/** Of what a confirmation names, in characters. */
const MAX_ENDS_LENGTH = 150
const MAX_CONNECTION_LENGTH = 40

/** Without the `job:` of its action. */
function wordOf(actionId: string): string {
  return actionId.slice(4)
}

function overflow(job: Job, entries: readonly [word: string, text: string][]): Overflow {
  const options = entries.map(([word, text]) => ({
    text: plain(mustFit(text, limits.optionText)),
    value: mustFit(`${word} ${hintOf(job, word)}`, limits.optionValue),
  }))
  return { type: 'overflow', action_id: jobActions.more, options }
}

/** For the replies that ask what to do with something that expires. */
export function expiryButtons({ job, hasRemoval }: JobDescription): KnownBlock[] {
  if (!canExtend(job)) return []
  const button = (action_id: string, text: string): Button => ({
    type: 'button',
    action_id,
    value: hintOf(job, wordOf(action_id)),
    text: plain(text),
  })
  const elements = [
    { ...button(jobActions.extend, 'Extend'), style: 'primary' } as const,
    ...(hasRemoval && canDelete(job) ? [button(jobActions.delete, 'Delete…')] : []),
  ]
  return [{ type: 'actions', block_id: 'expiry', elements }]
}

function confirmation(text: string, yes: string): ConfirmationDialog {
  return {
    title: plain('Are you sure?'),
    text: plain(mustFit(text, limits.confirmText)),
    confirm: plain(mustFit(yes, limits.confirmButton)),
    deny: plain('Not now'),
    style: 'danger',
  }
}

/** The button to the provider's page of what the job made; undefined where there is none, or no longer. */
export function consoleButton({ job, provider }: JobDescription): Button | undefined {
  const url = job.removedAt === null ? webAddress(job.consoleUrl) : undefined
  if (url === undefined) return undefined
  const text = plain(cut(`See it in ${plainText(provider)}`, limits.buttonText))
  return { type: 'button', action_id: jobActions.openConsole, url, text }
}

/** The address of what the job made, as people write it and as a link; null where there is none, or no longer. */
export function addressOf({ job }: JobDescription): { text: string; link: string } | null {
  const url = job.removedAt === null ? webAddress(job.url) : undefined
  if (url === undefined) return null
  const text = mrkdwnWithin(MAX_ADDRESS_LENGTH, url.replace(/^https?:\/\//, '').replace(/\/$/, '')).replaceAll('|', '¦')
  const target = url.replaceAll('&', '&amp;').replaceAll('<', '%3C').replaceAll('>', '%3E').replaceAll('|', '%7C')
  return { text, link: `<${target}|${text}>` }
}

/** Characters of an address as people read it, as sent to Slack. */
const MAX_ADDRESS_LENGTH = 150

/** A provider's address that a link may carry: http or https, not too long, and without a user name or password. */
function webAddress(address: string | null): string | undefined {
  if (address === null || !URL.canParse(address)) return undefined
  const { protocol, username, password, href } = new URL(address)
  const isFit = /^https?:$/.test(protocol) && username === '' && password === '' && href.length <= limits.buttonUrl
  return isFit ? href : undefined
}
