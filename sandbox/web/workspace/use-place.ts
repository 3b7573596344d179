/** Where in the workspace the person is: conversation, thread, and the message they were sent to. */
import { useCallback, useLayoutEffect, useRef, useState } from 'react'
import type { Channel, HomeTab, Snapshot } from '../../slack/protocol.js'
import type { Permalink } from './permalink.js'

/** A message to be shown to the person; a new object for every jump, also to the same message. */
export interface Highlight {
  ts: string
}

interface Place {
  channel: string | null
  /** Of the app's home, if that is open. */
  tab: HomeTab
  threadTs: string | null
  highlight: Highlight | null
}

export function usePlace(snapshot: Snapshot | null, start: Permalink | null, notify: (sentence: string) => void) {
  const [place, setPlace] = useState<Place>({ channel: null, tab: 'home', threadTs: null, highlight: null })
  const [isStarted, setStarted] = useState(false)
  // Stable across snapshots, so that the links that call `open` aren't all rendered again.
  const latest = useRef(snapshot)
  useLayoutEffect(() => {
    latest.current = snapshot
  }, [snapshot])

  const open = useCallback(
    (link: Permalink) => {
      const next = latest.current && placeOf(latest.current, link)
      if (next) setPlace((last) => ({ ...next, threadTs: keptThread(last, next, link) }))
      else notify('You cannot see that conversation.')
    },
    [notify],
  )

  if (snapshot && !isStarted) {
    setStarted(true)
    const first = start && placeOf(snapshot, start)
    if (first) setPlace(first)
  }

  const channel: Channel | null =
    snapshot?.channels.find(({ id }) => id === place.channel) ?? snapshot?.channels[0] ?? null
  const closeThread = useCallback(() => setPlace((last) => ({ ...last, threadTs: null })), [])
  const openTab = useCallback((tab: HomeTab) => setPlace((last) => ({ ...last, tab, threadTs: null })), [])
  const { tab, threadTs, highlight } = place
  return { channel, tab, threadTs, highlight, open, openTab, closeThread }
}

/** An address of a message outside of threads leaves an open thread of the same channel open. */
function keptThread(last: Place, next: Place, link: Permalink): string | null {
  return next.threadTs ?? (link.ts !== undefined && last.channel === next.channel ? last.threadTs : null)
}

function placeOf({ app, channels, messages }: Snapshot, { channel, ts, threadTs }: Permalink): Place | null {
  if (!channels.some(({ id }) => id === channel)) return null
  const tab = app.hasHome && ts === undefined && threadTs === undefined ? 'home' : 'messages'
  if (ts === undefined) return { channel, tab, threadTs: threadTs ?? null, highlight: null }
  const message = messages.find((one) => one.channel === channel && one.ts === ts)
  const isRoot = message !== undefined && message.replyCount > 0
  return { channel, tab, threadTs: threadTs ?? message?.threadTs ?? (isRoot ? ts : null), highlight: { ts } }
}
