/** Reads the bodies of requests before their signature is verified. */
import type { IncomingMessage } from 'node:http'

/** For all unverified bodies together, in bytes: dozens of the largest forms. */
const MAX_HELD_BYTES = 8 * 1024 * 1024
const FIRST_BYTES = 4 * 1024
const nothing: Buffer = Buffer.alloc(0)

/** Why a body was not read, as an HTTP status. */
export class BodyError extends Error {
  readonly status: 400 | 413 | 503

  constructor(status: BodyError['status'], message: string) {
    super(message)
    this.status = status
  }
}

/**
 * Returns a reader that holds a bounded number of bytes, however many requests send at once. At the limit it gives up the
 * body that has been arriving longest: Slack's are complete within milliseconds.
 *
 * The server enforces the time limit; a request that it cuts off rejects here.
 */
export function createBodyReader(): (request: IncomingMessage, maxBytes: number) => Promise<Buffer> {
  /** In order of arrival. */
  const arriving = new Set<{ bytes: Buffer; giveUp(error: BodyError): void }>()
  let heldBytes = 0

  /** @throws BodyError when the body is too large, breaks off, or has to make room for another. */
  return (request, maxBytes) =>
    new Promise((resolve, reject) => {
      // Created only when needed: collecting its stack takes longer than reading a body.
      const tooLarge = () => new BodyError(413, `The body has more than ${maxBytes} bytes.`)
      // Node enforces this length. A proxy in front of us may leave it out.
      const declared = Number(request.headers['content-length'] ?? 0)
      if (declared > maxBytes) return reject(tooLarge())
      const body = { bytes: nothing, giveUp }
      let length = 0
      arriving.add(body)

      // One growing buffer: as a list, a body in a million chunks of one byte would take a hundred times its length.
      function grow(wanted: number): void {
        const size = Math.min(maxBytes, Math.max(wanted, declared, 2 * body.bytes.length, FIRST_BYTES))
        const larger = Buffer.allocUnsafeSlow(size)
        body.bytes.copy(larger, 0, 0, length)
        heldBytes += size - body.bytes.length
        body.bytes = larger
        for (const other of arriving) {
          if (heldBytes <= MAX_HELD_BYTES) return
          if (other !== body) other.giveUp(new BodyError(503, 'The body was dropped to make room for another.'))
        }
      }
      function add(chunk: Buffer): void {
        const wanted = length + chunk.length
        if (wanted > maxBytes) {
          giveUp(tooLarge())
          return
        }
        if (wanted > body.bytes.length) grow(wanted)
        chunk.copy(body.bytes, length)
        length = wanted
      }
      function stop(): void {
        request.off('data', add).off('end', finish).off('close', breakOff)
        arriving.delete(body)
        heldBytes -= body.bytes.length
        // The request may live on with its connection.
        body.bytes = nothing
      }
      function finish(): void {
        const whole = body.bytes.subarray(0, length)
        stop()
        resolve(whole)
      }
      function giveUp(error: BodyError): void {
        stop()
        // Anything that still arrives is discarded.
        request.resume()
        reject(error)
      }
      function breakOff(): void {
        giveUp(new BodyError(400, 'The body ended early.'))
      }
      request.on('data', add).on('end', finish).on('close', breakOff)
      // Without a listener, the error of a broken connection would end the process.
      request.on('error', () => undefined)
    })
}
