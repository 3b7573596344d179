/** A person who wants an app cloned and does not give up at the first trouble: types, picks, sends, sends again. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Actor } from '../slack/person.js'
import type { Errand, Trade } from './trades.js'

export interface Submission {
  /** In the order in which they were planned. */
  number: number
  trade: Trade
  errand: Errand
  who: string
  channel: string
  /** The one on the same target whose end was waited for. */
  after?: Submission | undefined
  /** What the provider calls the target, where its books do not name it: learnt when all is over. */
  id?: string | undefined
  /** How far the person got with it. */
  progress: 'to come' | 'in hand' | 'over'
  /** When the last page was sent first, by the true time. */
  sentAt?: number
  /** Slack was told that all is well, and the form went away. */
  isAcknowledged: boolean
  /** Why it was given up, where it was. */
  trouble?: string
  /** The provider's list when the next one on the same target was asked for; what it shows later is not about this one. */
  rowsThen?: readonly (readonly string[])[]
}

const TRIES = 6
const PAUSE_MS = 300

/**
 * Fills in and sends the form of one errand.
 *
 * @param ready resolves when the bot is there to be asked.
 */
export async function submit(actor: Actor, submission: Submission, ready: () => Promise<void>): Promise<void> {
  const { errand } = submission
  submission.progress = 'in hand'
  try {
    await open(actor, submission, ready)
    for (const [field, label] of errand.picked) await again(ready, () => actor.choose(field, label, label))
    const errors = await again(ready, () => actor.submit())
    const title = actor.topView()?.callback_id
    if (title !== 'operation_preview') throw new Error(`The form was not taken: ${JSON.stringify(errors)} ${title}`)
    await again(ready, async () => {
      submission.sentAt ??= Date.now()
      await actor.submit()
    })
    const left = actor.topView()
    submission.isAcknowledged = left === undefined || left.title.text === 'Started'
    if (left) submission.trouble = `${left.title.text}: ${JSON.stringify(left.blocks)}`
  } catch (error) {
    submission.trouble = error instanceof Error ? error.message : String(error)
  }
  submission.progress = 'over'
}

/** Asks the form's list for the ids of targets: who typed a name while the list could not be had saw none. */
export async function learnIds(actor: Actor, submissions: readonly Submission[]): Promise<void> {
  const [first] = submissions
  if (!first) return
  await open(actor, first, async () => {})
  for (const submission of submissions) {
    const { trade, errand } = submission
    const [field = '', label = ''] = errand.picked.find(([field]) => field === trade.idField) ?? []
    submission.id = (await actor.options(field, label)).find(({ text }) => text.text === label)?.value
    if (!submission.id) throw new Error(`${trade.provider} has no "${label}" any more.`)
  }
  await leave(actor)
}

/** Writes the command, with all that can be typed, until the form is there. */
async function open(actor: Actor, { trade, errand, channel }: Submission, ready: () => Promise<void>): Promise<void> {
  const typed = Object.entries(errand.typed).map(([field, text]) => `${field}=${text}`)
  await leave(actor)
  await again(ready, async () => {
    await actor.write(channel, ['/clone-app', trade.provider, trade.operation, ...typed].join(' '))
    await actor.waitForView((view) => view.callback_id === 'operation_form', 2_000)
  })
}

/** What fails is tried again: a form that is open stays open while the bot is away. */
async function again<T>(ready: () => Promise<void>, act: () => Promise<T>): Promise<T> {
  let last: unknown
  for (let count = 0; count < TRIES; count += 1) {
    await ready()
    try {
      return await act()
    } catch (error) {
      last = error
      await delay(PAUSE_MS)
    }
  }
  throw last
}

/** Closes whatever is open; the bot need not hear of it. */
async function leave(actor: Actor): Promise<void> {
  while (actor.topView()) await actor.close().catch(() => undefined)
}
