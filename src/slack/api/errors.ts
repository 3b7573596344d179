/** What went wrong with a call to Slack, classified by what to do next. */
import { WebAPIHTTPError, WebAPIPlatformError, WebAPIRateLimitedError, WebAPIRequestError } from '@slack/web-api'
import { wasNeverSent } from '../../errors.js'
import { MAX_PAUSE_MS } from '../limits.js'

/** Not now. `mayHaveHappened` when the message may stand there all the same. */
export class RetryLater extends Error {
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
export class ChannelClosed extends Error {}

/**
 * Slack found fault with something else than the place. `message`: with what the message is made of, and a plainer one may
 * do. `everywhere`: with the token or the workspace, which only its operator can mend, and no other place would do better.
 * `unknown`: Slack's word is new to us, or says nothing of whom to blame.
 */
export class SlackRefusal extends Error {
  readonly code: string
  readonly fault: 'message' | 'everywhere' | 'unknown'

  constructor(code: string, fault: SlackRefusal['fault']) {
    super(`Slack refused a call with "${code}".`)
    this.code = code
    this.fault = fault
  }
}

/*
 * Slack's words, from docs.slack.dev/reference/methods/chat.postMessage, chat.update and conversations.history. What is in
 * none of these lists is `unknown`, and is tried a few times before the place counts as closed.
 */

/** A place that takes no messages of ours, now or later, or a root that is gone. So is each `restricted_action…`. */
const CLOSED_PLACES = new Set([
  'not_in_channel',
  'channel_not_found',
  'is_archived',
  'is_inactive',
  'message_not_found',
  'cant_update_message',
  'thread_not_found',
  'thread_locked',
  'cannot_reply_to_message',
  'user_not_found',
  'user_not_visible',
  'user_disabled',
  'cannot_dm_bot',
  'messages_tab_disabled',
  'method_not_supported_for_channel_type',
  // Asked for a place where the bot is no member; a token that will never do has other words.
  'no_permission',
  'access_denied',
])

const MESSAGE_FAULTS = new Set([
  'invalid_blocks',
  'invalid_blocks_format',
  'msg_blocks_too_long',
  'msg_too_long',
  'no_text',
  'block_mismatch',
  'invalid_attachments',
  'too_many_attachments',
  'markdown_text_conflict',
])

const EVERYWHERE_FAULTS = new Set([
  'invalid_auth',
  'not_authed',
  'not_allowed_token_type',
  'account_inactive',
  'token_revoked',
  'token_expired',
  'user_removed_from_team',
  'team_access_not_granted',
  'missing_scope',
  'org_login_required',
  'team_added_to_org',
  'two_factor_setup_required',
  'enterprise_is_restricted',
  'ekm_access_denied',
  'accesslimited',
  'message_limit_exceeded',
  'deprecated_endpoint',
  'method_deprecated',
])

/** Slack documents both as "some aspect of the operation may have succeeded". */
const BROKEN_INSIDE = new Set(['internal_error', 'fatal_error', 'request_timeout', 'service_unavailable'])

/** How long to wait when Slack rate-limits us without a usable Retry-After, in milliseconds. */
const UNNAMED_WAIT_MS = 30_000

/**
 * @param tries how often this very message ended in doubt before. The more often, the longer it is left alone: while
 *   Slack has an incident, each further try may be one more copy of it.
 */
export function classifySlackError(error: unknown, tries: number): RetryLater | ChannelClosed | SlackRefusal {
  const inDoubt = new RetryLater(inDoubtMs(tries), { mayHaveHappened: true })
  const limitedMs = rateLimitMs(error)
  if (limitedMs !== undefined) return new RetryLater(limitedMs, { mayHaveHappened: false, isRateLimit: true })
  if (error instanceof WebAPIRequestError) {
    return wasNeverSent(error.original) ? new RetryLater(inDoubtMs(tries), { mayHaveHappened: false }) : inDoubt
  }
  if (error instanceof WebAPIHTTPError || !(error instanceof WebAPIPlatformError)) return inDoubt
  // Where Slack names no error there is none here, whatever the client's types say.
  const code = String(error.data.error ?? '')
  // An answer that is no JSON, cut short or a proxy's page, is handed on as if it were the code of an error.
  if (BROKEN_INSIDE.has(code) || !/^[a-z][a-z0-9_]{1,80}$/.test(code)) return inDoubt
  if (CLOSED_PLACES.has(code) || code.startsWith('restricted_action')) return new ChannelClosed(code)
  return new SlackRefusal(
    code,
    MESSAGE_FAULTS.has(code) ? 'message' : EVERYWHERE_FAULTS.has(code) ? 'everywhere' : 'unknown',
  )
}

/**
 * How long Slack wants to be left alone, in milliseconds, if that is what this error says: what was asked for was surely
 * not done. At most a quarter of an hour, whatever the header says.
 */
export function rateLimitMs(error: unknown): number | undefined {
  if (error instanceof WebAPIRateLimitedError) return pauseMs(error.retryAfter)
  if (error instanceof WebAPIPlatformError) {
    return ['ratelimited', 'rate_limited'].includes(error.data.error) ? UNNAMED_WAIT_MS : undefined
  }
  // A 429 whose Retry-After is missing or no number: the client has no class of its own for it.
  const isUnnamed = error instanceof Error && /^Retry header did not contain a valid timeout/.test(error.message)
  const isHttp = error instanceof WebAPIHTTPError && error.statusCode === 429
  return isUnnamed || isHttp ? UNNAMED_WAIT_MS : undefined
}

/** @param seconds of a Retry-After header. */
function pauseMs(seconds: number): number {
  if (!Number.isFinite(seconds) || seconds < 0) return UNNAMED_WAIT_MS
  return Math.min(Math.max(Math.ceil(seconds * 1_000), 1_000), MAX_PAUSE_MS)
}

/** Slack did not answer, or could not right now; a later try may work. */
export function isSlackAway(error: unknown): boolean {
  const isSlacks = [WebAPIRequestError, WebAPIHTTPError, WebAPIPlatformError].some((kind) => error instanceof kind)
  return rateLimitMs(error) !== undefined || (isSlacks && classifySlackError(error, 0) instanceof RetryLater)
}

/** 3 s, then four times as long with every further try, at most five minutes. */
function inDoubtMs(tries: number): number {
  return Math.min(3_000 * 4 ** Math.max(tries, 0), 300_000)
}
