/** How Slack reaches the bot over a socket that the bot opens, and opens again whenever it is gone. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '@slack/bolt'
import { SocketModeClient } from '@slack/socket-mode'
import { WebAPIPlatformError, WebAPIRateLimitedError } from '@slack/web-api'
import { isTokenRefused } from '../api/identity.js'
import { MAX_PAUSE_MS } from '../limits.js'
import {
  answerProbe,
  close,
  createBoundedServer,
  createReceiver,
  isPayload,
  listen,
  refuse,
  type SlackTransport,
} from './probes.js'

/** Between tries, in milliseconds: twice as long each time. */
const pause = { first: 500, longest: 30_000 }
/** A socket that is gone sooner, in milliseconds, was no good: another one right after it would be none either. */
const SOUND_AFTER_MS = 10_000
const PROBE_TIMEOUT_MS = 5_000

/** In milliseconds. */
export interface SocketTimes {
  /** From asking for a URL to Slack's "hello", in milliseconds; then another socket is tried. Half of it is for the asking. */
  connect: number
  /** A socket counts as dead after so many milliseconds without an answer to a ping. */
  pong: number
}
/** A dead socket is given up, and another one opened, within 15 seconds. */
const defaultTimeouts: SocketTimes = { connect: 12_000, pong: 5_000 }

/** WebSocket's readyState of an open socket. */
const OPEN = 1
/** What Slack sends over a socket, as far as we know it. */
const REQUEST_TYPES: readonly unknown[] = ['slash_commands', 'interactive', 'events_api']

/**
 * Whether the socket is open is logged with every change, and answered at GET /ready where there is a port.
 *
 * Each connection has a client of its own, so that events of an abandoned one are ignored. The client's own
 * reconnecting is off: it waits five seconds before it begins, in which clicks get lost, and a token that is refused
 * meanwhile ends the process, although jobs need no Slack.
 *
 * @param port for probes alone; without one no port is opened.
 */
