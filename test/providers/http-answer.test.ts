/** What a provider answers, hostile or unlucky: bounded, cleaned, and free of our secrets, whatever it quotes. */
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { afterEach, describe, expect, it, test } from 'vitest'
import { z } from 'zod'
import { TemporaryError, UnreadableListError, UserError } from '../../src/errors.js'
import { createRedactor } from '../../src/lib/redact.js'
import { cloudFoundry } from '../../src/providers/cloud-foundry.js'
import { createApi, type Shared } from '../../src/providers/http.js'
import { readAnswer } from '../../src/providers/http-answer.js'
import type { Api, ClientOptions } from '../../src/providers/provider.js'
import { expectCpuBelow } from '../helpers/cpu.js'

let servers: Server[] = []

afterEach(async () => {
  for (const server of servers) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  servers = []
})

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function serve(status: number, body: string | Buffer, headers: Record<string, string> = {}): Promise<string> {
  return await listen((_, response) => void response.writeHead(status, headers).end(body))
}

const errorMessage = (body: unknown) => z.object({ message: z.string() }).safeParse(body).data?.message

function client(baseUrl: string, more: Partial<ClientOptions> = {}, shared: Shared = {}): Api {
  return createApi('hoody', { baseUrl, headers: {}, errorMessage, ...more }, 1, shared)
}

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(error instanceof Error)) throw new Error('It was expected to fail.')
  return error
}

const secret = 'wool/"of"+the sheep=4711&ü'
const percent = encodeURIComponent(secret)
const small = percent.replaceAll(/%../g, (byte) => byte.toLowerCase())
const base64 = Buffer.from(secret).toString('base64')
const forms: [string, string][] = [
  ['as it is', secret],
  ['percent-encoded', percent],
  ['percent-encoded in small letters', small],
  ['percent-encoded twice', encodeURIComponent(percent)],
  ['form-encoded', new URLSearchParams({ '': secret }).toString().slice(1)],
  ['in base64', base64],
  ['in base64 behind a user name', Buffer.from(`admin:${secret}`).toString('base64')],
  ['in base64 for the web', Buffer.from(secret).toString('base64url')],
  ['as JSON in a text', JSON.stringify(secret)],
  ['with a zero-width space in it', `${secret.slice(0, 8)}\u200b${secret.slice(8)}`],
]

/** Any eight characters of it in a row. */
function isLeaked(text: string): boolean {
  const traces = forms.flatMap(([, form]) =>
    Array.from({ length: form.length - 11 }, (_, at) => form.slice(at, at + 12)),
  )
  return traces.some((trace) => text.includes(trace))
}

describe.each(forms)('a secret that is quoted %s', (_, quoted) => {
  const sent: Record<string, Partial<ClientOptions>> = {
    'of dolly.yml': {},
    'of a header': { headers: { 'x-key': Buffer.from(secret).toString('latin1') } },
    'of a Basic header': { headers: { authorization: `Basic ${Buffer.from(`admin:${secret}`).toString('base64')}` } },
    'that was just fetched': {
      authorize: async () => ({ authorization: `Bearer ${Buffer.from(secret).toString('latin1')}` }),
    },
    'of a login': {
      authorize: async (login) => {
        await login.post('/login', z.unknown(), { form: { password: secret } })
        return {}
      },
    },
    'that a login gave': {
      authorize: async (login) => {
        await login.post('/login', z.unknown(), { isVerbatim: true })
        return {}
      },
    },
  }

  it.each(Object.keys(sent))('never comes back, whether in an error or in a list, where it is one %s', async (kind) => {
    // A header holds one byte for each character, so that is how a server reads and quotes it.
    const words = `It was ${quoted} that you sent`
    const row = { id: 'a', label: words, status: quoted, detail: { reason: [words] }, [words]: words }
    let status = 200
    const baseUrl = await listen((request, response) => {
      if (request.url === '/login') return response.end(JSON.stringify({ access_token: secret }))
      response.writeHead(status, { location: `https://${encodeURIComponent(quoted)}.example/` })
      return response.end(JSON.stringify(status === 200 ? { message: words, rows: [row] } : { message: words }))
    })
    const redactor = createRedactor(kind === 'of dolly.yml' ? [secret] : [])
    // The server knows our ü as a byte; what we know of it must fit both.
    if (kind === 'of a header' || kind === 'that was just fetched') redactor.add(secret)
    const api = client(baseUrl, sent[kind], { redactor })
    const read = await api.get('/things', z.unknown())
    expect(JSON.stringify(read)).toContain('••••')
    expect(isLeaked(JSON.stringify(read))).toBe(false)
    for (status of [302, 400, 401, 403, 404, 409, 422, 500]) {
      const { message, stack = '' } = await failureOf(api.post('/things', z.unknown()))
      expect(isLeaked(message + stack)).toBe(false)
    }
    status = 200
    const place = await failureOf(api.get('/things', z.object({ rows: z.array(z.record(z.string(), z.number())) })))
    expect(isLeaked(place.message)).toBe(false)
  })
})

