/** What went wrong with a call to Slack, classified by what to do next. */
import { WebAPIHTTPError, WebAPIPlatformError, WebAPIRateLimitedError, WebAPIRequestError } from '@slack/web-api'
import { z } from 'zod'
import { wasNeverSent } from '../../errors.js'
import { MAX_PAUSE_MS } from '../limits.js'

/** Slack can't do it now. `mayHaveHappened` if the message may have been posted all the same. */
export class RetryLaterError extends Error {
  /** How long to wait, in milliseconds. */
  readonly ms: number
  readonly mayHaveHappened: boolean
  /** Whether Slack asked for the wait: other calls of the method should wait too. */
  readonly isRateLimit: boolean

  constructor(ms: number, details: { mayHaveHappened: boolean; isRateLimit?: boolean }) {
    super(`Slack can't do this now. Retry in ${ms} ms.`)
    this.ms = ms
    this.mayHaveHappened = details.mayHaveHappened
    this.isRateLimit = details.isRateLimit ?? false
  }
}

/** This channel takes no messages of ours, now or later. `mayHaveHappened` if this one stands in it all the same. */
export class ChannelClosedError extends Error {
  readonly mayHaveHappened: boolean

  constructor(message: string, { mayHaveHappened = false } = {}) {
    super(message)
    this.mayHaveHappened = mayHaveHappened
  }
}

/**
 * Slack refused a call for a reason other than the channel. `message`: the content is at fault, and a plainer message may
 * work. `everywhere`: token or workspace are at fault; only the operator can fix that, and another channel would not help.
 * `unknown`: the error code is new to us, or doesn't say what is at fault.
 */
export class SlackRefusalError extends Error {
  readonly code: string
  readonly fault: 'message' | 'everywhere' | 'unknown'

  constructor(code: string, fault: SlackRefusalError['fault']) {
    super(`Slack refused a call with "${code}".`)
    this.code = code
    this.fault = fault
  }
}

/*
 * Slack's error codes, from docs.slack.dev/reference/methods/chat.postMessage, chat.update and conversations.history. Codes
 * in none of these lists are `unknown`: they are retried a few times before the channel counts as closed.
 */

/** The channel takes no messages of ours, or the message to edit is gone. Every `restricted_action…` counts as well. */
const CLOSED_CHANNEL_CODES = new Set([
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
  // Seen for channels where the bot is no member; a refused token has other codes.
  'no_permission',
  'access_denied',
])

