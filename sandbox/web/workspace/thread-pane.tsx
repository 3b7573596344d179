/** The thread that is open: its root, its replies as they come, and the box to answer in. */
import type { Message } from '../../slack/protocol.js'
import { post, sentenceOf } from './api.js'
import { Composer } from './composer.js'
import { useWorkspace } from './context.js'
import { MessageList } from './message-list.js'
import type { Highlight } from './use-place.js'

interface ThreadPaneProps {
  root: Message
  highlight: Highlight | null
  onClose(): void
}

export function ThreadPane({ root, highlight, onClose }: ThreadPaneProps) {
  const { snapshot, notify } = useWorkspace()
  const { me, channels } = snapshot
  const channel = channels.find(({ id }) => id === root.channel)
  const replies = snapshot.messages.filter(
    (message) => message.channel === root.channel && message.threadTs === root.ts && message.ts !== root.ts,
  )

  async function send(text: string): Promise<boolean> {
    if (text.startsWith('/')) {
      notify('Slash commands do not work in threads. Type it in the channel.')
      return false
    }
    return post('message', { user: me.id, channel: root.channel, text, threadTs: root.ts }).then(
      () => true,
      (error: unknown) => {
        notify(sentenceOf(error))
        return false
      },
    )
  }

  return (
    <section className="pane thread" aria-label="Thread">
      <header className="pane-head">
        <h2>Thread</h2>
        <p>{channel?.isDirect ? channel.name : `#${channel?.name ?? ''}`}</p>
        <button type="button" className="icon-button" aria-label="Close thread" onClick={onClose}>
          ×
        </button>
      </header>
      <MessageList label="Replies" messages={[root, ...replies]} highlight={highlight} withReplies={false} />
      <Composer label="Reply to thread" onSend={send} withCommands={false} />
    </section>
  )
}
