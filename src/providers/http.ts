/** A connection's HTTP client: its address and headers, limits of time and size, and every failure sorted by who must act. */
import ky, { HTTPError } from 'ky'
import type { z } from 'zod'
import { ConnectionError, TemporaryError } from '../errors.js'
import { createRedactor, type Redactor } from '../lib/redact.js'
import { foreignText } from '../lib/text.js'
import { type Answer, AnswerTooLarge, MAX_BODY_BYTES, readAnswer, requestIdOf } from './http-answer.js'
import { type Call, isTransient, sortAnswer, sortFailure, tidy } from './http-errors.js'
import { type Api, type ClientOptions, maskIds, type RequestOptions } from './provider.js'

const DEFAULT_TIMEOUT_MS = 10_000
/** Headers and login fields whose values aren't secret. */
const PUBLIC_NAMES = ['accept', 'content-type', 'user-agent', 'grant_type', 'client_id', 'username', 'x-workspace-id']

/** Minimum pause between two log lines about a connection's odd rows. */
const SKIPPED_EVERY_MS = 15 * 60_000

/** What a client shares with the rest of the process. */
export interface Shared {
  /** Removes known secrets from answers, and learns this client's. One for all connections. */
  redactor?: Redactor
  log?: { warn(fields: object, message: string): void }
  /** Monotonic milliseconds. */
  elapsed?: () => number
}

/**
 * Makes the client of one connection. `retryDelayMs` is the pause before a GET's second try; the third waits twice as long.
 *
 * @throws ConnectionError for an invalid address, or a token that no header can hold.
 */
export function createApi(
  connection: string,
  options: ClientOptions,
  retryDelayMs = 200,
  { redactor = createRedactor([]), log, elapsed = () => performance.now() }: Shared = {},
): Api {
  checkAddress(connection, options.baseUrl)
  checkHeaders(connection, options.headers)
  const client = ky.create({
    // Following a redirect would send the token to whatever host the answer names.
    redirect: 'manual',
    fetch: fetchWhole,
    throwHttpErrors: true,
    retry: {
      limit: 2,
      methods: ['get'],
      delay: (attempt) => retryDelayMs * 2 ** (attempt - 1),
      jitter: (delay) => delay * (0.5 + Math.random() / 2),
      shouldRetry: ({ error }) => isTransient(error),
    },
  })
  /** For `authorize`: sends no credentials, and may go to other hosts that the provider's discovery names. */
  const login = methods((method, path, schema, request) => send(method, path, schema, request, {}, true), {})
  const { authorize, settings = {} } = options
  let skippedAt = Number.NEGATIVE_INFINITY
  const shared = {
    settings,
    reportSkipped(rows: number, example: string) {
      if (elapsed() - skippedAt < SKIPPED_EVERY_MS) return
      skippedAt = elapsed()
      log?.warn(
        { connection, rows, example: clean(example) },
        'rows of a list were left out: they have an unexpected shape',
      )
    },
  }
  if (!authorize) {
    return methods((method, path, schema, request) => send(method, path, schema, request, options.headers), shared)
  }
  return methods(async (method, path, schema, request) => {
    const headers = { ...options.headers, ...(await authorize(login, false)) }
    try {
      return await send(method, path, schema, request, headers)
    } catch (error) {
      // A request answered 401 wasn't carried out, so even a write can be sent again with new credentials.
      if (!(error instanceof ConnectionError && error.status === 401)) throw error
      return await send(method, path, schema, request, { ...options.headers, ...(await authorize(login, true)) })
    }
  }, shared)

  /** A provider's text, made fit for an error or a log. */
  function clean(text: string): string {
    return tidy(foreignText(text, redactor.redact))
  }

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
      // A login changes nothing, so a lost answer leaves no doubt.
      isWrite: method !== 'get' && !isLogin,
      title: `${method.toUpperCase()} ${clean(maskIds(new URL(url).pathname))}`,
      timeoutMs: timeout,
    }
    for (const secret of [...valuesIn(headers).flatMap(partsOf), ...valuesIn(request.form)]) redactor.add(secret)
    await request.beforeSend?.()
    const noteId = (answered: Headers) => {
      const id = request.answered && requestIdOf(answered, redactor.redact)
      if (id !== undefined) request.answered?.(id)
    }
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
      noteId(headers)
      const words = await readAnswer(await error.response.text(), redactor.redact).catch(asNoJson)
      throw sortAnswer(call, { status, headers, body: words.isJson ? words.value : null }, options, clean)
    }
    noteId(response.headers)
    const answer = await readAnswer(await response.text(), redactor.redact, request.isVerbatim).catch((error) => {
      throw sortFailure(call, error)
    })
    if (isLogin && answer.isJson) for (const token of tokensIn(answer.value)) redactor.add(token)
    return parseBody(call, answer, response.headers, schema, clean)
  }
}

/** A refusal whose body can't be read is still a refusal. */
function asNoJson(error: unknown): Answer {
  if (error instanceof AnswerTooLarge) return { isJson: false }
  throw error
}

type Send = <T>(method: string, path: string, schema: z.ZodType<T>, request: RequestOptions) => Promise<T>