test('a token that is sent on is left as it is, however long, and known as a secret from then on', async () => {
  const token = `eyJ${'0123456789abcdef'.repeat(400)}`
  const baseUrl = await listen((request, response) => {
    if (request.url === '/') return response.end(JSON.stringify({ links: { login: { href: baseUrl } } }))
    if (request.url?.startsWith('/oauth')) return response.end(JSON.stringify({ access_token: token, expires_in: 600 }))
    return response.end(JSON.stringify({ sent: request.headers.authorization === `bearer ${token}`, echo: token }))
  })
  const account = { url: baseUrl, clientId: 'dolly', clientSecret: 'secret-of-dolly' }
  const redactor = createRedactor([])
  const api = createApi('cf', cloudFoundry.client(cloudFoundry.connection.parse(account)), 1, { redactor })
  expect(await api.get('/x', z.unknown())).toEqual({ sent: true, echo: '••••' })
  expect(redactor.redact(`It was ${token} once`)).toBe('It was •••• once')
})

test('what is sent on is neither cut nor changed, and an error about it is', async () => {
  const value = `secret-4711\n${'x'.repeat(10_000)}\u200b`
  const body = JSON.stringify({ env: { [value]: value } })
  const api = client(await serve(200, body), { headers: { key: 'secret-4711' } })
  expect(await api.get('/env', z.unknown(), { isVerbatim: true })).toEqual({ env: { [value]: value } })
  const strict = z.object({ env: z.record(z.string(), z.number()) })
  const error = await failureOf(api.get('/env', strict, { isVerbatim: true }))
  expect(error.message.length).toBeLessThan(500)
  expect(error.message).not.toContain('secret-4711')
})

test('texts come in as one visible line of bounded length, keys as well', async () => {
  const body = {
    'a\u200bb': 'one\n\u202etwo\u0000',
    long: 'x'.repeat(10_000),
    deep: [{ 'c\n': ['\u00ad'] }],
    n: 1,
    no: null,
  }
  const api = client(await serve(200, JSON.stringify(body)))
  const clean = { ab: 'one two', long: 'x'.repeat(4_096), deep: [{ c: [''] }], n: 1, no: null }
  expect(await api.get('/x', z.unknown())).toEqual(clean)
})

test('keys that every object has are keys like any other', async () => {
  const api = client(await serve(200, '{"__proto__":{"a":1},"__pro\\u200bto__":2,"constructor":"x\\n"}'))
  const read = await api.get(
    '/x',
    z.custom<object>((value) => typeof value === 'object'),
  )
  expect(Object.getPrototypeOf(read)).toBe(Object.prototype)
  expect(Object.entries(read)).toEqual([
    ['__proto__', 2],
    ['constructor', 'x'],
  ])
})

describe('an answer that nobody can read in time', () => {
  const many = (part: string) => part.repeat(10_000_000 / part.length)
  const bodies: [string, string][] = [
    ['of a million levels', many('[')],
    ['of a million levels of objects', many('{"a":')],
    ['of millions of empty lists', `[${many('[],')}0]`],
    ['of millions of numbers', `[${many('1,')}0]`],
    ['of a million keys', `{${Array.from({ length: 700_000 }, (_, at) => `"k${at}":1`).join()}}`],
    ['with a list that is too long', JSON.stringify(Array.from({ length: 10_001 }, (_, at) => at))],
    ['of more than 10 MB', JSON.stringify('x'.repeat(11_000_000))],
  ]

  it('is one of bytes that are no UTF-8, each of which would take three', async () => {
    const api = client(await serve(200, Buffer.alloc(5_000_000, 0xff)), { timeoutMs: 30_000 })
    const error = await failureOf(api.get('/things', z.unknown()))
    expect(error.message).toBe('hoody answered GET /things with more than 10 MB.')
  })

  it.each(bodies)('%s becomes a sentence, and nobody else waits', async (_, body) => {
    const baseUrl = await serve(200, body)
    const api = client(baseUrl, { timeoutMs: 30_000 })
    const error = await failureOf(api.get('/things', z.unknown()))
    expect(error).toBeInstanceOf(UnreadableListError)
    expect(error.message).toMatch(/^hoody answered GET \/things with (a list of )?more /)
    expect(error).toMatchObject({ mayHaveHappened: false })
    expect(await failureOf(api.post('/things', z.unknown()))).toMatchObject({ mayHaveHappened: true })
  })

  it.each(bodies)('%s leaves an error the error it is', async (_, body) => {
    const error = await failureOf(client(await serve(422, body), { timeoutMs: 30_000 }).post('/things', z.unknown()))
    expect(error).toBeInstanceOf(UserError)
    expect(error.message).toBe('hoody answered 422 Unprocessable Entity to POST /things.')
  })
})

