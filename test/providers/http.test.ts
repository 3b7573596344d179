import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { ConnectionError, TemporaryError, UserError } from '../../src/errors.js'
import { createApi } from '../../src/providers/http.js'

const TOKEN = 'hdy_very_secret_0123456789'
const anything = z.unknown()

let servers: Server[] = []
let received: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[] = []

beforeEach(() => {
  servers = []
  received = []
})

afterEach(async () => {
  for (const server of servers) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Starts a server that answers with the given functions in turn, the last one for ever, and returns a client of it. */
async function serve(...answers: ((response: ServerResponse, request: IncomingMessage) => void)[]) {
  let count = 0
  const baseUrl = await listen(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { method = '', url = '', headers } = request
    received.push({ method, url, headers, body: Buffer.concat(chunks).toString() })
    const answer = answers[Math.min(count++, answers.length - 1)]
    answer?.(response, request)
  })
  return client(baseUrl)
}

function client(baseUrl: string, timeoutMs = 2_000) {
  return createApi(
    'hoody-prod',
    {
      baseUrl,
      headers: { authorization: `Bearer ${TOKEN}` },
      errorMessage: (body) => z.object({ message: z.string() }).safeParse(body).data?.message,
      timeoutMs,
    },
    1,
  )
}

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}) =>
  (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
  }

const reset = (response: ServerResponse) => {
  response.socket?.resetAndDestroy()
}

/** Promises more than it sends, then hangs up. */
const truncated = (response: ServerResponse) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
  response.write('{"data":')
  setImmediate(() => response.socket?.destroy())
}

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(error instanceof Error)) throw new Error('It was expected to fail.')
  expect(error.message).not.toContain(TOKEN)
  expect(error.message).not.toContain('secret')
  return error
}

async function temporaryFailureOf(promise: Promise<unknown>): Promise<TemporaryError> {
  const error = await failureOf(promise)
  if (!(error instanceof TemporaryError)) throw error
  return error
}

test('sends method, query, body and headers, and parses the answer', async () => {
  const api = await serve(json(201, { data: { id: 'a' } }))
  const schema = z.object({ data: z.object({ id: z.string() }) }).transform((body) => body.data.id)
  const id = await api.post('/things', schema, { query: { page: 2, all: true }, json: { name: 'x' } })
  expect(id).toBe('a')
  expect(received).toHaveLength(1)
  expect(received[0]).toMatchObject({ method: 'POST', url: '/things?page=2&all=true', body: '{"name":"x"}' })
  expect(received[0]?.headers).toMatchObject({ authorization: `Bearer ${TOKEN}`, accept: 'application/json' })
})

test('a path cannot lead away from the host of the connection', async () => {
  const api = await serve(json(200, 'here'))
  expect(await api.get('@elsewhere.example/x', z.string())).toBe('here')
  expect(await api.get('//elsewhere.example/x', z.string())).toBe('here')
  expect(received.map((request) => request.url)).toEqual(['/@elsewhere.example/x', '/elsewhere.example/x'])
})

test('an empty body is null', async () => {
  const api = await serve((response) => void response.writeHead(204).end())
  expect(await api.delete('/things/1', z.null())).toBeNull()
  expect(await api.get('/things', z.null())).toBeNull()
})

test('a GET is tried three times, whether it was 503, reset or truncated', async () => {
  const api = await serve(json(503, {}), truncated, json(200, 'fine'))
  expect(await api.get('/things', z.string())).toBe('fine')
  expect(received).toHaveLength(3)

  const stubborn = await serve(reset)
  const error = await temporaryFailureOf(stubborn.get('/things', anything))
  expect(error.mayHaveHappened).toBe(false)
  expect(received).toHaveLength(6)
})

test.each(['post', 'put', 'patch', 'delete'] as const)('a %s is never sent twice', async (method) => {
  for (const answer of [json(503, {}), reset, truncated]) {
    received = []
    const api = await serve(answer, json(200, 'second'))
    const error = await temporaryFailureOf(api[method]('/things', anything))
    expect(error.mayHaveHappened).toBe(true)
    expect(error.message).toContain(`${method.toUpperCase()} /things`)
    expect(received).toHaveLength(1)
  }
})

