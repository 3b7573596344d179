/** Publishes Home tabs, within Slack's rate limit. */
import type { HomeView } from '@slack/types'
import { classifySlackError, RetryLaterError, slackErrorCode } from './errors.js'
import type { RateLimits } from './rate-limits.js'

/** The part of Slack's client that publishes. */
export interface HomeViews {
  publish(edit: { user_id: string; view: HomeView; hash?: string }): Promise<{ view?: { hash?: string } }>
}

/** How long to wait while this process may have lost its claims, in milliseconds. */
const UNSURE_WAIT_MS = 1_000

/**
 * Replaces what a person's Home tab shows. With a hash, only if it still shows the view with that hash; else the answer is
 * `conflict`, and somebody else was faster.
 *
 * @throws RetryLaterError while Slack takes none, or SlackRefusalError.
 */
export type ShowHome = (
  person: string,
  view: HomeView,
  hash: string | null,
) => Promise<{ hash: string | null } | 'conflict'>

/** @param mayWork see `Membership`: while it's false, another process may know more. */
export function createShowHome(views: HomeViews, rateLimits: RateLimits, mayWork = () => true): ShowHome {
  return async (person, view, hash) => {
    const waitMs = mayWork() ? await rateLimits.spend('views.publish', person) : UNSURE_WAIT_MS
    if (waitMs > 0) throw new RetryLaterError(waitMs, { mayHaveHappened: false })
    try {
      const answer = await views.publish({ user_id: person, view, ...(hash === null ? {} : { hash }) })
      return { hash: answer.view?.hash ?? null }
    } catch (error) {
      if (slackErrorCode(error) === 'hash_conflict') return 'conflict'
      const failure = classifySlackError(error, 0)
      if (failure instanceof RetryLaterError && failure.isRateLimit)
        await rateLimits.pause('views.publish', person, failure.ms)
      throw failure
    }
  }
}
