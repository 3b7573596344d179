/** How often Slack may be called: a rate limit per method and channel, and one per method in the workspace. */
import type { Log } from '../../lib/log.js'
import type { Pace, Paces } from '../../lib/paces.js'
import { MAX_PAUSE_MS } from '../limits.js'

type Rate = Omit<Pace, 'name'>

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

/** Slack's limits over a count that all processes of the workspace share. */
export function createRateLimits(paces: Paces, log: Pick<Log, 'warn'>): RateLimits {
  return {
    spend: (method, channel) => paces.take(pacesOf(method, channel), channel),
    pause: async (method, channel, ms) => {
      await paces
        .pause(pacesOf(method, channel), Math.min(ms, MAX_PAUSE_MS))
        .catch((error) => log.warn({ err: error, method }, "that Slack wants a pause couldn't be noted"))
    },
  }
}

/** The narrowest first. */
function pacesOf(method: Method, channel: string): Pace[] {
  const rate = rates[method]
  const inChannel = 'channel' in rate ? [{ name: `${method} ${channel}`, ...rate.channel }] : []
  return [...inChannel, { name: method, ...rate.workspace }]
}
