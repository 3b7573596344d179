/** Sorts what went wrong with a request into the three errors, by who must act. */
import { STATUS_CODES } from 'node:http'
import { HTTPError, TimeoutError } from 'ky'
import { ConnectionError, rootCause, TemporaryError, UnreadableListError, UserError, wasNeverSent } from '../errors.js'
import { cut, MAX_FOREIGN_TEXT_LENGTH } from '../lib/text.js'
import { AnswerTooLarge } from './http-answer.js'
import { type ClientOptions, type Verdict, withoutCredentials } from './provider.js'

const MAX_SENTENCE_LENGTH = 300
/** A shorter Retry-After is a mistake or a wrong clock; `TemporaryError` bounds the longer ones. */
const MIN_RETRY_AFTER_MS = 1_000

/** What an error may say about a request. */
export interface Call {
  connection: string
  baseUrl: string
  isWrite: boolean
  /** Method and path, without query and with masked ids: `GET /api/v1/containers/…9011`. */
  title: string
  timeoutMs: number
}

/** Whether another try may succeed. */
export function isTransient(error: Error): boolean {
  if (error instanceof HTTPError) return isServersFault(error.response.status)
  return error instanceof TimeoutError || (error instanceof TypeError && !isCertificateError(codeOf(error)))
}

/** 408 is the one 4xx that blames the network, not the request. */
function isServersFault(status: number): boolean {
  return status >= 500 || status === 408
}

/** Sorts an answer that is not 2xx. */
export function sortAnswer(
  call: Call,
  answer: { status: number; headers: Headers; body: unknown },
  { errorMessage, classify }: Pick<ClientOptions, 'errorMessage' | 'classify'>,
  clean: (text: string) => string,
): Error {
  const { connection, title } = call
  const { status, headers, body } = answer
  const own = classify?.({ status, body })
  if (own) return sentenced(call, { ...own, sentence: clean(own.sentence) }, status, readRetryAfter(headers))
  const sentence = clean(errorMessage(body) ?? '')
  const itSays = sentence && ` It says: ${sentence}`
  const details = { status, retryAfterMs: readRetryAfter(headers) }

  if (status === 401) {
    return new ConnectionError(
      `${connection} refused its credentials (401 to ${title}). Check them in dolly.yml: revoked, expired or mistyped?${itSays}`,
      { status },
    )
  }
  if (status === 403) {
    const message = `${connection} may not do this (403 to ${title}). Check the rights of its token.${itSays}`
    return new ConnectionError(message, { status })
  }
  if (status === 429) {
    const message = `${connection} asks to slow down (429 to ${title}).`
    return new TemporaryError(message, { ...details, mayHaveHappened: false })
  }
  if (isServersFault(status)) {
    const message = `${connection} answered ${statusLine(status)} to ${title}.${itSays}`
    return new TemporaryError(message, { ...details, mayHaveHappened: call.isWrite })
  }
  if (status >= 400) {
    const message = sentence
      ? `${connection}: ${sentence}`
      : `${connection} answered ${statusLine(status)} to ${title}.`
    return new UserError(message, { status })
  }
  const target = clean(redirectTarget(headers, call.baseUrl))
  return new ConnectionError(
    `The address of ${connection} in dolly.yml redirects${target && ` to ${target}`} (${status} to ${title}). Put the final address there.`,
  )
}

/** The error for a provider's own verdict on an answer. */
function sentenced(call: Call, verdict: Verdict, status: number, retryAfterMs = verdict.retryAfterMs): Error {
  const message = `${call.connection}: ${verdict.sentence}`
  if (verdict.blame === 'user') return new UserError(message, { status: verdict.status ?? status })
  if (verdict.blame === 'operator') return new ConnectionError(message, { status: verdict.status ?? status })
  const mayHaveHappened = call.isWrite && !verdict.hasNoEffect
  return new TemporaryError(message, { mayHaveHappened, status, retryAfterMs })
}

/**
 * Sorts a request without an answer, or with one that couldn't be read to its end. The cause is the system's own error. Other
 * errors come back unchanged.
 */
export function sortFailure(call: Call, error: unknown): unknown {
  const { connection, title, isWrite } = call
  if (error instanceof TimeoutError) {
    const message = `${connection} did not answer ${title} within ${call.timeoutMs / 1000} s.`
    return new TemporaryError(message, { mayHaveHappened: isWrite })
  }
  if (error instanceof AnswerTooLarge) {
    const message = `${connection} answered ${title} with ${error.message}.`
    return new UnreadableListError(message, { mayHaveHappened: isWrite })
  }
  // fetch reports every network error as a TypeError, with the real error as its cause.
  if (!(error instanceof TypeError)) return error
  const cause = rootCause(error)
  const code = codeOf(error)
  if (isCertificateError(code)) {
    return new ConnectionError(
      `The certificate of ${connection} is not trusted here (${code}). Check its address in dolly.yml.`,
      { cause },
    )
  }
  return !wasNeverSent(error)
    ? new TemporaryError(`The network connection to ${connection} broke during ${title}.`, {
        mayHaveHappened: isWrite,
        cause,
      })
    : new TemporaryError(`${connection} could not be reached for ${title}.`, { mayHaveHappened: false, cause })
}

/** Seconds or an HTTP date, measured against the answer's own Date because the two clocks may differ. */
function readRetryAfter(headers: Headers): number | undefined {
  const text = headers.get('retry-after')?.trim()
  if (!text) return undefined
  const sentAt = Date.parse(headers.get('date') ?? '') || Date.now()
  const wait = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text) - sentAt
  if (Number.isNaN(wait)) return undefined
  return Math.max(wait, MIN_RETRY_AFTER_MS)
}

/** Only scheme and host: the rest of a redirect's address may hold a one-time secret. */
function redirectTarget(headers: Headers, baseUrl: string): string {
  const location = headers.get('location') ?? ''
  return location && URL.canParse(location, baseUrl) ? new URL(location, baseUrl).origin : ''
}

/** The error code of a failed fetch. */
function codeOf(error: unknown): string {
  const root = rootCause(error)
  return root instanceof Error && 'code' in root ? String(root.code) : ''
}

function isCertificateError(code: string): boolean {
  return /CERT|UNABLE_TO_VERIFY|ERR_TLS|ERR_SSL/.test(code)
}

/** One line of bounded length, without credentials. */
export function tidy(sentence: string): string {
  const line = withoutCredentials(sentence.slice(0, MAX_FOREIGN_TEXT_LENGTH)).replace(/\s+/g, ' ').trim()
  return cut(line, MAX_SENTENCE_LENGTH)
}

function statusLine(status: number): string {
  return `${status} ${STATUS_CODES[status] ?? ''}`.trim()
}