const MESSAGE_CODES = new Set([
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

/** Slack refuses the token for good. */
const TOKEN_CODES = [
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
  'enterprise_is_restricted',
  'ekm_access_denied',
]

const EVERYWHERE_CODES = new Set([
  ...TOKEN_CODES,
  'team_added_to_org',
  'two_factor_setup_required',
  'accesslimited',
  'message_limit_exceeded',
  'deprecated_endpoint',
  'method_deprecated',
])

const Refusal = z.object({ data: z.object({ error: z.string() }) })

/** Slack's code for the error of a call, such as `user_not_found`; empty if there is none. */
export function slackErrorCode(error: unknown): string {
  return Refusal.safeParse(error).data?.data.error ?? ''
}

/** Older methods turn the words around. */
const USED_TRIGGER_CODES = ['exchanged_trigger_id', 'trigger_exchanged']
const LATE_TRIGGER_CODES = ['expired_trigger_id', 'trigger_expired', 'invalid_trigger_id']

/**
 * Why Slack opened no page: another request opened it already, or it is more than three seconds since the click. Undefined
 * for all other errors.
 */
export function triggerProblem(error: unknown): 'used' | 'late' | undefined {
  const code = slackErrorCode(error)
  if (USED_TRIGGER_CODES.includes(code)) return 'used'
  return LATE_TRIGGER_CODES.includes(code) ? 'late' : undefined
}

/**
 * Whether this error code says that Slack refuses the token for good. All others pass, including those that are no code at
 * all: the client passes on a proxy's page as if it were Slack's error code.
 */
export function isTokenRefused(code: string): boolean {
  // The last two mean the channel where a call names one.
  return [...TOKEN_CODES, 'access_denied', 'no_permission'].includes(code)
}

/** Slack documents both as "some aspect of the operation may have succeeded". */
const SERVER_ERROR_CODES = new Set(['internal_error', 'fatal_error', 'request_timeout', 'service_unavailable'])

/** For a rate limit without a usable Retry-After. */
const DEFAULT_RETRY_AFTER_MS = 30_000

/**
 * What to do after a failed call.
 *
 * @param tries how often the outcome of this message was unknown before. The wait grows with it: during an incident at
 *   Slack, each further try may post one more copy.
 */
export function classifySlackError(
  error: unknown,
  tries: number,
): RetryLaterError | ChannelClosedError | SlackRefusalError {
  const unknownOutcome = new RetryLaterError(backoffMs(tries), { mayHaveHappened: true })
  const limitedMs = rateLimitMs(error)
  if (limitedMs !== undefined) return new RetryLaterError(limitedMs, { mayHaveHappened: false, isRateLimit: true })
  if (error instanceof WebAPIRequestError) {
    return wasNeverSent(error.original)
      ? new RetryLaterError(backoffMs(tries), { mayHaveHappened: false })
      : unknownOutcome
  }
  if (error instanceof WebAPIHTTPError || !(error instanceof WebAPIPlatformError)) return unknownOutcome
  // May be missing, whatever the client's types say.
  const code = String(error.data.error ?? '')
  // The client passes on an answer that is not JSON, such as a proxy's page, as if it were an error code.
  if (SERVER_ERROR_CODES.has(code) || !/^[a-z][a-z0-9_]{1,80}$/.test(code)) return unknownOutcome
  if (CLOSED_CHANNEL_CODES.has(code) || code.startsWith('restricted_action')) return new ChannelClosedError(code)
  return new SlackRefusalError(
    code,
    MESSAGE_CODES.has(code) ? 'message' : EVERYWHERE_CODES.has(code) ? 'everywhere' : 'unknown',
  )
}

/**
 * For a rate limit, how long Slack wants us to wait, in milliseconds, at most a quarter of an hour; undefined for all other
 * errors. Slack surely did not do what was asked.
 */
export function rateLimitMs(error: unknown): number | undefined {
  if (error instanceof WebAPIRateLimitedError) return pauseMs(error.retryAfter)
  if (error instanceof WebAPIPlatformError) {
    return ['ratelimited', 'rate_limited'].includes(error.data.error) ? DEFAULT_RETRY_AFTER_MS : undefined
  }
  // The client has no error class for a 429 whose Retry-After is missing or no number.
  const isWithoutTime = error instanceof Error && /^Retry header did not contain a valid timeout/.test(error.message)
  const isHttp = error instanceof WebAPIHTTPError && error.statusCode === 429
  return isWithoutTime || isHttp ? DEFAULT_RETRY_AFTER_MS : undefined
}

/** @param seconds of a Retry-After header. */
function pauseMs(seconds: number): number {
  if (!Number.isFinite(seconds) || seconds < 0) return DEFAULT_RETRY_AFTER_MS
  return Math.min(Math.max(Math.ceil(seconds * 1_000), 1_000), MAX_PAUSE_MS)
}

/** Whether Slack did not answer, or can't right now, so that a later try may work. */
export function isSlackUnreachable(error: unknown): boolean {
  const isFromSlack = [WebAPIRequestError, WebAPIHTTPError, WebAPIPlatformError].some((kind) => error instanceof kind)
  return rateLimitMs(error) !== undefined || (isFromSlack && classifySlackError(error, 0) instanceof RetryLaterError)
}

/** 3 s, four times as long with every further try, at most five minutes. */
function backoffMs(tries: number): number {
  return Math.min(3_000 * 4 ** Math.max(tries, 0), 300_000)
}
