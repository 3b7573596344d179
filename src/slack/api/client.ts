/** How the bot's own client of the Web API is set up, everywhere. */
import type { Logger, WebClientOptions } from '@slack/web-api'

/**
 * The client's own retries are off because it would repeat a message whose answer was lost, and post it twice. A 429 is
 * handed on at once: the client would rather pause all its calls, those to other channels too.
 *
 * @param logger where it complains; without one it would print past the log and what that strikes out.
 */
export function clientOptions(slackApiUrl: string, logger: Logger): WebClientOptions {
  return { slackApiUrl, logger, retryConfig: { retries: 0 }, rejectRateLimitedCalls: true, timeout: 10_000 }
}
