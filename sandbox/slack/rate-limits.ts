/** How much Slack takes: a message a second in each channel with short bursts, and fifty edits in any minute. */

export interface RateLimits {
  /** Takes one call and answers 0, or takes nothing and answers after how many milliseconds it would. */
  spend(method: string, channel: string): number
}

const POST_BURST = 5
const POST_EVERY_MS = 1_000
/** Two calls may arrive closer together than they were sent, so a call that comes too early by this much is allowed. */
const TOLERANCE = 0.2
const EDITS_PER_MINUTE = 50
const MINUTE_MS = 60_000

export function createRateLimits(now: () => number = () => performance.now()): RateLimits {
  const posts = new Map<string, { left: number; asOf: number }>()
  const edits: number[] = []

  function spendPost(channel: string): number {
    const at = now()
    const { left, asOf } = posts.get(channel) ?? { left: POST_BURST, asOf: at }
    const there = Math.min(POST_BURST, left + (at - asOf) / POST_EVERY_MS)
    if (there < 1 - TOLERANCE) return (1 - there) * POST_EVERY_MS
    posts.set(channel, { left: there - 1, asOf: at })
    return 0
  }

  function spendEdit(): number {
    const at = now()
    while ((edits[0] ?? at) <= at - MINUTE_MS) edits.shift()
    const [oldest = at] = edits
    if (edits.length >= EDITS_PER_MINUTE) return oldest + MINUTE_MS - at
    edits.push(at)
    return 0
  }

  return {
    spend(method, channel) {
      if (method === 'chat.postMessage') return spendPost(channel)
      return method === 'chat.update' ? spendEdit() : 0
    },
  }
}
