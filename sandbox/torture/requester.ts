/** A person who wants an app cloned: types, picks, sends, and tries again what fails. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Actor } from '../slack/person.js'
import type { FormInput, Scenario } from './scenarios.js'
import type { Steering } from './steering.js'

export interface Submission {
  /** In the order in which they were planned. */
  number: number
  scenario: Scenario
  input: FormInput
  who: string
  channel: string
  /** The one on the same target whose end was waited for. */
  after?: Submission | undefined
  /** The provider's id of the target, where its writes don't name it: read from its list at the end. */
  id?: string | undefined
  /** Asked for by the other person on the same target at the same time. */
  rival?: Submission | undefined
  progress: 'planned' | 'under way' | 'over'
  isOnLastPage: boolean
  /** When the last page was sent first, by the true time. */
  sentAt?: number
  /** Slack heard that the form was accepted, and closed it. */
  isAcknowledged: boolean
  /** The person whose job the form says was first on this target. */
  first?: string
  /** What others do with its job. */
  steering?: Steering | undefined
  /** Why it was given up, where it was. */
  problem?: string
  /** The provider's list when the next one on the same target was asked for; what it shows later is not about this one. */
  rowsThen?: readonly (readonly string[])[]
}

const TRIES = 6
const PAUSE_MS = 300
const RIVAL_WITHIN_MS = 60_000
const WAS_FIRST = /<@(\w+)> was first/

/**
 * Fills in and sends the form of one input.
 *
 * @param ready resolves when the bot is there to be asked.
 */
export async function submit(actor: Actor, submission: Submission, ready: () => Promise<void>): Promise<void> {
  const { input } = submission
  submission.progress = 'under way'
  try {
    await open(actor, submission, ready)
    for (const [field, label] of input.picked) await again(ready, () => actor.choose(field, label, label))
    const errors = await again(ready, () => actor.submit())
    const title = actor.topView()?.callback_id
    if (title !== 'operation_preview') throw new Error(`The form was not taken: ${JSON.stringify(errors)} ${title}`)
    const send = async () => {
      submission.sentAt ??= Date.now()
      await actor.submit()
    }
    submission.isOnLastPage = true
    if (submission.rival) {
      await waitFor(submission.rival)
      // Once: when a second try arrives, the rival's job may have ended and freed the target.
      await send()
    } else {
      await again(ready, send)
    }
    const left = actor.topView()
    submission.isAcknowledged = left === undefined || left.title.text === 'Started'
    if (left) {
      submission.problem = `${left.title.text}: ${JSON.stringify(left.blocks)}`
      const [, first] = WAS_FIRST.exec(submission.problem) ?? []
      if (first) submission.first = first
    }
  } catch (error) {
    submission.problem = error instanceof Error ? error.message : String(error)
  }
  submission.progress = 'over'
}

/** @throws Error when the rival doesn't get to the last page in time. */
async function waitFor(rival: Submission): Promise<void> {
  const deadline = performance.now() + RIVAL_WITHIN_MS
  while (!rival.isOnLastPage) {
    if (rival.progress === 'over' || performance.now() > deadline) throw new Error('The other person did not come.')
    await delay(20)
  }
}

/** Asks the form's list for the ids of targets: a person who typed a name while there was no list saw none. */
export async function readTargetIds(actor: Actor, submissions: readonly Submission[]): Promise<void> {
  const [first] = submissions
  if (!first) return
  await open(actor, first, async () => {})
  for (const submission of submissions) {
    const { scenario, input } = submission
    const [field = '', label = ''] = input.picked.find(([field]) => field === scenario.idField) ?? []
    submission.id = (await actor.options(field, label)).find(({ text }) => text.text === label)?.value
    if (!submission.id) throw new Error(`${scenario.provider} has no "${label}" any more.`)
  }
  await leave(actor)
}

/** Writes the command, with all that can be typed, until the form is there. */
async function open(actor: Actor, { scenario, input, channel }: Submission, ready: () => Promise<void>): Promise<void> {
  const typed = Object.entries(input.typed).map(([field, text]) => `${field}=${text}`)
  await leave(actor)
  await again(ready, async () => {
    await actor.write(channel, ['/clone-app', scenario.provider, scenario.operation, ...typed].join(' '))
    await actor.waitForView((view) => view.callback_id === 'operation_form', 2_000)
  })
}

/** Tries again what fails: an open form stays open while the bot is down. */
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
