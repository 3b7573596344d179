/** A connection's HTTP client: its address and headers, limits of time and size, and every failure sorted by who must act. */
import { STATUS_CODES } from 'node:http'
import ky, { HTTPError, TimeoutError } from 'ky'
import type { z } from 'zod'
import { ConnectionError, TemporaryError, UserError } from '../errors.js'
import type { Api, ClientOptions, RequestOptions } from './provider.js'

const DEFAULT_TIMEOUT_MS = 10_000
const MAX_BODY_BYTES = 10 * 1024 * 1024
const MAX_SENTENCE_LENGTH = 300
/** Retry-After outside these bounds is a slip or a clock far off; looking a little early costs one refused request. */
const RETRY_AFTER_BOUNDS_MS = { least: 1_000, most: 15 * 60_000 }
const PUBLIC_HEADERS = ['accept', 'content-type', 'user-agent']

class AnswerTooLarge extends Error {}

/** One request as far as an error message may tell of it. */
interface Call {
  connection: string
  baseUrl: string
  isWrite: boolean
  /** Method and path, with neither query nor whole ids: `GET /api/v1/containers/…9011`. */
  title: string
  timeoutMs: number
}

/**
 * Makes the client of one connection. `retryDelayMs` is the pause before a GET's second try; the third waits twice as long.
 * Throws ConnectionError when nothing can ever be sent: no valid address, or a token with a line break in it.
 */
export function createApi(connectionName: string, options: ClientOptions, retryDelayMs = 200): Api {
  const baseUrl = options.baseUrl.replace(/\/+$/, '')
  const address = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined
  if (!address || address.username || address.password) {
    throw new ConnectionError(`The address of ${connectionName} in dolly.yml must be a plain URL, without a user name.`)
  }
  const scrub = createScrub(options.headers)
  const client = ky.create({
    headers: checkHeaders(connectionName, options.headers),
    // A redirect followed would carry the token to whatever host the answer names.
    redirect: 'manual',
    fetch: fetchWhole,
    retry: {
      limit: 2,
      methods: ['get'],
      delay: (attempt) => retryDelayMs * 2 ** (attempt - 1),
      jitter: (delay) => delay * (0.5 + Math.random() / 2),
      shouldRetry: ({ error }) => isPassing(error),
    },
  })

  async function request<T>(method: string, path: string, schema: z.ZodType<T>, request: RequestOptions = {}) {
    const timeout = request.timeoutMs ?? options.timeoutMs ?? DEFAULT_TIMEOUT_MS
    const call: Call = {
      connection: connectionName,
      baseUrl,
      isWrite: method !== 'get',
      title: `${method.toUpperCase()} ${shortenIds(path.split('?')[0] ?? path)}`,
      timeoutMs: timeout,
    }
    // Joined by exactly one slash, so that no path can reach beyond the connection's host.
    const url = `${baseUrl}/${path.replace(/^\/+/, '')}`
    let response: Response
    try {
      response = await client(url, {
        method,
        timeout,
        ...(request.query && { searchParams: { ...request.query } }),
        ...(request.json !== undefined && { json: request.json }),
      })
    } catch (error) {
      if (error instanceof HTTPError) throw await sortAnswer(call, error.response, options.errorMessage, scrub)
      throw sortFailure(call, error)
    }
    return parseBody(call, await response.text(), response.headers, schema, scrub)
  }

  const send =
    (method: string): Api['get'] =>
    (path, schema, options) =>
      request(method, path, schema, options)
  return { get: send('get'), post: send('post'), put: send('put'), patch: send('patch'), delete: send('delete') }
}

/** Reads the whole body before it hands over, so that ky's timeout and retries cover the body as well as the head. */
async function fetchWhole(input: Parameters<typeof fetch>[0], init?: Parameters<typeof fetch>[1]): Promise<Response> {
  const response = await fetch(input, init)
  const text = await readBounded(response)
  const { status, statusText, headers } = response
  // The constructor takes no status above 599, which servers may send all the same.
  return new Response([204, 205, 304].includes(status) ? null : text, {
    status: Math.min(status, 599),
    statusText,
    headers,
  })
}

