/** What is measured of requests to a provider: a real server, and a clock that the test sets. */
import { createServer, type ServerResponse } from 'node:http'
import { expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { TemporaryError } from '../../src/errors.js'
import { createApi } from '../../src/providers/http.js'
import { measuredApi } from '../../src/providers/measured.js'
import type { ClientOptions } from '../../src/providers/provider.js'
import { measuringMeter } from '../helpers/measuring.js'

const of = { connection: 'farm', provider: 'dummy' }

/** A client of a server that takes 40 ms to answer, by the test's clock. */
async function clientOf(
  answer: (response: ServerResponse, path: string) => void,
  options: Partial<ClientOptions> = {},
) {
  let ms = 0
  const server = createServer((request, response) => {
    ms += 40
    answer(response, request.url ?? '')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const { meter, measured } = measuringMeter()
  const client = createApi(
    'farm',
    { baseUrl: `http://127.0.0.1:${port}`, headers: {}, errorMessage: () => undefined, ...options },
    1,
  )
  return { api: measuredApi(client, of, { meter, elapsed: () => ms }), measured, pass: (by: number) => (ms += by) }
}

const status = (code: number) => (response: ServerResponse) => void response.writeHead(code).end('{}')

it('measures a read with its retries, and a write', async () => {
  let left = 1
  const { api, measured } = await clientOf((response) => {
    status(left > 0 ? 503 : 200)(response)
    left -= 1
  })
  await api.get('/', z.unknown())
  await api.post('/', z.unknown())
  expect(measured).toEqual([
    { what: 'requested', of: { ...of, kind: 'read', outcome: 'ok' }, ms: 80 },
    { what: 'requested', of: { ...of, kind: 'write', outcome: 'ok' }, ms: 40 },
  ])
})

it.each([
  { code: 404, outcome: 'refused' },
  { code: 403, outcome: 'misconfigured' },
  { code: 500, outcome: 'lost' },
])('says that a write answered $code is $outcome', async ({ code, outcome }) => {
  const { api, measured } = await clientOf(status(code))
  await expect(api.put('/', z.unknown())).rejects.toThrow()
  expect(measured).toEqual([{ what: 'requested', of: { ...of, kind: 'write', outcome }, ms: 40 }])
})

it('counts who asks to slow down, also in a login', async () => {
  const { api, measured } = await clientOf(status(429), {
    authorize: async (login) => await login.post('/login', z.record(z.string(), z.string())),
  })
  await expect(api.delete('/', z.unknown())).rejects.toThrow('asks to slow down')
  expect(measured).toEqual([{ what: 'rateLimited', of: { service: 'dummy', connection: 'farm' }, ms: undefined }])

  const other = await clientOf(status(429))
  await expect(other.api.patch('/', z.unknown())).rejects.toThrow('asks to slow down')
  expect(other.measured).toEqual([
    { what: 'rateLimited', of: { service: 'dummy', connection: 'farm' }, ms: undefined },
    { what: 'requested', of: { ...of, kind: 'write', outcome: 'rate_limited' }, ms: 40 },
  ])
})

it('measures from the moment a request leaves, and nothing that was stopped before', async () => {
  const { api, measured, pass } = await clientOf(status(200))
  await api.post('/', z.unknown(), { beforeSend: async () => void pass(5_000) })
  expect(measured.map(({ ms }) => ms)).toEqual([40])
  const beforeSend = async () => {
    throw new TemporaryError('Nothing was sent.', { mayHaveHappened: false })
  }
  await expect(api.post('/', z.unknown(), { beforeSend })).rejects.toThrow('Nothing was sent.')
  expect(measured).toHaveLength(1)
})
