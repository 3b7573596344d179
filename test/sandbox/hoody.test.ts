import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { startHoody } from '../../sandbox/providers/hoody.js'
import type { Simulator } from '../../sandbox/providers/simulator.js'

const envelope = z.object({
  statusCode: z.number(),
  error: z.string().optional(),
  message: z.string(),
  data: z.record(z.string(), z.unknown()).or(z.array(z.unknown())).nullish(),
})
const listed = z.object({
  containers: z.array(z.object({ id: z.string(), name: z.string(), status: z.string(), project_id: z.string() })),
  pagination: z.object({ total: z.number(), page: z.number(), limit: z.number(), totalPages: z.number() }),
})

let clock: number
let simulator: Simulator

beforeEach(async () => {
  clock = Date.UTC(2026, 7, 21)
  simulator = await startHoody({ now: () => clock, cloneMs: 10_000, count: 4 })
})

afterEach(() => simulator.close())

async function call(method: string, path: string, body?: unknown, authorization?: string) {
  const { url, token } = simulator.connection
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { authorization: authorization ?? `Bearer ${token}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const answer = envelope.parse(await response.json())
  expect(answer.statusCode).toBe(response.status)
  return { status: response.status, ...answer }
}

async function containers(query = '') {
  return listed.parse((await call('GET', `/containers/?limit=100${query}`)).data)
}

async function named(name: string) {
  const found = (await containers()).containers.find((one) => one.name === name)
  if (!found) throw new Error(`There is no ${name}.`)
  return found
}

test('accepts the exact scheme or the bare token', async () => {
  const { token } = simulator.connection
  expect((await call('GET', '/users/auth/me')).status).toBe(200)
  expect((await call('GET', '/users/auth/me', undefined, token)).status).toBe(200)
  for (const wrong of [`bearer ${token}`, `Bearer  ${token}`, 'Bearer hdy_other', '']) {
    expect((await call('GET', '/users/auth/me', undefined, wrong)).status, wrong).toBe(401)
  }
})

test('pages its lists, up to a hundred rows each, and only with the trailing slash', async () => {
  const second = listed.parse((await call('GET', '/containers/?limit=5&page=2&sort_by=name')).data)
  expect(second.containers).toHaveLength(5)
  expect(second.pagination).toEqual({ total: 12, page: 2, limit: 5, totalPages: 3 })
  expect((await call('GET', '/containers/?limit=101')).status).toBe(400)
  expect((await call('GET', '/containers/?sort_by=weight')).status).toBe(400)
  expect((await call('GET', '/containers')).status).toBe(404)
})

test('a copy goes from copying to running with time, and its status log has the times', async () => {
  const { id, project_id } = await named('shop-api')
  const made = await call('POST', `/containers/${id}/copy`, { target_project_id: project_id, name: 'shop-api-2' })
  expect(made).toMatchObject({ status: 201, data: { status: 'copying', source_container_id: id } })
  clock += 9_999
  expect((await named('shop-api-2')).status).toBe('copying')
  clock += 1
  expect((await named('shop-api-2')).status).toBe('running')
  const logs = await call('GET', `/containers/${(await named('shop-api-2')).id}/status-logs`)
  expect(logs.data).toMatchObject({
    logs: [
      { from_status: null, to_status: 'copying' },
      { from_status: 'copying', to_status: 'running', duration_ms: 10_000 },
    ],
  })
  expect(simulator.table().rows).toContainEqual([
    'shop-api-2',
    'woolworks-production',
    'flock-fra-1',
    'running',
    'shop-api',
  ])
})

test('refuses invalid copies as the vendor does', async () => {
  const { id, project_id: target_project_id } = await named('shop-api')
  const copy = async (body: object, of = id) => (await call('POST', `/containers/${of}/copy`, body)).status
  const good = { target_project_id, name: 'shop-api-2' }
  expect(await copy({ ...good, colour: 'white' })).toBe(400)
  expect(await copy({ ...good, name: 'a b' })).toBe(400)
  expect(await copy({ ...good, target_project_id: 'staging' })).toBe(400)
  expect(await copy(good, 'shop-api')).toBe(400)
  expect(await copy(good, 'f'.repeat(24))).toBe(404)
  expect(await copy({ ...good, target_project_id: 'f'.repeat(24) })).toBe(404)
  expect(await copy({ ...good, source_snapshot: 'nightly-1999' })).toBe(404)
  expect(await copy({ ...good, kvm: true })).toBe(403)
  expect(await copy({ ...good, name: 'billing' })).toBe(409)
  expect(await copy({ ...good, ssh_public_key: 'ssh-ed25519 A' })).toBe(201)
  expect(await copy({ ...good, name: 'shop-api-3', ssh_public_key: 'ssh-ed25519 A' })).toBe(409)
  expect((await call('POST', `/containers/${id}/sync`)).status).toBe(409)
})

test('a deleted container is deleting for a while, then gone', async () => {
  const { id } = await named('billing')
  expect((await call('DELETE', `/containers/${id}`)).status).toBe(200)
  expect((await containers()).pagination.total).toBe(11)
  expect((await containers('&include_deleting=true')).pagination.total).toBe(12)
  expect((await call('GET', `/containers/${id}`)).data).toMatchObject({ status: 'deleting' })
  clock += 5_000
  expect((await call('GET', `/containers/${id}`)).status).toBe(404)
})

test('a switch for one request goes off after it, others stay on, and both notify the listeners', async () => {
  const { id } = await named('shop-api-staging')
  let changes = 0
  simulator.onChange(() => changes++)
  const isOn = (name: string) => simulator.switches().find((one) => one.id === name)?.on

  simulator.setSwitch('drop-write', true)
  await expect(call('POST', `/containers/${id}/sync`)).rejects.toThrow()
  expect(isOn('drop-write')).toBe(false)
  expect(simulator.writes()).toEqual([])

  simulator.setSwitch('lose-answer', true)
  await expect(call('POST', `/containers/${id}/sync`)).rejects.toThrow()
  expect(isOn('lose-answer')).toBe(false)
  expect(simulator.writes()).toHaveLength(1)
  expect((await named('shop-api-staging')).status).toBe('copying')

  simulator.setSwitch('down', true)
  expect((await call('GET', '/containers/')).status).toBe(503)
  expect((await call('GET', '/containers/')).status).toBe(503)
  expect(isOn('down')).toBe(true)
  expect(changes).toBeGreaterThanOrEqual(5)
  expect(() => simulator.setSwitch('no-such', true)).toThrow('There is no switch "no-such"')
})
