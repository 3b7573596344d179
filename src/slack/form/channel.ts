/** Pure: the question of the form where updates go. */
import type { InputBlock } from '@slack/types'
import { isChannel } from '../../lib/channel.js'
import { plain } from '../blocks.js'
import { option } from './options.js'
import type { FormState } from './state.js'

/** Field keys can't begin with an underscore, so this block never collides with an operation's own. */
export const CHANNEL_BLOCK = '_channel'
/** Destinations besides ids of conversations: where the form was opened, and the person's direct messages with Dolly. */
export const HERE_PLACE = 'here'
export const MINE_PLACE = 'mine'

/**
 * Where updates go. Channels are offered only if Slack can tell whether the person is in them; otherwise there are the two
 * places that need no check.
 */
export function channelInput({ channel, choosableChannels = 'none', place = 'here' }: FormState): InputBlock {
  const isInChannel = isChannel(channel)
  const input = { type: 'input', block_id: CHANNEL_BLOCK, label: plain('Post updates to') } as const
  const what = 'One message shows progress; its thread says what needs you.'
  if (choosableChannels === 'none') {
    const here = option({ value: HERE_PLACE, label: 'Where I typed the command' })
    const mine = option({ value: MINE_PLACE, label: 'My direct messages' })
    // Opened from the Home tab, nothing was typed anywhere.
    const options = isInChannel ? [here, mine] : [mine]
    const hint = isInChannel ? `${what} If I'm not in the channel, both go to your direct messages.` : what
    return {
      ...input,
      hint: plain(hint),
      element: {
        type: 'static_select',
        action_id: 'place',
        options,
        initial_option: isInChannel && place === 'here' ? here : mine,
      },
    }
  }
  const hint = `${what} Choose a channel you're in. If I'm not in it, or if you choose a direct message, both go to your direct messages with me.`
  return {
    ...input,
    hint: plain(hint),
    element: {
      type: 'conversations_select',
      action_id: 'channel',
      ...(choosableChannels === 'inside' ? { filter: { exclude_external_shared_channels: true } } : {}),
      ...(channel === '' ? { default_to_current_conversation: true } : { initial_conversation: channel }),
    },
  }
}
