/** A proxy with accidents, in front of each provider and of Slack. It records the writes that came through. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** What may happen to one request on its way. */
export const MISHAPS = [
  /** Carried out; then the line breaks. */
  'lost answer',
  /** The line breaks first: nothing was carried out. */
  'dropped',
  /** 503, and nothing was carried out. */
  'refused',
  /** Carried out, but the gateway answers 502 with a page of its own. */
  'bad gateway',
  /** 429 with Retry-After, and nothing was carried out. */
  'rate limit',
  /** The same, without Retry-After. */
  'bare rate limit',
  /** Slack refuses a message there: 200 with an error. */
  'refused place',
  /** Held up on its way there; it arrives even if the bot no longer waits for the answer. */
  'late request',
  /** The answer is held up on its way back. */
  'late answer',
  /** Carried out; the answer breaks off halfway. */
  'truncated answer',
  /** Carried out; a page of HTML comes back under status 200. */
  'html answer',
  /** As the late ones, but for so long that the bot has given up by then. */
  'much too late request',
  'much too late answer',
] as const
export type Mishap = (typeof MISHAPS)[number]

/** One accident that waits for its request. */
export interface Accident {
  mishap: Mishap
  on: 'write' | 'any' | 'post to a channel'
  /** How long what is late is held up, in milliseconds. */
  heldMs: number
  /** The error with which a place refuses a message. */
  word?: string
}

/** A write that came through, as the other side answered it, whatever became of that answer. */
export interface Exchange {
  at: number
  method: string
  path: string
  body: unknown
  status: number
  answer: unknown
  mishap: Mishap | undefined
}

/** A write that isn't answered yet, and whose it is. */
export interface Waiting {
  by: number
  path: string
}

export interface FaultProxy {
  /** One address for each process that comes through here, so that it is known whose a request is. */
  urls: readonly [string, ...string[]]
  /** All writes that were carried out or refused by the other side, in the order of its answers. */
  exchanges: readonly Exchange[]
  /** The next so many requests, or writes, meet with this. */
  plan(accident: Accident, times: number): void
  /** 503 to everything. */
  setDown(isDown: boolean): void
  /** Lifts what was planned. */
  heal(): void
  /** Called with whose it is, right after each write was carried out and before it is answered. */
  onWrite(listener: (by: number) => void): () => void
  /** Called when the bot no longer waits for an answer that is much too late: it has given up, or died. */
  onGivenUp(listener: (by: number) => void): () => void
  /** Called with each write that arrives: all writes whose sender waits for the answer now, itself included. */
  onArrival(listener: (waiting: readonly Waiting[]) => void): () => void
  /** Whether no request is on its way any more. */
  isQuiet(): boolean
  /** How often each mishap came about. */
  happened(): Readonly<Record<string, number>>
  close(): Promise<void>
}

const RETRY_AFTER_SECONDS = '2'
const PAGE = '<!doctype html><html><body>Something is not as it should be.</body></html>'

/**
 * @param isToChannel whether a request posts where many people read, by its path and body.
 * @param processes how many have an address of their own.
 */
