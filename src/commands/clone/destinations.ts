/** Where a thread can go: to the person's own messages, or to a channel that Slack confirms they are in. */
import type { Asker } from '../../access/rules.js'
import { within } from '../../lib/within.js'
import { HERE_PLACE, MINE_PLACE } from '../../slack/form/channel.js'
import type { Services } from '../services.js'

/** How long Slack may take to list somebody's channels, in milliseconds: their submission needs an answer in three seconds. */
const CONFIRM_TIMEOUT_MS = 800

const ALTERNATIVES = 'Choose the channel where you typed the command, or your direct messages.'

/**
 * The conversation that was chosen, or a sentence on why no thread can go there. The choice comes from the person's client,
 * which could name anybody's channel; where the command was typed is in `asker`.
 */
export async function resolveDestination(
  services: Pick<Services, 'people' | 'log'>,
  { id, otherIds = [], channel: askedIn }: Asker,
  chosen: string,
): Promise<{ channel: string } | { problem: string }> {
  if (chosen === HERE_PLACE && askedIn === null) {
    return {
      problem: 'I no longer know where you typed the command. Choose another place, or start again with /clone-app.',
    }
  }
  const place = chosen === HERE_PLACE ? askedIn : chosen
  const isHere = place === askedIn
  // Without the right to read messages nobody can tell whose direct message an id is, so each means the person's own.
  const isOwn = [MINE_PLACE, id, ...otherIds].includes(place ?? '') || /^D/.test(chosen)
  if (place === null || (isOwn && !isHere)) return { channel: id }

  const found = await within(CONFIRM_TIMEOUT_MS, services.people.channelStatus(id, place)).catch((error: unknown) => {
    services.log.error({ err: error, user: id }, 'could not list the channels of a person')
    return undefined
  })
  if (found === 'shared') {
    return { problem: "This channel is shared with another company, so I can't post there. Choose another place." }
  }
  if (found === 'joined' || isHere) return { channel: place }
  if (found === undefined) {
    return { problem: `Slack didn't say whether you're in this channel. Try again in a moment. ${ALTERNATIVES}` }
  }
  return { problem: `I can't see that you're in this channel. ${ALTERNATIVES}` }
}
