/** The workspace as one person sees it, live over the sandbox's event stream. */
import { useEffect, useState } from 'react'
import type { Snapshot } from '../../slack/protocol.js'
import { share } from './share.js'

export interface Live {
  /** Null until the first event. While another person's stream opens, the last snapshot stays. */
  snapshot: Snapshot | null
  isConnected: boolean
}

/** Follows the stream of this person, or of the workspace's first person while none is chosen. */
export function useSnapshot(user: string | null): Live {
  const [live, setLive] = useState<Live>({ snapshot: null, isConnected: true })

  useEffect(() => {
    const query = user === null ? '' : `?user=${encodeURIComponent(user)}`
    const events = new EventSource(`/sandbox/events${query}`)
    events.onmessage = ({ data }: MessageEvent<string>) => {
      setLive((last) => ({ snapshot: share(last.snapshot, JSON.parse(data) as Snapshot), isConnected: true }))
    }
    // The browser reconnects by itself; only the banner is ours.
    events.onerror = () => setLive((last) => ({ ...last, isConnected: false }))
    return () => events.close()
  }, [user])

  return live
}
