import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { startHoody } from '../../sandbox/providers/hoody.js'
import { newId } from '../../sandbox/providers/hoody-world.js'
import type { Simulator } from '../../sandbox/providers/simulator.js'
import { ConnectionError, TemporaryError, UserError } from '../../src/errors.js'
import { hoody } from '../../src/providers/hoody.js'
import { createApi } from '../../src/providers/http.js'
import type { Api, Ref } from '../../src/providers/provider.js'
import { setPicked } from '../../src/slack/form/answers.js'
import { fieldsOf } from '../../src/slack/form/fields.js'
import { altered, counting, inLists, oddRows, oddValues, withKey } from '../helpers/altered.js'
import { observed } from '../helpers/observed.js'
import { plainOperation } from '../helpers/plain-refs.js'
import { describeProvider } from './contract.js'
import { many } from './many/hoody.js'
import { pollRemoval, startRemoval } from './removals.js'

const NOBODY = 'ffffffffffffffffffffffff'

describeProvider(hoody, {
  start: startHoody,
  failure: 'The disk of the target server is full.',
  many,
  operations: {
    copy: {
      params: async (pick) => ({
        container: await pick('containers', 'shop-api'),
        project: await pick('projects', 'woolworks-staging'),
        name: 'shop-api-2',
      }),
      summary: { from: 'shop-api in woolworks-production', to: 'shop-api-2 in woolworks-staging' },
      source: { field: 'container', name: / in woolworks-\S+$/ },
      others: {
        target: async () => ({ name: 'shop-api-3' }),
        source: async (pick) => ({ container: await pick('containers', 'mailer') }),
      },
      refused: [
        {
          status: 404,
          params: async (pick) => ({
            container: NOBODY,
            project: await pick('projects', 'woolworks-staging'),
            name: 'x-1',
          }),
        },
        {
          status: 409,
          params: async (pick) => ({
            container: await pick('containers', 'shop-api'),
            project: await pick('projects', 'woolworks-staging'),
            name: 'shop-api-staging',
          }),
        },
        {
          status: 400,
          params: async (pick) => ({
            container: await pick('containers', 'shop-api'),
            project: await pick('projects', 'woolworks-staging'),
            server: await pick('servers', 'lamb-ams-free'),
            name: 'shop-api-2',
          }),
        },
      ],
    },
    sync: {
      params: async (pick) => ({ container: await pick('copies', 'shop-api-staging in woolworks-staging') }),
      summary: { from: 'shop-api in woolworks-production', to: 'shop-api-staging in woolworks-staging' },
      source: { field: 'container', name: / in woolworks-\S+$/ },
      others: { target: async (pick) => ({ container: await pick('containers', 'mailer') }), isRefused: true },
      overwrites: true,
      refused: [
        { status: 404, params: async () => ({ container: NOBODY }) },
        { status: 409, params: async (pick) => ({ container: await pick('containers', 'shop-api') }) },
      ],
    },
  },
  pickers: { snapshots: { values: async (pick) => ({ container: await pick('containers', 'shop-api') }) } },
})