async function readBounded(response: Response): Promise<string> {
  const reader = response.body?.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for (;;) {
    const chunk = await reader?.read()
    if (!chunk || chunk.done) return text + decoder.decode()
    size += chunk.value.byteLength
    if (size > MAX_BODY_BYTES) {
      await reader?.cancel()
      if (response.ok) throw new AnswerTooLarge()
      return ''
    }
    text += decoder.decode(chunk.value, { stream: true })
  }
}

/** Whether another try may well succeed. */
function isPassing(error: Error): boolean {
  if (error instanceof HTTPError) return isServersFault(error.response.status)
  return error instanceof TimeoutError || (error instanceof TypeError && !isCertificateError(causeOf(error).code))
}

/** 408 is the one 4xx that blames the line, not the request. */
function isServersFault(status: number): boolean {
  return status >= 500 || status === 408
}

/** Sorts an answer that is not 2xx. */
async function sortAnswer(
  call: Call,
  response: Response,
  errorMessage: ClientOptions['errorMessage'],
  scrub: (text: string) => string,
): Promise<Error> {
  const { connection, title } = call
  const { status, headers } = response
  const words = readJson(await response.text())
  const sentence = words.isJson ? tidy(scrub(errorMessage(words.value) ?? '')) : ''
  const itSays = sentence && ` It says: ${sentence}`
  const retryAfterMs = readRetryAfter(headers)
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs }

  if (status === 401) {
    return new ConnectionError(
      `${connection} refused its credentials (401 to ${title}). Check them in dolly.yml: revoked, expired or mistyped?${itSays}`,
    )
  }
  if (status === 403) {
    return new ConnectionError(
      `${connection} may not do this (403 to ${title}). Check the rights of its token.${itSays}`,
    )
  }
  if (status === 429) {
    return new TemporaryError(`${connection} asks to slow down (429 to ${title}).`, { ...wait, mayHaveHappened: false })
  }
  if (isServersFault(status)) {
    return new TemporaryError(`${connection} answered ${statusLine(status)} to ${title}.${itSays}`, {
      ...wait,
      mayHaveHappened: call.isWrite,
    })
  }
  if (status >= 400) {
    return new UserError(
      sentence ? `${connection}: ${sentence}` : `${connection} answered ${statusLine(status)} to ${title}.`,
      { status },
    )
  }
  const target = redirectTarget(headers, call.baseUrl)
  return new ConnectionError(
    `The address of ${connection} in dolly.yml redirects${target && ` to ${target}`} (${status} to ${title}). Put the final address there.`,
  )
}

/** Sorts a request that got no answer, or none that could be read to its end. */
function sortFailure(call: Call, error: unknown): unknown {
  const { connection, title, isWrite } = call
  if (error instanceof TimeoutError) {
    return new TemporaryError(`${connection} did not answer ${title} within ${call.timeoutMs / 1000} s.`, {
      mayHaveHappened: isWrite,
    })
  }
  if (error instanceof AnswerTooLarge) {
    return new TemporaryError(`${connection} answered ${title} with more than ${MAX_BODY_BYTES / 1024 / 1024} MB.`, {
      mayHaveHappened: isWrite,
    })
  }
  // fetch reports every trouble of the line as a TypeError with the real error as its cause.
  if (!(error instanceof TypeError)) return error
  const { code, wasSent } = causeOf(error)
  if (isCertificateError(code)) {
    return new ConnectionError(
      `The certificate of ${connection} is not trusted here (${code}). Check its address in dolly.yml.`,
    )
  }
  const reason = code && ` (${code})`
  return wasSent
    ? new TemporaryError(`The line to ${connection} broke during ${title}${reason}.`, { mayHaveHappened: isWrite })
    : new TemporaryError(`${connection} could not be reached for ${title}${reason}.`, { mayHaveHappened: false })
}

