import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { startCloudFoundry } from '../../sandbox/providers/cloud-foundry.js'
import { CLIENT, PERSON, REFRESH_TOKEN, TOKEN_PREFIX } from '../../sandbox/providers/cloud-foundry-lists.js'
import type { StartOptions } from '../../sandbox/providers/server.js'
import type { Simulator } from '../../sandbox/providers/simulator.js'
import { ConnectionError, TemporaryError, UserError } from '../../src/errors.js'
import { cloudFoundry } from '../../src/providers/cloud-foundry.js'
import { createApi } from '../../src/providers/http.js'
import type { Api, Attempt, Observation, Ref } from '../../src/providers/provider.js'
import { observed } from '../helpers/observed.js'
import { type PlainOperation, type PlainStep, plainOperation } from '../helpers/plain-refs.js'
import { describeProvider, type OperationExample, type Pick, type ProviderExample } from './contract.js'
import { many } from './many/cloud-foundry.js'
import { pollRemoval, startRemoval } from './removals.js'

type AnyStep = PlainStep<Ref | null>

const CLONE_MS = 10_000
const NOBODY = 'ffffffff-57ee-4b00-8c0d-ffffffffffff'

const cloneParams = async (pick: Pick, more: Record<string, unknown> = {}) => {
  const api = await pick('apps', 'shop-api in production (woolworks)')
  const services = [await pick('services', 'shop-db', { app: api })]
  return {
    // With a process beside "web", so that each of its steps has one thing to write.
    app: await pick('apps', 'shop-web in production (woolworks)'),
    space: await pick('spaces', 'staging (woolworks)'),
    name: 'shop-api-2',
    host: 'shop-api-2',
    services,
    ...more,
  }
}

const clone: OperationExample = {
  params: (pick) => cloneParams(pick),
  summary: { from: 'shop-web in production (woolworks)', to: 'shop-api-2 in staging (woolworks)' },
  source: { field: 'app', name: / in \S+ \(\S+\)$/ },
  others: {
    target: async () => ({ name: 'shop-api-3', host: 'shop-api-3' }),
    source: async (pick) => ({ app: await pick('apps', 'shop-api in production (woolworks)') }),
  },
  without: {
    'size-web': { size: false },
    reserve: { address: false, host: undefined },
    bind: { services: [] },
    stage: { fastPath: true },
    resize: { size: false },
    map: { address: false, host: undefined },
    start: { start: false },
  },
  repeatable: ['size-web', 'assign', 'resize', 'map', 'start'],
  refused: [
    { status: 404, params: (pick) => cloneParams(pick, { app: NOBODY }) },
    { status: 404, params: (pick) => cloneParams(pick, { space: NOBODY }) },
    { status: 422, params: (pick) => cloneParams(pick, { name: 'SHOP-API-STAGING' }) },
  ],
  watchedStep: 4,
  proof: ['app', 'route'],
  failure:
    'failed to copy - the blobstore is full. The app shop-api-2 stays in staging and can be deleted. Its address shop-api-2.apps.woolworks.example stays as well.',
}

const copyParams = async (pick: Pick, more: Record<string, unknown> = {}) => ({
  app: await pick('apps', 'shop-api in production (woolworks)'),
  target: await pick('apps', 'shop-api-staging in staging (woolworks)'),
  ...more,
})

const copyBits: OperationExample = {
  params: (pick) => copyParams(pick),
  summary: { from: 'shop-api in production (woolworks)', to: 'shop-api-staging in staging (woolworks)' },
  source: { field: 'app', name: / in \S+ \(\S+\)$/ },
  others: {
    target: async (pick) => ({ target: await pick('apps', 'shop-web-staging in staging (woolworks)') }),
    source: async (pick) => ({ app: await pick('apps', 'shop-web in production (woolworks)') }),
  },
  without: { stage: { restart: false }, assign: { restart: false }, restart: { restart: false } },
  repeatable: ['assign'],
  overwrites: true,
  refused: [
    { status: 404, params: (pick) => copyParams(pick, { app: NOBODY }) },
    { status: 404, params: (pick) => copyParams(pick, { target: NOBODY }) },
  ],
}

const example = (v2: boolean): ProviderExample => ({
  async start(options: StartOptions) {
    const simulator = await startCloudFoundry(options)
    simulator.setSwitch('v2', v2)
    return simulator
  },
  operations: { clone, 'copy-bits': copyBits },
  pickers: {
    services: {
      values: async (pick) => ({ app: await pick('apps', 'shop-api in production (woolworks)') }),
      isFixed: true,
    },
  },
  secrets: ({ clientSecret = '' }) => [clientSecret, TOKEN_PREFIX],
  failure: 'failed to copy - the blobstore is full',
  many,
})

describeProvider(cloudFoundry, example(false))
// The only operation that uses the old API, where there is one.
describe('with the API v2', () => describeProvider(cloudFoundry, example(true), 'copy-bits'))

