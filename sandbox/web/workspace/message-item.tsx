/** One message: who, when, what, and the way into its thread. */
import { useMemo } from 'react'
import type { Message } from '../../slack/protocol.js'
import { Blocks } from '../blocks/blocks.js'
import { SurfaceContext } from '../blocks/surface.js'
import type { Block } from '../blocks/types.js'
import { Avatar } from './avatar.js'
import { useWorkspace } from './context.js'
import { clockTime, formatDate, messageDate } from './dates.js'
import { MessageExtras } from './message-extras.js'
import { MessageTools } from './message-tools.js'
import { spoken } from './plain.js'
import { useMessageSurface } from './use-message-surface.js'
import { useNow } from './use-now.js'

export function MessageItem({ message, withReplies }: { message: Message; withReplies: boolean }) {
  const { snapshot, open } = useWorkspace()
  const { people, bot } = snapshot
  const { ts, channel, isEphemeral, isEdited, replyCount, text } = message
  const person = people.find(({ id }) => id === message.user)
  // Slackbot answers commands that no app has.
  const isDolly = message.user === bot.id
  const author = person?.realName ?? (isDolly ? bot.name : 'Slackbot')
  const sent = messageDate(ts)
  const now = useNow()
  const blocks = useMemo(() => {
    if (message.blocks.length > 0) return message.blocks
    return text === '' ? [] : [{ type: 'section', text: { type: 'mrkdwn', text } }]
  }, [message.blocks, text]) as readonly Block[]
  const surface = useMessageSurface(message, blocks)
  const openThread = () => open({ channel, threadTs: ts })

  return (
    <article
      className={`message${isEphemeral ? ' is-ephemeral' : ''}`}
      data-ts={ts}
      aria-label={`${author}: ${spoken(text, snapshot)}`}
    >
      <Avatar name={author} isBot={isDolly} />
      <div className="message-body">
        {isEphemeral && <p className="only-you">Only visible to you</p>}
        <header className="message-head">
          <strong>{author}</strong>
          {isDolly && <span className="app-badge">APP</span>}
          <time dateTime={sent.toISOString()} title={formatDate(sent, '{date_long} at {time_secs}', now)}>
            {clockTime(sent)}
          </time>
        </header>
        <SurfaceContext value={surface}>
          <Blocks blocks={blocks} />
        </SurfaceContext>
        <MessageExtras message={message} />
        {isEdited && <span className="edited">(edited)</span>}
        {withReplies && replyCount > 0 && (
          <button type="button" className="replies" onClick={openThread}>
            {replyCount === 1 ? '1 reply' : `${replyCount} replies`}
          </button>
        )}
      </div>
      {!isEphemeral && <MessageTools message={message} onReply={withReplies ? openThread : undefined} />}
    </article>
  )
}
