/** Pure: the buttons below a job's root message: few, and only those that do something. */
import type { Button, ConfirmationDialog, KnownBlock } from '@slack/types'
import { accepts } from '../../domain/acts.js'
import type { Job } from '../../domain/job.js'
import { cut, plainText } from '../../lib/text.js'
import { plain } from '../blocks.js'
import { limits, mustFit } from '../limits.js'

/** The buttons of a job. Their value is the job's id, which is only a hint: the job is read and checked again. */
export const jobActions = {
  checkAgain: 'job:check_again',
  startOver: 'job:start_over',
  dismiss: 'job:dismiss',
  cancel: 'job:cancel',
  tryAgain: 'job:try_again',
  /** The menu of everything else. */
  more: 'job:more',
  open: 'job:open',
  openConsole: 'job:open_console',
} as const

/** What a person may answer now, or links once the job has ended. `provider` is a name, such as "Hoody". */
export function buttonsOf(job: Job, provider: string): KnownBlock[] {
  if (job.state === 'uncertain') return [questionButtons(job.id)]
  if (accepts(job, 'cancel')) return [cancelButton(job)]
  if (accepts(job, 'dismiss')) return [cancelButton(job)]
  return job.endedAt === null ? [] : linkButtons(job, provider)
}

/** Whether anything of this job can have reached its provider. */
export function wasSent({ ref, attempt }: Job): boolean {
  return ref !== null || attempt > 0
}

function questionButtons(jobId: string): KnownBlock {
  const startOver = 'If the first request went through, this does it a second time.'
  const dismiss = "I'll stop watching this job. Anything already made stays."
  return {
    type: 'actions',
    block_id: 'question',
    elements: [
      { ...button(jobActions.checkAgain, 'Check again', jobId), style: 'primary' },
      { ...button(jobActions.startOver, 'Start over', jobId), confirm: confirmation(startOver, 'Start over') },
      { ...button(jobActions.dismiss, 'Dismiss', jobId), confirm: confirmation(dismiss, 'Dismiss') },
    ],
  }
}

/** For a job that waits for its provider. */
function cancelButton(job: Job): KnownBlock {
  const promise = wasSent(job)
    ? "I won't send anything more. Anything already made stays."
    : 'Nothing has been sent to the provider, and nothing will be.'
  const [word, action] = accepts(job, 'cancel') ? ['Cancel', jobActions.cancel] : ['Stop watching', jobActions.dismiss]
  const confirm = confirmation(promise, `${word} the job`.replace('watching the', 'watching'))
  return {
    type: 'actions',
    block_id: 'cancel',
    elements: [{ ...button(action, word, job.id), confirm }],
  }
}

function button(action_id: string, text: string, value: string): Button {
  return {
    type: 'button',
    action_id,
    value: mustFit(value, limits.buttonValue),
    text: plain(mustFit(text, limits.buttonText)),
  }
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

/** To the thing itself, and to its page at the provider. */
function linkButtons(job: Job, provider: string): KnownBlock[] {
  const links = [
    { action_id: jobActions.open, words: 'Open it', url: webAddress(job.url) },
    { action_id: jobActions.openConsole, words: `See it in ${plainText(provider)}`, url: webAddress(job.consoleUrl) },
  ]
  const elements = links.flatMap(({ action_id, words, url }): Button[] => {
    if (url === undefined) return []
    return [{ type: 'button', action_id, url, text: plain(cut(words, limits.buttonText)) }]
  })
  return elements.length === 0 ? [] : [{ type: 'actions', block_id: 'open', elements }]
}

/** A provider's address that a button may carry: http or https, not too long, and without a user name or password. */
function webAddress(address: string | null): string | undefined {
  if (address === null || !URL.canParse(address)) return undefined
  const { protocol, username, password, href } = new URL(address)
  const isFit = /^https?:$/.test(protocol) && username === '' && password === '' && href.length <= limits.buttonUrl
  return isFit ? href : undefined
}
