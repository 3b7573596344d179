/** How Slack reaches the bot over HTTP, where no request passes that Slack did not sign just now, once. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { HTTPModuleFunctions, HTTPReceiver, type Logger } from '@slack/bolt'
import { answerProbe, close, listen, refuse, type SlackEntrance } from './entrance.js'

/** Slack's requests are a few kilobytes; a form with all its answers stays far below this many bytes. */
const bodyLimit = 1024 * 1024
const windowMs = 5 * 60_000
/** A list asked for twice within a second looks the same to the byte, and reading it twice changes nothing. */
const typeAheadGraceMs = 2_000

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
    // Bolt reads no further than the hash: with anything behind it, what came before would pass for new.
    const isSlacks = /^v0=[0-9a-f]{64}$/.test(signature) && stampMs <= now() + windowMs
    if (!isCertificateCheck && !(isSlacks && seen.isNew(signature, stampMs, graceMs))) {
      logger.warn('A request was refused: it is dated ahead, came before, or has a signature of another form.')
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