test('a slow answer is given up after the timeout, the body included', async () => {
  const slowHead = client(await listen(() => {}), 50)
  const first = await temporaryFailureOf(slowHead.post('/things', anything))
  expect(first.mayHaveHappened).toBe(true)
  expect(first.message).toBe('hoody-prod did not answer POST /things within 0.05 s.')

  const slowBody = await serve((response) => void response.writeHead(200).write('{'))
  const second = await temporaryFailureOf(slowBody.get('/things', anything, { timeoutMs: 50 }))
  expect(second.mayHaveHappened).toBe(false)
  expect(received).toHaveLength(3)
})

test('a refused connection and an unknown host surely did nothing', async () => {
  const baseUrl = await listen(() => {})
  const closed = servers.pop()
  await new Promise((resolve) => closed?.close(resolve))
  const refused = await temporaryFailureOf(client(baseUrl).post('/things', anything))
  expect(refused.mayHaveHappened).toBe(false)
  expect(refused.message).toBe('hoody-prod could not be reached for POST /things.')

  const unknown = await temporaryFailureOf(client('http://nowhere.invalid').post('/things', anything))
  expect(unknown.mayHaveHappened).toBe(false)
})

test('429 says how long to wait, in seconds or as a date, within bounds, and is not retried', async () => {
  const date = 'Wed, 21 Oct 2026 07:28:00 GMT'
  const later = 'Wed, 21 Oct 2026 07:28:42 GMT'
  const waits: [Record<string, string>, number | undefined][] = [
    [{ 'retry-after': '7' }, 7_000],
    [{ 'retry-after': later, date }, 42_000],
    [{ 'retry-after': date, date: later }, 1_000],
    [{ 'retry-after': '999999' }, 900_000],
    [{ 'retry-after': 'soon' }, undefined],
    [{}, undefined],
  ]
  for (const [headers, retryAfterMs] of waits) {
    received = []
    const api = await serve(json(429, { message: 'slow' }, headers))
    const error = await temporaryFailureOf(api.get('/things', anything))
    expect(error).toMatchObject({ retryAfterMs, mayHaveHappened: false })
    expect(received).toHaveLength(1)
  }
  const api = await serve(json(429, {}))
  expect(await temporaryFailureOf(api.post('/things', anything))).toMatchObject({ mayHaveHappened: false })
})

test('401 and 403 are for the operator, with the words of the provider', async () => {
  const unauthorized = await serve(json(401, { message: `Token ${TOKEN} is not valid` }))
  const first = await failureOf(unauthorized.get('/things', anything))
  expect(first).toBeInstanceOf(ConnectionError)
  expect(first.message).toContain('hoody-prod refused its credentials (401 to GET /things)')
  expect(first.message).toContain('Token •••• is not valid')

  const forbidden = await serve(json(403, { message: 'containers.create is missing' }))
  const second = await failureOf(forbidden.post('/things', anything))
  expect(second).toBeInstanceOf(ConnectionError)
  expect(second.message).toContain('containers.create is missing')
  expect(received).toHaveLength(2)
})

test('other refusals are for the person, cut to a readable length', async () => {
  const conflict = await serve(json(409, { message: 'The name is\n taken.' }))
  const first = await failureOf(conflict.post('/things', anything))
  expect(first).toBeInstanceOf(UserError)
  expect(first).toMatchObject({ status: 409, message: 'hoody-prod: The name is taken.' })

  const wordy = await serve(json(400, { message: 'no '.repeat(500) }))
  expect((await failureOf(wordy.get('/things', anything))).message.length).toBeLessThan(320)

  const silent = await serve(json(404, { other: 'shape' }))
  const third = await failureOf(silent.get('/things/507f1f77bcf86cd799439011?key=secret', anything))
  expect(third).toMatchObject({ status: 404, message: 'hoody-prod answered 404 Not Found to GET /things/…9011.' })
})

test('basic credentials are scrubbed in every form', async () => {
  const quote = Buffer.from('admin:pass-phrase').toString('base64')
  const baseUrl = await listen((_, response) =>
    json(400, { message: `Basic ${quote} or ${quote} or admin:pass-phrase or pass-phrase` })(response),
  )
  const api = createApi('cf', {
    baseUrl,
    headers: { Authorization: `Basic ${quote}`, 'content-type': 'application/json' },
    errorMessage: (body) => z.object({ message: z.string() }).parse(body).message,
  })
  expect((await failureOf(api.get('/x', anything))).message).toBe('cf: •••• or •••• or •••• or ••••')
})

