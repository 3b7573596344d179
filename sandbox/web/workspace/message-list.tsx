/** Messages in the order they were sent, scrolled to the newest or to the one the person was sent to. */
import { Fragment, useEffect, useLayoutEffect, useRef, useState } from 'react'
import type { Message } from '../../slack/protocol.js'
import { useWorkspace } from './context.js'
import { dayName, messageDate } from './dates.js'
import { MessageItem } from './message-item.js'
import { useNow } from './use-now.js'
import type { Highlight } from './use-place.js'

interface MessageListProps {
  label: string
  messages: readonly Message[]
  highlight: Highlight | null
  /** Whether links into threads are shown; inside a thread they aren't. */
  withReplies: boolean
}

/** How near the end, in pixels, counts as reading the newest. */
const NEAR_PX = 80

export function MessageList({ label, messages, highlight, withReplies }: MessageListProps) {
  const list = useRef<HTMLDivElement>(null)
  const isAtEnd = useRef(true)
  const size = useRef('')
  const [hasNew, setHasNew] = useState(false)
  const me = useWorkspace().snapshot.me.id

  // A message that grows by an edit moves the end as well, so this is about size, not about the number of messages.
  useLayoutEffect(() => {
    const element = list.current
    const content = element?.firstElementChild
    if (!element || !content) return
    const follow = () => {
      size.current = sizeOf(element)
      if (isAtEnd.current) element.scrollTop = element.scrollHeight
    }
    follow()
    const grown = new ResizeObserver(follow)
    grown.observe(content)
    grown.observe(element)
    return () => grown.disconnect()
  }, [])

  const newest = messages.at(-1)
  const seen = useRef(newest?.ts)
  useLayoutEffect(() => {
    if (seen.current === newest?.ts) return
    seen.current = newest?.ts
    if (!newest || isAtEnd.current) return
    if (newest.user === me) toEnd(list.current)
    else setHasNew(true)
  }, [newest, me])

  useEffect(() => {
    if (!highlight) return
    const target = list.current?.querySelector<HTMLElement>(`[data-ts="${CSS.escape(highlight.ts)}"]`)
    if (!target) return
    isAtEnd.current = false
    target.scrollIntoView({ block: 'center' })
    target.animate([{ background: '#fff3c4' }, { background: '#fff3c4', offset: 0.6 }, {}], 2500)
  }, [highlight])

  const now = useNow()
  const days = messages.map(({ ts }) => dayName(messageDate(ts), now))
  return (
    <div className="messages-frame">
      <div
        ref={list}
        className="messages"
        role="log"
        // The announcer says new messages.
        aria-live="off"
        aria-label={label}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        onScroll={({ currentTarget: element }) => {
          // The browser scrolls by itself when sizes change; only the person's own scrolling shows what they want to see.
          if (sizeOf(element) !== size.current) return
          isAtEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX
          if (isAtEnd.current) setHasNew(false)
        }}
      >
        <div className="messages-content">
          {messages.length === 0 && <p className="beginning">No messages yet.</p>}
          {messages.map((message, index) => (
            <Fragment key={`${message.ts} ${message.isEphemeral}`}>
              {withReplies && days[index] !== days[index - 1] && (
                <p className="day">
                  <span>{days[index]}</span>
                </p>
              )}
              <MessageItem message={message} withReplies={withReplies} />
            </Fragment>
          ))}
        </div>
      </div>
      {hasNew && (
        <button
          type="button"
          className="new-messages"
          onClick={() => {
            toEnd(list.current)
            list.current?.focus()
          }}
        >
          <span aria-hidden="true">↓</span> New messages
        </button>
      )}
    </div>
  )
}

function toEnd(list: HTMLElement | null) {
  if (list) list.scrollTop = list.scrollHeight
}

function sizeOf({ scrollHeight, clientHeight, clientWidth }: HTMLElement): string {
  return [scrollHeight, clientHeight, clientWidth].join()
}
