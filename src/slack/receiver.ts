/** How Slack reaches the bot: Socket Mode, or HTTP where no request passes that Slack did not sign just now, once. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { HTTPModuleFunctions, HTTPReceiver, type Logger, type Receiver, SocketModeReceiver } from '@slack/bolt'

export interface SlackEntrance {
  receiver: Receiver
  start(): Promise<void>
  stop(): Promise<void>
}

/** Slack's requests are a few kilobytes; a form with all its answers stays far below this many bytes. */
const bodyLimit = 1024 * 1024
const windowMs = 5 * 60_000

export function openSocketEntrance(appToken: string, apiUrl: string, logger: Logger): SlackEntrance {
  const receiver = new SocketModeReceiver({
    appToken,
    logger,
    installerOptions: { clientOptions: { slackApiUrl: apiUrl } },
  })
  return {
    receiver,
    start: async () => void (await receiver.start()),
    stop: async () => void (await receiver.stop()),
  }
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
  const receiver = new HTTPReceiver({ signingSecret, logger, bodyLimit, endpoints: '/slack/events' })
  const seen = new SeenSignatures(now)

  const server = createServer((request, response) => {
    pass(request, response).catch((error) => {
      logger.error('A request broke:', error)
      if (!response.headersSent) refuse(response, 500)
    })
  })

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/healthz' && request.method === 'GET') return void response.writeHead(200).end('ok')
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
    if (!isCertificateCheck && (stampMs > now() + windowMs || !seen.isNew(signature, stampMs))) {
      logger.warn('A request was refused: it is dated ahead, or came before.')
      return refuse(response, 401)
    }
    receiver.requestListener(verified, response)
  }

  return {
    receiver,
    start: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, resolve)
      }),
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status).end()
}

/** Signatures that were accepted and are still inside the window in which Bolt would accept them again. */
class SeenSignatures {
  readonly #now: () => number
  /** In order of arrival, with the time after which Bolt itself calls the request stale. */
  readonly #staleAt = new Map<string, number>()

  constructor(now: () => number) {
    this.#now = now
  }

  isNew(signature: string, stampMs: number): boolean {
    for (const [old, staleAt] of this.#staleAt) {
      if (staleAt < this.#now()) this.#staleAt.delete(old)
    }
    if (this.#staleAt.has(signature)) return false
    this.#staleAt.set(signature, stampMs + windowMs + 1000)
    return true
  }
}