test.each([
  [{ blame: 'user' }, UserError, { status: 418 }],
  [{ blame: 'user', status: 404 }, UserError, { status: 404 }],
  [{ blame: 'operator' }, ConnectionError, { status: 418 }],
  [{ blame: 'nobody' }, TemporaryError, { mayHaveHappened: true, retryAfterMs: undefined }],
  [
    { blame: 'nobody', hasNoEffect: true, retryAfterMs: 5_000 },
    TemporaryError,
    { mayHaveHappened: false, retryAfterMs: 5_000 },
  ],
] as const)(
  'a provider’s own verdict %j becomes its error, named and without secrets',
  async (verdict, kind, details) => {
    const baseUrl = await listen((_, response) => json(418, {})(response))
    const api = createApi('cf', {
      baseUrl,
      headers: { authorization: `Bearer ${TOKEN}` },
      errorMessage: () => 'not asked',
      classify: () => ({ ...verdict, sentence: `Not  for\n${TOKEN}.` }),
    })
    const error = await failureOf(api.post('/x', anything))
    expect(error).toBeInstanceOf(kind)
    expect(error).toMatchObject({ ...details, message: 'cf: Not for ••••.' })
  },
)

test('how long the answer says to wait comes before a verdict’s own guess', async () => {
  const baseUrl = await listen((_, response) => json(422, {}, { 'retry-after': '7' })(response))
  const classify = () => ({ blame: 'nobody', sentence: 'Busy.', retryAfterMs: 60_000 }) as const
  const api = createApi('cf', { baseUrl, headers: {}, errorMessage: () => undefined, classify })
  expect(await temporaryFailureOf(api.post('/x', anything))).toMatchObject({ retryAfterMs: 7_000 })
})

