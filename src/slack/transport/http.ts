/** Receives Slack's requests over HTTP: only those with a valid, current signature that was not used before. */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { HTTPModuleFunctions, HTTPResponseAck, type Logger } from '@slack/bolt'
import { isRecord } from '../../lib/record.js'
import type { SeenBefore } from '../../lib/seen.js'
import { withLogFields } from '../../log-fields.js'
import { type Meter, noMeter } from '../../metrics/meter.js'
import { BodyError, createBodyReader } from './bodies.js'
import { type Arrival, createReceiver, isWorkflowStep, type SlackTransport } from './bolt-app.js'
import { createBoundedServer, refuse } from './server.js'

/**
 * Slack's largest request is a submitted form: the view, at most 250 kB, and the answers. Our forms stay below 60 kB: 3,000
 * characters of state and some dozens of short blocks. Form encoding makes JSON half as large again, and at worst three
 * times as large.
 */
const MAX_BODY_BYTES = 512 * 1024
/** `ssl_check=1&token=…`, the one request that comes without a signature. */
const MAX_UNSIGNED_BYTES = 1024
const WINDOW_MS = 5 * 60_000
/** Two requests for the same list within a second are identical, and reading a list twice does no harm. */
const TYPE_AHEAD_GRACE_MS = 2_000

/**
 * One route, POST /slack/events, for commands, forms, lists and buttons. Bodies are read only if the headers could be
 * Slack's. Bolt verifies the signature, but accepts a timestamp from the future and a repeated request: both are refused
 * here, before Bolt sees them. While the database can't say whether a request is repeated, it's refused with 503.
 *
 * @param now milliseconds since 1970.
 * @param seenBefore knows the signatures that came to any process.
 * @param requestTimeoutMs how long a request may take to arrive, in milliseconds.
 * @param whyNotReady why this process can't do its work now; meanwhile GET /readyz answers 503 with that. Undefined if it can.
 */
