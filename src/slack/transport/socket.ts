/** Receives Slack's requests over a socket that we open, and reopen whenever it is lost. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '@slack/bolt'
import { SocketModeClient } from '@slack/socket-mode'
import { WebAPIPlatformError, WebAPIRateLimitedError } from '@slack/web-api'
import { isRecord } from '../../lib/record.js'
import { within } from '../../lib/within.js'
import { withLogFields } from '../../log-fields.js'
import { type Meter, noMeter } from '../../metrics/meter.js'
import { clientOptions } from '../api/client.js'
import { isTokenRefused } from '../api/errors.js'
import { MAX_PAUSE_MS } from '../limits.js'
import { createReceiver, type SlackTransport } from './bolt-app.js'
import { createBoundedServer, refuse } from './server.js'

/** Between tries; doubles each time. */
const MIN_PAUSE_MS = 500
const MAX_RECONNECT_PAUSE_MS = 30_000
/** A socket that is lost sooner counts as a failed try, and the next one waits. */
const STABLE_AFTER_MS = 10_000

/** In milliseconds. */
export interface SocketTimes {
  /** From asking for a URL to Slack's "hello"; then another socket is tried. Half of it is for the URL. */
  connect: number
  /** A socket without an answer to a ping for so long counts as dead. */
  pong: number
}
/** With these, a dead socket is replaced within 15 seconds. */
const defaultTimeouts: SocketTimes = { connect: 12_000, pong: 5_000 }

/** How long Slack waits for an acknowledgement, in milliseconds. */
const MAX_ACK_MS = 3_000
/** Characters of Slack's own id of a request, which is a UUID, that make it unique in a log. */
const REQUEST_ID_LENGTH = 8
const NO_SOCKET = 'the socket to Slack is closed'
/** WebSocket's readyState of an open socket. */
const OPEN = 1
/** The types of Slack's requests over a socket. */
const REQUEST_TYPES: readonly unknown[] = ['slash_commands', 'interactive', 'events_api']

/**
 * Logs every change of whether the socket is open, and answers it at GET /readyz if there is a port.
 *
 * Each connection has its own client, so that events of an abandoned one are ignored. The client's own reconnecting is off:
 * it waits five seconds first, in which clicks get lost, and a token that is refused meanwhile ends the process, although
 * jobs don't need Slack.
 *
 * @param port for probes only; without one no port is opened.
 * @param whyNotReady why this process can't do its work now; meanwhile GET /readyz answers 503 with that. Undefined if it can.
 */
