/** What went wrong with a call to Slack, sorted by what is to be done about it. */
import { WebAPIHTTPError, WebAPIPlatformError, WebAPIRateLimitedError, WebAPIRequestError } from '@slack/web-api'
import { wasNeverSent } from '../errors.js'

/** Not now. `mayHaveHappened` when the message may stand there all the same. */
export class Wait extends Error {
  readonly ms: number
  readonly mayHaveHappened: boolean
  /** Slack itself asked for it: others that want the same should wait too. */
  readonly isRateLimit: boolean

  constructor(ms: number, details: { mayHaveHappened: boolean; isRateLimit?: boolean }) {
    super(`Wait ${ms} ms.`)
    this.ms = ms
    this.mayHaveHappened = details.mayHaveHappened
    this.isRateLimit = details.isRateLimit ?? false
  }
}

/** Not here, now or later. */
export class Closed extends Error {}

/** Slack found fault with the message or with us. */
export class Refused extends Error {
  readonly code: string

  constructor(code: string) {
    super(`Slack refused a call with "${code}".`)
    this.code = code
  }
}

/** Slack's words for a place that takes no messages of ours, now or later, or a root that is gone. */
const closedPlaces = new Set([
  'not_in_channel',
  'channel_not_found',
  'is_archived',
  'message_not_found',
  'cant_update_message',
  'thread_not_found',
  'cannot_reply_to_message',
  'user_not_found',
  'user_disabled',
  'cannot_dm_bot',
  'messages_tab_disabled',
])

/** Slack documents both as "some aspect of the operation may have succeeded". */
const brokenInside = new Set(['internal_error', 'fatal_error', 'request_timeout', 'service_unavailable'])

/** Slack names no time with these words. */
const unnamedWaitMs = 30_000

/**
 * @param tries how often this very message ended in doubt before. The more often, the longer it is left alone: while
 *   Slack has an incident, each further try may be one more copy of it.
 */
export function sorted(error: unknown, tries: number): Wait | Closed | Refused {
  const inDoubt = new Wait(inDoubtMs(tries), { mayHaveHappened: true })
  if (error instanceof WebAPIRateLimitedError) {
    return new Wait(error.retryAfter * 1000, { mayHaveHappened: false, isRateLimit: true })
  }
  if (error instanceof WebAPIRequestError) {
    return wasNeverSent(error.original) ? new Wait(inDoubtMs(tries), { mayHaveHappened: false }) : inDoubt
  }
  if (error instanceof WebAPIHTTPError || !(error instanceof WebAPIPlatformError)) return inDoubt
  const code = error.data.error
  if (code === 'ratelimited' || code === 'rate_limited') {
    return new Wait(unnamedWaitMs, { mayHaveHappened: false, isRateLimit: true })
  }
  // An answer that is no JSON, cut short or a proxy's page, is handed on as if it were the code of an error.
  if (brokenInside.has(code) || !/^[a-z_]+$/.test(code)) return inDoubt
  return closedPlaces.has(code) || code.startsWith('restricted_action') ? new Closed(code) : new Refused(code)
}

/** 3 s, then four times as long with every further try, at most five minutes. */
function inDoubtMs(tries: number): number {
  return Math.min(3_000 * 4 ** Math.max(tries, 0), 300_000)
}