export function openHttpTransport(
  signingSecret: string,
  port: number,
  logger: Logger,
  { now, seenBefore }: { now(): number; seenBefore: SeenBefore },
  requestTimeoutMs?: number,
  whyNotReady: () => string | undefined = () => undefined,
  meter: Meter = noMeter,
): SlackTransport {
  // Anyone can sign with an empty key.
  if (signingSecret.trim() === '')
    throw new Error('The signing secret is empty, so forged requests could not be refused.')
  const { receiver, receive, settled } = createReceiver(meter)
  const readBody = createBodyReader()
  const isNewList = createTypeAheadCheck(now)

  const answer = (request: IncomingMessage, response: ServerResponse, markVerified: () => void) => {
    const arrival = { at: performance.now() }
    withLogFields({ request: randomBytes(4).toString('hex') }, () => {
      handle(request, response, markVerified, arrival).catch((error) => {
        logger.error('A request broke:', error)
        if (response.headersSent) response.destroy()
        else refuse(response, 500)
      })
    })
  }
  const server = createBoundedServer(whyNotReady, answer, requestTimeoutMs)

  async function handle(
    request: IncomingMessage,
    response: ServerResponse,
    markVerified: () => void,
    arrival: Arrival,
  ): Promise<void> {
    if (request.url !== '/slack/events' || request.method !== 'POST') return refuse(response, 404)
    const { 'x-slack-signature': signature, 'x-slack-request-timestamp': stamp } = request.headers
    const stampMs = Number(stamp) * 1000
    const isUnsigned = signature === undefined && stamp === undefined
    if (!isUnsigned && !(isSignature(signature) && isStamp(stamp) && Math.abs(stampMs - now()) <= WINDOW_MS)) {
      logger.warn("A request was refused: its signature isn't Slack's, or its timestamp isn't current.")
      return refuse(response, 401)
    }
    let verified: Awaited<ReturnType<typeof HTTPModuleFunctions.parseAndVerifyHTTPRequest>>
    try {
      const rawBody = await readBody(request, isUnsigned ? MAX_UNSIGNED_BYTES : MAX_BODY_BYTES)
      verified = await HTTPModuleFunctions.parseAndVerifyHTTPRequest(
        { enabled: true, signingSecret, logger },
        Object.assign(request, { rawBody }),
      )
    } catch (error) {
      logger.warn('A request was refused:', error)
      return refuse(response, error instanceof BodyError && !isUnsigned ? error.status : 401)
    }
    // Slack's certificate check, the only unsigned request that Bolt accepts. Anything else in its body is ignored.
    if (verified.rawBody.toString() === 'ssl_check=1') return refuse(response, 200)
    if (!isSignature(signature)) return refuse(response, 401)
    const body = readPayload(verified)
    const staleAt = stampMs + WINDOW_MS + 1000
    let isNew = false
    try {
      isNew =
        body?.type === 'block_suggestion' ? isNewList(signature, staleAt) : !(await seenBefore(signature, staleAt))
    } catch (error) {
      logger.error("A request was refused: the database couldn't say whether it was received before.", error)
      return refuse(response, 503)
    }
    if (!isNew) {
      logger.warn('A request was refused: it was received before.')
      return refuse(response, 401)
    }
    markVerified()
    if (!body) {
      logger.warn("A request was refused: Slack signed it, but its body isn't an object.")
      return refuse(response, 400)
    }
    // Slack sends this when an operator enters the request URL.
    if (body.type === 'url_verification' && typeof body.challenge === 'string') {
      response.writeHead(200, { 'content-type': 'text/plain' }).end(body.challenge)
      return
    }
    const exchange = { httpRequest: verified, httpRequestBody: body, httpResponse: response }
    // Bolt answers 404 in place of a step that takes more than five seconds, and the answer that follows would break.
    const late = isWorkflowStep(body) ? { unhandledRequestHandler: () => undefined } : {}
    const ack = new HTTPResponseAck({ logger, processBeforeResponse: false, ...exchange, ...late })
    try {
      await receive({ body, ack: ack.bind() }, arrival)
    } catch (error) {
      // Ends the exchange; the answer doesn't matter any more.
      ack.ack()
      throw error
    }
  }

  // An open port is all that Slack needs.
  return {
    receiver,
    whyNotReady,
    start: () => server.listen(port),
    stop: async () => {
      await server.close()
      await settled()
    },
  }
}

/** Strict, because Bolt reads only the hash: a repeated request with extra text after it would look new. */
function isSignature(header: string | string[] | undefined): header is string {
  return typeof header === 'string' && /^v0=[0-9a-f]{64}$/.test(header)
}

/** Seconds. */
function isStamp(header: string | string[] | undefined): header is string {
  return typeof header === 'string' && /^\d{1,12}$/.test(header)
}

function readPayload(
  request: Parameters<typeof HTTPModuleFunctions.parseHTTPRequestBody>[0],
): Record<string, unknown> | undefined {
  try {
    const body: unknown = HTTPModuleFunctions.parseHTTPRequestBody(request)
    return isRecord(body) ? body : undefined
  } catch {
    return undefined
  }
}

/**
 * Remembers the signatures of requests for lists, in memory even if several processes get Slack's requests: so no keystroke waits
 * for the database, and at worst each process reads a list once more.
 *
 * @returns whether a signature is new, or came for the first time less than two seconds ago.
 */
function createTypeAheadCheck(now: () => number): (signature: string, staleAt: number) => boolean {
  /** When each arrived, and when Bolt itself begins to refuse it. In milliseconds since 1970. */
  const seen = new Map<string, { at: number; staleAt: number }>()
  return (signature, staleAt) => {
    const at = now()
    for (const [old, { staleAt }] of seen) if (staleAt < at) seen.delete(old)
    const before = seen.get(signature)
    if (before) return at - before.at < TYPE_AHEAD_GRACE_MS
    seen.set(signature, { at, staleAt })
    return true
  }
}