describe('Hoody', () => {
  let clock: number
  let simulator: Simulator
  let api: Api

  beforeEach(async () => {
    clock = Date.UTC(2026, 7, 21)
    simulator = await startHoody({ now: () => clock, cloneMs: 10_000 })
    api = createApi('hoody-prod', hoody.client(hoody.connection.parse(simulator.connection)), 1)
  })

  afterEach(() => simulator.close())

  const copy = plainOperation(hoody, 'copy')
  const sync = plainOperation(hoody, 'sync')

  async function idOf(label: string, picker = 'containers'): Promise<string> {
    const options = (await hoody.pickers[picker]?.(api, {})) ?? []
    return options.find((option) => option.label === label)?.value ?? `no ${label}`
  }

  async function copyParams(more: Record<string, unknown> = {}) {
    const container = await idOf('shop-api')
    const project = await idOf('woolworks-staging', 'projects')
    return copy?.fields.parse({ container, project, name: 'shop-api-2', ...more }) as Record<string, unknown>
  }

  const attempt = (atMs = clock, baseline = '') => ({
    job: 'k7f3q',
    since: new Date(atMs),
    baseline,
    tries: 1,
    searchedForMs: 0,
    now: clock,
  })
  const startCopy = async (name: string) => copy.steps[0].run(api, await copyParams({ name }), null, attempt())
  const poll = (refs: Ref[]) => observed(copy.steps[0].check(api, refs, clock))
  const removed = (ref: Ref) => startRemoval(copy, api, ref)

  test('sends exactly what the form says', async () => {
    const server = await idOf('flock-hel-1', 'servers')
    const sshKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1 ewe@woolworks'
    await copy.steps[0].run(
      api,
      await copyParams({ server, sshKey, snapshot: 'nightly-2026-08-19', firewall: true }),
      null,
      attempt(),
    )
    await startCopy('shop-api-3')
    const project = await idOf('woolworks-staging', 'projects')
    expect(simulator.writes().map((write) => write.body)).toEqual([
      {
        target_project_id: project,
        target_server_id: server,
        name: 'shop-api-2',
        ssh_public_key: sshKey,
        source_snapshot: 'nightly-2026-08-19',
        copy_firewall_rules: true,
        copy_network_rules: false,
      },
      { target_project_id: project, name: 'shop-api-3', copy_firewall_rules: false, copy_network_rules: false },
    ])
  })

  test('a sync has no body', async () => {
    const container = await idOf('shop-api-staging in woolworks-staging', 'copies')
    await sync.steps[0].run(api, { container }, null, attempt())
    expect(simulator.writes()).toEqual([
      { method: 'POST', path: `/api/v1/containers/${container}/sync`, body: undefined, status: 200 },
    ])
  })

  test.each([
    ['name', 'ab', 'Use 3 to 100 letters, digits, hyphens or underscores.'],
    ['name', undefined, 'expected string'],
    ['name', 'shop api', 'Use 3 to 100 letters, digits, hyphens or underscores.'],
    ['container', 'shop-api', 'Choose from the list, or paste an ID (24 characters, 0-9 and a-f).'],
    ['sshKey', '-----BEGIN OPENSSH PRIVATE KEY-----', 'Paste one line of a public key'],
  ])('explains a wrong %s in plain words', async (field, value, message) => {
    const issues = copy.fields.safeParse({ ...(await copyParams()), [field]: value }).error?.issues
    expect(issues?.[0]).toMatchObject({ path: [field], message: expect.stringContaining(message) })
  })

  test("uses Hoody's own address unless dolly.yml names that of a realm", () => {
    const addressOf = (more: object) => hoody.client(hoody.connection.parse({ token: 'hdy_1', ...more })).baseUrl
    expect(addressOf({})).toBe('https://api.hoody.com')
    expect(addressOf({ url: 'https://realm.api.hoody.com' })).toBe('https://realm.api.hoody.com')
  })

  test('never asks for the right to run virtual machines in a copy', () => {
    expect(Object.keys(copy.fields.shape)).not.toEqual(expect.arrayContaining(['kvm']))
  })

  test('the last page of a copy says who will be able to read the data and secrets', async () => {
    const { copied } = copy.preview(await copyParams(), {})
    expect(copied).toMatch(/all data and secrets,.*\. Everyone with access to the target project can read them\.$/)
  })

  test.each([
    ['copying', 'working'],
    ['creating', 'working'],
    ['claiming', 'working'],
    ['shearing', 'working'],
    ['running', 'done'],
    ['stopped', 'done'],
    ['paused', 'done'],
    ['failed', 'failed'],
    ['deleting', 'failed'],
    ['deleted', 'failed'],
  ])('a container that is %s is %s', async (status, phase) => {
    const get: Api['get'] = async (_, schema) =>
      z.parse(schema, { data: { id: NOBODY, status, logs: [], pagination: { totalPages: 1 } } })
    const [one] = await observed(copy.steps[0].check({ ...api, get }, [{ id: NOBODY }], clock))
    expect(one?.phase).toBe(phase)
  })

  test('only copies can be chosen for a sync', async () => {
    expect(await idOf('shop-api')).not.toBe('no shop-api')
    expect(await idOf('shop-api in woolworks-production', 'copies')).toBe('no shop-api in woolworks-production')
    await expect(sync.steps[0].run(api, { container: await idOf('shop-api') }, null, attempt())).rejects.toThrow()
  })

  test("one container we may not read doesn't hide the others", async () => {
    const made = await startCopy('shop-api-2')
    const get: Api['get'] = async (path, schema, options) => {
      if (path.endsWith(NOBODY)) throw new ConnectionError('No right to see it.', { status: 403 })
      return await api.get(path, schema, options)
    }
    const [first, second] = await copy.steps[0].check({ ...api, get }, [{ id: NOBODY }, made], clock)
    expect(first).toBeInstanceOf(ConnectionError)
    expect(second).toMatchObject({ phase: 'working' })
  })

  test("IDs may have blanks and capitals, and locks don't depend on them", async () => {
    const params = await copyParams()
    const loud = { ...params, container: ` ${String(params.container).toUpperCase()} `, name: 'Shop-API-2' }
    const parsed = copy.fields.parse(loud) as Record<string, unknown>
    expect(parsed).toEqual({ ...params, name: 'Shop-API-2' })
    expect(copy.lock(parsed)).toBe(copy.lock(params))
    expect(copy.lock({ ...params, project: await idOf('woolworks-production', 'projects') })).not.toBe(
      copy.lock(params),
    )
  })

  test('no copy is deleted while it is synced, by the lock', () => {
    const id = '507f1f77bcf86cd799439011'
    expect(copy.removal?.lock?.({ id })).toBe(sync.lock({ container: id }))
  })

  test('a copy that is overwritten is named with its project, so that a rule can protect the project', async () => {
    const [copied] = (await hoody.pickers.copies?.(api, {})) ?? []
    expect(sync.summary({ container: copied?.label ?? '' }).to).toBe('shop-api-staging in woolworks-staging')
  })

  test('the sentences name what was chosen, and never a whole ID', () => {
    const ids = { container: '507f1f77bcf86cd799439011', project: '507f1f77bcf86cd799433333' }
    expect(copy.summary({ ...ids, name: 'shop-api-2' })).toEqual({ from: '…9011', to: 'shop-api-2 in …3333' })
    const commit = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b'
    expect(copy.summary({ ...ids, name: commit }).to).toBe(`${commit} in …3333`)
    const chosen = { container: 'shop-api', snapshot: 'nightly', name: 'shop-2', project: 'staging', server: 'fra-1' }
    expect(copy.summary(chosen)).toEqual({ from: 'snapshot nightly of shop-api', to: 'shop-2 in staging on fra-1' })
    const placed = { ...chosen, 'container.place': 'production' }
    expect(copy.summary(placed).from).toBe('snapshot nightly of shop-api in production')
    expect(copy.summary({ container: 'x', 'container.place': ids.project }).from).toBe('x in …3333')
    expect(sync.summary({ container: 'shop-2' })).toEqual({ from: 'its source', to: 'shop-2' })
    expect(sync.preview(ids, ids).warning).toMatch(/changed in …9011 .* is overwritten/)
  })

  test("a container that is being copied can't be chosen for a sync, nor synced by its ID", async () => {
    const { id = '' } = await startCopy('shop-api-2')
    const label = 'shop-api-2 in woolworks-staging'
    expect(await idOf(label, 'copies')).toBe(`no ${label}`)
    await expect(sync.steps[0].run(api, { container: id }, null, attempt())).rejects.toMatchObject({ status: 409 })
    clock += 10_000
    expect(await idOf(label, 'copies')).toBe(id)
  })

  test('pickers describe options so that equal names can be told apart', async () => {
    const first = async (picker: string, label: string, values = {}) =>
      (await hoody.pickers[picker]?.(api, values))?.find((option) => option.label === label)?.description
    expect(await first('containers', 'mailer')).toBe('woolworks-production · stopped')
    expect(await first('copies', 'shop-api-staging in woolworks-staging')).toBe('copy of shop-api · running')
    expect(await first('servers', 'lamb-ams-free')).toBe('Amsterdam, Netherlands · 1 of 1 containers used')
    const values = { container: await idOf('shop-api') }
    expect(await first('snapshots', 'before the new checkout', values)).toBe('nightly-2026-08-19 · 2026-08-20')
    expect(await hoody.pickers.snapshots?.(api, {})).toEqual([])
  })

  test('copy and sync are polled together', async () => {
    expect(copy.steps[0].check).toBe(sync.steps[0].check)
    const made = await startCopy('shop-api-2')
    const synced = await sync.steps[0].run(api, { container: await idOf('shop-api-staging') }, null, attempt())
    const before = simulator.requests()
    expect((await poll([made, synced, made])).map((one) => one.phase)).toEqual(['working', 'working', 'working'])
    expect(simulator.requests() - before).toBe(1)
  })

  test('polling one job takes one call', async () => {
    const made = await startCopy('shop-api-2')
    const before = simulator.requests()
    await poll([made])
    expect(simulator.requests() - before).toBe(1)
  })

  test('jobs on the first page are polled without reading the rest, and a missing one with one more call', async () => {
    await simulator.close()
    simulator = await startHoody({ now: () => clock, count: 500 })
    api = createApi('hoody-prod', hoody.client(hoody.connection.parse(simulator.connection)), 1)
    clock += 1_000
    const refs = [await startCopy('one'.padEnd(5, '-')), await startCopy('two'.padEnd(5, '-'))]
    const before = simulator.requests()
    const observations = await poll([...refs, { id: NOBODY }])
    expect(observations.map((one) => one.phase)).toEqual(['working', 'working', 'failed'])
    expect(simulator.requests() - before).toBe(2)
  })

  test('a stopped container counts as copied, a deleted one as failed', async () => {
    const made = await startCopy('shop-api-2')
    const stopped = { id: await idOf('mailer') }
    clock += 10_000
    await removed(made)
    expect(await poll([made, stopped])).toEqual([
      { phase: 'failed', detail: 'the container was deleted' },
      { phase: 'done', detail: 'finished, but the container is stopped' },
    ])
    clock += 10_000
    expect(await poll([made])).toEqual([{ phase: 'failed', detail: 'the container was deleted' }])
    expect((await removed(made))?.observation).toMatchObject({ phase: 'done' })
  })

  describe('a deletion', () => {
    test('waits for a copy that is still being made, and refuses what is in use otherwise', async () => {
      const made = await startCopy('shop-api-2')
      await expect(removed(made)).rejects.toMatchObject({
        name: 'TemporaryError',
        message: 'The container is still copying.',
        mayHaveHappened: false,
        retryAfterMs: 30_000,
      })
      clock += 10_000
      const refusal = new UserError('hoody-prod: The container is in use.', { status: 409 })
      const refusing: Api = { ...api, delete: async () => await Promise.reject(refusal) }
      await expect(startRemoval(copy, refusing, made)).rejects.toBe(refusal)
      expect(await removed(made)).toEqual({ ref: made })
      expect(simulator.writes().at(-1)).toMatchObject({ method: 'DELETE', status: 200 })
    })

    test('that somebody else began is only watched', async () => {
      const made = await startCopy('shop-api-2')
      clock += 10_000
      await removed(made)
      const writes = simulator.writes().length
      expect(await removed(made)).toEqual({ ref: made })
      expect(simulator.writes()).toHaveLength(writes)
      expect(await pollRemoval(copy, api, made)).toEqual({ phase: 'working', detail: 'deleting' })
      clock += 2_000
      expect(await pollRemoval(copy, api, made)).toEqual({ phase: 'done' })
    })

    test('is over where Hoody still lists the container, as deleted', async () => {
      const made = await startCopy('shop-api-2')
      clock += 10_000
      const dead = altered(api, (body) => JSON.parse(JSON.stringify(body).replaceAll('"running"', '"deleted"')))
      expect(await pollRemoval(copy, dead, made)).toEqual({ phase: 'done' })
      expect(await startRemoval(copy, dead, made)).toMatchObject({ observation: { phase: 'done' } })
    })

    test('that loses a race against another ends well', async () => {
      const made = await startCopy('shop-api-2')
      clock += 10_000
      const gone: Api = { ...api, delete: async () => await Promise.reject(new UserError('Gone.', { status: 404 })) }
      expect(await startRemoval(copy, gone, made)).toMatchObject({
        observation: { phase: 'done', detail: 'It was already gone, or this connection can no longer see it.' },
      })
    })
  })

  test("an older container of the same name isn't taken for a lost copy", async () => {
    const params = await copyParams()
    const [{ baseline, find }] = copy.steps
    const free = await baseline?.(api, params, null)
    await startCopy('shop-api-2')
    expect(await find?.(api, params, null, attempt(clock, free))).not.toBeNull()
    const taken = await baseline?.(api, params, null)
    expect(await find?.(api, params, null, attempt(clock, taken))).toBeNull()
  })

  test('neither the copy that made a container nor an earlier sync is taken for our lost sync', async () => {
    const [step] = sync.steps
    const find = (container: string, baseline: string) => step.find?.(api, { container }, null, attempt(0, baseline))
    const container = String((await startCopy('shop-api-2')).id)
    clock += 60_000
    const afterCopy = (await step.baseline?.(api, { container }, null)) ?? ''
    expect(await find(container, afterCopy)).toBeNull()
    await step.run(api, { container }, null, attempt())
    expect(await find(container, afterCopy)).toEqual({ id: container })
    clock += 60_000
    expect(await find(container, afterCopy)).toEqual({ id: container })
    expect(await find(container, (await step.baseline?.(api, { container }, null)) ?? '')).toBeNull()
    expect(await find(NOBODY, '')).toBeNull()
  })

  test("a sync's container can't be deleted through its job", () => {
    expect(sync.removal).toBeUndefined()
  })

  test('observations and errors contain neither whole IDs nor addresses made of them', async () => {
    const address = `https://507f1f77bcf86cd799433333-507f1f77bcf86cd799439011-terminal-1.fra.containers.hoody.com`
    const answers: Record<string, unknown> = {
      containers: [
        { id: '507f1f77bcf86cd799439011', status: 'failed' },
        { id: '507f1f77bcf86cd799439012', status: address },
      ],
      logs: [{ to_status: 'failed', transition_time: '2026-08-21', metadata: { error: `no ${address}` } }],
      pagination: { totalPages: 1 },
    }
    const faked: Api = { ...api, get: async (_, schema) => z.parse(schema, { data: answers }) }
    const refs = ['507f1f77bcf86cd799439011', '507f1f77bcf86cd799439012'].map((id) => ({ id }))
    const observations = await observed(copy.steps[0].check(faked, refs, clock))
    expect(observations.map((one) => one.phase)).toEqual(['failed', 'working'])
    expect(observations[0]?.detail).toBe('no https://…9011-terminal-1.fra.containers.hoody.com.')
    expect(JSON.stringify(observations)).not.toMatch(/[0-9a-f]{24}/)

    const { errorMessage } = hoody.client(hoody.connection.parse(simulator.connection))
    expect(errorMessage({ message: `No access to ${address}` })).not.toMatch(/[0-9a-f]{24}/)
    expect(errorMessage('<html>')).toBeUndefined()
  })
})

