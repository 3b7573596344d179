/** Delivers payloads to the bot over signed HTTP or Socket Mode, and waits for the acknowledgement. */
import { createHmac } from 'node:crypto'
import { request } from 'node:http'
import { asObject, type Json, parsed } from './json.js'
import type { Sockets } from './sockets.js'

/** Socket Mode's names for what is delivered; options requests, submissions and shortcuts are interactive as well. */
export type PayloadKind = 'slash_commands' | 'interactive' | 'events_api'

/** The body of the acknowledgement (empty if it had none), or Slack's code for what went wrong. */
export type Delivery =
  | { ok: true; body: Json }
  | { ok: false; error: 'operation_timeout' | 'dispatch_failed' | 'http_client_error' | 'http_service_error' }

interface DeliveryOptions {
  /** Where the bot takes requests; undefined means Socket Mode. */
  requestUrl(): string | undefined
  signingSecret: string
  sockets: Sockets
  /** Milliseconds the bot has to acknowledge: three seconds at Slack. */
  ackTimeoutMs: number
}

/**
 * Like Slack, it neither repeats a command or a click nor waits longer than the timeout. An event is repeated once, at once;
 * Slack's later repetitions, after a minute and after five, are left out.
 */
export function createDelivery(options: DeliveryOptions): (kind: PayloadKind, payload: Json) => Promise<Delivery> {
  return async (kind, payload) => {
    const first = await once(kind, payload)
    if (first.ok || kind !== 'events_api') return first
    return once(kind, payload, first.error === 'operation_timeout' ? 'http_timeout' : 'http_error')
  }

  async function once(kind: PayloadKind, payload: Json, retryReason?: string): Promise<Delivery> {
    const url = options.requestUrl()
    const controller = new AbortController()
    const { signal } = controller
    let timer: NodeJS.Timeout | undefined
    const timeUp = new Promise<Delivery>((resolve) => {
      timer = setTimeout(() => resolve({ ok: false, error: 'operation_timeout' }), options.ackTimeoutMs)
    })
    try {
      const sent = url
        ? post(url, options.signingSecret, kind, payload, signal, retryReason)
        : overSocket(options.sockets, kind, payload, signal, retryReason)
      return await Promise.race([sent, timeUp])
    } finally {
      clearTimeout(timer)
      controller.abort()
    }
  }
}

async function overSocket(
  sockets: Sockets,
  kind: PayloadKind,
  payload: Json,
  signal: AbortSignal,
  retryReason: string | undefined,
): Promise<Delivery> {
  const retry = { retry_attempt: retryReason ? 1 : 0, retry_reason: retryReason ?? '' }
  const acknowledged = sockets.send(kind, payload, signal, kind === 'events_api' ? retry : {})
  return acknowledged ? { ok: true, body: await acknowledged } : { ok: false, error: 'dispatch_failed' }
}

/** Slack's `v0` signature of a body. `timestamp` is in seconds. */
export function signature(secret: string, timestamp: number, body: string): string {
  return `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`
}

function formBody(kind: PayloadKind, payload: Json): string {
  const fields = kind === 'slash_commands' ? payload : { payload: JSON.stringify(payload) }
  return new URLSearchParams(Object.entries(fields).map(([key, value]) => [key, String(value)])).toString()
}

function post(
  url: string,
  secret: string,
  kind: PayloadKind,
  payload: Json,
  signal: AbortSignal,
  retryReason: string | undefined,
): Promise<Delivery> {
  const isEvent = kind === 'events_api'
  const body = isEvent ? JSON.stringify(payload) : formBody(kind, payload)
  // The bot compares with its own clock, so this is the real time even if the workspace's clock is set.
  const timestamp = Math.floor(Date.now() / 1000)
  return new Promise((resolve) => {
    const sent = request(
      url,
      {
        method: 'POST',
        // No kept-alive connection: a restarted bot on the same port must be reached at once.
        agent: false,
        signal,
        headers: {
          'content-type': isEvent ? 'application/json' : 'application/x-www-form-urlencoded',
          'content-length': Buffer.byteLength(body),
          'user-agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
          'x-slack-request-timestamp': String(timestamp),
          'x-slack-signature': signature(secret, timestamp, body),
          ...(retryReason ? { 'x-slack-retry-num': '1', 'x-slack-retry-reason': retryReason } : {}),
        },
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', () => resolve({ ok: false, error: 'dispatch_failed' }))
        response.on('end', () => {
          const status = response.statusCode ?? 500
          if (status >= 500) resolve({ ok: false, error: 'http_service_error' })
          else if (status >= 300) resolve({ ok: false, error: 'http_client_error' })
          else resolve({ ok: true, body: acknowledgement(Buffer.concat(chunks).toString('utf8')) })
        })
      },
    )
    sent.on('error', () => resolve({ ok: false, error: 'dispatch_failed' }))
    sent.end(body)
  })
}

/** A plain text body means a message with that text, in both modes. */
function acknowledgement(text: string): Json {
  if (text === '') return {}
  const json = parsed(text)
  return typeof json === 'object' ? asObject(json) : { text }
}