export function openSocketTransport(
  appToken: string,
  apiUrl: string,
  logger: Logger,
  port: number | undefined,
  times: SocketTimes = defaultTimeouts,
  whyNotReady: () => string | undefined = () => undefined,
  meter: Meter = noMeter,
): SlackTransport {
  // A retry inside the client would still be under way when our next try begins.
  const web = { ...clientOptions(apiUrl, logger, meter), timeout: times.connect / 2 }
  const options = { appToken, logger, clientPingTimeout: times.pong, clientOptions: web }
  const { receiver, receive, acknowledged, settled } = createReceiver(meter)
  const stopping = new AbortController()
  let isReady = false
  function setReady(ready: boolean): void {
    if (ready !== isReady) logger[ready ? 'info' : 'warn'](ready ? 'ready' : `not ready: ${NO_SOCKET}`)
    isReady = ready
  }
  const whySilent = () => (isReady ? whyNotReady() : NO_SOCKET)
  const probes = createBoundedServer(whySilent, (_, response) => refuse(response, 404))

  let pauseMs = MIN_PAUSE_MS
  async function pauseBeforeRetry(minMs: number): Promise<void> {
    const waitMs = Math.min(Math.max(pauseMs, minMs), MAX_PAUSE_MS)
    await delay(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    pauseMs = Math.min(2 * pauseMs, MAX_RECONNECT_PAUSE_MS)
  }

  /**
   * Resolves when Slack has said hello. `gone` resolves when that socket is lost.
   *
   * @throws the error that prevented it; the socket is closed then.
   */
  async function connect(): Promise<{ gone: Promise<unknown> }> {
    const client = new SocketModeClient({ ...options, autoReconnectEnabled: false })
    ignoreMalformedMessages(client, logger)
    client.on('slack_event', ({ ack, body, envelope_id: id }) => {
      withLogFields({ request: String(id).slice(0, REQUEST_ID_LENGTH) }, () => {
        receive({ body, ack }, { at: performance.now() }).catch((error) => logger.error('A request broke:', error))
      })
    })
    const gone = new Promise((resolve) => client.once('disconnected', resolve))
    const starting = client.start()
    try {
      await withDeadline(starting, times.connect, stopping.signal)
    } catch (error) {
      // Also closes a socket that opens after all.
      client.removeAllListeners('slack_event')
      disconnect(client)
      starting.then(
        () => disconnect(client),
        () => undefined,
      )
      throw error
    }
    return { gone: watch(client, gone) }
  }

  /** Closes a dead socket at once: the client would wait half a minute for its close frame. */
  async function watch(client: SocketModeClient, gone: Promise<unknown>): Promise<void> {
    const watching = setInterval(() => {
      if (client.websocket?.readyState !== OPEN) disconnect(client)
    }, times.pong / 5)
    const stop = () => void client.disconnect()
    stopping.signal.addEventListener('abort', stop)
    await gone
    clearInterval(watching)
    stopping.signal.removeEventListener('abort', stop)
  }

  /**
   * Resolves when a socket is open, or undefined when the transport stops.
   *
   * @throws WebAPIPlatformError when Slack refuses the token at the start. Later it may be fixed while jobs go on.
   */
  async function openAnother(isStart: boolean): Promise<{ gone: Promise<unknown> } | undefined> {
    while (!stopping.signal.aborted) {
      try {
        const socket = await connect()
        setReady(true)
        void socket.gone.then(() => {
          if (!stopping.signal.aborted) setReady(false)
        })
        return socket
      } catch (error) {
        if (stopping.signal.aborted) break
        if (isStart && error instanceof WebAPIPlatformError && isTokenRefused(error.data.error)) throw error
        // The client has logged all other errors.
        if (error instanceof SilentSocketError) logger.warn(error.message)
        await pauseBeforeRetry(error instanceof WebAPIRateLimitedError ? error.retryAfter * 1000 : 0)
      }
    }
    return undefined
  }

  async function keepOpen(first: { gone: Promise<unknown> } | undefined): Promise<void> {
    let socket = first
    while (socket) {
      const openedAt = performance.now()
      await socket.gone
      if (performance.now() - openedAt >= STABLE_AFTER_MS) pauseMs = MIN_PAUSE_MS
      else await pauseBeforeRetry(0)
      socket = await openAnother(false)
    }
  }

  return {
    receiver,
    whyNotReady: whySilent,
    /** @throws WebAPIPlatformError when Slack refuses the token. */
    start: async () => {
      if (port !== undefined) await probes.listen(port)
      void keepOpen(await openAnother(true))
    },
    stop: async () => {
      // Nothing can be acknowledged over a socket that is closing.
      await within(MAX_ACK_MS, acknowledged())
      stopping.abort()
      await probes.close()
      await settled()
    },
  }
}

class SilentSocketError extends Error {
  constructor(ms: number) {
    super(`Slack's socket did not say hello within ${ms / 1000} s; trying another one.`)
  }
}

/** @throws SilentSocketError after `ms` milliseconds, or the signal's reason if that comes first. */
async function withDeadline(starting: Promise<unknown>, ms: number, signal: AbortSignal): Promise<void> {
  const timeout = delay(ms, undefined, { signal, ref: false }).then(() => {
    throw new SilentSocketError(ms)
  })
  await Promise.race([starting, timeout])
}

/** Twice, because the first call says goodbye and waits for an answer, and the second one doesn't wait. */
function disconnect(client: SocketModeClient): void {
  for (let times = 0; times < 2; times += 1) client.disconnect().catch(() => undefined)
}

/**
 * Passes only well-formed messages on to the client: it takes whatever arrives for a message of Slack, and an error in that
 * would be uncaught and end the process.
 */
function ignoreMalformedMessages(client: SocketModeClient, logger: Logger): void {
  const [read] = client.listeners('ws_message')
  client.removeAllListeners('ws_message')
  client.on('ws_message', (data: unknown, isBinary: unknown) => {
    if (isMessage(data)) read?.(data, isBinary)
    else logger.warn("A socket message was ignored: Slack doesn't send messages like it.")
  })
}

function isMessage(data: unknown): data is string {
  if (typeof data !== 'string') return false
  try {
    const message: unknown = JSON.parse(data)
    if (!isRecord(message)) return false
    const { type, payload } = message
    if (type === 'hello' || type === 'disconnect') return true
    return REQUEST_TYPES.includes(type) && isRecord(payload) && (type !== 'events_api' || isRecord(payload.event))
  } catch {
    return false
  }
}
