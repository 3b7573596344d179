/** Which conversations have messages that came while another one was open. */
import { useState } from 'react'
import type { Snapshot } from '../../slack/protocol.js'

type Seen = Readonly<Record<string, string>>

export function useUnread({ me, messages }: Snapshot, current: string): ReadonlySet<string> {
  const [seen, setSeen] = useState<{ by: string; until: Seen }>({ by: '', until: {} })
  const newest: Record<string, string> = {}
  for (const { channel, ts, user } of messages) {
    if (user !== me.id && Number(ts) > Number(newest[channel] ?? 0)) newest[channel] = ts
  }

  // At first everything counts as read.
  const until = seen.by === me.id ? seen.until : newest
  const now = newest[current] ?? '0'
  if (seen.by !== me.id || (until[current] ?? '0') !== now) {
    setSeen({ by: me.id, until: { ...until, [current]: now } })
  }
  const unread = Object.entries(newest).filter(([channel, ts]) => Number(ts) > Number(until[channel] ?? 0))
  return new Set(unread.map(([channel]) => channel).filter((channel) => channel !== current))
}
