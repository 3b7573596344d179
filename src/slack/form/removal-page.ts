/** Pure: the page that asks whether something should be deleted. */
import type { ModalView } from '@slack/types'
import { z } from 'zod'
import type { Job } from '../../domain/job.js'
import type { Connection } from '../../providers/provider.js'
import { context, plain, section } from '../blocks.js'
import { limits } from '../limits.js'
import { dateAndTime, mrkdwn, mrkdwnWithin, ownName } from '../text.js'
import { whereTo } from './view.js'

export const REMOVAL_CALLBACK = 'removal'

/** The state that the page carries. It passes through the person's client: the job is read and checked again. */
export const RemovalState = z.object({
  job: z.string().max(20),
  /** Key of the row that says where it was opened. */
  opening: z.string().max(100),
  /** Whether the job runs again afterwards. */
  isForRetry: z.boolean(),
})
export type RemovalState = z.infer<typeof RemovalState>

/**
 * Names what is deleted in full, what goes with it, and who had it made.
 *
 * @param about.loses the provider's sentences about what is lost.
 * @param about.notes paragraphs of mrkdwn, such as who must approve.
 * @param about.opening the key of where it is opened.
 * @param about.isForRetry whether the job runs again afterwards.
 */
export function removalPage(
  { id, target, requester, createdAt, state }: Job,
  { name: connection, provider }: Connection,
  about: { loses: string; notes: readonly string[]; opening: string; isForRetry: boolean },
): ModalView {
  const { loses, notes, opening, isForRetry } = about
  const carried: RemovalState = { job: id, opening, isForRetry }
  const left = state === 'succeeded' ? '' : "The job didn't succeed, so this deletes what it left behind. "
  return {
    type: 'modal',
    callback_id: REMOVAL_CALLBACK,
    private_metadata: JSON.stringify(carried),
    title: plain(isForRetry ? 'Delete and try again' : 'Delete a clone'),
    submit: plain(isForRetry ? 'Delete and try again' : submitLabel(target)),
    close: plain('Keep it'),
    blocks: [
      section(`⚠️ *This deletes ${mrkdwnWithin(limits.sectionText - 30, target)}*`),
      whereTo(connection, provider.name),
      section(`*What's lost*\n${left}${mrkdwnWithin(2_500, loses)} I can't bring it back.`),
      ...(isForRetry
        ? [section("*Then*\nWhen it's gone, the job runs again from the start, with the same answers.")]
        : []),
      ...notes.map((note) => section(note)),
      context(`Started by <@${requester}> ${dateAndTime(createdAt)}  ·  job \`${mrkdwn(id)}\``),
    ],
  }
}

/** A name that the button has no room for is on the page itself. */
function submitLabel(target: string): string {
  const label = `Delete ${ownName(target)}`
  return label.length <= limits.modalTitle ? label : 'Delete it'
}