describe('Hoody with odd answers', () => {
  let clock: number
  let simulator: Simulator
  let api: Api
  const copy = plainOperation(hoody, 'copy')
  const sync = plainOperation(hoody, 'sync')

  beforeEach(async () => {
    clock = Date.UTC(2026, 7, 21)
    simulator = await startHoody({ now: () => clock, cloneMs: 10_000 })
    api = createApi('hoody-prod', hoody.client(hoody.connection.parse(simulator.connection)), 1)
  })

  afterEach(() => simulator.close())

  const ids = { 'shop-api': 1, mailer: 5, 'shop-api-staging': 7, 'wool-price-feed': 8 }
  const idOf = (name: keyof typeof ids) => newId(5, ids[name])
  const [production, staging] = [newId(2, 1), newId(2, 2)]
  const amsterdam = newId(3, 3)
  const params = (more: Record<string, unknown> = {}) =>
    copy.fields.parse({ container: idOf('shop-api'), project: staging, name: 'shop-api-2', ...more }) as Record<
      string,
      unknown
    >
  const attempt = (baseline = '') => ({
    job: 'k7f3q',
    since: new Date(clock),
    baseline,
    tries: 1,
    searchedForMs: 0,
    now: clock,
  })
  const [copyStep] = copy.steps
  const [syncStep] = sync.steps
  const pickers = ['containers', 'copies', 'projects', 'servers', 'snapshots']
  const listed = async (via: Api) =>
    await Promise.all(pickers.map((name) => hoody.pickers[name]?.(via, { container: idOf('shop-api') })))

  test.each([...oddRows, ['no name', withKey('name')] as const])(
    "a row of %s doesn't hide the others in any list",
    async (_, make) => {
      const well = await listed(api)
      const odd = counting(
        altered(api, (body) => inLists(body, (rows) => [make({ ...rows[0] }), ...rows, make({ ...rows[0] })])),
      )
      const lists = await listed(odd)
      // A project has an alias in place of a name, and a snapshot is called by either.
      for (const [at, options] of lists.entries()) expect(options).toEqual(expect.arrayContaining(well[at] ?? []))
      expect(lists[0]).toEqual(well[0])
      expect(odd.skipped()).toBeGreaterThan(0)
    },
  )

  test('a container without a status, a project without an alias and an odd server are left out, and nothing else', async () => {
    const well = await listed(api)
    for (const [at, make] of [
      [0, withKey('status')],
      [2, withKey('alias')],
      [3, withKey('server', { name: { odd: true } })],
    ] as const) {
      const odd = altered(api, (body) => inLists(body, ([first = {}, ...rows]) => [make(first), ...rows]))
      expect((await listed(odd))[at]).toEqual(well[at]?.slice(1))
    }
  })

  test("the simulator's odd rows hide nothing, and jobs still end", async () => {
    const well = await listed(api)
    simulator.setSwitch('odd-rows', true)
    expect(await listed(api)).toEqual(well)
    const baseline = (await copyStep.baseline?.(api, params(), null)) ?? ''
    const made = await copyStep.run(api, params(), null, attempt(baseline))
    expect(await copyStep.find?.(api, params(), null, attempt(baseline))).toEqual(made)
    clock += 10_000
    const other = { id: idOf('mailer') }
    expect((await observed(copyStep.check(api, [made, other], clock))).map(({ phase }) => phase)).toEqual([
      'done',
      'done',
    ])
  })

  test.each(oddValues)(
    'a container whose status is %j is still working, and the others are observed',
    async (status) => {
      const id = idOf('shop-api')
      const change = (row: Record<string, unknown>) => (row.id === id ? withKey('status', status)(row) : row)
      const odd = altered(api, (body, path) =>
        path.endsWith(id)
          ? { data: { id, ...(status !== undefined && { status }) } }
          : inLists(body, (rows) => rows.map(change)),
      )
      const other = { id: idOf('wool-price-feed') }
      expect(await copyStep.check(odd, [{ id }, other], clock)).toEqual([
        { phase: 'working', detail: 'unknown' },
        { phase: 'done' },
      ])
      expect(await copyStep.check(odd, [{ id }], clock)).toEqual([{ phase: 'working', detail: 'unknown' }])
    },
  )

  test.each([...oddRows, ['no name', withKey('name')] as const, ['no id', withKey('id')] as const])(
    'a lost copy never counts as absent while there is a new row of %s',
    async (_, make) => {
      const baseline = (await copyStep.baseline?.(api, params(), null)) ?? ''
      const made = await copyStep.run(api, params(), null, attempt(baseline))
      const isOurs = ({ name }: Record<string, unknown>) => name === 'shop-api-2'
      const odd = altered(api, (body) => inLists(body, (rows) => rows.map((row) => (isOurs(row) ? make(row) : row))))
      await expect(copyStep.find?.(odd, params(), null, attempt(baseline))).rejects.toBeInstanceOf(TemporaryError)
      const beside = altered(api, (body) => inLists(body, (rows) => [make({ ...rows[0] }), ...rows]))
      expect(await copyStep.find?.(beside, params(), null, attempt(baseline))).toEqual(made)
    },
  )

  test("an older row without a name isn't taken for a lost copy", async () => {
    const nameless = { id: 'f'.repeat(24), status: 'running' }
    const odd = altered(api, (body) => inLists(body, (rows) => [nameless, ...rows]))
    const baseline = (await copyStep.baseline?.(odd, params(), null)) ?? ''
    expect(baseline).toBe(nameless.id)
    expect(await copyStep.find?.(odd, params(), null, attempt(baseline))).toBeNull()
  })

  test('an unreadable status change may be the lost sync', async () => {
    const container = idOf('shop-api-staging')
    const baseline = (await syncStep.baseline?.(api, { container }, null)) ?? ''
    expect(await syncStep.find?.(api, { container }, null, attempt(baseline))).toBeNull()
    for (const row of [null, 7, {}, { to_status: 'copying' }, { transition_time: '2027-01-01T00:00:00Z' }]) {
      const odd = altered(api, (body) => inLists(body, (rows) => [row, ...rows] as never))
      await expect(syncStep.find?.(odd, { container }, null, attempt(baseline))).rejects.toBeInstanceOf(TemporaryError)
    }
    const early = { transition_time: '2001-01-01T00:00:00Z' }
    const old = altered(api, (body) => inLists(body, (rows) => [...rows, early]))
    const noted = (await syncStep.baseline?.(old, { container }, null)) ?? ''
    expect(noted).toBe(early.transition_time)
    expect(await syncStep.find?.(old, { container }, null, attempt(noted))).toBeNull()
  })

  const validateCopy = async (more: Record<string, unknown> = {}, via = api) => await copy.validate?.(via, params(more))

  describe('validation of its forms', () => {
    test('accepts what Hoody will accept, and the default answers warn of nothing', async () => {
      expect(await validateCopy()).toEqual({ errors: {}, warnings: [] })
      expect(await sync.validate?.(api, { container: idOf('shop-api-staging') })).toEqual({ errors: {}, warnings: [] })
      expect(copy.preview(params(), {})).not.toHaveProperty('warning')
      expect(simulator.writes()).toEqual([])
    })

    test.each([
      [{ name: 'shop-api-staging' }, 'name', 'The project already has a container called shop-api-staging.'],
      [{ server: amsterdam }, 'server', 'lamb-ams-free is full: 1 of 1 containers used.'],
      [{ container: newId(5, 8) }, 'server', 'lamb-ams-free is full: 1 of 1 containers used.'],
      [{ container: NOBODY }, 'container', 'hoody-prod: Container not found'],
      [{ project: NOBODY }, 'project', 'hoody-prod: Project not found'],
      [{ snapshot: 'nightly-1999' }, 'snapshot', 'This container no longer has this snapshot.'],
    ])('reports what Hoody would refuse at its field: %j', async (more, field, sentence) => {
      const { errors } = (await validateCopy(more)) ?? {}
      expect(errors).toEqual({ [field]: expect.stringContaining(sentence) })
      await expect(copyStep.run(api, params(more), null, attempt())).rejects.toBeInstanceOf(UserError)
    })

    test('reports everything that is wrong at once', async () => {
      const { errors = {} } =
        (await validateCopy({ name: 'shop-api-staging', server: amsterdam, snapshot: 'no' })) ?? {}
      expect(Object.keys(errors).sort()).toEqual(['name', 'server', 'snapshot'])
    })

    test.each(oddRows)('never call a snapshot gone beside a row of %s', async (_, make) => {
      const odd = altered(api, (body, path) =>
        path.endsWith('/snapshots') ? inLists(body, (rows) => [make({ ...rows[0] }), ...rows.slice(1)]) : body,
      )
      const [first] = (await hoody.pickers.snapshots?.(api, { container: idOf('shop-api') })) ?? []
      expect(await validateCopy({ snapshot: first?.value }, odd)).toEqual({ errors: {}, warnings: [] })
    })

    test('the name of a deleted container is free', async () => {
      const said = (status: string) =>
        altered(api, (body, path) =>
          path.includes('/projects/') ? inLists(body, (rows) => rows.map((row) => ({ ...row, status }))) : body,
        )
      expect((await validateCopy({ name: 'shop-api-staging' }, said('deleted')))?.errors).toEqual({})
      expect((await validateCopy({ name: 'shop-api-staging' }, said('deleting')))?.errors).toHaveProperty('name')
    })

    test('reports a full project if its limit is known', async () => {
      const full = (max_containers: unknown) =>
        altered(api, (body, path) =>
          path === '/api/v1/projects/'
            ? inLists(body, (rows) => rows.map((row) => ({ ...row, max_containers })))
            : body,
        )
      expect((await validateCopy({}, full(2)))?.errors).toEqual({
        project: 'The project has reached its limit of 2 containers. Delete one or choose another project.',
      })
      for (const most of [3, null, 'many']) expect((await validateCopy({}, full(most)))?.errors).toEqual({})
    })

    test('reports a container that is still being copied, or was deleted', async () => {
      const { id = '' } = await copyStep.run(api, params(), null, attempt())
      const busy = { container: "This container is busy (copying). Try again when it's done." }
      expect((await validateCopy({ container: id, name: 'shop-3' }))?.errors).toEqual(busy)
      expect((await sync.validate?.(api, { container: id }))?.errors).toEqual(busy)
      clock += 10_000
      expect((await sync.validate?.(api, { container: id }))?.errors).toEqual({})
      await startRemoval(copy, api, { id })
      expect((await sync.validate?.(api, { container: id }))?.errors).toEqual({
        container: 'This container was deleted.',
      })
    })

    test('reports a sync that has no source', async () => {
      const of = async (container: string) => (await sync.validate?.(api, { container }))?.errors
      expect(await of(idOf('shop-api'))).toEqual({
        container: "This container isn't a copy, so it has no source to sync with.",
      })
      expect(await of(NOBODY)).toEqual({ container: 'hoody-prod: Container not found' })
      await startRemoval(copy, api, { id: idOf('shop-api') })
      clock += 10_000
      expect(await of(idOf('shop-api-staging'))).toEqual({
        container: "The source of this copy was deleted, or this connection's token can't see it.",
      })
    })

    test("doesn't block the start when Hoody can't be asked, and reports what it could find out", async () => {
      simulator.setSwitch('down', true)
      expect(await validateCopy()).toEqual({ errors: {}, warnings: [] })
      simulator.setSwitch('down', false)
      simulator.setSwitch('no-permission', true)
      expect(Object.keys((await validateCopy({ server: amsterdam, name: 'shop-api-staging' }))?.errors ?? {})).toEqual([
        'server',
      ])
    })

    test('checks the production project as well', async () => {
      expect((await validateCopy({ project: production, name: 'billing' }))?.errors).toHaveProperty('name')
    })
  })

  test('a sync names its source with its project, or says "its source" without a list', async () => {
    const [option] = (await hoody.pickers.copies?.(api, {})) ?? []
    expect(option).toMatchObject({
      label: 'shop-api-staging in woolworks-staging',
      from: 'shop-api in woolworks-production',
    })
    const answers = { values: {}, named: {}, picked: {} }
    const [field] = fieldsOf(sync)
    if (!option || !field) throw new Error('There is nothing to choose.')
    setPicked(answers, field, [option])
    const named = answers.named as Record<string, string>
    expect(sync.summary(named)).toEqual({ from: option.from, to: option.label })
    expect(sync.preview({}, named).copied).toBe(
      'The current state of shop-api in woolworks-production, where it differs.',
    )
    // What came back from the person's client has no source of its own, and keeps none of another's.
    setPicked(answers, field, [{ value: option.value, label: option.label }])
    expect(sync.summary(named).from).toBe('its source')
    expect(sync.preview({}, named).copied).toBe('The current state of its source, where it differs.')
  })
})