test('an answer of an unexpected shape is temporary, and its content is not quoted', async () => {
  const html = await serve((response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>secret'))
  const first = await temporaryFailureOf(html.post('/things', anything))
  expect(first.mayHaveHappened).toBe(true)
  expect(first.message).toBe('hoody-prod answered POST /things with an HTML page instead of JSON.')

  const shape = await serve(json(200, { data: [{ id: 'a' }, { id: { secret: 1 } }] }))
  const schema = z.object({ data: z.array(z.object({ id: z.string() })) })
  const second = await temporaryFailureOf(shape.get('/things', schema))
  expect(second.mayHaveHappened).toBe(false)
  expect(second.message).toBe('hoody-prod answered GET /things in an unexpected shape, at data.1.id (expected string).')
})

test('a body without end is not read to its end', async () => {
  const endless = await serve((response) => {
    const more = (error?: Error | null) =>
      void (error || response.destroyed || response.write('x'.repeat(1024 * 1024), more))
    more()
  })
  const error = await temporaryFailureOf(endless.get('/things', anything))
  expect(error.message).toBe('hoody-prod answered GET /things with more than 10 MB.')
  expect(received).toHaveLength(1)
})

test('a redirect is for the operator, and the other host never sees the token', async () => {
  const seen: string[] = []
  const elsewhere = await listen((request, response) => {
    seen.push(request.headers.authorization ?? 'none')
    response.end('{}')
  })
  for (const method of ['get', 'post'] as const) {
    const api = await serve((response) => void response.writeHead(307, { location: `${elsewhere}/in?secret=1` }).end())
    const error = await failureOf(api[method]('/things', anything))
    expect(error).toBeInstanceOf(ConnectionError)
    expect(error.message).toBe(
      `The address of hoody-prod in dolly.yml redirects to ${elsewhere} (307 to ${method.toUpperCase()} /things). Put the final address there.`,
    )
  }
  expect(seen).toEqual([])
})

test('an address that cannot be used is reported without showing it', () => {
  for (const baseUrl of ['nonsense', 'https://ewe:secret@hoody.example', 'https://:secret@hoody.example']) {
    expect(() => client(baseUrl)).toThrow(ConnectionError)
    expect(() => client(baseUrl)).not.toThrow(/secret/)
  }
})

test('a token that no header can hold is reported without showing it', () => {
  const make = () =>
    createApi('hoody-prod', {
      baseUrl: 'http://x.example',
      headers: { a: 'very\nsecret' },
      errorMessage: () => undefined,
    })
  expect(make).toThrow(ConnectionError)
  expect(make).not.toThrow(/secret/)
})

test('a login may go to another host, without the credentials of the connection, and nothing else may', async () => {
  const elsewhere = await listen((request, response) => {
    received.push({ method: '', url: request.url ?? '', headers: request.headers, body: '' })
    json(200, 'fresh')(response)
  })
  const here = await listen((request, response) => {
    received.push({ method: '', url: request.url ?? '', headers: request.headers, body: '' })
    json(200, 'here')(response)
  })
  const api = createApi('cf', {
    baseUrl: here,
    headers: { 'x-secret': TOKEN },
    authorize: async (login) => ({
      authorization: await login.post(`${elsewhere.replace('127.0.0.1', 'localhost')}/oauth/token`, z.string(), {
        form: { password: 'secret' },
        headers: { authorization: 'Basic Y2Y6' },
      }),
    }),
    errorMessage: () => undefined,
  })
  expect(await api.get(`${elsewhere}/x`, anything)).toBe('here')
  const [login, request] = received
  expect(login).toMatchObject({ url: '/oauth/token', headers: { authorization: 'Basic Y2Y6' } })
  expect(login?.headers).not.toHaveProperty('x-secret')
  expect(request?.url).not.toBe('/x')
  expect(request?.headers).toMatchObject({ authorization: 'fresh', 'x-secret': TOKEN })
})

test('a login is never sent to another host in clear text', async () => {
  const api = createApi('cf', {
    baseUrl: await listen(() => {}),
    headers: {},
    authorize: async (login) =>
      login.post('http://login.invalid/oauth/token', z.never(), { form: { password: 'secret' } }),
    errorMessage: () => undefined,
  })
  const error = await failureOf(api.post('/things', anything))
  expect(error).toBeInstanceOf(ConnectionError)
  expect(error.message).toBe('cf directs the login to an address that is not https. Nothing was sent there.')
})

test.each([
  'http://localhost/oauth/token',
  'https://localhost:8443/oauth/token',
  'https://LOCALHOST./oauth/token',
  'https://login.localhost/oauth/token',
  'https://127.1.2.3/oauth/token',
  'http://2130706433/oauth/token',
  'https://[::1]/oauth/token',
  'https://[::ffff:127.0.0.1]/oauth/token',
  'https://0.0.0.0/oauth/token',
  'https://[::]/oauth/token',
])('a login is sent to this machine only by a connection to this machine: %s', async (address) => {
  const error = await failureOf(loginTo(address, 'https://api.cf.invalid').post('/things', anything))
  expect(error).toBeInstanceOf(ConnectionError)
  expect(error.message).toBe('cf directs the login to the machine that Dolly runs on. Nothing was sent there.')
})

test.each(['https://localhost.invalid', 'https://127.example.invalid', 'https://notlocalhost.invalid'])(
  'a login may go to another host whose name only looks like this machine: %s',
  async (address) => {
    const error = await failureOf(loginTo(address, 'https://api.cf.invalid').post('/things', anything))
    expect(error).toBeInstanceOf(TemporaryError)
    expect(error.message).toContain('could not be reached')
  },
)

function loginTo(address: string, baseUrl: string) {
  return createApi('cf', {
    baseUrl,
    headers: {},
    authorize: async (login) => login.post(address, z.never(), { form: { password: 'secret' } }),
    errorMessage: () => undefined,
  })
}

test('a login that fails leaves the write behind it surely undone, and its form is not quoted', async () => {
  for (const answer of [json(503, {}), reset, json(400, { message: 'pass-phrase is wrong for ewe, says password' })]) {
    const baseUrl = await listen((_, response) => answer(response))
    const api = createApi('cf', {
      baseUrl,
      headers: {},
      authorize: async (login) =>
        login.post('/oauth/token', z.never(), {
          form: { grant_type: 'password', username: 'ewe', password: 'pass-phrase' },
        }),
      errorMessage: (body) => z.object({ message: z.string() }).safeParse(body).data?.message,
    })
    const error = await failureOf(api.post('/things', anything))
    expect('mayHaveHappened' in error && error.mayHaveHappened).toBe(false)
    expect(error.message).not.toContain('pass-phrase')
  }
})