export function openSocketTransport(
  appToken: string,
  apiUrl: string,
  logger: Logger,
  port: number | undefined,
  times: SocketTimes = defaultTimeouts,
): SlackTransport {
  // A try that goes on by itself would still be on its way when the next one begins.
  const web = { retryConfig: { retries: 0 }, rejectRateLimitedCalls: true, timeout: times.connect / 2 }
  const clientOptions = { slackApiUrl: apiUrl, ...web }
  const clientSettings = { appToken, logger, autoReconnectEnabled: false, clientPingTimeout: times.pong, clientOptions }
  const { receiver, receive } = createReceiver()
  const stopping = new AbortController()
  let isReady = false
  function be(ready: boolean): void {
    if (ready !== isReady) logger[ready ? 'info' : 'warn'](ready ? 'ready' : 'not ready: the socket to Slack is away')
    isReady = ready
  }
  const probes = createBoundedServer(PROBE_TIMEOUT_MS, (request, response) => {
    if (!answerProbe(request, response, isReady)) refuse(response, 404)
  })

  let pauseMs = pause.first
  async function rest(atLeastMs: number): Promise<void> {
    const restMs = Math.min(Math.max(pauseMs, atLeastMs), MAX_PAUSE_MS)
    await delay(restMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    pauseMs = Math.min(2 * pauseMs, pause.longest)
  }

  /**
   * Resolves when Slack has said hello, with the end of that socket.
   *
   * @throws the error that prevented it; the socket is given up then.
   */
  async function connect(): Promise<{ gone: Promise<unknown> }> {
    const client = new SocketModeClient(clientSettings)
    readCarefully(client, logger)
    client.on('slack_event', ({ ack, body }) => {
      receive({ body, ack }).catch((error) => logger.error('A request broke:', error))
    })
    const gone = new Promise((resolve) => client.once('disconnected', resolve))
    const starting = client.start()
    try {
      await inTime(starting, times.connect, stopping.signal)
    } catch (error) {
      // A socket that is just being opened is no longer wanted.
      client.removeAllListeners('slack_event')
      drop(client)
      starting.then(
        () => drop(client),
        () => undefined,
      )
      throw error
    }
    return { gone: watch(client, gone) }
  }

  /** Drops a dead socket at once: the client itself would wait half a minute for its close frame. */
  async function watch(client: SocketModeClient, gone: Promise<unknown>): Promise<void> {
    const watching = setInterval(() => {
      if (client.websocket?.readyState !== OPEN) drop(client)
    }, times.pong / 5)
    const stop = () => void client.disconnect()
    stopping.signal.addEventListener('abort', stop)
    await gone
    clearInterval(watching)
    stopping.signal.removeEventListener('abort', stop)
  }

  /** Resolves once a socket is open, or none is wanted any more. */
  async function openAnother(
    refused: (error: WebAPIPlatformError) => void,
  ): Promise<{ gone: Promise<unknown> } | undefined> {
    while (!stopping.signal.aborted) {
      try {
        const socket = await connect()
        be(true)
        void socket.gone.then(() => {
          if (!stopping.signal.aborted) be(false)
        })
        return socket
      } catch (error) {
        if (stopping.signal.aborted) break
        if (error instanceof WebAPIPlatformError && isTokenRefused(error.data.error)) refused(error)
        // The client has logged what kept it from asking for a socket.
        if (error instanceof SilentSocketError) logger.warn(error.message)
        await rest(error instanceof WebAPIRateLimitedError ? error.retryAfter * 1000 : 0)
      }
    }
    return undefined
  }

  async function keepOpen(first: { gone: Promise<unknown> } | undefined): Promise<void> {
    let socket = first
    while (socket) {
      const openedAt = performance.now()
      await socket.gone
      if (performance.now() - openedAt >= SOUND_AFTER_MS) pauseMs = pause.first
      else await rest(0)
      // A token that is refused by now may be mended while jobs go on.
      socket = await openAnother(() => undefined)
    }
  }

  return {
    receiver,
    /** @throws WebAPIPlatformError when Slack refuses the token. */
    start: async () => {
      if (port !== undefined) await listen(probes, port)
      const socket = await openAnother((error) => {
        throw error
      })
      void keepOpen(socket)
    },
    stop: async () => {
      stopping.abort()
      await close(probes)
    },
  }
}

class SilentSocketError extends Error {
  constructor(ms: number) {
    super(`Slack's socket did not say hello within ${ms / 1000} s; trying another one.`)
  }
}

/** @throws SilentSocketError when it takes longer, the signal's reason when that comes first. */
async function inTime(starting: Promise<unknown>, ms: number, signal: AbortSignal): Promise<void> {
  const settled = new AbortController()
  const late = delay(ms, undefined, { signal: AbortSignal.any([settled.signal, signal]) }).then(() => {
    throw new SilentSocketError(ms)
  })
  await Promise.race([starting, late]).finally(() => settled.abort())
}

/** Asked once it says goodbye and waits for an answer, asked again it waits no longer. */
function drop(client: SocketModeClient): void {
  for (let times = 0; times < 2; times += 1) client.disconnect().catch(() => undefined)
}

/**
 * The client treats anything it reads as Slack's message, and an error while reading goes uncaught and ends the process. So
 * only well-formed messages reach it.
 */
function readCarefully(client: SocketModeClient, logger: Logger): void {
  const [read] = client.listeners('ws_message')
  client.removeAllListeners('ws_message')
  client.on('ws_message', (data: unknown, isBinary: unknown) => {
    if (isMessage(data)) read?.(data, isBinary)
    else logger.warn('A socket message was ignored: Slack doesn’t send messages like it.')
  })
}

function isMessage(data: unknown): data is string {
  if (typeof data !== 'string') return false
  try {
    const message: unknown = JSON.parse(data)
    if (!isPayload(message)) return false
    const { type, payload } = message
    if (type === 'hello' || type === 'disconnect') return true
    return REQUEST_TYPES.includes(type) && isPayload(payload) && (type !== 'events_api' || isPayload(payload.event))
  } catch {
    return false
  }
}
