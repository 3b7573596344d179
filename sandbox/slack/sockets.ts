/** The Slack side of Socket Mode: connections of the bot, and envelopes that go to one of them. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { BOT } from './backend.js'
import { asObject, asText, type Json, parsed } from './json.js'

const MAX_CONNECTIONS = 10
const TICKET_MS = 30_000
const PING_MS = 10_000
/** How long a connection may stay open after it was asked to reconnect. */
const GRACE_MS = 10_000
const GOODBYE_MS = 500

/** Before or after Slack reads an acknowledgement. */
export type DropPoint = 'before-ack' | 'after-ack'

export type DisconnectReason = 'warning' | 'refresh_requested'

/**
 * How a socket goes silent while it stays open: new connections get no answer to the upgrade, or no "hello"; existing
 * ones get nothing at all any more, not even pongs.
 */
export type Silence = 'no upgrade' | 'no hello' | 'mute'

/** The path of Socket Mode connections. */
export const SOCKET_PATH = '/link/'

export class Sockets {
  readonly #server = new WebSocketServer({ noServer: true, autoPong: false })
  readonly #tickets = new Map<string, number>()
  /** Next in line first; the one that got the last payload is last. */
  #ready: WebSocket[] = []
  readonly #waiting = new Map<string, (payload: Json) => void>()
  /** The drop that was ordered; `done` is called when Slack has the acknowledgement. */
  #drop: { when: DropPoint; done: () => void } | undefined
  /** What wasn't acknowledged; the next connection gets it again. */
  #again: { envelopeId: string; text: string; done: () => void } | undefined
  #silence: Exclude<Silence, 'mute'> | undefined
  readonly #mute = new Set<WebSocket>()
  /** Streams whose upgrade was never answered. */
  readonly #unanswered = new Set<Duplex>()
  readonly #sent = new Map<string, string>()
  readonly #pings: NodeJS.Timeout
  readonly #changed: () => void

  constructor(changed: () => void) {
    this.#changed = changed
    this.#pings = setInterval(() => {
      for (const socket of this.#server.clients) if (!this.#mute.has(socket)) socket.ping('Ping from slack')
    }, PING_MS)
    this.#pings.unref()
  }

  /** Number of connections that take payloads. */
  get count(): number {
    return this.#ready.length
  }

  /** A path for one connection, valid for half a minute. */
  issuePath(): string {
    const ticket = randomUUID()
    this.#tickets.set(ticket, Date.now() + TICKET_MS)
    return `${SOCKET_PATH}?ticket=${ticket}&app_id=${BOT.appId}`
  }

  /** Takes over an upgrade request to `SOCKET_PATH`. */
  upgrade(req: IncomingMessage, stream: Duplex, head: Buffer): void {
    const ticket = new URL(req.url ?? '/', 'http://slack').searchParams.get('ticket') ?? ''
    const until = this.#tickets.get(ticket)
    this.#tickets.delete(ticket)
    if (until === undefined || until < Date.now()) {
      stream.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      return
    }
    if (this.#silence === 'no upgrade') {
      this.#unanswered.add(stream)
      stream.on('error', () => stream.destroy()).on('end', () => stream.destroy())
      stream.on('close', () => this.#unanswered.delete(stream))
      stream.resume()
      return
    }
    this.#server.handleUpgrade(req, stream, head, (socket) => this.#welcome(socket))
  }

  /**
   * Sends an envelope to the next connection in line. Resolves with the payload of its acknowledgement, and never if none
   * comes: the caller has the timeout, and aborts the signal. Null if there is no connection.
   */
  send(type: string, payload: Json, signal: AbortSignal, retry: Json): Promise<Json> | null {
    const socket = this.#ready.shift()
    if (!socket) return null
    this.#ready.push(socket)
    const envelopeId = randomUUID()
    return new Promise((resolve) => {
      this.#waiting.set(envelopeId, resolve)
      signal.addEventListener('abort', () => this.#waiting.delete(envelopeId))
      const text = JSON.stringify({
        envelope_id: envelopeId,
        type,
        payload,
        // An event is only acknowledged, never answered.
        accepts_response_payload: type !== 'events_api',
        ...retry,
      })
      this.#sent.set(envelopeId, text)
      if (!this.#mute.has(socket)) socket.send(text)
    })
  }

  /** Undefined makes new connections behave as usual again. */
  silence(how: Silence | undefined): void {
    if (how === 'mute') for (const socket of this.#server.clients) this.#mute.add(socket)
    else this.#silence = how
  }

  /** Asks every client to open a new connection, as Slack does every few hours. */
  disconnect(reason: DisconnectReason): void {
    for (const socket of this.#ready) this.#dismiss(socket, reason)
    this.#ready = []
    this.#changed()
  }

  /** Drops the connection of the next acknowledgement; resolves once Slack has that acknowledgement. */
  dropAt(when: DropPoint): Promise<void> {
    return new Promise((done) => {
      this.#drop = { when, done }
    })
  }

  /** Closes all connections, and terminates those that don't answer in time. */
  async close(): Promise<void> {
    clearInterval(this.#pings)
    for (const stream of this.#unanswered) stream.destroy()
    const all = [...this.#server.clients]
    const timer = setTimeout(() => {
      for (const socket of all) socket.terminate()
    }, GOODBYE_MS)
    await Promise.all(
      all.map((socket) => {
        const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
        socket.close(1001)
        return closed
      }),
    )
    clearTimeout(timer)
    this.#server.close()
  }

  #welcome(socket: WebSocket): void {
    socket.on('error', () => socket.terminate())
    socket.on('close', () => this.#mute.delete(socket))
    socket.on('ping', (data) => {
      if (!this.#mute.has(socket)) socket.pong(data)
    })
    if (this.#silence === 'no hello') return
    if (this.#ready.length >= MAX_CONNECTIONS) {
      this.#dismiss(socket, 'too_many_websockets')
      return
    }
    socket.on('close', () => {
      this.#ready = this.#ready.filter((one) => one !== socket)
      this.#changed()
    })
    socket.on('message', (data) => {
      if (this.#mute.has(socket)) return
      const message = asObject(parsed(data.toString()))
      const id = asText(message.envelope_id)
      const { when, done } = this.#drop ?? {}
      this.#drop = undefined
      if (when) socket.terminate()
      if (when === 'before-ack') {
        this.#again = { envelopeId: id, text: this.#sent.get(id) ?? '', done: done ?? (() => {}) }
        return
      }
      this.#waiting.get(id)?.(asObject(message.payload))
      this.#waiting.delete(id)
      this.#sent.delete(id)
      done?.()
      if (this.#again?.envelopeId === id) {
        this.#again.done()
        this.#again = undefined
      }
    })
    this.#ready.push(socket)
    socket.send(
      JSON.stringify({
        type: 'hello',
        num_connections: this.#ready.length,
        debug_info: { host: 'sandbox', build_number: 1, approximate_connection_time: 18_060 },
        connection_info: { app_id: BOT.appId },
      }),
    )
    // Slack documents redelivery for events only. Redelivering everything is the harder case for a bot.
    if (this.#again) socket.send(this.#again.text)
    this.#changed()
  }

  #dismiss(socket: WebSocket, reason: DisconnectReason | 'too_many_websockets'): void {
    socket.send(JSON.stringify({ type: 'disconnect', reason, debug_info: { host: 'sandbox' } }))
    const timer = setTimeout(() => socket.terminate(), GRACE_MS)
    timer.unref()
    socket.on('close', () => clearTimeout(timer))
  }
}
