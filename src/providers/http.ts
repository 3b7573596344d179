/** A connection's HTTP client: its address and headers, limits of time and size, and every failure sorted by who must act. */
import ky, { HTTPError } from 'ky'
import type { z } from 'zod'
import { ConnectionError, TemporaryError } from '../errors.js'
import { AnswerTooLarge, type Call, isPassing, MAX_BODY_BYTES, sortAnswer, sortFailure, tidy } from './http-errors.js'
import { type Api, type ClientOptions, maskIds, type RequestOptions } from './provider.js'

const DEFAULT_TIMEOUT_MS = 10_000
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']
/** What is no secret among the headers of a request and the fields of a login. */
const PUBLIC_NAMES = ['accept', 'content-type', 'user-agent', 'grant_type', 'client_id', 'username']

/**
 * Makes the client of one connection. `retryDelayMs` is the pause before a GET's second try; the third waits twice as long.
 * Throws ConnectionError when nothing can ever be sent: no valid address, or a token with a line break in it.
 */
export function createApi(connection: string, options: ClientOptions, retryDelayMs = 200): Api {
  checkAddress(connection, options.baseUrl)
  checkHeaders(connection, options.headers)
  const client = ky.create({
    // A redirect followed would carry the token to whatever host the answer names.
    redirect: 'manual',
    fetch: fetchWhole,
    throwHttpErrors: true,
    retry: {
      limit: 2,
      methods: ['get'],
      delay: (attempt) => retryDelayMs * 2 ** (attempt - 1),
      jitter: (delay) => delay * (0.5 + Math.random() / 2),
      shouldRetry: ({ error }) => isPassing(error),
    },
  })
  /** Without credentials, for fetching some: it may go to other hosts, as the provider's own discovery tells it. */
  const login = methods((method, path, schema, request) => send(method, path, schema, request, {}, true), {})
  const { authorize, settings = {} } = options
  if (!authorize) {
    return methods((method, path, schema, request) => send(method, path, schema, request, options.headers), settings)
  }
  return methods(async (method, path, schema, request) => {
    const headers = { ...options.headers, ...(await authorize(login, false)) }
    try {
      return await send(method, path, schema, request, headers)
    } catch (error) {
      // What is answered 401 was not carried out, so even a write may be sent again with fresh credentials.
      if (!(error instanceof ConnectionError && error.status === 401)) throw error
      return await send(method, path, schema, request, { ...options.headers, ...(await authorize(login, true)) })
    }
  }, settings)

  async function send<T>(
    method: string,
    path: string,
    schema: z.ZodType<T>,
    request: RequestOptions,
    credentials: Readonly<Record<string, string>>,
    isLogin = false,
  ): Promise<T> {
    const url = isLogin ? loginUrlOf(connection, options.baseUrl, path) : urlOf(options.baseUrl, path)
    const headers = { ...credentials, ...request.headers }
    const timeout = request.timeoutMs ?? options.timeoutMs ?? DEFAULT_TIMEOUT_MS
    const call: Call = {
      connection,
      baseUrl: options.baseUrl,
      // A login changes nothing at the provider, so the loss of its answer leaves nothing in doubt.
      isWrite: method !== 'get' && !isLogin,
      title: `${method.toUpperCase()} ${maskIds(new URL(url).pathname)}`,
      timeoutMs: timeout,
    }
    const scrub = createScrub({ ...headers, ...request.form })
    let response: Response
    try {
      response = await client(url, {
        method,
        timeout,
        headers: checkHeaders(connection, headers),
        ...(request.query && { searchParams: { ...request.query } }),
        ...(request.json !== undefined && { json: request.json }),
        ...(request.form && { body: new URLSearchParams({ ...request.form }) }),
      })
    } catch (error) {
      if (!(error instanceof HTTPError)) throw sortFailure(call, error)
      const { status, headers } = error.response
      const words = readJson(await error.response.text())
      throw sortAnswer(call, { status, headers, body: words.isJson ? words.value : null }, options, scrub)
    }
    return parseBody(call, await response.text(), response.headers, schema, scrub)
  }
}

type Send = <T>(method: string, path: string, schema: z.ZodType<T>, request: RequestOptions) => Promise<T>

function methods(send: Send, settings: NonNullable<ClientOptions['settings']>): Api {
  const bound =
    (method: string): Api['get'] =>
    (path, schema, request = {}) =>
      send(method, path, schema, request)
  return {
    settings,
    get: bound('get'),
    post: bound('post'),
    put: bound('put'),
    patch: bound('patch'),
    delete: bound('delete'),
  }
}

/**
 * A path below the connection's address, joined by exactly one slash so that none can reach beyond its host. A whole
 * address is taken as it is when it belongs to the same host, which is how some vendors name the next page.
 */
function urlOf(baseUrl: string, path: string): string {
  if (/^https?:/.test(path) && new URL(path).origin === new URL(baseUrl).origin) return path
  return `${baseUrl.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`
}

/** As `urlOf`, but another host may be named too, if nobody on the way there can listen. */
function loginUrlOf(connection: string, baseUrl: string, path: string): string {
  const { protocol, hostname } = URL.canParse(path) ? new URL(path) : {}
  if (protocol === 'https:' || (protocol === 'http:' && LOOPBACK.includes(hostname ?? ''))) return path
  const url = urlOf(baseUrl, path)
  if (protocol === undefined || url === path) return url
  throw new ConnectionError(`${connection} wants its login at an address that is not https. Nothing was sent there.`)
}

function checkAddress(connection: string, baseUrl: string): void {
  const address = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined
  if (!address || address.username || address.password) {
    throw new ConnectionError(`The address of ${connection} in dolly.yml must be a plain URL, without a user name.`)
  }
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
    .filter(([name]) => !PUBLIC_NAMES.includes(name.toLowerCase()))
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