export async function startProxy(
  target: string,
  processes: number,
  isWrite: (method: string, path: string) => boolean,
  isToChannel: (path: string, body: string) => boolean = () => false,
): Promise<FaultProxy> {
  const exchanges: Exchange[] = []
  const whenWritten = new Set<(by: number) => void>()
  const whenGivenUp = new Set<(by: number) => void>()
  const whenArrived = new Set<(waiting: readonly Waiting[]) => void>()
  const waiting = new Map<ServerResponse, Waiting>()
  const counts: Record<string, number> = {}
  let planned: Accident[] = []
  let isDown = false
  let underWay = 0

  function due(request: { isWrite: boolean; isToChannel: boolean }): Partial<Accident> {
    const at = planned.findIndex(({ on }) =>
      on === 'post to a channel' ? request.isToChannel : on === 'any' || request.isWrite,
    )
    const [found] = at === -1 ? [] : planned.splice(at, 1)
    if (found) counts[found.mishap] = (counts[found.mishap] ?? 0) + 1
    return found ?? {}
  }

  /** @param url where the sender of a request reaches this proxy. */
  async function carry(by: number, url: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? 'GET'
    const path = request.url ?? '/'
    const sent = await readBody(request)
    if (isDown) return void answer(response, 503, PAGE, 'text/html')
    const writes = isWrite(method, path)
    if (writes) {
      waiting.set(response, { by, path })
      response.once('close', () => waiting.delete(response))
      for (const listener of whenArrived) listener([...waiting.values()])
    }
    const { mishap, heldMs, word } = due({ isWrite: writes, isToChannel: isToChannel(path, sent.toString()) })
    if (mishap === 'dropped') return void request.socket.destroy()
    if (mishap === 'refused') return void answer(response, 503, '{}', 'application/json')
    if (mishap === 'refused place') {
      return void answer(response, 200, JSON.stringify({ ok: false, error: word }), 'application/json')
    }
    if (mishap === 'rate limit' || mishap === 'bare rate limit') {
      if (mishap === 'rate limit') response.setHeader('retry-after', RETRY_AFTER_SECONDS)
      return void answer(response, 429, '{"ok":false,"error":"ratelimited"}', 'application/json')
    }
    if (mishap?.startsWith('much too late')) {
      response.once('close', () => {
        if (!response.writableEnded) for (const listener of [...whenGivenUp]) listener(by)
      })
    }
    if (mishap?.endsWith('late request')) await delay(heldMs)

    const { host: _, connection: __, 'content-length': ___, ...headers } = request.headers
    const came = await fetch(target + path, {
      method,
      headers: Object.entries(headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
      redirect: 'manual',
      ...(sent.length > 0 && { body: new Uint8Array(sent) }),
    })
    // Addresses of next pages must lead through this proxy, too.
    const text = (await came.text()).replaceAll(target, url)
    if (writes) {
      const [body, back] = [parsed(sent.toString()), parsed(text)]
      exchanges.push({ at: Date.now(), method, path, body, status: came.status, answer: back, mishap })
      // One that was called may ask for the next one.
      for (const listener of [...whenWritten]) listener(by)
    }
    if (mishap === 'lost answer') return void request.socket.destroy()
    if (mishap === 'bad gateway') return void answer(response, 502, PAGE, 'text/html')
    if (mishap === 'html answer') return void answer(response, 200, PAGE, 'text/html')
    if (mishap?.endsWith('late answer')) await delay(heldMs)
    const passed = [...came.headers].filter(([name]) => !['content-length', 'connection', 'keep-alive'].includes(name))
    for (const [name, value] of passed) response.setHeader(name, value.replaceAll(target, url))
    if (mishap === 'truncated answer') {
      response.writeHead(came.status, { 'content-length': Buffer.byteLength(text) + 1 })
      response.write(text.slice(0, text.length / 2))
      setTimeout(() => request.socket.destroy(), 20)
      return
    }
    response.writeHead(came.status).end(text)
  }

  const open = async (by: number) => {
    const server = createServer((request, response) => {
      underWay += 1
      carry(by, urlOf(server), request, response)
        .catch(() => request.socket.destroy())
        .finally(() => {
          underWay -= 1
        })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return server
  }
  const servers = [await open(0)] as [Server, ...Server[]]
  for (let by = 1; by < processes; by += 1) servers.push(await open(by))
  const [first, ...others] = servers

  return {
    urls: [urlOf(first), ...others.map(urlOf)],
    exchanges,
    plan(accident, times) {
      for (let count = 0; count < times; count += 1) planned.push(accident)
    },
    setDown(next) {
      isDown = next
    },
    heal() {
      planned = []
      isDown = false
    },
    onWrite: (listener) => listenIn(whenWritten, listener),
    onGivenUp: (listener) => listenIn(whenGivenUp, listener),
    onArrival: (listener) => listenIn(whenArrived, listener),
    isQuiet: () => underWay === 0,
    happened: () => counts,
    async close() {
      for (const server of servers) server.closeAllConnections()
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
    },
  }
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Answers with how to stop it. */
function listenIn<T>(listeners: Set<(given: T) => void>, listener: (given: T) => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

function answer(response: ServerResponse, status: number, body: string, type: string): void {
  response.writeHead(status, { 'content-type': type }).end(body)
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
