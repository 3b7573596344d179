/** A conversation's messages and the box to write in. */
import type { Channel } from '../../slack/protocol.js'
import { post, sentenceOf } from './api.js'
import { Composer } from './composer.js'
import { useWorkspace } from './context.js'
import { MessageList } from './message-list.js'
import type { Highlight } from './use-place.js'

export function Conversation({ channel, highlight }: { channel: Channel; highlight: Highlight | null }) {
  const { snapshot, notify } = useWorkspace()
  const { me, bot, app } = snapshot
  const shown = channel.isDirect ? bot.name : `#${channel.name}`
  const messages = snapshot.messages.filter(
    ({ channel: id, ts, threadTs }) => id === channel.id && (threadTs === undefined || threadTs === ts),
  )

  function send(text: string): Promise<boolean> {
    const path = text.startsWith('/') ? 'command' : 'message'
    return post(path, { user: me.id, channel: channel.id, text }).then(
      () => true,
      (error: unknown) => {
        notify(sentenceOf(error))
        return false
      },
    )
  }

  return (
    <>
      <MessageList label={`Messages in ${shown}`} messages={messages} highlight={highlight} withReplies />
      {!channel.isDirect && !channel.botIsMember && (
        <p className="invite">
          {bot.name} is not in this channel.
          <button type="button" className="button" onClick={() => send(`/invite @${bot.name}`)}>
            Invite @{bot.name}
          </button>
        </p>
      )}
      {channel.isDirect && app.isReadOnly ? (
        <p className="read-only">Sending messages to this app has been turned off.</p>
      ) : (
        <Composer label={`Message ${shown}`} onSend={send} withCommands />
      )}
    </>
  )
}