describe('Cloud Foundry', () => {
  let clock: number
  /** When the job at hand was made. */
  let created: number
  let simulator: Simulator
  let api: Api

  beforeEach(async () => {
    clock = Date.UTC(2026, 7, 21)
    created = clock
    await start()
  })

  afterEach(async () => {
    vi.useRealTimers()
    await simulator.close()
  })

  async function start(options: StartOptions = {}): Promise<void> {
    simulator = await startCloudFoundry({ now: () => clock, cloneMs: CLONE_MS, ...options })
    api = connect()
  }

  function connect(settings: Record<string, string> = simulator.connection): Api {
    return createApi('cf-prod', cloudFoundry.client(cloudFoundry.connection.parse(settings)), 1)
  }

  const clone = plainOperation(cloudFoundry, 'clone')
  const copyBits = plainOperation(cloudFoundry, 'copy-bits')

  /** By its name without the place: here no two things share one. */
  const pick: Pick = async (picker, name, values = {}) => {
    const options = (await cloudFoundry.pickers[picker]?.(api, values)) ?? []
    return options.find(({ label }) => label.replace(/ (in .* )?\(.*\)$/, '') === name)?.value ?? `no ${name}`
  }
  const attempt = (job = 'k7f3q'): Attempt => ({
    job,
    since: new Date(created - 15_000),
    baseline: '',
    tries: 1,
    searchedForMs: 0,
    now: clock,
  })
  const parse = (operation: PlainOperation, params: object) => operation.fields.parse(params) as Record<string, unknown>

  async function pollToEnd(step: AnyStep, ref: Ref): Promise<Observation & { ref: Ref }> {
    let latest = ref
    for (let times = 0; times < 20; times++) {
      const [result] = await observed(step.check(api, [latest], clock))
      if (!result) throw new Error('There was no observation.')
      latest = result.ref ?? latest
      if (result.phase !== 'working') return { ...result, ref: latest }
      clock += CLONE_MS / 4
    }
    throw new Error(`"${step.title}" never ended.`)
  }

  /** Carries out an operation as the jobs do, up to and without the step of that title. */
  async function carryOut(operation: PlainOperation, params: Record<string, unknown>, until?: string) {
    let before: Ref | null = null
    const ends: Observation[] = []
    for (const step of operation.steps as readonly AnyStep[]) {
      if (step.title === until) break
      if (step.when?.(params) === false) continue
      const end = await pollToEnd(step, await step.run(api, params, before, attempt()))
      ends.push(end)
      if (end.phase === 'failed') break
      before = end.ref
    }
    return { ref: before, ends, last: ends.at(-1) }
  }

  const stepOf = (operation: PlainOperation, title: string): AnyStep => {
    const found = (operation.steps as readonly AnyStep[]).find((step) => step.title === title)
    if (!found) throw new Error(`There is no step "${title}".`)
    return found
  }
  const cloneOf = async (label: string, more: object = {}) => {
    const [app, space] = [await pick('apps', label), await pick('spaces', 'staging')]
    return parse(clone, { app, space, name: `${label}-2`, ...more })
  }
  const copyOf = async (from: string, to: string, more: object = {}) =>
    parse(copyBits, { app: await pick('apps', from), target: await pick('apps', to), ...more })
  const written = () =>
    simulator.writes().map(({ method, path }) => `${method} ${path.replace(/[0-9a-f-]{36}/g, ':guid')}`)
  const failureOf = async (promise: Promise<unknown>): Promise<Error> => {
    const error: unknown = await promise.then(
      () => undefined,
      (error: unknown) => error,
    )
    if (!(error instanceof Error)) throw new Error('It was expected to fail.')
    return error
  }
  const packagesOf = async (app: string) => {
    const made = z.object({ resources: z.array(z.object({ guid: z.string() })) })
    const query = { app_guids: app, order_by: '-created_at' }
    return (await api.get('/v3/packages', made, { query })).resources
  }
  /** Code that somebody else brings to an app. */
  const uploadTo = async (app: string, source_guid: string) => {
    const json = { relationships: { app: { data: { guid: app } } } }
    await api.post('/v3/packages', z.unknown(), { query: { source_guid }, json })
  }
  const begin = (params: Record<string, unknown>) => clone.steps[0].run(api, params, null, attempt())
  const overwrite = (params: Record<string, unknown>) => copyBits.steps[0].run(api, params, null, attempt())
  /** Gives a process of an app another size. */
  const scale = async (app: string, memory_in_mb: number, type = 'web', instances = 1) =>
    await api.post(`/v3/apps/${app}/processes/${type}/actions/scale`, z.unknown(), {
      json: { memory_in_mb, instances },
    })
  const switchOn = (...ids: string[]) => {
    for (const id of ids) simulator.setSwitch(id, true)
  }
  /** An API whose reads of some paths answer what the test says. */
  const faked = (answers: Record<string, unknown>): Api => ({
    ...api,
    get: async (path, schema, options) => {
      if (!(path in answers)) return await api.get(path, schema, options)
      const { data, error } = schema.safeParse(answers[path])
      if (error) throw new TemporaryError('cf-prod answered in an unexpected shape.', { mayHaveHappened: false })
      return data as z.output<typeof schema>
    },
  })

  describe('where the vendor page is wrong', () => {
    test('the endpoint: uses v2 only if the root announces it', async () => {
      await overwrite(await copyOf('shop-api', 'shop-api-staging'))
      switchOn('v2')
      await overwrite(await copyOf('shop-web', 'shop-web-staging'))
      expect(written()).toEqual(['POST /v3/packages', 'POST /v2/apps/:guid/copy_bits'])
    })

    test('the endpoint: falls back to v3 if v2 is announced but answers a plain-text 404', async () => {
      switchOn('v2-cut')
      const { last } = await carryOut(copyBits, await copyOf('shop-api', 'shop-api-staging'))
      expect(last?.phase).toBe('done')
      expect(written().slice(0, 2)).toEqual(['POST /v2/apps/:guid/copy_bits', 'POST /v3/packages'])
      expect(simulator.writes()[0]?.status).toBe(404)
    })

    test('the content type: sends JSON, with the source in the body and the target in the path', async () => {
      switchOn('v2')
      const params = await copyOf('shop-api', 'shop-api-staging')
      await overwrite(params)
      const [write] = simulator.writes()
      expect(write).toMatchObject({
        path: `/v2/apps/${params.target}/copy_bits`,
        body: { source_app_guid: params.app },
      })
      // As the vendor page has it: the server reads JSON whatever the header says, and a form is none.
      const form = { source_app_guid: String(params.app) }
      const asked = api.post(`/v2/apps/${params.target}/copy_bits`, z.unknown(), { form })
      expect((await failureOf(asked)).message).toContain('500 Internal Server Error')
    })

    test('"always a job": the job "0" of a docker source has ended already', async () => {
      switchOn('v2')
      const params = await copyOf('wool-price-feed', 'image-resizer', { restart: false })
      const ref = await overwrite(params)
      expect(ref).toMatchObject({ waitFor: 'copy' })
      expect(await observed(copyBits.steps[0].check(api, [ref], clock))).toMatchObject([{ phase: 'done' }])
    })

    test.each([
      ['no code at all', 'newsletter', 'newsletter has no code to copy: nothing was ever uploaded.'],
      ['code of another kind', 'wool-price-feed', "Code for docker doesn't fit an app for buildpack."],
    ])('"always a job": a source with %s is refused before v2 answers 500', async (_, source, message) => {
      switchOn('v2')
      const error = await failureOf(overwrite(await copyOf(source, 'shop-api-staging')))
      expect(error).toBeInstanceOf(UserError)
      expect(error.message).toBe(message)
      expect(written()).toEqual([])
    })

    test('"always a job": refuses to copy an app over itself, which v2 answers with 500', async () => {
      const app = await pick('apps', 'shop-api')
      const { issues } = copyBits.fields.safeParse({ app, target: app }).error ?? {}
      expect(issues).toMatchObject([{ path: ['target'], message: 'Choose an app other than the source.' }])
    })

    test('the meaning of a job: a deleted one reads as finished, so the package counts', async () => {
      switchOn('v2', 'forget-jobs', 'fail-next')
      const { last } = await carryOut(copyBits, await copyOf('shop-api', 'shop-api-staging'))
      expect(last).toMatchObject({ phase: 'failed', detail: 'failed to copy - the blobstore is full' })
    })

    test('the meaning of a job: a copy that made no package within its request has failed', async () => {
      const detail = 'Cloud Foundry took the copy, but the app has no new package'
      const none = { app: await pick('apps', 'newsletter'), waitFor: 'copy' }
      const app = await pick('apps', 'shop-api')
      const [before] = await packagesOf(app)
      const result = copyBits.steps[0].check(api, [none, { app, waitFor: 'copy', guid: before?.guid }], clock)
      expect(await observed(result)).toEqual([
        { phase: 'failed', detail },
        { phase: 'failed', detail },
      ])
    })

    test('the meaning of a job: follows the package of the copy, not one before or after it', async () => {
      switchOn('v2')
      const params = await copyOf('shop-api', 'shop-api-staging')
      const foreign = await copyOf('shop-web', 'shop-api-staging')
      const from = (await packagesOf(String(foreign.app)))[0]?.guid ?? ''
      await uploadTo(String(params.target), from)
      clock += 2_000
      const ref = await overwrite(params)
      const ours = (await packagesOf(String(params.target)))[0]?.guid
      clock += 2_000
      await uploadTo(String(params.target), from)
      const [result] = await observed(copyBits.steps[0].check(api, [ref], clock))
      expect(result?.ref).toMatchObject({ waitFor: 'package', guid: ours })
    })

    test('the restart: stages and assigns the code and restarts the app', async () => {
      const params = await copyOf('shop-api', 'shop-api-staging')
      const { last } = await carryOut(copyBits, params)
      expect(last).toMatchObject({ phase: 'done', url: 'https://shop-api-staging.apps.woolworks.example' })
      expect(written()).toEqual([
        'POST /v3/packages',
        'POST /v3/builds',
        'PATCH /v3/apps/:guid/relationships/current_droplet',
        'POST /v3/apps/:guid/actions/restart',
      ])
    })

    test('the restart: without it the copy is a success of its own', async () => {
      const { ends } = await carryOut(copyBits, await copyOf('shop-api', 'shop-api-staging', { restart: false }))
      const detail = 'copied, but its old code runs until it is staged and restarted'
      expect(ends).toMatchObject([{ phase: 'done', detail }])
    })

    test('what is copied: the newest usable package, by v3 if v2 would take an unusable one', async () => {
      switchOn('v2', 'fail-next')
      const params = await copyOf('shop-web', 'shop-api-staging')
      await carryOut(copyBits, params)
      await overwrite(await copyOf('shop-api-staging', 'shop-web-staging'))
      const [first, second] = written()
      expect([first, second]).toEqual(['POST /v2/apps/:guid/copy_bits', 'POST /v3/packages'])
    })

    test('creating an app: sends label, space, environment and lifecycle', async () => {
      const params = await cloneOf('shop-api')
      await begin(params)
      expect(simulator.writes()[0]).toMatchObject({
        path: '/v3/apps',
        body: {
          name: 'shop-api-2',
          environment_variables: { SESSION_KEY: 'ewe-and-me' },
          lifecycle: { type: 'buildpack', data: { buildpacks: ['nodejs_buildpack'], stack: 'cflinuxfs4' } },
          relationships: { space: { data: { guid: params.space } } },
          metadata: { labels: { 'dolly-job': 'k7f3q' } },
        },
      })
    })

    test('creating an app: refuses a taken name whatever its case, and locks it', async () => {
      const error = await failureOf(begin(await cloneOf('shop-api', { name: 'Shop-Web-Staging' })))
      expect(error.message).toBe("cf-prod: App with the name 'Shop-Web-Staging' already exists. Choose another name.")
      const [loud, quiet] = [await cloneOf('shop-api', { name: 'SHEEP' }), await cloneOf('billing', { name: 'sheep' })]
      expect(clone.lock(loud)).toBe(clone.lock(quiet))
    })

    test('understands both answers with 201', async () => {
      const made = await overwrite(await copyOf('shop-api', 'shop-api-staging'))
      expect(made).toMatchObject({ waitFor: 'package', guid: expect.stringMatching(/^5/) })
      switchOn('v2')
      const job = await overwrite(await copyOf('shop-web', 'shop-web-staging'))
      expect(job).toMatchObject({ waitFor: 'copy', guid: expect.stringMatching(/^5/) })
    })
  })

  describe('a clone', () => {
    test('runs through all of its steps, each of them one write', async () => {
      const services = [await pick('services', 'shop-db', { app: await pick('apps', 'shop-api') })]
      const { last, ref } = await carryOut(clone, await cloneOf('shop-api', { host: 'shop-api-2', services }))
      expect(last).toMatchObject({ phase: 'done', url: 'https://shop-api-2.apps.woolworks.example' })
      expect(ref).toMatchObject({ app: expect.stringMatching(/^4/), route: expect.stringMatching(/^7/) })
      expect(written()).toEqual([
        'POST /v3/apps',
        'POST /v3/apps/:guid/processes/web/actions/scale',
        'POST /v3/routes',
        'POST /v3/service_credential_bindings',
        'POST /v3/packages',
        'POST /v3/builds',
        'PATCH /v3/apps/:guid/relationships/current_droplet',
        'POST /v3/routes/:guid/destinations',
        'POST /v3/apps/:guid/actions/start',
      ])
    })

    test('of the staged build skips staging', async () => {
      const params = await cloneOf('shop-api', { fastPath: true, size: false, address: false })
      expect((await carryOut(clone, params)).last?.phase).toBe('done')
      expect(written()).toEqual([
        'POST /v3/apps',
        'POST /v3/droplets',
        'PATCH /v3/apps/:guid/relationships/current_droplet',
        'POST /v3/apps/:guid/actions/start',
      ])
    })

    test('of a staged build by Cloud Native Buildpacks is refused, because the server would copy nothing', async () => {
      const error = await failureOf(begin(await cloneOf('loom', { fastPath: true })))
      expect(error).toMatchObject({ field: 'fastPath', message: expect.stringContaining("can't be copied") })
      const none = await failureOf(begin(await cloneOf('newsletter', { fastPath: true })))
      expect(none.message).toBe('newsletter has no staged build. Untick "Copy the staged build".')
      const { ref } = await carryOut(clone, await cloneOf('loom'), 'Copy the code')
      const late = stepOf(clone, 'Copy the code').run(
        faked({
          [`/v3/apps/${await pick('apps', 'loom')}`]: {
            guid: 'x',
            name: 'loom',
            lifecycle: { type: 'buildpack' },
            relationships: { current_droplet: { data: { guid: await dropletOf('loom') } } },
          },
        }),
        await cloneOf('loom', { fastPath: true }),
        ref,
        attempt(),
      )
      expect((await failureOf(late)).message).toBe(
        'Cloud Foundry made no copy of this droplet. The app loom-2 stays in staging and can be deleted.',
      )
    })

    const dropletOf = async (label: string) => {
      const schema = z.object({
        relationships: z.object({ current_droplet: z.object({ data: z.object({ guid: z.string() }) }) }),
      })
      return (await api.get(`/v3/apps/${await pick('apps', label)}`, schema)).relationships.current_droplet.data.guid
    }

    test('that is not started is a success that says so', async () => {
      const { last } = await carryOut(clone, await cloneOf('shop-api', { start: false }))
      expect(last).toMatchObject({ phase: 'done', detail: 'not started, as requested' })
      expect(written().some((write) => write.includes('actions/start'))).toBe(false)
    })

    test('leaves out what the form says', async () => {
      const params = await cloneOf('shop-api', { address: false, environment: false, size: false, start: false })
      await carryOut(clone, params)
      expect(simulator.writes()[0]?.body).not.toHaveProperty('environment_variables')
      expect(written().some((write) => /scale|routes|bindings|actions/.test(write))).toBe(false)
    })

    test('gets all processes of its original, their size and health checks, even if an answer is lost halfway', async () => {
      const params = await cloneOf('billing')
      const again = async (title: string) => {
        const { ref } = await carryOut(clone, params, title)
        const step = stepOf(clone, title)
        const before = written().length
        switchOn('lose-answer')
        await failureOf(step.run(api, params, ref, attempt()))
        const found = await step.find?.(api, params, ref, attempt())
        await step.run(api, params, ref, attempt())
        expect(await step.find?.(api, params, ref, attempt())).not.toBeNull()
        return { found, writes: written().slice(before) }
      }
      expect(await again('Set the size')).toEqual({
        found: null,
        writes: ['POST /v3/apps/:guid/processes/web/actions/scale', 'PATCH /v3/apps/:guid/processes/web'],
      })
      params.name = 'billing-3'
      expect(await again('Set the size of other processes')).toMatchObject({
        found: { app: expect.any(String) },
        writes: ['POST /v3/apps/:guid/processes/worker/actions/scale'],
      })
      expect(simulator.writes().find(({ path }) => path.endsWith('/processes/web'))?.body).toEqual({
        health_check: { type: 'http', data: { timeout: 60, invocation_timeout: null, endpoint: '/healthz' } },
        readiness_health_check: { type: 'http', data: { invocation_timeout: null, interval: 10, endpoint: '/ready' } },
      })
    })

    test('never touches the addresses of its original, and gets one of its own', async () => {
      await carryOut(clone, await cloneOf('shop-api', { host: 'shop-api-2' }))
      const rows = simulator.table().rows.map(([name, , , address]) => [name, address])
      expect(rows).toContainEqual(['shop-api', 'shop-api.apps.woolworks.example'])
      expect(rows).toContainEqual(['shop-api-2', 'shop-api-2.apps.woolworks.example'])
      expect(simulator.writes().find(({ path }) => path === '/v3/routes')?.body).toMatchObject({ host: 'shop-api-2' })
    })

    test('that would fail later is refused before its app is made', async () => {
      const refusalOf = async (more: object) => await failureOf(begin(await cloneOf('shop-api', more)))
      expect(await refusalOf({ host: 'Shop-Web' })).toMatchObject({
        field: 'host',
        message:
          'The host name Shop-Web is taken in apps.woolworks.example. Choose another, or untick "Give it an address".',
      })
      const app = await pick('apps', 'shop-api')
      const services = [await pick('services', 'shop-db', { app }), await pick('services', 'ledger-db', { app })]
      expect(await refusalOf({ services })).toMatchObject({
        field: 'services',
        message: "ledger-db can't be used in staging. Share it into that space, or leave it out.",
      })
      switchOn('no-domain')
      expect(await refusalOf({ host: 'x' })).toMatchObject({
        field: 'address',
        message: 'The organization of staging has no default domain. Untick "Give it an address".',
      })
      expect(written()).toEqual([])
    })

    test('of an app whose secrets we may not read makes no app', async () => {
      const error = await failureOf(begin(await cloneOf('ledger')))
      expect(error).toBeInstanceOf(ConnectionError)
      expect(error.message).toContain('It needs the role Space Developer.')
      expect(written()).toEqual([])
    })

    test('of a buildpack with hidden credentials is refused, unless its build is copied', async () => {
      const error = await failureOf(begin(await cloneOf('carding')))
      expect(error).toBeInstanceOf(UserError)
      expect(error.message).toMatch(
        /^carding is staged by a buildpack .* Copy the staged build instead, or give carding/,
      )
      expect(written()).toEqual([])
      expect((await carryOut(clone, await cloneOf('carding', { fastPath: true }))).last?.phase).toBe('done')
    })

    test("gets environment variables that aren't text as the text that an app sees", async () => {
      await begin(await cloneOf('billing'))
      expect(simulator.writes()[0]?.body).toMatchObject({
        environment_variables: {
          CURRENCIES: '["EUR","NZD"]',
          RETRIES: '3',
          SANDBOX: 'false',
          NOTE: '',
          LOG_LEVEL: 'info',
        },
      })
    })

    test('that is refused after its app was made says what stays behind', async () => {
      const params = await cloneOf('shop-api', { host: 'shop-api-2' })
      const made = await begin(params)
      await carryOut(clone, await cloneOf('shop-web', { host: 'shop-api-2', start: false }), 'Bind the services')
      const error = await failureOf(stepOf(clone, 'Reserve the address').run(api, params, made, attempt()))
      expect(error).toMatchObject({ name: 'UserError', status: 422 })
      expect(error.message).toBe(
        "cf-prod: Route already exists with host 'shop-api-2' for domain 'apps.woolworks.example'. The app shop-api-2 stays in staging and can be deleted.",
      )
    })

    test('is staged once, also if somebody else started it, and again if that failed', async () => {
      const params = await cloneOf('shop-api')
      const { ref } = await carryOut(clone, params, 'Stage the code')
      const step = stepOf(clone, 'Stage the code')
      switchOn('fail-staging')
      const json = { package: { guid: ref?.guid } }
      await api.post('/v3/builds', z.unknown(), { json })
      clock += CLONE_MS
      const { guid } = await api.post('/v3/builds', z.object({ guid: z.string() }), { json })
      expect(await step.run(api, params, ref, attempt())).toMatchObject({ waitFor: 'build', guid })
      clock += CLONE_MS
      expect(await step.run(api, params, ref, attempt())).toMatchObject({ waitFor: 'build', guid })
      expect(written().filter((write) => write === 'POST /v3/builds')).toHaveLength(2)
    })

    test('is staged with the memory of its original, so that a large one has enough of it', async () => {
      const source = await pick('apps', 'shop-web')
      await scale(source, 4096)
      expect((await carryOut(clone, await cloneOf('shop-web'))).last?.phase).toBe('done')
      // As it would be with the memory of any new app.
      const { last } = await carryOut(clone, await cloneOf('shop-web', { name: 'x', size: false, address: false }))
      expect(last).toMatchObject({ phase: 'failed', detail: expect.stringContaining('out of memory') })
    })

    test.each(['space', 'organization'])('of a small original fits into a nearly full %s', async (home) => {
      await scale(await pick('apps', 'shop-web'), 64, 'worker', 0)
      await scale(await pick('apps', 'shop-web'), 64)
      switchOn(`${home}-full`)
      expect((await carryOut(clone, await cloneOf('shop-web'))).last?.phase).toBe('done')
      const failure = await failureOf(carryOut(clone, await cloneOf('shop-web', { name: 'x', size: false, host: 'x' })))
      expect(failure.message).toContain(
        `${home}'s memory limit exceeded: staging requires 1024M memory. The app x stays`,
      )
    })

    test('of an original with the health check "none" gets "process"', async () => {
      switchOn('old-health-checks')
      expect((await carryOut(clone, await cloneOf('shop-web'))).last?.phase).toBe('done')
      expect(simulator.writes().find(({ method, path }) => method === 'PATCH' && path.endsWith('/web'))).toMatchObject({
        status: 200,
        body: { health_check: { type: 'process' } },
      })
    })

    test('of Cloud Native Buildpacks with credentials is refused before anything is made', async () => {
      switchOn('cnb-credentials')
      const error = await failureOf(begin(await cloneOf('loom')))
      expect(error).toMatchObject({
        field: 'app',
        message: expect.stringMatching(/^loom takes its buildpacks from a registry with credentials/),
      })
      expect(written()).toEqual([])
      // The server takes no blanks back.
      const lifecycle = { type: 'cnb', data: { credentials: '***' } }
      const relationships = { space: { data: { guid: await pick('spaces', 'staging') } } }
      const sent = api.post('/v3/apps', z.unknown(), { json: { name: 'x', lifecycle, relationships } })
      expect(await failureOf(sent)).toMatchObject({ status: 422 })
    })

    test.each([
      ['Shop API 2', 'shop-api-2'],
      ['shop.api/2', 'shop-api-2'],
      ['Märchen_Wolle', 'marchen_wolle'],
      [`${'x'.repeat(62)} y`, 'x'.repeat(62)],
    ])('of the name "%s" gets the host name %s when its original has an address', async (name, host) => {
      const params = await cloneOf('shop-api', { name, start: false })
      expect(clone.preview(params, {}).notCopied).toContain(`(if the source has one, the clone gets ${host} in the`)
      const { last } = await carryOut(clone, params)
      expect(last?.url).toBe(`https://${host}.apps.woolworks.example`)
    })

    test('gets no address if its original has none, or if none is wanted', async () => {
      for (const [source, more] of [
        ['wool-price-feed', {}],
        ['shop-api', { address: false }],
      ] as const) {
        const params = await cloneOf(source, more)
        expect((await carryOut(clone, params)).last?.phase).toBe('done')
      }
      expect(written().some((write) => write.includes('/routes'))).toBe(false)
      expect(clone.preview(await cloneOf('shop-api', { address: false }), {}).notCopied).toMatch(/^Addresses, service/)
    })

    test("of a name that can't be made into a host name asks for one", async () => {
      const error = await failureOf(begin(await cloneOf('shop-api', { name: '羊' })))
      expect(error).toMatchObject({
        field: 'host',
        message: expect.stringContaining('"羊" can\'t be made into a host name.'),
      })
      expect(written()).toEqual([])
      const app = await pick('apps', 'shop-api')
      const contradiction = { app, space: app, name: 'x', address: false, host: 'x' }
      expect(clone.fields.safeParse(contradiction).error?.issues).toMatchObject([{ path: ['host'] }])
    })

    test('goes on with its address in jobs from before that question existed', async () => {
      const { address: _, ...params } = await cloneOf('shop-api', { host: 'shop-api-2' })
      expect((await carryOut(clone, params)).last?.url).toBe('https://shop-api-2.apps.woolworks.example')
    })

    test('goes into a space of another organization', async () => {
      const params = await cloneOf('shop-api', { space: await pick('spaces', 'sandbox') })
      expect((await carryOut(clone, params)).last?.phase).toBe('done')
    })

    test('is bound to services through bindings without a name, as most of them are', async () => {
      const app = await pick('apps', 'shop-api')
      const bindings = z.object({ resources: z.array(z.object({ name: z.null() })).length(3) })
      await api.get('/v3/service_credential_bindings', bindings, { query: { app_guids: app } })
      const services = (await cloudFoundry.pickers.services?.(api, { app })) ?? []
      expect(services.map(({ label }) => label)).toEqual(['shop-db', 'mail-relay', 'ledger-db'])
    })

    test('shares services only if asked to, and warns', async () => {
      const app = await pick('apps', 'shop-api')
      const services = [await pick('services', 'shop-db', { app }), await pick('services', 'mail-relay', { app })]
      const params = await cloneOf('shop-api', { services })
      expect(clone.preview(params, {}).warning).toContain('The clone shares the services you chose')
      expect(clone.preview(await cloneOf('shop-api'), {})).toMatchObject({
        notCopied: expect.stringContaining('service bindings'),
      })
      expect(clone.preview(await cloneOf('shop-api'), {}).warning).toBeUndefined()
      const { ref } = await carryOut(clone, params, 'Bind the services')
      const step = stepOf(clone, 'Bind the services')
      switchOn('lose-answer')
      await failureOf(step.run(api, params, ref, attempt()))
      expect(await step.find?.(api, params, ref, attempt())).toBeNull()
      await step.run(api, params, ref, attempt())
      const bound = simulator.writes().filter(({ path }) => path.endsWith('bindings'))
      expect(bound.map(({ status }) => status)).toEqual([202, 201])
    })

    test('says why a binding, a staging or a start failed', async () => {
      const services = [await pick('services', 'shop-db', { app: await pick('apps', 'shop-api') })]
      const endOf = async (fault: string, name: string) => {
        switchOn(fault)
        return (await carryOut(clone, await cloneOf('shop-api', { services, name }))).last
      }
      expect(await endOf('fail-binding', 'a')).toMatchObject({
        phase: 'failed',
        detail:
          'The broker has no more credentials to give. The app a stays in staging and can be deleted. Its address a.apps.woolworks.example stays as well.',
      })
      expect(await endOf('fail-staging', 'b')).toMatchObject({
        phase: 'failed',
        detail: expect.stringMatching(
          /^NoAppDetectedError - .*\. The app b stays in staging and can be deleted\. Its address b\..* stays as well\.$/,
        ),
      })
      expect(await endOf('crash-next', 'c')).toMatchObject({
        phase: 'failed',
        detail:
          'web: CRASHED, CRASHED (Instance never healthy after 60s). The app c stays in staging and can be deleted. Its address c.apps.woolworks.example stays as well.',
      })
    })

    test("is found by its label under any name, and another app of that name isn't taken for it", async () => {
      const name = 'shop, 100% wool & more'
      const params = await cloneOf('shop-api', { name })
      const made = await begin(params)
      expect(await clone.steps[0].find?.(api, params, null, attempt())).toEqual(made)
      expect(await clone.steps[0].find?.(api, params, null, attempt('other'))).toBeNull()
    })

    /** Carries out one step of the removal to its end. */
    async function deleted(ref: Ref, index = 0) {
      const { ref: sent, observation } = await startRemoval(clone, api, ref, index)
      for (let times = 0; !observation && times < 5; times += 1) {
        const seen = await pollRemoval(clone, api, sent, index)
        if (seen instanceof Error) throw seen
        if (seen?.phase !== 'working') return { ...seen, ref: sent }
        clock += CLONE_MS / 10
      }
      return { ...observation, ref: sent }
    }

    const isListed = (name: string) => simulator.table().rows.some(([one]) => one === name)
    const deletions = () => written().filter((write) => write.startsWith('DELETE'))

    test('is deleted first, then its own address, and a second time without a write', async () => {
      const { ref } = await carryOut(clone, await cloneOf('shop-api', { host: 'shop-api-2' }))
      for (const index of [0, 1]) expect(await deleted(ref ?? {}, index)).toMatchObject({ phase: 'done' })
      expect(deletions()).toEqual(['DELETE /v3/apps/:guid', 'DELETE /v3/routes/:guid'])
      expect(isListed('shop-api-2')).toBe(false)
      const detail = 'It was already gone, or this connection can no longer see it.'
      for (const index of [0, 1]) expect(await deleted(ref ?? {}, index)).toMatchObject({ phase: 'done', detail })
      expect(deletions()).toHaveLength(2)
    })

    test('has no address to delete if it got none', async () => {
      const { ref } = await carryOut(clone, await cloneOf('shop-api', { address: false, host: undefined }))
      const requests = simulator.requests()
      expect(await startRemoval(clone, api, ref ?? {}, 1)).toEqual({ ref, observation: { phase: 'done' } })
      expect(simulator.requests()).toBe(requests)
    })

    test('leaves its address behind if that also leads to another app', async () => {
      const { ref } = await carryOut(clone, await cloneOf('shop-api', { host: 'shop-api-2' }))
      const destinations = [{ app: { guid: await pick('apps', 'shop-web-staging') } }]
      await api.post(`/v3/routes/${ref?.route}/destinations`, z.unknown(), { json: { destinations } })
      expect(await deleted(ref ?? {})).toMatchObject({ phase: 'done' })
      expect(await deleted(ref ?? {}, 1)).toMatchObject({
        phase: 'done',
        detail: 'Its address shop-api-2.apps.woolworks.example stays: it leads to another app now.',
      })
      expect(deletions()).toEqual(['DELETE /v3/apps/:guid'])
    })

    test('says that the app itself is deleted if only its address is refused', async () => {
      const { ref } = await carryOut(clone, await cloneOf('shop-api', { host: 'shop-api-2' }))
      expect(await deleted(ref ?? {})).toMatchObject({ phase: 'done' })
      const refusing: Api = {
        ...api,
        delete: async () =>
          await Promise.reject(new UserError('cf-prod: Nobody deletes a route here.', { status: 422 })),
      }
      const error = await failureOf(startRemoval(clone, refusing, ref ?? {}, 1))
      expect(error.message).toBe('cf-prod: Nobody deletes a route here. The app itself is deleted.')
    })

    test("stays if a service can't be unbound, each time for its own reason", async () => {
      const services = [await pick('services', 'shop-db', { app: await pick('apps', 'shop-api') })]
      const { ref } = await carryOut(clone, await cloneOf('shop-api', { services }))
      const failure = {
        phase: 'failed',
        detail:
          "The app is still there, because a service couldn't be unbound from it. The broker does not let go of it.",
      }
      switchOn('fail-delete')
      expect(await deleted(ref ?? {})).toMatchObject(failure)
      // The last failure is still shown while the next try is under way.
      switchOn('fail-delete')
      const again = await startRemoval(clone, api, ref ?? {})
      expect(await pollRemoval(clone, api, again.ref)).toEqual({ phase: 'working', detail: 'still there' })
      clock += CLONE_MS
      expect(await pollRemoval(clone, api, again.ref)).toEqual(failure)
      expect(await deleted(ref ?? {})).toMatchObject({ phase: 'done' })
      expect(isListed('shop-api-2')).toBe(false)
    })

    test("isn't called gone by a login that lost its role", async () => {
      const { ref } = await carryOut(clone, await cloneOf('shop-api'))
      switchOn('no-role')
      const hidden = {
        name: 'ConnectionError',
        message: expect.stringContaining('shows neither the app nor its space'),
      }
      expect(await failureOf(startRemoval(clone, api, ref ?? {}))).toMatchObject(hidden)
      expect(await pollRemoval(clone, api, ref ?? {})).toMatchObject(hidden)
      expect(deletions()).toEqual([])
      // A ref from before Dolly noted the space can't be told from one that is gone.
      const { space: _, ...older } = ref ?? {}
      expect(await startRemoval(clone, api, older)).toMatchObject({
        observation: { phase: 'done', detail: expect.stringContaining('or this connection can no longer see it') },
      })
    })

    test("can't be deleted through a copy", () => {
      expect(copyBits.removal).toBeUndefined()
    })

    test('of a clone has the lock of a copy into it', () => {
      const app = '1cb006ee-fb05-47e1-b541-c34179ddc446'
      expect(clone.removal?.lock?.({ app })).toBe(copyBits.lock({ target: app }))
    })
  })

  describe('the form', () => {
    const said = async (operation: PlainOperation, params: Record<string, unknown>) => {
      const before = written()
      const { errors = {}, warnings = [] } = (await operation.validate?.(api, params)) ?? {}
      expect(written()).toEqual(before)
      return { errors, warnings }
    }
    const nothing = { errors: {}, warnings: [] }

    test('accepts what will work', async () => {
      const services = [await pick('services', 'shop-db', { app: await pick('apps', 'shop-api') })]
      expect(await said(clone, await cloneOf('shop-api', { services }))).toEqual(nothing)
      expect(await said(clone, await cloneOf('carding', { fastPath: true }))).toEqual(nothing)
      expect(await said(copyBits, await copyOf('shop-api', 'shop-api-staging'))).toEqual(nothing)
    })

    test.each([
      [
        'a taken name, in capitals or not',
        'shop-api',
        { name: 'Shop-Web-Staging' },
        [],
        'name',
        'staging has an app of',
      ],
      ['a taken host name', 'shop-api', { host: 'shop-web' }, [], 'host', 'The host name shop-web is taken'],
      [
        'a taken host name that follows',
        'shop-api',
        { name: 'shop.web' },
        [],
        'host',
        'The host name shop-web is taken',
      ],
      ['no code', 'newsletter', {}, [], 'app', 'newsletter has no code to copy'],
      ['no staged build', 'newsletter', { fastPath: true }, [], 'fastPath', 'newsletter has no staged build'],
      ['a staged build that cannot be copied', 'loom', { fastPath: true }, [], 'fastPath', "can't be copied"],
      ['a buildpack with credentials', 'carding', {}, [], 'app', 'whose address holds credentials'],
      ['credentials of a registry', 'loom', {}, ['cnb-credentials'], 'app', 'loom takes its buildpacks'],
      ['variables that are switched off', 'shop-api', {}, ['no-env'], 'environment', 'env_var_visibility off. Untick'],
      [
        'variables that may not be read',
        'ledger',
        {},
        [],
        'environment',
        'lacks the role Space Developer there. Untick',
      ],
      ['no domain', 'shop-api', {}, ['no-domain'], 'address', 'has no default domain'],
      ['a full space', 'shop-api', {}, ['space-full'], 'space', 'staging has 128 of its'],
      ['a full organization', 'shop-api', {}, ['organization-full'], 'space', 'woolworks has 128 of its'],
    ] as const)('reports on its field what refuses a clone: %s', async (_, source, more, faults, field, words) => {
      switchOn(...faults)
      const { errors } = await said(clone, await cloneOf(source, more))
      expect(errors).toEqual({ [field]: expect.stringContaining(words) })
    })

    test('tells a name with commas and percent signs from others', async () => {
      const name = 'shop, 100% wool & more'
      await begin(await cloneOf('shop-api', { name }))
      expect((await said(clone, await cloneOf('shop-api', { name }))).errors).toHaveProperty('name')
      expect((await said(clone, await cloneOf('shop-api', { name: 'shop' }))).errors).toEqual({})
    })

    test("reports everything that is wrong at once, and services that aren't shared", async () => {
      const app = await pick('apps', 'shop-api')
      const services = [await pick('services', 'ledger-db', { app })]
      const params = await cloneOf('shop-api', { name: 'shop-web-staging', host: 'billing', services })
      expect(Object.keys((await said(clone, params)).errors).sort()).toEqual(['host', 'name', 'services'])
    })

    test.each(['attic', 'old-shop'])('reports that nothing can be written to %s', async (name) => {
      const row = z.object({ name: z.string(), guid: z.string() })
      const { resources } = await api.get('/v3/spaces', z.object({ resources: z.array(row) }))
      const space = resources.find((one) => one.name === name)?.guid
      const { errors } = await said(clone, await cloneOf('shop-api', { space }))
      expect(errors.space).toMatch(/ is suspended\. Choose another space\.$/)
    })

    test("accepts a small app in a nearly full space, and a large one only if it isn't started there", async () => {
      switchOn('space-full')
      await scale(await pick('apps', 'shop-web'), 0, 'worker', 0)
      await scale(await pick('apps', 'shop-web'), 64)
      expect(await said(clone, await cloneOf('shop-web'))).toEqual(nothing)
      expect(await said(clone, await cloneOf('shop-api', { fastPath: true, start: false }))).toEqual(nothing)
    })

    test("checks the limit of a process, and copes with versions that don't report usage", async () => {
      const space = await pick('spaces', 'staging')
      const quota = (total: number | null, each: number | null) => ({
        apps: { total_memory_in_mb: total, per_process_memory_in_mb: each },
      })
      const of = async (answer: unknown) => {
        const read = faked({ [`/v3/space_quotas/${space}`]: answer, [`/v3/spaces/${space}/usage_summary`]: {} })
        return (await clone.validate?.(read, await cloneOf('shop-api')))?.errors
      }
      expect(await of(quota(null, 256))).toEqual({
        space: 'staging allows each process 256 MB of memory, and the clone needs 512 MB. Choose another space.',
      })
      expect(await of(quota(null, null))).toEqual({})
      expect(await of(quota(2048, null))).toEqual({})
      expect(await of(quota(1000, null))).toEqual({ space: expect.stringContaining('the clone needs 1024 MB') })
      expect(await of({})).toEqual({})
    })

    test('warns of a large app cloned without its size, and of addresses that are switched off', async () => {
      await scale(await pick('apps', 'shop-web'), 4096)
      const { warnings } = await said(clone, await cloneOf('shop-web', { size: false }))
      expect(warnings).toEqual([expect.stringMatching(/^shop-web has 4096 MB of memory\. Without "Copy the size"/)])
      switchOn('no-new-routes')
      expect(await said(clone, await cloneOf('shop-api'))).toEqual({
        errors: {},
        warnings: [expect.stringContaining('route_creation is off')],
      })
      expect(await said(clone, await cloneOf('shop-api', { address: false }))).toEqual(nothing)
    })

    test.each([
      ['no code', 'newsletter', 'shop-api-staging', 'app', 'newsletter has no code to copy'],
      ['another kind of app', 'wool-price-feed', 'shop-api-staging', 'target', "Code for docker doesn't fit"],
      ['a suspended space', 'shop-api', 'wool-blog', 'target', 'attic is suspended.'],
    ])('reports on its field what refuses a copy: %s', async (_, from, to, field, words) => {
      const row = z.object({ name: z.string(), guid: z.string() })
      const { resources } = await api.get('/v3/apps', z.object({ resources: z.array(row) }))
      const target = resources.find(({ name }) => name === to)?.guid
      const { errors } = await said(copyBits, parse(copyBits, { app: await pick('apps', from), target }))
      expect(errors).toEqual({ [field]: expect.stringContaining(words) })
    })

    test("warns of a large app's code in a small app", async () => {
      await scale(await pick('apps', 'shop-web'), 4096)
      expect((await said(copyBits, await copyOf('shop-web', 'shop-api-staging'))).warnings).toEqual([
        'shop-web has 4096 MB of memory and shop-api-staging has 128 MB, which may be too little to stage or run this code.',
      ])
      expect(await said(copyBits, await copyOf('shop-web', 'shop-api-staging', { restart: false }))).toEqual(nothing)
      expect(await said(copyBits, await copyOf('shop-api-staging', 'shop-web'))).toEqual(nothing)
    })

    test('explains errors of very long names', async () => {
      const name = 'sheep '.repeat(42).trim()
      const { guid } = await api.post('/v3/apps', z.object({ guid: z.string() }), {
        json: { name, relationships: { space: { data: { guid: await pick('spaces', 'staging') } } } },
      })
      const { errors } = await said(clone, { ...(await cloneOf('shop-api')), app: guid })
      expect(errors.app).toMatch(/^sheep .{1,80} has no code to copy: nothing was ever uploaded\.$/)
      const failure = await failureOf(begin({ ...(await cloneOf('shop-api')), app: guid }))
      expect(failure.message).toBe(errors.app)
    })

    test('warns of a deployment that a copy waits for', async () => {
      switchOn('deploying')
      const waits = ['shop-api-staging has a deployment in progress. Staging starts when that ends.']
      expect(await said(copyBits, await copyOf('shop-api', 'shop-api-staging'))).toEqual({
        errors: {},
        warnings: waits,
      })
      expect(await said(copyBits, await copyOf('shop-api', 'shop-api-staging', { restart: false }))).toEqual(nothing)
    })

    test('reports on its field what no longer exists', async () => {
      for (const [operation, params, field] of [
        [clone, await cloneOf('shop-api', { app: NOBODY }), 'app'],
        [clone, await cloneOf('shop-api', { space: NOBODY }), 'space'],
        [copyBits, parse(copyBits, { app: await pick('apps', 'shop-api'), target: NOBODY }), 'target'],
      ] as const) {
        const error = await failureOf(Promise.resolve(operation.validate?.(api, params)))
        expect(error).toMatchObject({ name: 'UserError', field })
      }
    })

    test("doesn't block the start for what can't be asked now", async () => {
      const get: Api['get'] = async (path, schema, options) => {
        const isBasic = /^\/v3\/(apps|spaces)\/[^/]+$/.test(path)
        return await api.get(isBasic ? path : '/v3/nothing', schema, options)
      }
      expect(await clone.validate?.({ ...api, get }, await cloneOf('shop-api'))).toEqual(nothing)
      expect(await copyBits.validate?.({ ...api, get }, await copyOf('shop-api', 'shop-web'))).toEqual(nothing)
    })
  })

  describe('a copy whose answer was lost', () => {
    test("isn't confused with somebody else's upload or copy", async () => {
      const params = await copyOf('shop-api', 'shop-api-staging')
      const [step] = copyBits.steps
      const withBaseline = async () => ({ ...attempt(), baseline: (await step.baseline?.(api, params, null)) ?? '' })
      const before = await withBaseline()
      await overwrite(await copyOf('shop-web', 'shop-api-staging'))
      expect(await step.find?.(api, params, null, before)).toBeNull()
      const made = await overwrite(params)
      expect(await step.find?.(api, params, null, before)).toEqual(made)
      clock += 60_000
      expect(await step.find?.(api, params, null, before)).toEqual(made)
      // Also what was made of the same source in this very second, but before.
      expect(await step.find?.(api, params, null, await withBaseline())).toBeNull()
    })

    test("is found with v2 too, which doesn't say what it made", async () => {
      switchOn('v2', 'lose-answer')
      const params = await copyOf('shop-api', 'shop-api-staging')
      await failureOf(overwrite(params))
      const ours = (await packagesOf(String(params.target)))[0]?.guid
      clock += 2_000
      await overwrite(await copyOf('shop-web', 'shop-api-staging'))
      const found = await copyBits.steps[0].find?.(api, params, null, attempt())
      expect(found).toMatchObject({ waitFor: 'package', guid: ours })
    })

    test('is not found in a restart by somebody else while the code was staged', async () => {
      const params = await copyOf('shop-api', 'shop-api-staging')
      const { ref: copied } = await carryOut(copyBits, params, 'Stage the code')
      const staging = await stepOf(copyBits, 'Stage the code').run(api, params, copied, attempt())
      await api.post(`/v3/apps/${params.target}/actions/restart`, z.unknown())
      const { ref: staged } = await pollToEnd(stepOf(copyBits, 'Stage the code'), staging)
      const assigned = await stepOf(copyBits, 'Deploy the staged code').run(api, params, staged, attempt())
      const restart = stepOf(copyBits, 'Restart the app')
      const asked = { ...attempt(), baseline: (await restart.baseline?.(api, params, assigned)) ?? '' }
      switchOn('drop-write')
      await failureOf(restart.run(api, params, assigned, asked))
      expect(await restart.find?.(api, params, assigned, asked)).toBeNull()
      switchOn('lose-answer')
      await failureOf(restart.run(api, params, assigned, asked))
      expect(await restart.find?.(api, params, assigned, asked)).toMatchObject({ waitFor: 'instances' })
    })

    test.each(['Create the app', 'Copy the code', 'Stage the code', 'Start the clone'])(
      'never counts as absent without the role, because lists leave out what we may not read: %s',
      async (title) => {
        const params = await cloneOf('shop-api')
        const { ref } = await carryOut(clone, params, title)
        switchOn('no-role')
        const find = stepOf(clone, title).find?.(api, params, ref, attempt())
        expect(await failureOf(Promise.resolve(find))).toMatchObject({ status: 404 })
        const copy = copyBits.steps[0].find?.(api, { ...params, target: params.app }, null, attempt())
        expect(await failureOf(Promise.resolve(copy))).toMatchObject({ status: 404 })
      },
    )

    test("never counts as absent if only the source can't be read any more", async () => {
      const params = await copyOf('shop-api', 'shop-api-staging')
      await overwrite(params)
      const find = copyBits.steps[0].find?.(api, { ...params, app: NOBODY }, null, attempt())
      expect(await failureOf(Promise.resolve(find))).toMatchObject({ status: 404 })
    })
  })

  describe('polls', () => {
    test('of all kinds are made together, one call for each list', async () => {
      const first = await begin(await cloneOf('shop-api'))
      const second = await begin(await cloneOf('shop-api', { name: 'x' }))
      const copying = await stepOf(clone, 'Copy the code').run(api, await cloneOf('shop-api'), first, attempt())
      const also = await stepOf(clone, 'Copy the code').run(api, await cloneOf('shop-api'), second, attempt())
      const droplet = await stepOf(clone, 'Copy the code').run(
        api,
        await cloneOf('shop-api', { fastPath: true }),
        second,
        attempt(),
      )
      const before = simulator.requests()
      const result = await observed(clone.steps[0].check(api, [copying, first, droplet, also], clock))
      expect(result.map(({ phase }) => phase)).toEqual(['working', 'done', 'working', 'working'])
      expect(result[0]?.detail).toBe('package: COPYING')
      expect(simulator.requests() - before).toBe(2)
      expect(new Set([...clone.steps, ...copyBits.steps].map(({ check }) => check)).size).toBe(1)
    })

    test('report what was deleted or has expired as failed', async () => {
      const app = await pick('apps', 'shop-api')
      const [gone, lost] = [
        { app, waitFor: 'package', guid: NOBODY },
        { app: NOBODY, waitFor: 'instances' },
      ]
      expect(await observed(clone.steps[0].check(api, [gone, lost], clock))).toEqual([
        { phase: 'failed', detail: 'the package was deleted, or can no longer be read' },
        { phase: 'failed', detail: 'the app was deleted, or can no longer be read' },
      ])
      const page = { pagination: { next: null }, resources: [{ guid: 'p', state: 'EXPIRED' }] }
      const [expired] = await observed(
        clone.steps[0].check(faked({ '/v3/packages': page }), [{ app, waitFor: 'package', guid: 'p' }], clock),
      )
      expect(expired).toEqual({ phase: 'failed', detail: 'the package is EXPIRED, and Cloud Foundry gives no reason' })
    })

    test("report instances that can't be counted as a temporary error", async () => {
      const params = await cloneOf('shop-api')
      const { ref } = await carryOut(clone, params, 'Start the clone')
      const step = stepOf(clone, 'Start the clone')
      const started = await step.run(api, params, ref, attempt())
      const copied = { app: started.app, waitFor: 'package', guid: ref?.guid }
      switchOn('stats-down')
      for (const version of ['new', 'old-api']) {
        if (version === 'old-api') switchOn(version)
        const [counting, gone] = await step.check(api, [started, { ...copied, guid: NOBODY }], clock)
        expect(counting).toMatchObject({ name: 'TemporaryError', message: expect.stringContaining('503') })
        expect(gone).toMatchObject({ phase: 'failed' })
      }
      simulator.setSwitch('stats-down', false)
      expect((await pollToEnd(step, started)).phase).toBe('done')
    })

    test('of a thousand jobs take one call for each hundred of a list, and one more for each process of an old API', async () => {
      await simulator.close()
      await start({ count: 1_000 })
      const guids = z.object({ resources: z.array(z.object({ guid: z.string() })) })
      const newest = { query: { per_page: 300, order_by: '-created_at' } }
      const refsOf = async (waitFor: string, count: number) => {
        const { resources } = await api.get(waitFor === 'instances' ? '/v3/apps' : `/v3/${waitFor}s`, guids, newest)
        return resources.slice(0, count).map(({ guid }) => ({ app: guid, waitFor, guid }))
      }
      const running = await refsOf('instances', 300)
      const refs = [...(await refsOf('package', 300)), ...(await refsOf('droplet', 300)), ...running]
      refs.push(...running.slice(0, 100).map((ref) => ({ ...ref, waitFor: 'binding' })))
      const before = simulator.requests()
      const result = await observed(clone.steps[0].check(api, refs, clock))
      expect(result.map(({ phase }) => phase)).toEqual(
        refs.map(({ waitFor }) => (waitFor === 'binding' ? 'failed' : 'done')),
      )
      expect(simulator.requests() - before).toBe(10)
      switchOn('old-api')
      const then = simulator.requests()
      await observed(clone.steps[0].check(api, running.slice(0, 100), clock))
      expect(simulator.requests() - then).toBe(2 + 100)
    })

    test('report an app as started if each process has one running instance, or should have none', async () => {
      const process = (guid: string, instances: number) => ({
        guid,
        type: guid,
        instances,
        relationships: { app: { data: { guid: 'a' } } },
      })
      const poll = async (...states: string[]) => {
        const resources = states.map((state) => ({ state }))
        const page = { pagination: { next: null }, resources: [process('web', states.length), process('idle', 0)] }
        const read = faked({ '/v3/processes': page, '/v3/processes/web/stats': { resources } })
        return (await observed(clone.steps[0].check(read, [{ app: 'a', waitFor: 'instances' }], clock)))[0]
      }
      expect(await poll('CRASHED', 'RUNNING')).toEqual({ phase: 'done' })
      expect(await poll('CRASHED', 'STARTING')).toMatchObject({ phase: 'working' })
      expect(await poll('DOWN')).toMatchObject({ phase: 'working', detail: 'web: DOWN' })
      expect(await poll('CRASHED', 'CRASHED')).toMatchObject({ phase: 'failed' })
      expect(await poll()).toEqual({ phase: 'done', detail: 'started, but set to run no instances' })
    })

    test('find all others beside an odd row, and never report an unreadable row as deleted', async () => {
      const of = (app: string, more: object = {}) => ({ relationships: { app: { data: { guid: app } } }, ...more })
      const page = (...resources: unknown[]) => ({ pagination: { next: null }, resources })
      const read = faked({
        '/v3/packages': page({ guid: 'p', state: 'READY' }, { guid: 'odd', state: 7 }, { state: 'READY' }),
        '/v3/builds': page({ guid: 'b', state: 'STAGED', droplet: { guid: 'd' }, error: {} }, null),
        '/v3/processes': page(
          of('a', { guid: 'w', type: 'web', instances: 1, process_instances: [{ state: 'RUNNING' }] }),
          of('odd', { guid: 'o' }),
          { guid: 'x', type: 'web' },
        ),
        '/v3/processes/o/stats': { resources: [{}] },
      })
      const poll = async (refs: Ref[]) => await clone.steps[0].check(read, refs, clock)
      expect(
        await poll([
          { app: 'a', waitFor: 'package', guid: 'p' },
          { app: 'a', waitFor: 'package', guid: 'odd' },
          { app: 'a', waitFor: 'package', guid: 'unseen' },
          { app: 'a', waitFor: 'build', guid: 'b' },
          { app: 'a', waitFor: 'build', guid: 'unseen' },
          { app: 'a', waitFor: 'instances' },
          { app: 'odd', waitFor: 'instances' },
          { app: 'unseen', waitFor: 'instances' },
        ]),
      ).toMatchObject([
        { phase: 'done' },
        { phase: 'working', detail: 'package: in an unknown state' },
        { name: 'TemporaryError' },
        { phase: 'done', ref: { droplet: 'd' } },
        { name: 'TemporaryError' },
        { phase: 'done' },
        { phase: 'working' },
        { name: 'TemporaryError' },
      ])
    })

    test('show no whole GUID', async () => {
      const page = { pagination: { next: null }, resources: [{ guid: 'p', state: 'FAILED', error: `no ${NOBODY}` }] }
      const [result] = await observed(
        clone.steps[0].check(faked({ '/v3/builds': page }), [{ app: 'a', waitFor: 'build', guid: 'p' }], clock),
      )
      expect(result?.detail).toBe('no …ffff')
    })
  })

  describe('lists', () => {
    test("follow absolute addresses, but only on the connection's own host", async () => {
      await simulator.close()
      await start({ count: 1_200 })
      switchOn('foreign-pages')
      const before = simulator.requests()
      expect(await cloudFoundry.pickers.apps?.(api, {})).toHaveLength(1_211)
      // A root and a login, then three pages: the host that was named for the next was never asked.
      expect(simulator.requests() - before).toBe(5)
    })

    test("work below a proxy's path, whether or not the next page's address has it", async () => {
      await simulator.close()
      await start({ count: 1_200 })
      for (const url of [`${simulator.connection.url}/cf`, `${simulator.connection.url}/cf/`]) {
        api = connect({ ...simulator.connection, url })
        expect(await cloudFoundry.pickers.apps?.(api, {})).toHaveLength(1_211)
      }
      switchOn('foreign-pages')
      expect(await cloudFoundry.pickers.apps?.(api, {})).toHaveLength(1_211)
      expect((await carryOut(copyBits, await copyOf('shop-api', 'shop-api-staging'))).last?.phase).toBe('done')
    })

    test.each([
      ['apps', {}],
      ['spaces', {}],
      ['services', { app: 'shop-api' }],
    ])('of %s leave out and report an odd row', async (picker, { app }: { app?: string }) => {
      const values: Record<string, string> = app ? { app: await pick('apps', app) } : {}
      const all = await cloudFoundry.pickers[picker]?.(api, values)
      const reported: number[] = []
      switchOn('odd-rows')
      const result = await cloudFoundry.pickers[picker]?.(
        { ...api, reportSkipped: (count) => reported.push(count) },
        values,
      )
      expect(result).toEqual(all)
      expect(reported).toEqual([1])
    })

    test('describe options so that equal names can be told apart, and leave out what is suspended', async () => {
      const apps = (await cloudFoundry.pickers.apps?.(api, {})) ?? []
      expect(apps.find(({ label }) => label === 'image-resizer in production (woolworks)')?.description).toBe(
        'stopped · docker',
      )
      // In a suspended space.
      expect(apps.some(({ label }) => label.includes('wool-blog'))).toBe(false)
      const spaces = (await cloudFoundry.pickers.spaces?.(api, {})) ?? []
      expect(spaces.map(({ label }) => label)).toEqual([
        'audited (woolworks-partners)',
        'production (woolworks)',
        'sandbox (woolworks-partners)',
        'staging (woolworks)',
      ])
      expect(await cloudFoundry.pickers.services?.(api, {})).toEqual([])
    })
  })

  describe('links', () => {
    const template = 'https://console.woolworks.example/{organization}/{space}/{app}'

    test("follow the operator's template if there is one", async () => {
      api = connect({ ...simulator.connection, appUrl: template })
      const { last, ref } = await carryOut(clone, await cloneOf('shop-api', { host: 'shop-api-2' }))
      const space = await pick('spaces', 'staging')
      const page = new RegExp(`^https://console.woolworks.example/1[0-9a-f-]+/${space}/${ref?.app}$`)
      expect(last?.consoleUrl).toMatch(page)
      expect(last?.url, 'and its own address').toBe('https://shop-api-2.apps.woolworks.example')
      const copy = await overwrite(await copyOf('shop-api', 'shop-api-staging'))
      expect(copy.page).toMatch(new RegExp(`/${space}/${copy.app}$`))
      expect(copy.url).toBe('https://shop-api-staging.apps.woolworks.example')
    })

    test("are the app's address alone without a template, if it is reachable from outside", async () => {
      const known = await overwrite(await copyOf('shop-web', 'shop-api-staging'))
      expect(known.url).toBe('https://shop-api-staging.apps.woolworks.example')
      expect((await overwrite(await copyOf('shop-web', 'shop-web-staging'))).url).toBeUndefined()
    })
  })

  describe('refusals', () => {
    test('403 without the role is for the operator, and says which role', async () => {
      const error = await failureOf(begin(await cloneOf('shop-api', { space: await pick('spaces', 'audited') })))
      expect(error).toBeInstanceOf(ConnectionError)
      expect(error.message).toMatch(/requested action\. It needs the role Space Developer\. This concerns audited\.$/)
      const copied = await failureOf(overwrite(await copyOf('shop-api', 'ledger')))
      expect(copied.message).toMatch(/This concerns production and audited\.$/)
    })

    test('403 of a switched-off feature names it, and says what can be left out', async () => {
      switchOn('no-new-routes')
      const error = await failureOf(carryOut(clone, await cloneOf('shop-api', { host: 'x' })))
      expect(error).toBeInstanceOf(UserError)
      expect(error.message).toBe(
        'cf-prod: Its operators have switched route_creation off. Untick "Give it an address". The app shop-api-2 stays in staging and can be deleted.',
      )
      const { classify } = cloudFoundry.client(cloudFoundry.connection.parse(simulator.connection))
      const refused = (detail: string) =>
        classify?.({ status: 403, body: { errors: [{ code: 330002, title: 'CF-FeatureDisabled', detail }] } })
      expect(refused('Feature Disabled: app_scaling')?.sentence).toContain('Untick "Copy the size".')
      expect(refused('Feature Disabled: shearing')).toEqual({
        blame: 'user',
        sentence: 'Its operators have switched this off. Feature Disabled: shearing.',
      })
    })

    test.each(['attic', 'old-shop'])('403 of the suspended %s is for the person', async (name) => {
      const spaces = await api.get(
        '/v3/spaces',
        z.object({ resources: z.array(z.object({ name: z.string(), guid: z.string() })) }),
      )
      const space = spaces.resources.find((one) => one.name === name)?.guid
      const error = await failureOf(begin(await cloneOf('shop-api', { space })))
      expect(error).toBeInstanceOf(UserError)
      expect(error.message).toMatch(/is suspended\. Choose another space\.$/)
    })

    test('404 in plain text is for the operator, 404 in JSON for the person', async () => {
      const plain = await failureOf(api.get('/v2/apps', z.unknown()))
      expect(plain).toBeInstanceOf(ConnectionError)
      expect(plain.message).toContain('Is url in dolly.yml the root of the API?')
      const gone = await failureOf(api.get(`/v3/apps/${NOBODY}`, z.unknown()))
      expect(gone).toMatchObject({ status: 404, message: 'cf-prod: App not found' })
    })

    test('429 in plain text says when to come back', async () => {
      const params = await copyOf('shop-api', 'shop-api-staging')
      switchOn('rate-limited')
      expect(await failureOf(api.get('/v3/apps', z.unknown()))).toMatchObject({
        name: 'TemporaryError',
        retryAfterMs: 30_000,
      })
      simulator.setSwitch('rate-limited', false)
      switchOn('no-retry-after')
      expect(await failureOf(overwrite(params))).toMatchObject({
        name: 'TemporaryError',
        mayHaveHappened: false,
        retryAfterMs: 60_000,
      })
    })

    test('a write may take a minute', async () => {
      const given: unknown[] = []
      const post: Api['post'] = (path, schema, options) => {
        given.push(options?.timeoutMs)
        return api.post(path, schema, options)
      }
      const params = await copyOf('shop-api', 'shop-api-staging')
      await copyBits.steps[0].run({ ...api, post }, params, null, attempt())
      expect(given).toEqual([60_000])
    })

    test('422 of a staging in progress is tried again later', async () => {
      const params = await cloneOf('shop-api')
      const { ref } = await carryOut(clone, params, 'Stage the code')
      switchOn('staging-busy')
      const error = await failureOf(stepOf(clone, 'Stage the code').run(api, params, ref, attempt()))
      expect(error).toMatchObject({ name: 'TemporaryError', mayHaveHappened: false, retryAfterMs: 30_000 })
    })

    test.each([
      ['Set the size', clone],
      ['Deploy the staged code', clone],
      ['Stage the code', copyBits],
    ])('422 of a deployment in progress is tried again later: %s', async (title, operation) => {
      const params =
        operation === clone
          ? await cloneOf('shop-api')
          : await copyOf('shop-api', 'shop-api-staging', { restart: true })
      const { ref } = await carryOut(operation, params, title)
      const before = written()
      switchOn('deploying')
      const error = await failureOf(stepOf(operation, title).run(api, params, ref, attempt()))
      expect(error).toMatchObject({ name: 'TemporaryError', mayHaveHappened: false, retryAfterMs: 30_000 })
      expect(error.message).toContain('deployment in progress')
      // A build for nothing is not even begun.
      if (operation === copyBits) expect(written()).toEqual(before)
      simulator.setSwitch('deploying', false)
      await stepOf(operation, title).run(api, params, ref, attempt())
    })

    test('500 to a write that sets a value is looked up, and the write is repeated at once', async () => {
      const params = await cloneOf('shop-web', { host: 'shop-web-2' })
      const repeatable = [
        'Set the size',
        'Deploy the staged code',
        'Set the size of other processes',
        'Map the address',
        'Start the clone',
      ]
      expect(clone.steps.filter(({ absentAfterMs }) => absentAfterMs === 0).map(({ title }) => title)).toEqual(
        repeatable,
      )
      expect(copyBits.steps.filter(({ absentAfterMs }) => absentAfterMs === 0).map(({ id }) => id)).toEqual(['assign'])
      for (const title of repeatable) {
        const { ref } = await carryOut(clone, { ...params, name: title, host: title.replaceAll(' ', '-') }, title)
        const step = stepOf(clone, title)
        const baseline = (await step.baseline?.(api, params, ref)) ?? ''
        switchOn('break-write')
        const error = await failureOf(step.run(api, params, ref, { ...attempt(), baseline }))
        expect(error).toMatchObject({ name: 'TemporaryError', mayHaveHappened: true, status: 500 })
        expect(await step.find?.(api, params, ref, { ...attempt(), baseline })).toBeNull()
        await step.run(api, params, ref, attempt())
        expect(await step.find?.(api, params, ref, { ...attempt(), baseline })).not.toBeNull()
      }
    })

    test('400 of a package that is not ready is for the person, in the words of the server', async () => {
      const params = await cloneOf('shop-api')
      const first = await begin(params)
      const copying = await stepOf(clone, 'Copy the code').run(api, params, first, attempt())
      const error = await failureOf(stepOf(clone, 'Stage the code').run(api, params, copying, attempt()))
      expect(error.message).toMatch(/^cf-prod: Bad request: Cannot stage package whose state is not ready\. The app /)
    })

    test.each([
      ['v3', { errors: [{ code: 10008, title: 'CF-UnprocessableEntity', detail: 'No room.' }] }, 'No room.'],
      ['v2', { description: 'No app.', error_code: 'CF-AppNotFound', code: 100004 }, 'No app.'],
      ['the login', { error: 'unauthorized', error_description: 'Locked.' }, 'Locked.'],
      ['nobody', '<html>', undefined],
    ])('the sentence of %s is read', (_, body, sentence) => {
      const { errorMessage } = cloudFoundry.client(cloudFoundry.connection.parse(simulator.connection))
      expect(errorMessage(body)).toBe(sentence)
    })

    test('a warning in a header changes nothing', async () => {
      const answered = await fetch(`${simulator.connection.url}/v3/apps`, {
        headers: { authorization: await tokenOf() },
      })
      expect(answered.headers.get('x-cf-warnings')).toBe('Mind%20the%20sheep%2C+please')
      expect(await cloudFoundry.pickers.apps?.(api, {})).not.toEqual([])
    })
  })

  /** A token, asked for by hand. */
  async function tokenOf(): Promise<string> {
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: 'dolly',
      client_secret: simulator.connection.clientSecret ?? '',
    })
    const answered = await fetch(`${simulator.connection.url?.replace('127.0.0.1', 'localhost')}/oauth/token`, {
      method: 'POST',
      body,
    })
    return `bearer ${z.object({ access_token: z.string() }).parse(await answered.json()).access_token}`
  }

  describe('logins', () => {
    const client = { ...CLIENT }

    test.each([
      ['client credentials', client],
      ['user name and password of another identity provider', PERSON],
      ['a refresh token', { refreshToken: REFRESH_TOKEN }],
    ])("with %s go to the host that the root names, and aren't writes", async (_, credentials) => {
      const own = connect({ url: simulator.connection.url ?? '', ...credentials })
      const before = simulator.requests()
      expect(await cloudFoundry.pickers.spaces?.(own, {})).toHaveLength(4)
      expect(simulator.requests() - before).toBe(3)
      expect(simulator.writes()).toEqual([])
    })

    test('are made once for parallel requests', async () => {
      const before = simulator.requests()
      await Promise.all([1, 2, 3].map(() => cloudFoundry.pickers.spaces?.(api, {})))
      expect(simulator.requests() - before).toBe(5)
    })

    test('are renewed before the token ends, with the newest refresh token', async () => {
      // Not by the clock on the wall: set back, it would keep a token, or a refusal, for as long.
      vi.useFakeTimers({ toFake: ['performance'] })
      const own = connect({ url: simulator.connection.url ?? '', refreshToken: REFRESH_TOKEN })
      for (const [minutes, requests] of [
        [0, 3],
        [18, 1],
        [20, 3],
        [30, 1],
        [60, 3],
      ] as const) {
        const then = Date.UTC(2026, 7, 21) + minutes * 60_000
        vi.advanceTimersByTime(then - clock)
        clock = then
        const before = simulator.requests()
        await cloudFoundry.pickers.spaces?.(own, {})
        expect([minutes, simulator.requests() - before]).toEqual([minutes, requests])
      }
    })

    test('are renewed once on 401, and the same write is sent again', async () => {
      const params = await cloneOf('shop-api')
      await begin(params)
      switchOn('expire-tokens')
      const before = simulator.requests()
      await overwrite(await copyOf('shop-api', 'shop-api-staging'))
      expect(written()).toEqual(['POST /v3/apps', 'POST /v3/packages'])
      expect(simulator.requests() - before).toBeGreaterThan(2)
    })

    test.each([
      ['a wrong secret', { ...client, clientSecret: 'wolf-in-sheeps-clothing' }],
      ['a wrong password', { ...PERSON, password: 'wolf-in-sheeps-clothing' }],
      ['a dead refresh token', { refreshToken: 'wolf-in-sheeps-clothing' }],
    ])('with %s are for the operator, and not tried again at once', async (_, credentials) => {
      const own = connect({ url: simulator.connection.url ?? '', ...credentials })
      const error = await failureOf(own.get('/v3/apps', z.unknown()))
      expect(error).toBeInstanceOf(ConnectionError)
      expect(error.message).toContain('cf-prod refused its credentials (401 to POST /oauth/token)')
      expect(error.message).not.toContain('wolf')
      const before = simulator.requests()
      expect(await failureOf(own.get('/v3/apps', z.unknown()))).toBe(error)
      expect(simulator.requests()).toBe(before)
    })

    test('that are rate-limited pause all requests, and are made once after the pause', async () => {
      vi.useFakeTimers({ toFake: ['performance'] })
      switchOn('login-limited')
      expect(await failureOf(api.get('/v3/apps', z.unknown()))).toMatchObject({ retryAfterMs: 30_000 })
      const before = simulator.requests()
      vi.advanceTimersByTime(20_000)
      for (let count = 0; count < 10; count++) {
        const error = await failureOf(api.get('/v3/apps', z.unknown()))
        expect(error).toMatchObject({
          name: 'TemporaryError',
          mayHaveHappened: false,
          retryAfterMs: 10_000,
          status: 429,
        })
      }
      expect(simulator.requests()).toBe(before)
      simulator.setSwitch('login-limited', false)
      vi.advanceTimersByTime(10_001)
      await api.get('/v3/apps', z.unknown())
      // A root, a login and the list.
      expect(simulator.requests() - before).toBe(3)
    })

    test.each([
      [{}, false],
      [{ clientId: 'a' }, false],
      [{ clientId: 'a', clientSecret: 'b', refreshToken: 'c' }, false],
      [{ clientId: 'a', clientSecret: 'b' }, true],
      [{ username: 'a', password: 'b', origin: 'ldap' }, true],
      [{ refreshToken: 'c', appUrl: 'http://console.example' }, false],
      [{ refreshToken: 'c', appUrl: 'https://console.example/{app}' }, true],
    ])('take exactly one kind of credentials: %j', (keys, isRight) => {
      expect(cloudFoundry.connection.safeParse({ url: 'https://api.cf.example', ...keys }).success).toBe(isRight)
    })
  })

  test.each([
    [clone, 'name', '', 'Use 1 to 255 printable characters.'],
    [clone, 'name', 'shop\u0007api', 'Use 1 to 255 printable characters.'],
    [clone, 'name', 'x'.repeat(256), 'Use 1 to 255 printable characters.'],
    [clone, 'host', 'shop.api', 'Use 1 to 63 letters, digits, hyphens or underscores.'],
    [clone, 'host', 'x'.repeat(64), 'Use 1 to 63 letters, digits, hyphens or underscores.'],
    [clone, 'space', 'staging', 'Choose from the list, or paste a GUID.'],
    [copyBits, 'target', 'shop-api', 'Choose from the list, or paste a GUID.'],
  ])('explains a wrong answer in plain words: %#', (operation, field, value, message) => {
    const given = { app: NOBODY, space: NOBODY, name: 'shop-api-2', target: NOBODY.replace('f', '0') }
    const { issues } = operation.fields.safeParse({ ...given, [field]: value }).error ?? {}
    expect(issues?.[0]).toMatchObject({ path: [field], message })
  })

  test('a GUID in capitals is the same target, and has the same lock', async () => {
    const [app, target] = [NOBODY, NOBODY.replace('f', '0')]
    const small = parse(copyBits, { app, target })
    expect(parse(copyBits, { app: app.toUpperCase(), target: target.toUpperCase() })).toEqual(small)
    expect(copyBits.fields.safeParse({ app, target: app.toUpperCase() }).success).toBe(false)
    const [loud, quiet] = [app.toUpperCase(), app].map((space) =>
      parse(clone, { app, space, name: 'x', services: [space] }),
    )
    expect(loud).toEqual(quiet)
    expect(clone.lock(loud ?? {})).toBe(clone.lock(quiet ?? {}))
  })

  test('a target is named with its space and organization, so that a rule can protect either', async () => {
    const labelled = async (picker: string, name: string) =>
      (await cloudFoundry.pickers[picker]?.(api, {}))?.find(({ label }) => label.startsWith(name))?.label ?? ''
    const target = await labelled('apps', 'shop-web')
    expect(copyBits.summary({ app: 'x', target }).to).toBe('shop-web in production (woolworks)')
    const space = await labelled('spaces', 'sandbox')
    expect(clone.summary({ app: 'x', name: 'shop-2', space }).to).toBe('shop-2 in sandbox (woolworks-partners)')
  })

  test('the environment and the lifecycle of an app are read verbatim, because they are sent on', async () => {
    const verbatim: string[] = []
    const get: Api['get'] = (path, schema, options) => {
      if (options?.isVerbatim) verbatim.push(path)
      return api.get(path, schema, options)
    }
    const params = await cloneOf('shop-api')
    await clone.steps[0].run({ ...api, get }, params, null, attempt())
    expect(verbatim).toEqual([`/v3/apps/${params.app}`, `/v3/apps/${params.app}/environment_variables`])
  })

  test('a copy says what is overwritten and interrupted, and a long name hides neither', () => {
    const target = `${'shop '.repeat(60)}in production (woolworks)`
    const restarted = copyBits.preview({ restart: true }, { target })
    expect(restarted.warning).toMatch(/^The code of shop .{1,80} is overwritten\.$/)
    expect(restarted.downtime).toMatch(/^shop .{1,80} restarts, with a short interruption\.$/)
    expect(copyBits.preview({ restart: false }, { target })).not.toHaveProperty('downtime')
  })

  test('the sentences name what was chosen, and never a whole GUID', () => {
    const ids = { app: NOBODY, space: NOBODY, target: NOBODY, name: 'shop-api-2' }
    expect(clone.summary(ids)).toEqual({ from: '…ffff', to: 'shop-api-2 in …ffff' })
    expect(copyBits.summary(ids)).toEqual({ from: '…ffff', to: '…ffff' })
    expect(copyBits.preview({}, ids).warning).toBe('The code of …ffff is overwritten.')
    expect(copyBits.preview({}, ids).notCopied).toContain('registry passwords of Docker images')
  })
})
