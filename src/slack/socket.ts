/** How Slack reaches the bot over a socket that the bot opens, and opens again whenever it is gone. */
import { createServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { type Logger, SocketModeReceiver } from '@slack/bolt'
import { WebAPIPlatformError } from '@slack/web-api'
import { answerProbe, close, listen, refuse, type SlackEntrance } from './entrance.js'
import { isTokenRefused } from './identity.js'

/** Between tries, in milliseconds: twice as long each time. */
const pause = { first: 500, longest: 30_000 }
/** A socket that is gone sooner, in milliseconds, was no good: another one right after it would be none either. */
const soundAfterMs = 10_000

/**
 * Whether the socket is open is logged with every change, and answered at GET /ready where there is a port.
 *
 * The client's own reconnecting is off: it waits five seconds before it begins, in which clicks get lost, and a token that
 * is refused meanwhile ends the process, although jobs need no Slack.
 *
 * @param port for probes alone; without one no port is opened.
 */
export function openSocketEntrance(
  appToken: string,
  apiUrl: string,
  logger: Logger,
  port: number | undefined,
): SlackEntrance {
  // Without a ceiling the pauses between tries grow to a quarter of an hour while Slack is away.
  const retryConfig = { forever: true, factor: 1.3, minTimeout: pause.first, maxTimeout: pause.longest }
  const clientOptions = { slackApiUrl: apiUrl, retryConfig, timeout: 10_000 }
  const options = { appToken, logger, autoReconnectEnabled: false, installerOptions: { clientOptions } }
  const receiver = new SocketModeReceiver(options)
  const { client } = receiver
  const stopping = new AbortController()
  let isReady = false
  function be(ready: boolean): void {
    if (ready !== isReady) logger[ready ? 'info' : 'warn'](ready ? 'ready' : 'not ready: the socket to Slack is away')
    isReady = ready
  }
  client.on('connected', () => be(true))
  client.on('close', () => be(false))
  const probes = createServer((request, response) => {
    if (!answerProbe(request, response, isReady)) refuse(response, 404)
  })

  let pauseMs = pause.first
  async function rest(): Promise<void> {
    await delay(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    pauseMs = Math.min(2 * pauseMs, pause.longest)
  }

  /** Resolves once the socket is open, or nobody wants it any more. */
  async function open(refused: (error: WebAPIPlatformError) => void): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await client.start()
        break
      } catch (error) {
        // The client has logged whatever it was.
        if (error instanceof WebAPIPlatformError && isTokenRefused(error.data.error)) refused(error)
      }
      await rest()
    }
    // It was asked for before somebody wanted to stop, and nothing new may come in.
    if (stopping.signal.aborted) await client.disconnect()
  }

  async function keepOpen(): Promise<void> {
    while (!stopping.signal.aborted) {
      const openedAt = performance.now()
      await new Promise((resolve) => client.once('disconnected', resolve))
      if (performance.now() - openedAt >= soundAfterMs) pauseMs = pause.first
      else await rest()
      // A token that is refused by now may be mended while jobs go on.
      await open(() => undefined)
    }
  }

  return {
    receiver,
    /** @throws WebAPIPlatformError when Slack refuses the token. */
    start: async () => {
      if (port !== undefined) await listen(probes, port)
      await open((error) => {
        throw error
      })
      void keepOpen()
    },
    stop: async () => {
      stopping.abort()
      await receiver.stop()
      await close(probes)
    },
  }
}
