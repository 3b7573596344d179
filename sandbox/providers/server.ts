/** What all simulated providers share: an HTTP server, the common faults, and the record of requests and writes. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Simulator, SwitchState, Write } from './simulator.js'

/** What every simulator's `start` takes. */
export interface StartOptions {
  /** The provider's clock, in milliseconds. Default: the real one. */
  now?: () => number
  /** How long a clone takes, in milliseconds. Default: about ten seconds. */
  cloneMs?: number
  /** How many entries to add to every list, beside the usual seed. Default 0. */
  count?: number
}

export interface SimulatedRequest {
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingMessage['headers']
  /** Parsed JSON, or a form as an object; undefined if there is no body or it can't be parsed. */
  body: unknown
}

export interface Answer {
  status: number
  body: unknown
  headers?: Record<string, string>
}

export interface ServerOptions {
  /** Switches of this provider alone, added to the common ones. */
  switches?: readonly Omit<SwitchState, 'on'>[]
  /** Answers one request. Called once per request that is carried out; throws nothing. */
  answer(request: SimulatedRequest): Answer
  /** The provider's error body. */
  errorBody(status: number, message: string): unknown
  /** Headers to go with it. */
  errorHeaders?(status: number): Record<string, string>
  /** Whether a POST is only a login. That is no write, so it is never lost, dropped or recorded. */
  isLogin?(path: string): boolean
}

/** The server part of a simulator. `isOn` reads a switch, and switches it off if it affects one request only. */
export interface SimulatorServer
  extends Pick<Simulator, 'requests' | 'writes' | 'switches' | 'setSwitch' | 'onChange' | 'close'> {
  url: string
  isOn(id: string): boolean
  /** Notifies the listeners of a change, now or after some milliseconds. */
  changed(afterMs?: number): void
}

const SLOW_MS = 2_500
const RETRY_AFTER_SECONDS = 30

const COMMON_SWITCHES: readonly Omit<SwitchState, 'on'>[] = [
  { id: 'slow', label: 'Take 2.5 seconds to answer', once: false },
  { id: 'rate-limited', label: 'Answer 429, retry after 30 seconds', once: false },
  { id: 'lose-answer', label: 'Carry out the next write, but lose its answer', once: true },
  { id: 'drop-write', label: 'Drop the next write before it is carried out', once: true },
  { id: 'down', label: 'Answer 503 to everything', once: false },
  { id: 'html', label: 'Answer with an HTML page', once: false },
  { id: 'token-refused', label: 'Refuse the token', once: false },
]

export async function startServer(options: ServerOptions): Promise<SimulatorServer> {
  const switches = new Map(
    [...COMMON_SWITCHES, ...(options.switches ?? [])].map((one) => [one.id, { ...one, on: false }]),
  )
  const writes: Write[] = []
  const listeners: (() => void)[] = []
  const timers = new Set<NodeJS.Timeout>()
  let requests = 0

  function after(milliseconds: number, action: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer)
      action()
    }, milliseconds)
    timers.add(timer.unref())
  }

  function notify(): void {
    for (const listener of listeners) listener()
  }

  function find(id: string): SwitchState {
    const found = switches.get(id)
    if (!found) throw new Error(`There is no switch "${id}", only ${[...switches.keys()].join(', ')}.`)
    return found
  }

  function isOn(id: string): boolean {
    const found = find(id)
    const { on } = found
    if (found.once) found.on = false
    return on
  }

  /** The answer of a common fault, if one is on: the provider never handles the request. */
  function fault(): Answer | undefined {
    const refuse = (status: number, message: string) => ({
      status,
      body: options.errorBody(status, message),
      headers: options.errorHeaders?.(status) ?? {},
    })
    if (isOn('down')) return refuse(503, 'The service is temporarily unavailable.')
    if (isOn('html')) {
      return { status: 200, body: '<!doctype html><p>Down for maintenance', headers: { 'content-type': 'text/html' } }
    }
    if (isOn('rate-limited')) {
      const { headers, ...refusal } = refuse(429, 'Too many requests.')
      return { ...refusal, headers: { ...headers, 'retry-after': String(RETRY_AFTER_SECONDS) } }
    }
    return isOn('token-refused') ? refuse(401, 'The token is invalid or expired.') : undefined
  }

  const server = createServer(async (request, response) => {
    requests++
    const method = request.method ?? 'GET'
    const url = new URL(request.url ?? '/', 'http://simulator')
    const isWrite = method !== 'GET' && !options.isLogin?.(url.pathname)
    const body = await readBody(request)
    if (isWrite && isOn('drop-write')) {
      notify()
      return void request.socket.destroy()
    }
    const refusal = fault()
    const answer =
      refusal ?? options.answer({ method, path: url.pathname, query: url.searchParams, headers: request.headers, body })
    // A common fault answers in front of the provider, so this was no write.
    if (isWrite && !refusal) writes.push({ method, path: url.pathname, body, status: answer.status })
    const isLost = isWrite && isOn('lose-answer')
    if (isWrite) notify()

    function send(): void {
      if (isLost) return void request.socket.destroy()
      const isText = typeof answer.body === 'string'
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
      response.end(answer.body === undefined || isText ? answer.body : JSON.stringify(answer.body))
    }
    if (isOn('slow')) after(SLOW_MS, send)
    else send()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    isOn,
    changed: (afterMs) => (afterMs === undefined ? notify() : after(afterMs, notify)),
    requests: () => requests,
    writes: () => [...writes],
    switches: () => [...switches.values()].map((one) => ({ ...one })),
    setSwitch(id, on) {
      find(id).on = on
      notify()
    },
    onChange: (listener) => void listeners.push(listener),
    close() {
      for (const timer of timers) clearTimeout(timer)
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  try {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    const isForm = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded')
    if (isForm) return Object.fromEntries(new URLSearchParams(text))
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}
