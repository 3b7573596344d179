/** How often Slack may be called: a rate limit per method and channel, and one per method in the workspace. */
import type { Log } from '../../lib/log.js'
import type { RateLimit, RateLimiter } from '../../lib/rate-limiter.js'
import { MAX_PAUSE_MS } from '../limits.js'

type Rate = Omit<RateLimit, 'name'>

/**
 * How often the methods we use may be called, in one channel and in all of a workspace together. From
 * docs.slack.dev/apis/web-api/rate-limits: a message a second in a channel with short bursts above it and several hundred
 * a minute in a workspace; tier 3 is fifty a minute and tier 4 a hundred, here so that no minute has more with its burst.
 */
const rates = {
  'chat.postMessage': { channel: { perMinute: 60, burst: 4 }, workspace: { perMinute: 240, burst: 20 } },
  'chat.update': { workspace: { perMinute: 45, burst: 5 } },
  'conversations.history': { workspace: { perMinute: 45, burst: 5 } },
  'conversations.replies': { workspace: { perMinute: 45, burst: 5 } },
  'views.publish': { workspace: { perMinute: 80, burst: 20 } },
} as const satisfies Record<string, { channel?: Rate; workspace: Rate }>

export type Method = keyof typeof rates

export interface RateLimits {
  /** Takes one call and answers 0, or takes nothing and answers in how many milliseconds to ask again. */
  spend(method: Method, channel: string): Promise<number>
  /** Slack said that there were too many calls. Never rejects: if it can't be noted, Slack says so again. */
  pause(method: Method, channel: string, ms: number): Promise<void>
}

/** Slack's limits; the limiter counts for all processes of the workspace. */
export function createRateLimits(rateLimiter: RateLimiter, log: Pick<Log, 'warn'>): RateLimits {
  return {
    spend: (method, channel) => rateLimiter.take(limitsOf(method, channel), channel),
    pause: async (method, channel, ms) => {
      await rateLimiter
        .pause(limitsOf(method, channel), Math.min(ms, MAX_PAUSE_MS))
        .catch((error) => log.warn({ err: error, method }, "Slack's rate limit could not be saved"))
    },
  }
}

/** The narrowest first. */
function limitsOf(method: Method, channel: string): RateLimit[] {
  const rate = rates[method]
  const inChannel = 'channel' in rate ? [{ name: `${method} ${channel}`, ...rate.channel }] : []
  return [...inChannel, { name: method, ...rate.workspace }]
}
