/** What the doctor says of connections that can't be reached or refuse: with real servers, each wrong in its own way. */
import { createServer, type RequestListener } from 'node:http'
import { createServer as createSocketServer } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../sandbox/free-port.js'
import { startHoody } from '../../sandbox/providers/hoody.js'
import { checkConnection } from '../../src/doctor/connections.js'
import { createApi } from '../../src/providers/http.js'
import { hoody } from '../../src/providers/index.js'
import type { Connection } from '../../src/providers/provider.js'

const TOKEN = 'hdy_token-4711-token'

function connectionTo(url: string, token = TOKEN): Connection {
  const client = hoody.client({ url, token })
  const expiry = { defaultMs: null, maxMs: null, atEnd: 'ask' } as const
  return { name: 'shop', provider: hoody, host: new URL(url).host, api: createApi('shop', client, 1), expiry }
}

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  onTestFinished(() => void server.close())
  return await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`)
    })
  })
}

const refuse =
  (status: number): RequestListener =>
  (_request, response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end('{}')

async function sentenceFor(url: string): Promise<string> {
  const [finding, ...more] = await checkConnection(connectionTo(url))
  expect(more).toEqual([])
  expect(finding).toMatchObject({ check: 'connection shop', result: 'failed' })
  const { sentence = '' } = finding ?? {}
  expect(sentence).not.toContain(TOKEN)
  return sentence
}

it('a port where nobody listens is named with ECONNREFUSED', async () => {
  const host = `127.0.0.1:${await freePort()}`
  expect(await sentenceFor(`http://${host}`)).toMatch(
    new RegExp(
      `^${host}: shop could not be reached for GET \\S+\\. ECONNREFUSED: nothing accepts connections there\\.`,
    ),
  )
})

it('a host that does not exist is named with the answer of the DNS', async () => {
  expect(await sentenceFor('https://dolly.invalid')).toMatch(/^dolly\.invalid: .* (ENOTFOUND|EAI_AGAIN): /)
})

it('a server without TLS behind an https address is named as such', async () => {
  const { host } = new URL(await serve(refuse(200)))
  expect(await sentenceFor(`https://${host}`)).toMatch(/ no TLS is spoken there\. Check the address and its port\.$/)
})

it('a server that closes every connection is named as such', async () => {
  const server = createSocketServer((socket) => void socket.destroy()).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await expect.poll(() => server.address()).not.toBeNull()
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : ''
  expect(await sentenceFor(`http://127.0.0.1:${port}`)).toMatch(
    /^127\.0\.0\.1:\d+: .* the connection was closed before an answer came\./,
  )
})

it.each([
  { status: 401, says: 'shop refused its credentials (401 to' },
  { status: 403, says: 'shop may not do this (403 to' },
  { status: 503, says: 'shop answered 503 Service Unavailable to' },
])('a server that answers $status is named with it', async ({ status, says }) => {
  const url = await serve(refuse(status))
  expect(await sentenceFor(url)).toContain(`${new URL(url).host}: ${says}`)
})

it('a connection whose lists can all be read is fine, and says how many they are', async () => {
  const simulator = await startHoody()
  onTestFinished(() => simulator.close())
  const { url, token } = simulator.connection
  const connection = connectionTo(String(url), String(token))
  expect(await checkConnection(connection)).toEqual([
    {
      check: 'connection shop',
      result: 'ok',
      sentence: `shop answers at ${connection.host}. Its token may read all 4 lists.`,
    },
  ])
})

it('a token that may not read one of the lists causes a warning that names its field', async () => {
  const connection = connectionTo(await serve(refuse(403)))
  const pickers = {
    ...hoody.pickers,
    containers: async () => [{ value: 'c', label: 'c' }],
    projects: async () => [],
    copies: async () => [],
  }
  const findings = await checkConnection({ ...connection, provider: { ...hoody, pickers } })
  expect(findings.map(({ result }) => result)).toEqual(['ok', 'warning'])
  expect(findings[0]?.sentence).toBe(`shop answers at ${connection.host}. Its token may read 3 of 4 lists.`)
  expect(findings[1]?.sentence).toMatch(
    /^The list of the field "Target server" can't be read, so people type an ID there\. 127\.0\.0\.1:\d+: shop may not do this \(403 /,
  )
})

it('a token that sees nothing at all causes a warning', async () => {
  const nothing = Object.fromEntries(Object.keys(hoody.pickers).map((picker) => [picker, async () => []]))
  const findings = await checkConnection({
    ...connectionTo('http://127.0.0.1'),
    provider: { ...hoody, pickers: nothing },
  })
  expect(findings).toMatchObject([
    { result: 'warning', sentence: expect.stringContaining('lists nothing that can be cloned') },
  ])
})
