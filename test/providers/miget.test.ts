import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { startMiget } from '../../sandbox/providers/miget.js'
import type { Simulator } from '../../sandbox/providers/simulator.js'
import { ConnectionError, TemporaryError, UserError } from '../../src/errors.js'
import { createApi } from '../../src/providers/http.js'
import { miget } from '../../src/providers/miget.js'
import type { Api, Observation, Ref } from '../../src/providers/provider.js'
import { altered, counting, inLists, oddRows, oddValues, withKey } from '../helpers/altered.js'
import { observed } from '../helpers/observed.js'
import { plainOperation } from '../helpers/plain-refs.js'
import { describeProvider, type Pick } from './contract.js'
import { many } from './many/miget.js'
import { startRemoval } from './removals.js'

const NOBODY = 'ffffffff-ffff-4fff-8fff-ffffffffffff'

/** The answers of a form, each picked from its list. */
async function answers(pick: Pick, more: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  const app = await pick('apps', 'shop-api')
  const project = await pick('projects', 'woolworks-staging')
  const resource = await pick('resources', 'migetlamb', { app, project })
  return { app, label: 'Shop API 2', name: 'shop-api-2', project, resource, ...more }
}

const shopApi = async (pick: Pick) => ({ app: await pick('apps', 'shop-api') })

describeProvider(miget, {
  start: startMiget,
  failure: 'cloned as shop-api-2-6fry9, but it is "failed", and Miget gives no reason',
  many,
  operations: {
    clone: {
      params: (pick) => answers(pick),
      summary: { from: 'shop-api in woolworks-production', to: 'shop-api-2 in woolworks-staging on migetlamb' },
      source: { field: 'app', name: / in woolworks-\S+$/ },
      others: {
        target: async () => ({ name: 'shop-api-3' }),
        source: async (pick) => ({ app: await pick('apps', 'mailer') }),
      },
      without: { deploy: { deploy: false } },
      refused: [
        { status: 404, params: (pick) => answers(pick, { app: NOBODY }) },
        { status: 404, params: (pick) => answers(pick, { project: NOBODY }) },
        { status: 422, params: (pick) => answers(pick, { name: 'shop-web' }) },
      ],
    },
  },
  pickers: {
    resources: {
      values: async (pick) => ({ ...(await shopApi(pick)), project: await pick('projects', 'woolworks-staging') }),
    },
    addons: { values: shopApi },
    cronjobs: { values: shopApi },
  },
})

