/** A proxy in front of a server: passes requests on and keeps the answers, or refuses and quotes the request back. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Middleman {
  url: string
  /** Everything it answered so far. */
  answers(): string
  /** From now on, answers each request with this status and a quote of the request; null passes requests on again. */
  quoteBack(status: number | null): void
  close(): Promise<void>
}

/** @param target origin of the server behind it. In answers, this address is replaced by the proxy's own. */
export async function startMiddleman(target: string): Promise<Middleman> {
  const answers: string[] = []
  let status: number | null = null
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    if (status !== null) {
      // The error shapes of all vendors at once. Some vendors really quote the header they refuse.
      const words = `no to ${request.headers.authorization} and ${body} of ${JSON.stringify(request.headers)}`
      const error = { message: words, error: words, detail: words, title: words, msg: words, msg_show: words }
      const whole = { ...error, error_description: words, code: 10_003, errors: [{ ...error, code: 10_003 }] }
      return void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(whole))
    }
    const headers = new Headers()
    const own = ['host', 'connection', 'content-length', 'transfer-encoding', 'accept-encoding']
    for (const [name, value] of Object.entries(request.headers)) {
      if (!own.includes(name)) headers.set(name, String(value))
    }
    const { method = 'GET', url = '/' } = request
    const init = { method, headers, redirect: 'manual' as const, ...(body.length > 0 ? { body } : {}) }
    try {
      const answer = await fetch(target + url, init)
      const text = (await answer.text()).replaceAll(target, address)
      answers.push(text)
      response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' })
      response.end(answer.status === 204 ? undefined : text)
    } catch {
      request.socket.destroy()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: address,
    answers: () => answers.join('\n'),
    quoteBack: (next) => {
      status = next
    },
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
