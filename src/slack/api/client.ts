/** The options of our Web API client, the same everywhere. */
import type { Logger, WebClientOptions } from '@slack/web-api'
import { type Meter, noMeter } from '../../metrics/meter.js'

/**
 * The client's own retries are off: it would repeat a message whose answer was lost, and post it twice. A 429 is passed on
 * at once, because the client would pause all its calls, also those to other channels.
 *
 * @param logger without one the client prints to the console, past our log and its redaction.
 */
export function clientOptions(slackApiUrl: string, logger: Logger, meter: Meter = noMeter): WebClientOptions {
  const counting: typeof fetch = async (...request) => {
    const answer = await fetch(...request)
    if (answer.status === 429) meter.rateLimited({ service: 'slack', connection: '' })
    return answer
  }
  return {
    slackApiUrl,
    logger,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    timeout: 10_000,
    fetch: counting,
  }
}
