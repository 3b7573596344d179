/** How the bot's own client of the Web API is set up, everywhere. */
import type { WebClientOptions } from '@slack/web-api'

/**
 * The client's own retries are off because it would repeat a message whose answer was lost, and post it twice. A 429 is
 * handed on at once: the client would rather pause all its calls, those to other channels too.
 */
export function clientOptions(slackApiUrl: string): WebClientOptions {
  return { slackApiUrl, retryConfig: { retries: 0 }, rejectRateLimitedCalls: true, timeout: 10_000 }
}