describe('Miget', () => {
  const clone = plainOperation(miget, 'clone')
  const [cloneStep, deployStep] = clone.steps
  if (!deployStep) throw new Error('There is no clone in two steps.')
  let simulator: Simulator
  let api: Api

  /** Both clocks, for the provider tells how old a state is by its own. */
  function tick(milliseconds: number): void {
    vi.setSystemTime(Date.now() + milliseconds)
  }

  function connect(settings: Record<string, string> = {}): Api {
    return createApi('miget-prod', miget.client(miget.connection.parse({ ...simulator.connection, ...settings })), 1)
  }

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 7, 21) })
    simulator = await startMiget({ cloneMs: 10_000 })
    api = connect()
  })

  afterEach(async () => {
    vi.useRealTimers()
    await simulator.close()
  })

  const options = async (picker: string, values = {}) => (await miget.pickers[picker]?.(api, values)) ?? []
  const pick: Pick = async (picker, label, values = {}) =>
    (await options(picker, values)).find((one) => one.label === label)?.value ?? `no ${label}`
  const parsed = async (more: Record<string, unknown> = {}) => clone.fields.parse(await answers(pick, more))
  const issuesOf = async (more: Record<string, unknown>) =>
    clone.fields.safeParse(await answers(pick, more)).error?.issues.map(({ path, message }) => [path[0], message])
  const attempt = () => ({
    job: 'k7f3q',
    since: new Date(Date.now() - 1_000),
    baseline: '',
    tries: 1,
    searchedForMs: 0,
    now: Date.now(),
  })
  const startClone = async (more: Record<string, unknown> = {}) =>
    await cloneStep.run(api, await parsed(more), null, attempt())
  const startDeploy = async (ref: Ref) => await deployStep.run(api, await parsed(), ref, attempt())
  const writes = () => simulator.writes().filter(({ status }) => status < 300)

  async function poll(ref: Ref): Promise<Observation> {
    const [observation] = (await observed(cloneStep?.check(api, [clone?.ref.parse(ref) ?? ref], Date.now()))) ?? []
    return observation ?? { phase: 'working' }
  }

  /** Polls every five seconds until it ends; returns that end and how many milliseconds it took. */
  async function pollToEnd(ref: Ref): Promise<Observation & { ref: Ref; tookMs: number }> {
    const startedAt = Date.now()
    for (let latest = ref; Date.now() - startedAt < 20 * 60_000; tick(5_000)) {
      const observation = await poll(latest)
      latest = observation.ref ?? latest
      if (observation.phase !== 'working') return { ...observation, ref: latest, tookMs: Date.now() - startedAt }
    }
    throw new Error('It is still working.')
  }

  /** A client of a server that lists just this app, and these deployments of it. */
  const lister = (row: Record<string, unknown>, deployments: unknown[] = []): Api => ({
    ...api,
    get: async (path, schema) => schema.parse(path.includes('/deployments') ? deployments : [row]),
  })
  const row = { uuid: NOBODY, name: 'x-12345', state: 'stopped', created_at: '2026-08-21T00:00:00Z' }

  /** What one poll says of an app with these properties, whose clone was to be deployed or not. */
  async function observe(
    more: Record<string, unknown>,
    next = 'deployed',
    deployments: unknown[] = [],
    before: Ref = {},
  ) {
    const ref = { id: NOBODY, name: 'x-12345', next, ...before }
    const [observation] = await observed(cloneStep?.check(lister({ ...row, ...more }, deployments), [ref], Date.now()))
    return observation
  }

  describe('where the vendor page and the server differ', () => {
    test('row 7: shows the name with its suffix, and finds a lost clone by the name without it', async () => {
      const asked = attempt()
      const ref = await startClone()
      expect(ref.name).toBe('shop-api-2-6fry9')
      expect(await cloneStep.find?.(api, await parsed(), null, asked)).toEqual(ref)
      expect(await cloneStep.find?.(api, await parsed({ name: 'shop-api-2-6fry9' }), null, asked)).toBeNull()
      expect(await pollToEnd(ref)).toMatchObject({ phase: 'done', detail: 'cloned as shop-api-2-6fry9' })
    })

    test('row 7: names have at most 34 characters, because the suffix counts', async () => {
      const longest = 'a'.repeat(34)
      expect((await startClone({ name: longest })).name).toHaveLength(40)
      expect(await issuesOf({ name: `${longest}a` })).toEqual([['name', expect.stringContaining('1 to 34')]])
      const raw = { ...(await parsed()), name: `${longest}a` }
      await expect(cloneStep.run(api, raw, null, attempt())).rejects.toThrow('Name is too long')
    })

    test('row 8: shows an unknown state and keeps waiting', async () => {
      const ref = await startClone()
      simulator.setSwitch('unknown-status', true)
      expect(await poll(ref)).toMatchObject({ phase: 'working', detail: 'shop-api-2-6fry9: hibernating' })
    })

    test('row 8: keeps waiting for states of Kubernetes, except "running"', async () => {
      for (const state of ['containercreating', 'terminating', 'crashloopbackoff', 'unknown'])
        expect(await observe({ state })).toMatchObject({ phase: 'working', detail: `x-12345: ${state}` })
      expect(await observe({ state: 'running' })).toMatchObject({ phase: 'done', detail: 'live as x-12345' })
    })

    test('row 9: the security settings can be copied, and are not by default', async () => {
      await startClone()
      await startClone({ name: 'shop-api-3', clone_security: true })
      expect(simulator.writes().map(({ body }) => z.object({ clone_security: z.boolean() }).parse(body))).toEqual([
        { clone_security: false },
        { clone_security: true },
      ])
    })

    test('row 10: asks about the image first, and warns that a clone without it has no source', async () => {
      expect(Object.keys(clone.fields.shape)[0]).toBe('use_parent_image')
      const withImage = clone.preview(await parsed(), {})
      const without = clone.preview(await parsed({ use_parent_image: false }), {})
      expect(withImage.copied).toContain('the image')
      expect(withImage.warning).toBeUndefined()
      expect(without.warning).toBe("The clone has no source: it can't run until you give it one in Miget.")
    })

    test('row 11: always sends the workspace, because without it the server takes another one', async () => {
      expect(await options('apps')).not.toHaveLength(0)
      const { headers, baseUrl } = miget.client(miget.connection.parse(simulator.connection))
      expect(headers['x-workspace-id']).toBe(simulator.connection.workspace)
      const { authorization = '' } = headers
      const nameless = await fetch(`${baseUrl}/apps`, { headers: { authorization } })
      expect(await nameless.json()).toEqual([])
      expect(miget.connection.safeParse({ ...simulator.connection, workspace: undefined }).success).toBe(false)
      expect(miget.connection.safeParse({ ...simulator.connection, workspace: 'woolworks' }).success).toBe(false)
    })

    test('row 11: a token of another workspace is for the operator', async () => {
      api = connect({ workspace: NOBODY })
      await expect(options('apps')).rejects.toThrow(ConnectionError)
      await expect(options('apps')).rejects.toThrow('Token has no access to this workspace')
    })

    test.each([false, true])('row 12: reads answers with an envelope or without (%s)', async (isWrapped) => {
      simulator.setSwitch('envelope', isWrapped)
      expect((await options('apps')).length).toBeGreaterThan(5)
      const asked = attempt()
      const ref = await startClone()
      expect(await cloneStep.find?.(api, await parsed(), null, asked)).toEqual(ref)
      const deployed = await startDeploy((await pollToEnd(ref)).ref)
      expect(await deployStep.find?.(api, await parsed(), ref, asked)).toEqual(deployed)
      expect(await pollToEnd(deployed)).toMatchObject({ phase: 'done', detail: 'live as shop-api-2-6fry9' })
    })

    test.each([200, 201, 202])('row 12: %i is a success like any other 2xx', async (status) => {
      const answer = new Response(JSON.stringify({ uuid: NOBODY, name: 'x-12345', colour: 'white' }), { status })
      const fetched = vi.spyOn(globalThis, 'fetch').mockResolvedValue(answer)
      const params = { app: NOBODY, use_parent_image: true, deploy: true, addons: [], addonsWithData: [] }
      const ref = await cloneStep.run(api, params, null, attempt()).finally(() => fetched.mockRestore())
      expect(ref).toEqual({ id: NOBODY, name: 'x-12345', next: 'deployment' })
    })

    test('row 13: ignores the builder, whatever it is called', async () => {
      const faked: Api = {
        ...api,
        get: (path, schema, more) =>
          api.get(path, z.unknown(), more).then((body) =>
            schema.parse(
              z
                .array(z.looseObject({}))
                .parse(body)
                .map((app) => ({ ...app, builder: 'paketo' })),
            ),
          ),
      }
      expect(await miget.pickers.apps?.(faked, {})).toEqual(await options('apps'))
    })

    test('row 21: a second try is refused because of the first, which is then found', async () => {
      const asked = attempt()
      simulator.setSwitch('lose-answer', true)
      await expect(startClone()).rejects.toThrow(TemporaryError)
      await expect(startClone()).rejects.toThrow(UserError)
      await expect(startClone()).rejects.toThrow(
        /Codename has already been taken\. Names are unique across all projects/,
      )
      expect(await cloneStep.find?.(api, await parsed(), null, asked)).toMatchObject({ name: 'shop-api-2-6fry9' })
      expect(writes()).toHaveLength(1)
    })

    test("an app of that name with another label or in another project isn't ours", async () => {
      const asked = attempt()
      const ref = await startClone()
      const found = async (more: Record<string, unknown>) =>
        await cloneStep.find?.(api, { ...(await parsed()), ...more }, null, asked)
      expect(await found({})).toEqual(ref)
      expect(await found({ label: 'Shop API 3' })).toBeNull()
      expect(await found({ project: NOBODY })).toBeNull()
      const silent = lister({ ...row, service_name: 'shop-api-2', label: null })
      expect(await cloneStep.find?.(silent, await parsed(), null, asked)).toMatchObject({ id: NOBODY })
    })

    test('waits half a minute before a lost write counts as absent', () => {
      expect([cloneStep.absentAfterMs, deployStep.absentAfterMs]).toEqual([30_000, 30_000])
    })

    test.each(['FFFFFFFF-FFFF-4FFF-8FFF-FFFFFFFFFFFF', 'x', null])(
      'a clone with an unusable ID (%s) is an unknown outcome at once',
      async (uuid) => {
        const answer = new Response(JSON.stringify({ uuid, name: 'x-12345' }), { status: 201 })
        const fetched = vi.spyOn(globalThis, 'fetch').mockResolvedValue(answer)
        const params = { app: NOBODY, use_parent_image: true, deploy: true, addons: [], addonsWithData: [] }
        const run = cloneStep.run(api, params, null, attempt()).finally(() => fetched.mockRestore())
        await expect(run).rejects.toMatchObject({ name: 'TemporaryError', mayHaveHappened: true })
      },
    )

    test("an older app of the same name isn't taken for a lost clone", async () => {
      await startClone()
      const baseline = (await cloneStep.baseline?.(api, await parsed(), null)) ?? ''
      expect(baseline).not.toBe('')
      expect(await cloneStep.find?.(api, await parsed(), null, { ...attempt(), baseline })).toBeNull()
    })
  })

  test('sends exactly what the form says, each add-on with or without its data', async () => {
    const app = await pick('apps', 'shop-api')
    const [db, cache] = [await pick('addons', 'shop-db', { app }), await pick('addons', 'shop-cache', { app })]
    const cronjob = await pick('cronjobs', 'reindex', { app })
    const params = await answers(pick, {
      parent_image_auto_sync: true,
      clone_variables: true,
      clone_health_checks: true,
      addons: [cache],
      addonsWithData: [db],
      cronjobs: [cronjob],
    })
    await cloneStep.run(api, clone.fields.parse(params), null, attempt())
    expect(simulator.writes()).toMatchObject([{ method: 'POST', path: `/api/v1/apps/${app}/clone`, status: 201 }])
    expect(simulator.writes()[0]?.body).toEqual({
      label: 'Shop API 2',
      name: 'shop-api-2',
      project_id: params.project,
      resource_id: params.resource,
      use_parent_image: true,
      parent_image_auto_sync: true,
      clone_variables: true,
      clone_secret_files: false,
      clone_scaling_settings: false,
      clone_health_checks: true,
      clone_security: false,
      addons: [
        { uuid: cache, clone_data: false },
        { uuid: db, clone_data: true },
      ],
      cronjobs: [cronjob],
    })
  })

  test('explains wrong answers on their field, in plain words', async () => {
    const app = await pick('apps', 'shop-api')
    const db = await pick('addons', 'shop-db', { app })
    for (const name of ['', 'Shop-2', 'shop_2', '-shop', 'shop-', 'shop 2']) {
      expect(await issuesOf({ name }), name).toEqual([['name', expect.stringMatching(/^Use 1 to 34 lowercase/)]])
    }
    expect(await issuesOf({ name: 'shop--2', label: '🐑'.repeat(40) })).toBeUndefined()
    expect(await issuesOf({ label: 'x'.repeat(41) })).toEqual([['label', 'Use 1 to 40 characters.']])
    expect(await issuesOf({ app: 'shop-api' })).toEqual([['app', 'Choose from the list, or paste a UUID.']])
    expect(await issuesOf({ use_parent_image: false, parent_image_auto_sync: true })).toEqual([
      ['parent_image_auto_sync', 'There is no image to follow. Run that of the source app, or leave this off.'],
    ])
    expect(await issuesOf({ addons: [db], addonsWithData: [db] })).toEqual([
      ['addonsWithData', 'An add-on is chosen twice. Decide for each whether its data is copied.'],
    ])
  })

  test('warns of a copy of data, and the last page says what is copied', async () => {
    const params = await parsed({
      addons: [NOBODY],
      addonsWithData: [await pick('apps', 'billing')],
      cronjobs: [NOBODY],
    })
    const named = { addons: 'shop-cache', addonsWithData: 'shop-db', cronjobs: 'reindex' }
    expect(clone.preview({ ...params, clone_secret_files: true }, named)).toEqual({
      copied:
        'Settings such as ports and limits, the image, variables (they still point to what the source app uses), secret files, shop-cache without data, shop-db with all data, the cron jobs reindex. Then the clone is deployed.',
      notCopied:
        "The code's source, scaling settings, health checks, security, domains, and everything you didn't choose.",
      warning: 'All data in shop-db is copied, and everyone with access to the clone can read it.',
    })
  })

  test('the default answers copy the variables and warn of nothing; leaving them out is warned of', async () => {
    const params = await parsed()
    expect(params.clone_variables).toBe(true)
    expect(clone.preview(params, {})).not.toHaveProperty('warning')
    const without = clone.preview({ ...params, clone_variables: false }, {})
    expect(without.notCopied).toContain('variables')
    expect(without.warning).toBe('Without its variables the clone may not start.')
  })

  describe('validation of its form', () => {
    const validate = async (more: Record<string, unknown> = {}, via = api) =>
      await clone.validate?.(via, await parsed(more))

    test('accepts what Miget will accept', async () => {
      expect(await validate()).toEqual({ errors: {}, warnings: [] })
      expect(await validate({ use_parent_image: false })).toEqual({ errors: {}, warnings: [] })
      const app = await pick('apps', 'shop-api')
      const [addon, other] = [await pick('addons', 'shop-db', { app }), await pick('addons', 'shop-cache', { app })]
      const parts = { addons: [addon], addonsWithData: [other], cronjobs: [await pick('cronjobs', 'reindex', { app })] }
      expect(await validate(parts)).toEqual({ errors: {}, warnings: [] })
      expect(simulator.writes()).toEqual([])
    })

    test.each([
      ['name', { name: 'shop-web' }, 'The workspace already has an app called shop-web. Choose another name.'],
      ['app', { app: NOBODY }, "miget-prod: App not found, or this token can't see it."],
      ['project', { project: NOBODY }, "There is no such project, or this connection's token can't see it."],
      ['resource', { resource: NOBODY }, "There is no such resource, or this connection's token can't see it."],
      ['addons', { addons: [NOBODY] }, "There is no such add-on, or this connection's token can't see it."],
      [
        'addonsWithData',
        { addonsWithData: [NOBODY] },
        "There is no such add-on, or this connection's token can't see it.",
      ],
      ['cronjobs', { cronjobs: [NOBODY] }, "There is no such cron job, or this connection's token can't see it."],
    ])('reports what Miget would refuse of a %s', async (field, more, sentence) => {
      expect((await validate(more))?.errors).toMatchObject({ [field]: sentence })
      await expect(startClone(more)).rejects.toBeInstanceOf(UserError)
    })

    test("reports a resource that isn't open to the project or is too small, like the picker", async () => {
      const resources = (await api.get('/resources', z.array(z.object({ uuid: z.string(), name: z.string() })))).map(
        ({ uuid, name }) => [name, uuid] as const,
      )
      const errorOf = async (name: string) => {
        const [, resource] = resources.find(([other]) => other === name) ?? []
        return (await validate({ resource }))?.errors
      }
      expect(await errorOf('migetflock')).toEqual({
        resource: 'This resource belongs to other projects. Choose another one.',
      })
      expect(await errorOf('migetpen')).toEqual({
        resource: 'This resource has 0.3 GiB of RAM free, and the clone needs 0.5 GiB. Choose another one.',
      })
      expect(await errorOf('migetmeadow')).toEqual({})
    })

    test('warns of a source that never ran, but only where the clone would run its image', async () => {
      const never = altered(api, (body, path) =>
        path.includes('/deployments') ? [{ state: 'failed', created_at: null }] : body,
      )
      expect((await validate({}, never))?.warnings).toEqual([
        'No deployment of shop-api ever succeeded, so the clone may have no image to run.',
      ])
      expect((await validate({ use_parent_image: false }, never))?.warnings).toEqual([])
      const odd = altered(api, (body, path) => (path.includes('/deployments') ? [null] : body))
      expect((await validate({}, odd))?.warnings).toEqual([])
    })

    test("doesn't block the start when Miget can't be asked", async () => {
      const params = await parsed({ name: 'shop-web' })
      simulator.setSwitch('down', true)
      expect(await clone.validate?.(api, params)).toEqual({ errors: {}, warnings: [] })
    })

    test('reports nothing as missing that an odd row may be', async () => {
      const odd = altered(api, (body) => inLists(body, (rows) => [null, ...rows] as never))
      expect(await validate({ project: NOBODY, resource: NOBODY, addons: [NOBODY] }, odd)).toEqual({
        errors: {},
        warnings: [],
      })
      expect((await validate({ name: 'shop-web' }, odd))?.errors).toHaveProperty('name')
    })
  })

  describe('odd rows', () => {
    const pickers = ['apps', 'projects', 'resources', 'addons', 'cronjobs']
    const listed = async (via: Api) => {
      const values = { app: await pick('apps', 'shop-api'), project: await pick('projects', 'woolworks-staging') }
      return await Promise.all(pickers.map((name) => miget.pickers[name]?.(via, values)))
    }

    test.each(oddRows)("a row of %s doesn't hide the others in any list", async (_, make) => {
      const well = await listed(api)
      const odd = counting(
        altered(api, (body) => inLists(body, (rows) => [make({ ...rows[0] }), ...rows, make({ ...rows[0] })])),
      )
      expect(await listed(odd)).toEqual(well)
      // Two in each of the five lists, and two in that of the projects once more: it tells the apps their places.
      expect(odd.skipped()).toBe(12)
    })

    test('those of the simulator hide nothing, and jobs still end', async () => {
      const well = await listed(api)
      simulator.setSwitch('odd-rows', true)
      expect(await listed(api)).toEqual(well)
      const asked = { ...attempt(), baseline: (await cloneStep.baseline?.(api, await parsed(), null)) ?? '' }
      const ref = await startClone()
      expect(await cloneStep.find?.(api, await parsed(), null, asked)).toEqual(ref)
      const cloned = await pollToEnd(ref)
      expect(await pollToEnd(await startDeploy(cloned.ref))).toMatchObject({
        phase: 'done',
        detail: 'live as shop-api-2-6fry9',
      })
    })

    test.each(oddValues)('waits for a clone whose state is %j, and others end', async (state) => {
      const ref = await startClone()
      const other = { id: await pick('apps', 'shop-web'), name: 'shop-web', next: 'not deployed' }
      const odd = altered(api, (body) =>
        inLists(body, (rows) => rows.map((row) => (row.uuid === ref.id ? withKey('state', state)(row) : row))),
      )
      const observations = await observed(cloneStep.check(odd, [ref, other], Date.now()))
      expect(observations).toMatchObject([{ phase: 'working', detail: 'shop-api-2-6fry9: unknown' }, { phase: 'done' }])
    })

    test.each(['name', 'label', 'quota', 'addons', 'public_url', 'private_access', 'service_name'])(
      "a clone with something nested as its %s isn't reported as deleted, and its address isn't guessed",
      async (key) => {
        const odd = altered(api, (body) => inLists(body, (rows) => rows.map(withKey(key, { odd: true }))))
        const { ref } = await pollToEnd(await startClone())
        tick(10_000)
        const [observations] = await observed(cloneStep.check(odd, [{ ...ref, next: 'not deployed' }], Date.now()))
        expect(observations?.phase).not.toBe('failed')
        expect(observations?.url).toBeUndefined()
      },
    )

    test.each([
      ...oddRows,
      [
        'no service name and no name',
        (row: Record<string, unknown>) => withKey('name')(withKey('service_name')(row)),
      ] as const,
    ])('a lost clone never counts as absent while there is a new row of %s', async (_, make) => {
      const params = await parsed()
      const asked = { ...attempt(), baseline: (await cloneStep.baseline?.(api, params, null)) ?? '' }
      const ref = await startClone()
      const odd = altered(api, (body) =>
        inLists(body, (rows) => rows.map((row) => (row.uuid === ref.id ? make(row) : row)) as never),
      )
      await expect(cloneStep.find?.(odd, params, null, asked)).rejects.toBeInstanceOf(TemporaryError)
    })

    test('an app without a readable name is matched by what can be read', async () => {
      const params = await parsed()
      const nameless = { uuid: NOBODY, label: 'Shop API 2', project_id: params.project }
      const [mine, elsewhere] = [[nameless], [{ ...nameless, project_id: NOBODY }]].map((some) =>
        altered(api, (body) => inLists(body, (rows) => [...some, ...rows])),
      )
      if (!mine || !elsewhere) throw new Error('Both are needed.')
      const baseline = (await cloneStep.baseline?.(mine, params, null)) ?? ''
      expect(baseline).toBe(NOBODY)
      expect(await cloneStep.find?.(mine, params, null, { ...attempt(), baseline })).toBeNull()
      await expect(cloneStep.find?.(mine, params, null, attempt())).rejects.toBeInstanceOf(TemporaryError)
      expect(await cloneStep.find?.(elsewhere, params, null, attempt())).toBeNull()
    })

    test.each([null, 7, {}, { state: 'running' }, { created_at: 'soon' }])(
      "a deployment that reads %j may be the lost one, and doesn't end a job",
      async (row) => {
        const completed = { state: 'completed', created_at: '2000-01-01T00:00:00Z' }
        const found = deployStep.find?.(
          lister({}, [row, completed]),
          await parsed(),
          { id: NOBODY, name: 'x' },
          attempt(),
        )
        await expect(found).rejects.toBeInstanceOf(TemporaryError)
        const first = await observe({}, 'deployed', [row, completed])
        tick(60_000)
        expect((await observe({}, 'deployed', [row, completed], first?.ref))?.phase).toBe('working')
      },
    )
  })

  test('locks a name in the whole workspace, not in a project', async () => {
    const params = await parsed()
    expect(clone.lock({ ...params, project: NOBODY, app: NOBODY })).toBe(clone.lock(params))
    expect(clone.lock({ ...params, name: 'shop-api-3' })).not.toBe(clone.lock(params))
    const named = { app: 'shop-api', name: 'shop-api-2', project: 'staging', resource: 'migetlamb' }
    expect(clone.summary(named)).toEqual({ from: 'shop-api', to: 'shop-api-2 in staging on migetlamb' })
    expect(clone.summary({ ...named, 'app.place': 'shop' }).from).toBe('shop-api in shop')
  })

  test('offers only resources that are open to the project and have room for the source app', async () => {
    const app = await pick('apps', 'shop-api')
    const names = async (project: string, source = app) =>
      (await options('resources', { app: source, project: await pick('projects', project) })).map(({ label }) => label)
    expect(await names('woolworks-staging')).toEqual(['migetlamb', 'migetmeadow'])
    expect(await names('woolworks-production')).toEqual(['migetflock', 'migetmeadow'])
    expect(await options('resources', { app })).toEqual([])
    const [lamb] = await options('resources', { app, project: await pick('projects', 'woolworks-staging') })
    expect(lamb?.description).toBe('staging · of this project · 7.5 GiB RAM and 98.0 GiB disk free')
    expect(await options('addons', { app: 'shop-api' })).toEqual([])
    expect((await options('addons', { app })).map(({ label }) => label)).toEqual([
      'shop-db',
      'shop-cache',
      'shop-uploads',
    ])
  })

  test("a resource of other projects is refused in the server's words", async () => {
    const params = await parsed({ project: await pick('projects', 'woolworks-production') })
    await expect(cloneStep.run(api, params, null, attempt())).rejects.toThrow(
      'miget-prod: Resource is assigned to other projects',
    )
  })

  describe('errors', () => {
    const { errorMessage } = miget.client(
      miget.connection.parse({ token: 'miget_live_x', workspace: NOBODY, url: 'http://localhost' }),
    )

    test('reads several validation errors from one string', async () => {
      expect(errorMessage({ errors: 'Label is too long (maximum is 40 characters), Name is invalid' })).toBe(
        'Label is too long (maximum is 40 characters), Name is invalid',
      )
      const params = { ...(await parsed()), name: 'Shop', label: 'x'.repeat(41) }
      await expect(cloneStep.run(api, params, null, attempt())).rejects.toMatchObject({
        name: 'UserError',
        status: 422,
        message: 'miget-prod: Label is too long (maximum is 40 characters), Name is invalid',
      })
    })

    test('says that "not found" may mean "not visible"', () => {
      expect(errorMessage({ error: 'Project not found' })).toBe("Project not found, or this token can't see it.")
    })

    test('ignores a body of another shape', () => {
      for (const body of [null, '<html>', [], {}, { error: '' }, { errors: ['A'] }])
        expect(errorMessage(body)).toBeUndefined()
    })
  })

  describe('the outcome', () => {
    test("without a source the clone is made and not deployed, which isn't a failure", async () => {
      const ref = await startClone({ use_parent_image: false })
      expect(deployStep.when?.(await parsed({ use_parent_image: false }))).toBe(false)
      expect(await pollToEnd(ref)).toMatchObject({
        phase: 'done',
        detail: 'cloned as shop-api-2-6fry9, not deployed: it has no source yet; it is "stopped"',
        consoleUrl: 'https://app.miget.com',
      })
    })

    test("doesn't deploy unless asked to", async () => {
      expect(deployStep.when?.(await parsed({ deploy: false }))).toBe(false)
      expect(deployStep.when?.(await parsed())).toBe(true)
      const settled = await pollToEnd(await startClone({ deploy: false }))
      expect(settled).toMatchObject({
        phase: 'done',
        detail: 'cloned as shop-api-2-6fry9, not deployed; it is "stopped"',
      })
    })

    test("the old state after a deployment isn't taken for its end", async () => {
      const cloned = await pollToEnd(await startClone())
      const deployed = await startDeploy(cloned.ref)
      expect(await poll(deployed)).toMatchObject({ phase: 'working', detail: 'shop-api-2-6fry9: stopped' })
      const settled = await pollToEnd(deployed)
      expect(settled).toMatchObject({
        phase: 'done',
        detail: 'live as shop-api-2-6fry9',
        url: 'https://shop-api-2-6fry9.eu-wool-1.migetapp.example',
        consoleUrl: 'https://app.miget.com',
      })
      expect(settled.tookMs).toBe(10_000)
    })

    test('shows no address of a private app, and none that is more than a host', async () => {
      const ref = await startClone({ app: await pick('apps', 'billing') })
      const settled = await pollToEnd(await startDeploy((await pollToEnd(ref)).ref))
      expect(settled).toMatchObject({ phase: 'done', consoleUrl: 'https://app.miget.com' })
      expect(settled).not.toHaveProperty('url')
      const odd = [
        'https://..',
        'https://a',
        'http://a.example',
        'https://u:p@a.example',
        'https://a.example/?key=1',
        null,
      ]
      for (const public_url of odd) {
        const seen = await observe({ state: 'running', public_url })
        expect(seen?.phase).toBe('done')
        expect(seen).not.toHaveProperty('url')
      }
    })

    test("doesn't deploy a clone that Miget deploys by itself", async () => {
      simulator.setSwitch('auto-start', true)
      const cloned = await pollToEnd(await startClone())
      expect(cloned.detail).toBe('cloned as shop-api-2-6fry9')
      expect(await pollToEnd(await startDeploy(cloned.ref))).toMatchObject({ phase: 'done' })
      expect(writes()).toHaveLength(1)
      const undeployed = await pollToEnd(await startClone({ name: 'shop-api-3', deploy: false }))
      expect(undeployed.detail).toMatch(/^live as shop-api-3-/)
    })

    test('accepts a deployment that is already under way', async () => {
      const cloned = await pollToEnd(await startClone())
      await startDeploy(cloned.ref)
      const again = await startDeploy(cloned.ref)
      expect(simulator.writes().map(({ status }) => status)).toEqual([201, 201, 409])
      expect(await pollToEnd(again)).toMatchObject({ phase: 'done', detail: 'live as shop-api-2-6fry9' })
    })

    test('says that the deployment failed and the clone was made', async () => {
      const cloned = await pollToEnd(await startClone())
      simulator.setSwitch('fail-deploy', true)
      const settled = await pollToEnd(await startDeploy(cloned.ref))
      expect(settled).toMatchObject({
        phase: 'failed',
        detail: 'cloned as shop-api-2-6fry9, but its deployment failed; its log is in Miget',
      })
      expect(settled.tookMs).toBeLessThanOrEqual(40_000)
    })

    test('a clone that stays "pending" ends after ten minutes, and its detail says so', async () => {
      simulator.setSwitch('stuck-pending', true)
      const settled = await pollToEnd(await startClone({ deploy: false }))
      expect(settled.detail).toBe('cloned as shop-api-2-6fry9, not deployed; it is still "pending" after 10 minutes')
      expect(settled.phase).toBe('done')
      expect(settled.tookMs).toBeGreaterThanOrEqual(10 * 60_000)
      expect(settled.tookMs).toBeLessThan(11 * 60_000)
    })

    test('waits while "pending" before the clone is made, because it can\'t be deployed then', async () => {
      simulator.setSwitch('pending-first', true)
      const ref = await startClone()
      expect(await poll(ref)).toMatchObject({ phase: 'working', detail: 'shop-api-2-6fry9: pending' })
      await expect(startDeploy(ref)).rejects.toMatchObject({ status: 422 })
      const cloned = await pollToEnd(ref)
      expect(cloned).toMatchObject({ phase: 'done', detail: 'cloned as shop-api-2-6fry9' })
      expect(await pollToEnd(await startDeploy(cloned.ref))).toMatchObject({ phase: 'done' })
    })

    test('a clone that stays "pending" is deployed after ten minutes, if Miget accepts it', async () => {
      simulator.setSwitch('stuck-pending', true)
      const cloned = await pollToEnd(await startClone())
      expect(cloned).toMatchObject({ phase: 'done', detail: 'cloned as shop-api-2-6fry9' })
      expect(cloned.tookMs).toBeGreaterThanOrEqual(10 * 60_000)
      await expect(startDeploy(cloned.ref)).rejects.toThrow('Application is not ready to be deployed')
    })

    test('a deployment that leaves the app "pending" fails, and the clone was made', async () => {
      const cloned = await pollToEnd(await startClone())
      simulator.setSwitch('stuck-deploy', true)
      const settled = await pollToEnd(await startDeploy(cloned.ref))
      expect(settled).toMatchObject({
        phase: 'failed',
        detail: 'cloned as shop-api-2-6fry9, but it is still "pending" after 10 minutes, and Miget gives no reason',
      })
      expect(settled.tookMs).toBeLessThan(11 * 60_000)
    })

    const created_at = '2026-08-21T00:00:00Z'
    const hour = 60 * 60_000

    /** What the last poll says of an app that stays as it is for so long, with polls half a minute apart. */
    async function lasting(state: string, deployments: unknown[], laterMs: number) {
      let latest = await observe({ state }, 'deployed', deployments)
      for (let left = laterMs; left > 0; left -= 30_000) {
        expect(latest?.phase).toBe('working')
        tick(Math.min(left, 30_000))
        latest = await observe({ state }, 'deployed', deployments, latest?.ref)
      }
      return latest
    }

    test('waits while "pending" as long as the deployment runs', async () => {
      expect(await lasting('pending', [{ state: 'running', created_at }], hour)).toMatchObject({ phase: 'working' })
    })

    test.each(['stopped', 'pending', 'problem'])(
      'waits while the app is "%s" and has no deployment yet',
      async (state) => {
        expect(await lasting(state, [], hour)).toMatchObject({ phase: 'working', detail: `x-12345: ${state}` })
      },
    )

    test.each([
      ['stopped', 20_000],
      ['problem', 20_000],
      ['pending', 10 * 60_000],
    ])('a deployment that completed and left the app "%s" has failed', async (state, patienceMs) => {
      const completed = [
        { state: 'failed', created_at: null },
        { state: 'completed', created_at },
      ]
      expect((await lasting(state, completed, patienceMs - 1))?.phase).toBe('working')
      expect(await lasting(state, completed, patienceMs)).toMatchObject({
        phase: 'failed',
        detail: expect.stringMatching(/^cloned as x-12345, but it is .*, and Miget gives no reason$/),
      })
    })

    test('the time for the app to show a deployment starts when the deployment ends', async () => {
      const building = await observe({}, 'deployed', [{ state: 'running', created_at }])
      tick(hour)
      expect((await observe({}, 'deployed', [{ state: 'completed', created_at }], building?.ref))?.phase).toBe(
        'working',
      )
    })

    test('a failed list of deployments is an error for that job alone, and no success', async () => {
      simulator.setSwitch('one-broken', true)
      const clones = [await startClone(), await startClone({ name: 'shop-api-3' })]
      tick(10_000)
      simulator.setSwitch('stuck-deploy', true)
      const refs = await Promise.all(clones.map(startDeploy))
      tick(10_000)
      const down = { name: 'TemporaryError', message: expect.stringContaining('500 Internal Server Error') }
      expect(await cloneStep.check(api, refs, Date.now())).toEqual([
        expect.objectContaining(down),
        expect.objectContaining({ phase: 'working', detail: expect.stringMatching(/^shop-api-3-\w+: pending$/) }),
      ])
      await expect(deployStep.find?.(api, await parsed(), refs[0] ?? {}, attempt())).rejects.toMatchObject(down)
    })

    test('waits for the add-ons as well, and names one that crashed', async () => {
      const app = await pick('apps', 'shop-api')
      const addons = [await pick('addons', 'shop-db', { app })]
      expect((await pollToEnd(await startClone({ addons }))).phase).toBe('done')
      simulator.setSwitch('fail-addons', true)
      const settled = await pollToEnd(await startClone({ addons, name: 'shop-api-3' }))
      expect(settled.phase).toBe('failed')
      expect(settled.detail).toMatch(/^cloned as shop-api-3-\w{5}, but its add-on shop-db-\w+ is "crashloopbackoff"$/)
    })

    const states: [string, string, Observation['phase']][] = [
      ...['cloning', 'start_scheduled', 'started', 'deploying', 'restart_scheduled', 'stop_scheduled', 'fluffy'].map(
        (state): [string, string, Observation['phase']] => [state, 'not deployed', 'working'],
      ),
      ...['failed', 'problem', 'blocked'].map((state): [string, string, Observation['phase']] => [
        state,
        'not deployed',
        'failed',
      ]),
      ['pending', 'not deployed', 'working'],
      ['assigned', 'not deployed', 'working'],
      ['pending', 'deployment', 'working'],
      ['assigned', 'deployment', 'working'],
      ['stopped', 'deployment', 'done'],
      ['stopped', 'deployed', 'working'],
      ['problem', 'deployed', 'working'],
      ['running', 'deployed', 'done'],
      ['running', 'not deployed', 'done'],
    ]
    test.each(states)('"%s" of a clone with "%s" is %s', async (state, next, phase) => {
      const observation = await observe({ state }, next)
      expect(observation).toMatchObject({ phase, detail: expect.stringContaining('x-12345') })
    })

    test.each(['pending', 'running', 'cancelling', null])(
      'a deployment that is "%s" is still under way',
      async (state) => {
        expect(await lasting('stopped', [{ state, created_at }], hour)).toMatchObject({ phase: 'working' })
      },
    )
  })

  test("an odd app in the workspace doesn't affect the others", async () => {
    const odd = {
      ...{ uuid: NOBODY, name: null, label: null, state: null, service_name: null, project_id: null, created_at: null },
      ...{ quota: { ram_size: null }, addons: [{ name: null, state: null }], public_url: null, private_access: null },
    }
    const beside: Api = {
      ...api,
      get: async (path, schema) => {
        const body = await api.get(path, z.unknown())
        return schema.parse(Array.isArray(body) ? [odd, ...body] : body)
      },
    }
    const asked = attempt()
    const ref = await startClone()
    expect(await cloneStep.find?.(beside, await parsed(), null, asked)).toEqual(ref)
    const own = { id: NOBODY, name: 'x-12345', next: 'deployed' }
    expect(await observed(cloneStep.check(beside, [ref, own], Date.now()))).toMatchObject([
      { phase: 'working', detail: 'shop-api-2-6fry9: cloning' },
      { phase: 'working', detail: 'x-12345: unknown' },
    ])
    expect(await miget.pickers.apps?.(beside, {})).toContainEqual({
      value: NOBODY,
      label: NOBODY,
      place: 'an unknown place',
    })
    const addons = [{ name: 'db', state: 'stopped' }]
    expect(await observe({ state: 'running', addons })).toMatchObject({
      phase: 'working',
      detail: expect.stringMatching(/its add-on db is "stopped"$/),
    })
    expect(await observe({ state: 'running', addons: odd.addons }, 'deployed')).toMatchObject({
      phase: 'working',
      detail: 'x-12345: its add-on without a name is "unknown"',
    })
  })

  test("offers a resource that doesn't report its free space", async () => {
    const app = await pick('apps', 'shop-api')
    const project = await pick('projects', 'woolworks-staging')
    const vague = [{ uuid: NOBODY, name: 'migetfog', available_ram_size: null }]
    const faked: Api = {
      ...api,
      get: async (path, schema) => schema.parse(path === '/resources' ? vague : await api.get(path, z.unknown())),
    }
    expect(await miget.pickers.resources?.(faked, { app, project })).toEqual([
      { value: NOBODY, label: 'migetfog', description: 'shared · free space unknown' },
    ])
  })

  test('both steps are polled together, with one call', async () => {
    expect(deployStep.check).toBe(cloneStep.check)
    const first = await startClone()
    const second = await startClone({ name: 'shop-api-3', use_parent_image: false })
    const before = simulator.requests()
    expect(await observed(cloneStep.check(api, [first, second], Date.now()))).toHaveLength(2)
    expect(simulator.requests() - before).toBe(1)
  })

  test('the simulator refuses what the server refuses', async () => {
    const { url, token, workspace = '' } = simulator.connection
    const call = async (method: string, path: string, body?: unknown, authorization = `Bearer ${token}`) => {
      const headers = { authorization, 'x-workspace-id': workspace }
      return (await fetch(`${url}${path}`, { method, headers, body: JSON.stringify(body) ?? null })).status
    }
    const app = await pick('apps', 'shop-api')
    const { resource: resource_id, project: project_id } = await parsed()
    const good = { label: 'x', name: 'x', project_id, resource_id }
    for (const wrong of [token, `bearer ${token}`, 'Bearer x'])
      expect(await call('GET', '/apps', undefined, wrong)).toBe(401)
    expect(await call('POST', `/apps/${app}/clone`, { ...good, colour: 'white' })).toBe(400)
    expect(await call('POST', `/apps/${app}/clone`, { ...good, resource_id: undefined })).toBe(400)
    expect(await call('POST', `/apps/${app}/clone`, { ...good, addons: [{ uuid: NOBODY }] })).toBe(422)
    expect(await call('POST', `/apps/${app}/clone`, { ...good, resource_id: NOBODY })).toBe(404)
    expect(await call('POST', `/apps/${app}/clone`, { ...good, label: ' ' })).toBe(422)
    expect(await call('POST', `/apps/${app}/clone`, { ...good, parent_image_auto_sync: true })).toBe(422)
    const uuid = await pick('addons', 'shop-db', { app })
    expect(await call('POST', `/apps/${app}/clone`, { ...good, addons: [{ uuid }, { uuid, clone_data: true }] })).toBe(
      422,
    )
    expect(await call('GET', `/apps/${app}/deployments?period=ever`)).toBe(400)
    expect(writes()).toEqual([])
    const ref = await startClone({ use_parent_image: false })
    expect(await call('POST', `/apps/${ref.id}/deploy`, {})).toBe(422)
    tick(10_000)
    expect(await call('POST', `/apps/${ref.id}/deploy`, {})).toBe(422)
    expect(await call('POST', `/apps/${app}/deploy`)).toBe(201)
  })

  test("asks for an app that isn't in the list before it counts as deleted", async () => {
    const ref = await startClone()
    await startRemoval(clone, api, ref)
    expect(simulator.writes()[1]).toMatchObject({ method: 'DELETE', status: 204 })
    const before = simulator.requests()
    expect(await poll(ref)).toEqual({
      phase: 'failed',
      detail: 'shop-api-2-6fry9 was deleted, or this token can no longer see it',
    })
    expect(simulator.requests() - before).toBe(2)
    expect((await startRemoval(clone, api, ref)).observation).toMatchObject({ phase: 'done' })
    await expect(deployStep.find?.(api, await parsed(), ref, attempt())).rejects.toThrow(UserError)
  })
})
