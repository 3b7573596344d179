/** The middle column for a channel. */
import type { Channel } from '../../slack/protocol.js'
import { Conversation } from './conversation.js'
import type { Highlight } from './use-place.js'

export function ChannelPane({ channel, highlight }: { channel: Channel; highlight: Highlight | null }) {
  return (
    <main className="pane" aria-label={`#${channel.name}`}>
      <header className="pane-head">
        <h1>
          <span className="hash">#</span>
          {channel.name}
        </h1>
        <p>{channel.topic}</p>
      </header>
      <Conversation channel={channel} highlight={highlight} />
    </main>
  )
}