function parseBody<T>(
  { connection, title, isWrite }: Call,
  text: string,
  headers: Headers,
  schema: z.ZodType<T>,
  scrub: (text: string) => string,
): T {
  const fail = (message: string) => new TemporaryError(message, { mayHaveHappened: isWrite })
  const body = readJson(text)
  if (!body.isJson) {
    const isHtml = /\bhtml\b/i.test(headers.get('content-type') ?? '')
    throw fail(
      `${connection} answered ${title} with ${isHtml ? 'an HTML page instead of' : 'something other than'} JSON.`,
    )
  }
  const parsed = schema.safeParse(body.value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const place = tidy(scrub(issue?.path.map(String).join('.') || 'the top'))
  const expected = issue?.code === 'invalid_type' ? `expected ${issue.expected}` : issue?.code
  throw fail(`${connection} answered ${title} in an unexpected shape, at ${place} (${expected}).`)
}

/** An empty body is null, for the schema to accept or not. */
function readJson(text: string): { isJson: true; value: unknown } | { isJson: false } {
  if (text.trim() === '') return { isJson: true, value: null }
  try {
    return { isJson: true, value: JSON.parse(text) }
  } catch {
    return { isJson: false }
  }
}

/** Seconds or an HTTP date, measured against the answer's own Date because the two clocks may differ. */
function readRetryAfter(headers: Headers): number | undefined {
  const text = headers.get('retry-after')?.trim()
  if (!text) return undefined
  const sentAt = Date.parse(headers.get('date') ?? '') || Date.now()
  const wait = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text) - sentAt
  if (Number.isNaN(wait)) return undefined
  return Math.min(Math.max(wait, RETRY_AFTER_BOUNDS_MS.least), RETRY_AFTER_BOUNDS_MS.most)
}

/** Scheme and host alone: the rest of a redirect's address may hold a one-time secret. */
function redirectTarget(headers: Headers, baseUrl: string): string {
  const location = headers.get('location') ?? ''
  return location && URL.canParse(location, baseUrl) ? new URL(location, baseUrl).origin : ''
}

/** The error code below a failed fetch, and whether any of the request can have left this machine. */
function causeOf(error: unknown): { code: string; wasSent: boolean } {
  const cause = error instanceof Error ? error.cause : undefined
  // A name with several addresses fails with one error for each of them.
  const root: unknown = cause instanceof AggregateError ? cause.errors[0] : cause
  const code = root instanceof Error && 'code' in root ? String(root.code) : ''
  const systemCall = root instanceof Error && 'syscall' in root ? root.syscall : undefined
  const neverConnected = systemCall === 'connect' || systemCall === 'getaddrinfo' || code === 'UND_ERR_CONNECT_TIMEOUT'
  return { code, wasSent: !neverConnected }
}

function isCertificateError(code: string): boolean {
  return /CERT|UNABLE_TO_VERIFY|ERR_TLS|ERR_SSL/.test(code)
}

function checkHeaders(connection: string, headers: ClientOptions['headers']): Headers {
  try {
    return new Headers({ accept: 'application/json', ...headers })
  } catch {
    // The original message quotes the value.
    throw new ConnectionError(
      `The credentials of ${connection} contain a character that no HTTP header may hold, perhaps a line break. Check dolly.yml.`,
    )
  }
}

/** Takes a connection's secrets out of a vendor's words, for some quote the header they refuse. */
function createScrub(headers: ClientOptions['headers']): (text: string) => string {
  const secrets = Object.entries(headers)
    .filter(([name]) => !PUBLIC_HEADERS.includes(name.toLowerCase()))
    .flatMap(([, value]) => {
      const withoutScheme = value.trim().replace(/^\S+\s+/, '')
      const pair = /^basic\s/i.test(value) ? Buffer.from(withoutScheme, 'base64').toString() : ''
      return [value, withoutScheme, pair, pair.slice(pair.indexOf(':') + 1)]
    })
    // Shorter ones would blank half of every sentence and hide nothing.
    .filter((secret) => secret.length >= 4)
    .sort((a, b) => b.length - a.length)
  return (text) => secrets.reduce((clean, secret) => clean.replaceAll(secret, '••••'), text)
}

/** Some vendors build links out of ids that grant access to whoever has them, so a message shows only an id's end. */
function shortenIds(path: string): string {
  return path.replace(/[0-9a-f][0-9a-f-]{22,}[0-9a-f]/gi, (id) => `…${id.slice(-4)}`)
}

function tidy(sentence: string): string {
  const line = sentence.replace(/\s+/g, ' ').trim()
  return line.length > MAX_SENTENCE_LENGTH ? `${line.slice(0, MAX_SENTENCE_LENGTH - 1)}…` : line
}

function statusLine(status: number): string {
  return `${status} ${STATUS_CODES[status] ?? ''}`.trim()
}
