/** Where a thread may go: the place is the person's own, or one that Slack confirms they are in. */
import type { Asker } from '../../access/rules.js'
import { HERE_PLACE, MINE_PLACE } from '../../slack/form/view.js'
import { type Services, within } from '../services.js'

/** How long Slack may take to say in which channels somebody is, in milliseconds: an answer is due in three seconds. */
const CONFIRM_TIMEOUT_MS = 800

const ALTERNATIVES = 'Choose the channel where you typed the command, or your direct messages.'

/**
 * The conversation that was meant, or the sentence on why no thread goes there. What was chosen comes through the person's
 * client, which could name anybody's channel; where the command was typed is known from the asker.
 */
export async function resolveDestination(
  services: Pick<Services, 'people' | 'log'>,
  { id, otherIds = [], channel: askedIn }: Asker,
  chosen: string,
): Promise<{ channel: string } | { problem: string }> {
  if (chosen === HERE_PLACE && askedIn === null) {
    const problem =
      'Dolly no longer knows where you typed the command. Choose your direct messages, or start again with /clone-app.'
    return { problem }
  }
  const place = chosen === HERE_PLACE ? askedIn : chosen
  const isHere = place === askedIn
  // Whose direct message one is cannot be asked without reading messages, so each means the person's own.
  const isOwn = [MINE_PLACE, id, ...otherIds].includes(place ?? '') || /^D/.test(chosen)
  if (place === null || (isOwn && !isHere)) return { channel: id }

  const found = await within(CONFIRM_TIMEOUT_MS, services.people.channelStatus(id, place)).catch((error: unknown) => {
    services.log.error({ err: error, user: id }, 'Slack did not say in which channels somebody is')
    return undefined
  })
  if (found === 'shared') {
    return {
      problem: 'This channel is shared with another company, and Dolly may not post there. Choose another place.',
    }
  }
  if (found === 'theirs' || isHere) return { channel: place }
  if (found === undefined) {
    return { problem: `Slack didn’t say whether you are in this channel. Try again in a moment. ${ALTERNATIVES}` }
  }
  return { problem: `Slack doesn’t list you in this channel, as far as Dolly can see. ${ALTERNATIVES}` }
}
