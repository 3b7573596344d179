/** Lists without an end, from real servers in the style of each provider: bounded, and never cut short in silence. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { z } from 'zod'
import { TemporaryError, UnreadableListError } from '../../src/errors.js'
import { listWith } from '../../src/providers/cloud-foundry/api.js'
import { hoody } from '../../src/providers/hoody.js'
import { createApi } from '../../src/providers/http.js'
import { allItems, eachPage, eachPart, rows } from '../../src/providers/provider.js'
import { rainbond } from '../../src/providers/rainbond.js'

let server: Server
let baseUrl: string
let asked: string[]
let answer: (url: URL) => unknown

beforeEach(async () => {
  asked = []
  server = createServer((request, response) => {
    asked.push(request.url ?? '')
    const body = JSON.stringify(answer(new URL(request.url ?? '', baseUrl)))
    response.writeHead(200, { 'content-type': 'application/json' }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

const id = (at: number) => at.toString(16).padStart(24, '0')
const pageOf = (url: URL) => Number(url.searchParams.get('page'))

/** What is still in use of the memory. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}

async function failureOf(promise: Promise<unknown>): Promise<TemporaryError> {
  const error = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(error instanceof TemporaryError)) throw new Error(`It was expected to fail, and not with ${error}.`)
  return error
}

describe('Hoody', () => {
  const api = () =>
    createApi('hoody', hoody.client(hoody.connection.parse({ url: baseUrl, token: 'token-of-hoody' })), 1)
  const row = (at: number) => ({ id: id(at), name: `shop-${at}`, status: 'running' })
  const answering = (containers: unknown[], totalPages: unknown) => ({
    data: { containers, pagination: { totalPages } },
  })
  const hundred = (url: URL) => Array.from({ length: 100 }, (_, at) => row(pageOf(url) * 100 + at))
  const list = () => hoody.pickers.containers?.(api(), {}) ?? Promise.reject(new Error('no picker'))
  const find = () => {
    const [step] = hoody.operations.copy?.steps ?? []
    const params = hoody.operations.copy?.fields.parse({ container: id(1), project: id(2), name: 'the-clone' })
    const attempt = { job: 'k7f3q', since: new Date(0), baseline: '', tries: 1, searchedForMs: 0, now: 0 }
    return step?.find?.(api(), { ...params }, null, attempt) ?? Promise.reject(new Error('no find'))
  }

  it.each([
    ['announces 1e12 pages', (url: URL) => answering(hundred(url), 1e12), 1, 'more than 200 pages'],
    ['answers the same page for ever', () => answering([row(1)], 100), 2, 'page 1 came again'],
    ['answers two pages in turn', (url: URL) => answering([row(pageOf(url) % 2)], 100), 3, 'page 1 came again'],
    [
      'always has one more page',
      (url: URL) => answering(hundred(url), pageOf(url) + 1),
      101,
      'more than 10,000 entries',
    ],
    [
      'always has one more page of one row',
      (url: URL) => answering([row(pageOf(url))], pageOf(url) + 1),
      200,
      '200 pages',
    ],
    ['has minus five pages', (url: URL) => answering(hundred(url), -5), 1, '-5 pages'],
    ['has no page for its rows', (url: URL) => answering(hundred(url), 0), 1, '0 pages'],
    ['has half a page', (url: URL) => answering(hundred(url), 1.5), 1, '1.5 pages'],
    ['has a number of pages beyond counting', (url: URL) => answering(hundred(url), 1e300), 1, '1e+300 pages'],
    ['cannot count its pages', (url: URL) => answering(hundred(url), Number.NaN), 1, 'unexpected shape'],
    [
      'has too many rows on one page',
      () =>
        answering(
          Array.from({ length: 10_001 }, (_, at) => row(at)),
          1,
        ),
      1,
      '10,000',
    ],
  ])('that %s gets a sentence in the field, and in a search for a lost write', async (_, respond, requests, words) => {
    answer = respond
    for (const ask of [list, find]) {
      asked = []
      const error = await failureOf(ask())
      expect(error.message).toContain(words)
      expect(asked).toHaveLength(requests)
    }
  })

  it('reads a list of 100 pages to its end', async () => {
    answer = (url) => answering(hundred(url), 100)
    expect(await list()).toHaveLength(10_000)
  })

  it('is believed when the list becomes shorter while it is read', async () => {
    answer = (url) => answering(pageOf(url) < 3 ? hundred(url) : [], 4)
    expect(await list()).toHaveLength(200)
  })
})

describe('Cloud Foundry', () => {
  const api = () => createApi('cf', { baseUrl, headers: {}, errorMessage: () => undefined }, 1)
  const app = z.object({ guid: z.string() })
  const list = async () => (await listWith(api(), '/v3/apps', z.array(app), z.array(app), {})).rows
  const answering = (guid: string, href?: string, included = {}) => ({
    pagination: { next: href === undefined ? null : { href } },
    resources: guid === '' ? [] : [{ guid }],
    included,
  })

  it.each([
    ['is itself', () => answering('a', '/v3/apps?page=1'), 2, 'page 1 came again'],
    ['is itself and shows other rows', () => answering(`${asked.length}`, '/v3/apps?page=1'), 2, 'page 2 came again'],
    [
      'leads from the second page to the third and back',
      (url: URL) => answering(`${asked.length}`, pageOf(url) === 2 ? '/v3/apps?page=3' : '/v3/apps?page=2'),
      3,
      'page 2 came again',
    ],
    [
      'leads on for ever',
      (url: URL) => answering(`${asked.length}`, `/v3/apps?page=${pageOf(url) + 1}`),
      200,
      '200 pages',
    ],
    [
      'leads on for ever over empty pages',
      (url: URL) => answering('', `/v3/apps?page=${pageOf(url) + 1}`),
      200,
      '200 pages',
    ],
    ['is no address', () => answering('a', 'http://['), 1, 'no valid address'],
  ])('gives a list up whose next page %s', async (_, respond, requests, words) => {
    answer = respond
    const error = await failureOf(list())
    expect(error).toBeInstanceOf(UnreadableListError)
    expect(error.message).toContain(words)
    expect(asked).toHaveLength(requests)
  })

  it('counts what is included beside the rows', async () => {
    const included = { spaces: Array.from({ length: 9_000 }, () => ({ guid: 'x'.repeat(300) })) }
    answer = (url) => answering(`${asked.length}`, `/v3/apps?page=${pageOf(url) + 1}`, included)
    expect((await failureOf(list())).message).toContain('million characters')
    expect(asked.length).toBeLessThan(3)
  })

  it('follows the next page to the end', async () => {
    answer = (url) =>
      answering(`guid-${pageOf(url)}`, pageOf(url) < 3 ? `${baseUrl}/v3/apps?page=${pageOf(url) + 1}` : undefined)
    expect(await list()).toEqual([{ guid: 'guid-0' }, { guid: 'guid-1' }, { guid: 'guid-2' }, { guid: 'guid-3' }])
  })
})

describe('Rainbond', () => {
  const api = () => createApi('rainbond', rainbond.client({ url: baseUrl, token: 'token-of-rainbond' }), 1)
  const list = () => rainbond.pickers.targets?.(api(), {}) ?? Promise.reject(new Error('no picker'))

  it.each([
    ['a total of 1e12', () => ({ tenants: [{ tenant_name: 'a' }], total: 1e12 }), 'more than 200 pages'],
    ['the same teams for ever', () => ({ tenants: [{ tenant_name: 'a' }], total: 300 }), 'page 1 came again'],
  ])('with %s is given up', async (_, respond, words) => {
    answer = respond
    expect((await failureOf(list())).message).toContain(words)
  })
})

test('a list that takes too long is given up before its next page', async () => {
  let now = 0
  const read = async (page: number) => {
    now += 11_000
    return { items: [page], pages: 100 }
  }
  const error = await failureOf(allItems(eachPage(read, () => now)))
  expect(error.message).toBe("Reading the provider's list takes more than 30 s.")
  expect(now).toBe(33_000)
})

test('a list that is read in part only is not judged by the rest', async () => {
  const pages = []
  for await (const page of eachPage(async () => ({ items: [1], pages: 1e12 }))) {
    pages.push(page)
    break
  }
  expect(pages).toEqual([{ items: [1], left: 1e12 - 1 }])
})

test('a list of few but endless rows is bounded by its characters', async () => {
  const read = async (page: number) => ({ items: [`${page}`.padEnd(3_000_000, 'x')], next: page + 1 })
  expect((await failureOf(allItems(eachPart(1, read)))).message).toContain('million characters')
})

test('ten bodies of 10 MB leave no more behind than what is shown of them', async () => {
  const long = 'x'.repeat(10 * 1024 * 1024 - 200)
  answer = (url) => ({ pages: 10, items: [`${pageOf(url)}${long}`] })
  const api = createApi('x', { baseUrl, headers: {}, errorMessage: () => undefined }, 1)
  const page = z.object({ pages: z.number(), items: z.array(z.string()) })
  const before = heldBytes()
  const read = (number: number) => api.get('/x', page, { query: { page: number } })
  // Its own clock stands still: on a busy machine these pages take long.
  const items = await allItems(eachPage(read, () => 0))
  expect(heldBytes() - before).toBeLessThan(8 * 1024 * 1024)
  expect(items.map(({ length }) => length)).toEqual(Array(10).fill(4_096))
})

test('odd rows of a list are left out, counted, and logged for the operator once in a while', async () => {
  const lines: [object, string][] = []
  let now = 0
  const shared = { log: { warn: (...line: [object, string]) => void lines.push(line) }, elapsed: () => now }
  const api = createApi('hoody', { baseUrl, headers: {}, errorMessage: () => undefined }, 1, shared)
  answer = () => [{ name: 'shop' }, { name: 7 }, {}, { name: 'wool' }]
  const read = () => api.get('/x', rows(api, z.object({ name: z.string() })))
  for (now = 0; now < 31 * 60_000; now += 60_000) expect(await read()).toEqual([{ name: 'shop' }, { name: 'wool' }])
  expect(lines).toHaveLength(3)
  expect(lines[0]).toEqual([
    { connection: 'hoody', rows: 2, example: 'name: invalid_type' },
    'rows of a list were left out: they have an unexpected shape',
  ])
})