function methods(send: Send, shared: Pick<Api, 'settings' | 'reportSkipped'>): Api {
  const bound =
    (method: string): Api['get'] =>
    (path, schema, request = {}) =>
      send(method, path, schema, request)
  return {
    ...shared,
    get: bound('get'),
    post: bound('post'),
    put: bound('put'),
    patch: bound('patch'),
    delete: bound('delete'),
  }
}

/**
 * An address below the connection's, joined by exactly one slash so that no path can name another host. A whole address on
 * the same origin is taken as it is: some vendors link the next page that way.
 */
function urlOf(baseUrl: string, path: string): string {
  if (/^https?:/.test(path) && new URL(path).origin === new URL(baseUrl).origin) return path
  return `${baseUrl.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`
}

/**
 * As `urlOf`, but other hosts are allowed over https. Only a server on this machine may name this machine: any other could
 * make us send credentials to a local process.
 */
function loginUrlOf(connection: string, baseUrl: string, path: string): string {
  const { protocol, hostname = '' } = URL.canParse(path) ? new URL(path) : {}
  const url = urlOf(baseUrl, path)
  if (protocol === undefined || url === path) return url
  if (isLoopback(hostname)) {
    if (isLoopback(new URL(baseUrl).hostname)) return path
    throw new ConnectionError(
      `${connection} directs the login to the machine that Dolly runs on. Nothing was sent there.`,
    )
  }
  if (protocol === 'https:') return path
  throw new ConnectionError(`${connection} directs the login to an address that is not https. Nothing was sent there.`)
}

/** Whether a host, as `URL` spells it, is this machine. */
function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/\.$/, '')
  const isNamed = host === 'localhost' || host.endsWith('.localhost')
  return (
    isNamed ||
    /^(127(\.\d+){3}|0\.0\.0\.0)$/.test(host) ||
    /^\[::(1|ffff:7f[\da-f]{2}:[\da-f]+|ffff:0:0)?\]$/.test(host)
  )
}

function checkAddress(connection: string, baseUrl: string): void {
  const address = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined
  if (!address || address.username || address.password) {
    throw new ConnectionError(`The address of ${connection} in dolly.yml must not contain a user name.`)
  }
}

/** Reads the whole body at once, so that ky's timeout and retries cover it, too. */
async function fetchWhole(input: Parameters<typeof fetch>[0], init?: Parameters<typeof fetch>[1]): Promise<Response> {
  const response = await fetch(input, init)
  const text = await readBounded(response)
  const { status, statusText, headers } = response
  // The constructor takes no status above 599, but servers may send one.
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
    const piece = decoder.decode(chunk.value, { stream: true })
    // Invalid UTF-8 grows threefold when it's decoded.
    size += Math.max(chunk.value.byteLength, Buffer.byteLength(piece))
    if (size > MAX_BODY_BYTES) {
      await reader?.cancel()
      if (response.ok) throw new AnswerTooLarge(`more than ${MAX_BODY_BYTES / 1024 / 1024} MB`)
      return ''
    }
    text += piece
  }
}

function parseBody<T>(
  { connection, title, isWrite }: Call,
  answer: Answer,
  headers: Headers,
  schema: z.ZodType<T>,
  clean: (text: string) => string,
): T {
  const fail = (message: string) => new TemporaryError(message, { mayHaveHappened: isWrite })
  if (!answer.isJson) {
    const isHtml = /\bhtml\b/i.test(headers.get('content-type') ?? '')
    throw fail(
      `${connection} answered ${title} with ${isHtml ? 'an HTML page instead of' : 'something other than'} JSON.`,
    )
  }
  const parsed = schema.safeParse(answer.value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const place = clean(issue?.path.map(String).join('.') || 'the top')
  const expected = issue?.code === 'invalid_type' ? `expected ${issue.expected}` : issue?.code
  throw fail(`${connection} answered ${title} in an unexpected shape, at ${place} (${expected}).`)
}

function checkHeaders(connection: string, headers: ClientOptions['headers']): Headers {
  try {
    return new Headers({ accept: 'application/json', ...headers })
  } catch {
    // The original message quotes the value.
    throw new ConnectionError(
      `The credentials of ${connection} contain a character that an HTTP header can't hold, such as a line break. Check dolly.yml.`,
    )
  }
}

/** The secret values among headers or login fields. */
function valuesIn(sent: Readonly<Record<string, string>> = {}): string[] {
  const isSecret = ([name]: [string, string]) => !PUBLIC_NAMES.includes(name.toLowerCase())
  return Object.entries(sent)
    .filter(isSecret)
    .map(([, value]) => value)
}

/** A header's value without its scheme; for Basic also the decoded pair and its password. */
function partsOf(value: string): string[] {
  const [, scheme = '', credentials = ''] = /^([a-z]+) +(\S+)$/i.exec(value.trim()) ?? []
  if (scheme === '') return [value.trim()]
  if (scheme.toLowerCase() !== 'basic') return [credentials]
  const pair = Buffer.from(credentials, 'base64').toString()
  return [value, credentials, pair, pair.slice(pair.indexOf(':') + 1)]
}

/** The tokens in a login's answer: known as secrets before they're sent anywhere. */
function tokensIn(answer: unknown): string[] {
  const fields = Object.entries(typeof answer === 'object' && answer !== null ? answer : {})
  return fields.flatMap(([name, value]) => (/token$/i.test(name) && typeof value === 'string' ? [value] : []))
}
