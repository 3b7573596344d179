/** One sentence to the person, gone after a while. */
import { useCallback, useEffect, useState } from 'react'

const SHOWN_MS = 8000

export function useNotice() {
  const [notice, setNotice] = useState<{ sentence: string } | null>(null)

  useEffect(() => {
    if (!notice) return
    const timer = setTimeout(() => setNotice(null), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [notice])

  // A new object each time, so that a repeated sentence is shown for its full time again.
  const notify = useCallback((sentence: string) => setNotice({ sentence }), [])
  return { notice: notice?.sentence ?? null, notify }
}
