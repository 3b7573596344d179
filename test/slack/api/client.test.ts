/** What the client of the Web API does by itself, against a real HTTP server that has bad moments. */
import { createServer, type Server, type ServerResponse } from 'node:http'
import { WebClient } from '@slack/web-api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { clientOptions } from '../../../src/slack/api/client.js'
import { classifySlackError, isSlackUnreachable, RetryLaterError } from '../../../src/slack/api/errors.js'
import { measuringMeter } from '../../helpers/measuring.js'
import { quietLogger } from '../../helpers/slack-request.js'

describe('the client', () => {
  let server: Server
  let client: WebClient
  let complaints: unknown[]
  let measuring: ReturnType<typeof measuringMeter>
  /** Channels of the posts that arrived. */
  let arrived: string[]
  let answer: (channel: string, response: ServerResponse) => void

  beforeEach(async () => {
    arrived = []
    server = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      const channel = new URLSearchParams(Buffer.concat(chunks).toString()).get('channel') ?? ''
      arrived.push(channel)
      answer(channel, response)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (typeof address !== 'object' || !address) throw new Error('The server does not listen.')
    complaints = []
    measuring = measuringMeter()
    const logger = { ...quietLogger, warn: (...words: unknown[]) => void complaints.push(words) }
    client = new WebClient('xoxb-1', clientOptions(`http://127.0.0.1:${address.port}/api/`, logger, measuring.meter))
  })
  afterEach(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  const ok = (response: ServerResponse) => response.end('{"ok":true,"channel":"C1","ts":"1.0"}')
  const post = (channel: string) => client.chat.postMessage({ channel, text: 'Hello' })

  it('posts once when Slack answers 500 once', async () => {
    answer = (_channel, response) => {
      if (arrived.length > 1) return void ok(response)
      response.writeHead(500).end('Internal Server Error')
    }
    await expect(post('C1')).rejects.toMatchObject({ statusCode: 500 })
    expect(arrived).toEqual(['C1'])
  })

  it('posts once when the answer is lost', async () => {
    answer = (_channel, response) => void response.socket?.destroy()
    await expect(post('C1')).rejects.toThrow()
    expect(arrived).toEqual(['C1'])
    expect(complaints).toEqual([expect.arrayContaining(['http request failed'])])
  })

  it('hands a 429 on at once, and holds up no other channel for it', async () => {
    answer = (channel, response) => {
      if (channel === 'busy') response.writeHead(429, { 'retry-after': '30' }).end()
      else if (channel !== 'slow') ok(response)
    }
    // Fifty threads that hang are as many as are worked at together.
    const hanging = Array.from({ length: 50 }, () => post('slow').catch(() => undefined))
    await expect(post('busy')).rejects.toMatchObject({ retryAfter: 30 })
    expect(await post('C1')).toMatchObject({ ts: '1.0' })
    expect(arrived.filter((channel) => channel === 'busy')).toHaveLength(1)
    expect(measuring.measured).toEqual([
      { what: 'rateLimited', of: { service: 'slack', connection: '' }, ms: undefined },
    ])
    server.closeAllConnections()
    await Promise.all(hanging)
  })

  it.each([
    [undefined, 30_000],
    ['', 30_000],
    ['soon', 30_000],
    ['Wed, 21 Oct 2026 07:28:00 GMT', 30_000],
    ['-5', 30_000],
    ['0', 1_000],
    ['0.5', 1_000],
    ['7', 7_000],
    ['1000000000', 900_000],
    ['9'.repeat(400), 30_000],
  ])('knows a 429 with the Retry-After %s for a rate limit', async (retryAfter, ms) => {
    answer = (_channel, response) =>
      void response.writeHead(429, retryAfter === undefined ? {} : { 'retry-after': retryAfter }).end()
    const error = await post('C1').catch((thrown: unknown) => thrown)
    expect(classifySlackError(error, 0)).toMatchObject({ ms, mayHaveHappened: false, isRateLimit: true })
    expect(classifySlackError(error, 0)).toBeInstanceOf(RetryLaterError)
    expect(isSlackUnreachable(error)).toBe(true)
    expect(arrived).toHaveLength(1)
  })

  it.each(['{"ok":false}', '{"ok":false,"error":null}', '{"ok":false,"error":""}', '{}', 'null', '[]', '"ok"'])(
    'does not know what became of a message where Slack answers %s',
    async (body) => {
      answer = (_channel, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(body)
      const error = await post('C1').catch((thrown: unknown) => thrown)
      // Without an error there is nothing to sort: the answer has no ts, which the sender sees.
      if (!(error instanceof Error)) return expect(error).not.toHaveProperty('ts')
      expect(classifySlackError(error, 0)).toMatchObject({ mayHaveHappened: true })
      return expect(classifySlackError(error, 0)).toBeInstanceOf(RetryLaterError)
    },
  )
})
