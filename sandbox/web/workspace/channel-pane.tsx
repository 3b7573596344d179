/** The middle column: a conversation's messages and the box to write in. */
import type { Channel } from '../../slack/protocol.js'
import { post, sentenceOf } from './api.js'
import { Composer } from './composer.js'
import { useWorkspace } from './context.js'
import { MessageList } from './message-list.js'
import type { Highlight } from './use-place.js'

export function ChannelPane({ channel, highlight }: { channel: Channel; highlight: Highlight | null }) {
  const { snapshot, notify } = useWorkspace()
  const { me, bot } = snapshot
  const name = channel.isDirect ? bot.name : channel.name
  const shown = channel.isDirect ? name : `#${name}`
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
    <main className="pane" aria-label={shown}>
      <header className="pane-head">
        <h1>
          {!channel.isDirect && <span className="hash">#</span>}
          {name}
          {channel.isDirect && <span className="app-badge">APP</span>}
        </h1>
        <p>{channel.topic}</p>
      </header>
      <MessageList label={`Messages in ${shown}`} messages={messages} highlight={highlight} withReplies />
      {!channel.isDirect && !channel.botIsMember && (
        <p className="invite">
          {bot.name} is not in this channel.
          <button type="button" className="button" onClick={() => send(`/invite @${bot.name}`)}>
            Invite @{bot.name}
          </button>
        </p>
      )}
      <Composer label={`Message ${shown}`} onSend={send} withCommands />
    </main>
  )
}
