/** How Slack reaches the bot: Socket Mode, or HTTP where no request passes that Slack did not sign just now, once. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { HTTPModuleFunctions, HTTPReceiver, type Logger, type Receiver, SocketModeReceiver } from '@slack/bolt'

export interface SlackEntrance {
  receiver: Receiver
  start(): Promise<void>
  stop(): Promise<void>
}

/** Slack's requests are a few kilobytes; a form with all its answers stays far below this many bytes. */
const bodyLimit = 1024 * 1024
const windowMs = 5 * 60_000
const drainMs = 3_000
/** A list asked for twice within a second looks the same to the byte, and reading it twice changes nothing. */
const typeAheadGraceMs = 2_000

/**
 * Slack reaches the bot over a socket that the bot opens. Whether it is open is logged with every change, and answered at
 * GET /ready where there is a port.
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
  const retryConfig = { forever: true, factor: 1.3, minTimeout: 500, maxTimeout: 30_000 }
  const clientOptions = { slackApiUrl: apiUrl, retryConfig, timeout: 10_000 }
  const receiver = new SocketModeReceiver({ appToken, logger, installerOptions: { clientOptions } })
  let isReady = false
  function be(ready: boolean): void {
    if (ready !== isReady) logger[ready ? 'info' : 'warn'](ready ? 'ready' : 'not ready: the socket to Slack is away')
    isReady = ready
  }
  receiver.client.on('connected', () => be(true))
  receiver.client.on('close', () => be(false))
  const probes = createServer((request, response) => {
    if (!answerProbe(request, response, isReady)) refuse(response, 404)
  })
  return {
    receiver,
    start: async () => {
      if (port !== undefined) await listen(probes, port)
      await receiver.start()
    },
    stop: async () => {
      await receiver.stop()
      await close(probes)
    },
  }
}

/** GET /healthz: the process lives. GET /ready: Slack reaches it. Answers whether it was one of the two. */
function answerProbe({ method, url }: IncomingMessage, response: ServerResponse, isReady: boolean): boolean {
  if (method !== 'GET' || (url !== '/healthz' && url !== '/ready')) return false
  if (url === '/healthz') response.writeHead(200).end('ok')
  else response.writeHead(isReady ? 200 : 503).end(isReady ? 'ready' : 'not ready: the socket to Slack is away')
  return true
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, resolve)
  })
}

/** A request that trickles in must not hold up the end. */
function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), drainMs)
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}

/**
 * One route, POST /slack/events, for commands, forms, lists and buttons. Bolt verifies the signature but lets a stamp
 * from the future pass and the same request come again: both are refused here, before Bolt sees them.
 */
export function openHttpEntrance(
  signingSecret: string,
  port: number,
  logger: Logger,
  now: () => number,
): SlackEntrance {
  // Anyone can sign with an empty key.
  if (signingSecret.trim() === '')
    throw new Error('There is no signing secret, so no request could be told from a forged one.')
  const receiver = new HTTPReceiver({ signingSecret, logger, bodyLimit, endpoints: '/slack/events' })
  const seen = new SeenSignatures(now)

  const server = createServer((request, response) => {
    pass(request, response).catch((error) => {
      logger.error('A request broke:', error)
      if (!response.headersSent) refuse(response, 500)
    })
  })

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Who can be asked can be reached: Slack comes by this very door.
    if (answerProbe(request, response, true)) return
    if (request.url !== '/slack/events' || request.method !== 'POST') return refuse(response, 404)
    let verified: Awaited<ReturnType<typeof HTTPModuleFunctions.parseAndVerifyHTTPRequest>>
    try {
      verified = await HTTPModuleFunctions.parseAndVerifyHTTPRequest(
        { enabled: true, signingSecret, bodyLimit, logger },
        request,
      )
    } catch (error) {
      logger.warn('A request was refused:', error)
      return refuse(response, HTTPModuleFunctions.isRawBodyError(error) ? error.statusCode : 401)
    }
    // Slack's certificate check is the one unsigned request Bolt takes; by now nothing else is left in it.
    const isCertificateCheck = verified.rawBody.toString() === 'ssl_check=1'
    const stampMs = Number(request.headers['x-slack-request-timestamp']) * 1000
    const signature = String(request.headers['x-slack-signature'])
    const graceMs = isTypeAhead(verified.rawBody) ? typeAheadGraceMs : 0
    if (!isCertificateCheck && (stampMs > now() + windowMs || !seen.isNew(signature, stampMs, graceMs))) {
      logger.warn('A request was refused: it is dated ahead, or came before.')
      return refuse(response, 401)
    }
    receiver.requestListener(verified, response)
  }

  return {
    receiver,
    start: async () => await listen(server, port),
    stop: async () => await close(server),
  }
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status).end()
}

function isTypeAhead(body: Buffer): boolean {
  const payload = new URLSearchParams(body.toString()).get('payload') ?? ''
  return payload.includes('"type":"block_suggestion"')
}

/** Signatures that were accepted and are still inside the window in which Bolt would accept them again. */
class SeenSignatures {
  readonly #now: () => number
  /** In order of arrival: when each came, and after when Bolt itself calls the request stale. */
  readonly #seen = new Map<string, { at: number; staleAt: number }>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** @param graceMs for how long after its first arrival the same request is taken again. */
  isNew(signature: string, stampMs: number, graceMs: number): boolean {
    const now = this.#now()
    for (const [old, { staleAt }] of this.#seen) if (staleAt < now) this.#seen.delete(old)
    const before = this.#seen.get(signature)
    if (before) return now - before.at < graceMs
    this.#seen.set(signature, { at: now, staleAt: stampMs + windowMs + 1000 })
    return true
  }
}