test('ten megabytes of text are cleaned in small pieces', async () => {
  const words = '%e2%82%ac & x://user:pass@host é \\u0061 '.repeat(5)
  const text = JSON.stringify(
    Array.from({ length: 9_000 }, (_, at) => ({ id: `${at}`, words, more: words + words, most: words.repeat(3) })),
  )
  expect(text.length).toBeGreaterThan(9_000_000)
  const redactor = createRedactor(Array.from({ length: 30 }, (_, at) => `secret-${at}-of-a-connection`))
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  let turns = 0
  const ticking = setInterval(() => (turns += 1), 1)
  await readAnswer(text, redactor.redact)
  clearInterval(ticking)
  delay.disable()
  expect(turns).toBeGreaterThan(10)
  // JSON.parse itself takes most of it, and a loaded machine as much again.
  expect(delay.max / 1e6).toBeLessThan(1_000)
}, 120_000)

test('an error of 100 kB of word characters is read at once, and cut to 300', async () => {
  for (const words of ['a'.repeat(150_000), 'a://'.repeat(40_000), 'a-'.repeat(75_000), 'f'.repeat(150_000)]) {
    const api = client(await serve(422, JSON.stringify({ message: words })))
    await expectCpuBelow(2_000, async () => {
      const error = await failureOf(api.get('/things', z.unknown()))
      expect(error.message.length).toBeLessThanOrEqual(310)
    })
  }
})

test('what keeps a request back is asked each time before it goes out, behind the login', async () => {
  const calls: string[] = []
  const baseUrl = await listen((request, response) => {
    calls.push(`${request.method}`)
    const isFirst = calls.filter((word) => word === 'POST').length === 1
    response.writeHead(isFirst ? 401 : 200).end('{}')
  })
  const authorize = async () => {
    calls.push('login')
    return {}
  }
  const api = client(baseUrl, { authorize })
  let isOurs = true
  const beforeSend = async () => {
    calls.push('asked')
    if (!isOurs) throw new TemporaryError('Somebody else has it.', { mayHaveHappened: false })
  }
  await api.post('/things', z.unknown(), { beforeSend })
  expect(calls).toEqual(['login', 'asked', 'POST', 'login', 'asked', 'POST'])
  isOurs = false
  calls.length = 0
  const error = await failureOf(api.post('/things', z.unknown(), { beforeSend }))
  expect(error.message).toBe('Somebody else has it.')
  expect(calls).toEqual(['login', 'asked'])
})

describe('how long to wait', () => {
  const cap = 15 * 60_000

  it.each([
    ['1e9', undefined],
    ['1000000000', cap],
    ['99999999999999999999999999', cap],
    ['Fri, 31 Dec 9999 23:59:59 GMT', cap],
    ['-5', 1_000],
    ['0', 1_000],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 1_000],
    ['soon', undefined],
    ['NaN', undefined],
    ['Infinity', undefined],
    ['', undefined],
    ['30', 30_000],
  ])('is read from "%s" within bounds, whatever the status', async (header, wait) => {
    const baseUrl = await serve(429, '{}', { 'retry-after': header })
    expect(await failureOf(client(baseUrl).post('/x', z.unknown()))).toMatchObject({ retryAfterMs: wait })
    const busy = await serve(503, '{}', { 'retry-after': header })
    expect(await failureOf(client(busy).get('/x', z.unknown()))).toMatchObject({ retryAfterMs: wait })
  })

  it.each([
    [1e12, cap],
    [Number.POSITIVE_INFINITY, cap],
    [-1, 0],
    [Number.NaN, undefined],
    [60_000, 60_000],
    [undefined, undefined],
  ])('is bounded where a provider’s own verdict says %s', async (retryAfterMs, wait) => {
    const classify = () =>
      ({ blame: 'nobody', sentence: 'Busy.', ...(retryAfterMs !== undefined && { retryAfterMs }) }) as const
    const api = client(await serve(409, '{}'), { classify })
    expect(await failureOf(api.post('/x', z.unknown()))).toMatchObject({ retryAfterMs: wait })
    const own = { mayHaveHappened: false, ...(retryAfterMs !== undefined && { retryAfterMs }) }
    expect(new TemporaryError('Busy.', own).retryAfterMs).toBe(wait)
  })
})
