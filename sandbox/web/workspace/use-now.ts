/** The present time by the demo's clocks, which may be ahead of the browser's. */
import { useWorkspace } from './context.js'

export function useNow(): Date {
  const { time } = useWorkspace().snapshot
  return new Date(Date.now() + (time?.aheadMs ?? 0))
}
