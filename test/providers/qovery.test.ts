import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { JWT, startQovery } from '../../sandbox/providers/qovery.js'
import { COMMIT, LABS, newId } from '../../sandbox/providers/qovery-world.js'
import type { Simulator } from '../../sandbox/providers/simulator.js'
import { ConnectionError, TemporaryError, UserError } from '../../src/errors.js'
import { createApi } from '../../src/providers/http.js'
import { type Api, operationOf, type Ref } from '../../src/providers/provider.js'
import { qovery } from '../../src/providers/qovery.js'
import { altered, counting, inLists, oddRows, oddValues, withKey } from '../helpers/altered.js'
import { observed } from '../helpers/observed.js'
import { type PlainOperation, plainOperation } from '../helpers/plain-refs.js'
import { describeProvider, type Pick } from './contract.js'
import { many } from './many/qovery.js'
import { pollRemoval, startRemoval } from './removals.js'

const NOBODY = 'ffffffff-ffff-4fff-8fff-ffffffffffff'
const SHOP_API = 'shop-api (Shop / production)'
const DAY_MS = 24 * 60 * 60 * 1000

const serviceParams = async (pick: Pick) => ({
  service: await pick('services', SHOP_API),
  environment: await pick('environments', 'staging (Shop)'),
  name: 'shop-api-2',
})
const environmentParams = async (pick: Pick) => ({
  environment: await pick('environments', 'staging (Shop)'),
  project: await pick('projects', 'Internal'),
  name: 'staging-2',
})

describeProvider(qovery, {
  start: startQovery,
  many,
  failure: 'cloned, but the build failed',
  operations: {
    clone: {
      params: serviceParams,
      summary: { from: SHOP_API, to: 'shop-api-2 in staging (Shop)' },
      source: { field: 'service', name: / \(\S+ \/ \S+\)$/ },
      others: {
        target: async () => ({ name: 'shop-api-3' }),
        source: async (pick) => ({ service: await pick('services', 'billing (Shop / production)') }),
      },
      without: { deploy: { deploy: false } },
      watchedStep: 1,
      warnings: ['Production variables and secrets are copied from shop-api of production to staging.'],
      refused: [
        { status: 404, params: async (pick) => ({ ...(await serviceParams(pick)), service: `application/${NOBODY}` }) },
        { status: 404, params: async (pick) => ({ ...(await serviceParams(pick)), environment: NOBODY }) },
        { status: 409, params: async (pick) => ({ ...(await serviceParams(pick)), name: 'shop-api' }) },
      ],
    },
    'clone-environment': {
      params: environmentParams,
      summary: { from: 'staging (Shop)', to: 'staging-2 in Internal' },
      source: { field: 'environment', name: / \(\S+\)$/ },
      others: {
        target: async () => ({ name: 'staging-3' }),
        source: async (pick) => ({ environment: await pick('environments', 'production (Shop)') }),
      },
      without: { deploy: { deploy: false } },
      watchedStep: 1,
      refused: [
        { status: 404, params: async (pick) => ({ ...(await environmentParams(pick)), environment: NOBODY }) },
        { status: 404, params: async (pick) => ({ ...(await environmentParams(pick)), cluster: NOBODY }) },
        { status: 404, params: async (pick) => ({ ...(await environmentParams(pick)), project: NOBODY }) },
        { status: 409, params: async (pick) => ({ ...(await environmentParams(pick)), name: 'tools' }) },
      ],
    },
  },
})

describe('Qovery', () => {
  let clock: number
  let simulator: Simulator
  let api: Api

  const connect = (more: Record<string, unknown> = {}) =>
    createApi('qovery-prod', qovery.client(qovery.connection.parse({ ...simulator.connection, ...more })), 1)

  beforeEach(async () => {
    clock = Date.UTC(2026, 7, 21)
    simulator = await startQovery({ now: () => clock, cloneMs: 10_000 })
    api = connect()
  })

  afterEach(() => simulator.close())

  const operations = {
    clone: plainOperation(qovery, 'clone'),
    environment: plainOperation(qovery, 'clone-environment'),
  }

  function deployStep({ steps }: PlainOperation) {
    const [, step] = steps
    if (!step) throw new Error('There is no second step.')
    return step
  }

  const pick: Pick = async (picker, label) => {
    const found = (await qovery.pickers[picker]?.(api, {}))?.find((option) => option.label === label)
    return found?.value ?? `no ${label}`
  }

  async function paramsOf(more: Record<string, unknown> = {}, of = operations.clone) {
    const given = of === operations.clone ? await serviceParams(pick) : await environmentParams(pick)
    return of.fields.parse({ ...given, ...more }) as Record<string, unknown>
  }

  const attempt = (atMs = clock) => ({
    job: 'k7f3q',
    since: new Date(atMs - 1_000),
    baseline: '',
    tries: 1,
    searchedForMs: 0,
    now: clock,
  })

  async function cloned(more: Record<string, unknown> = {}, of = operations.clone) {
    const params = await paramsOf(more, of)
    const ref = await of.steps[0].run(api, params, null, attempt())
    return { params, ref }
  }

  async function deployed(more: Record<string, unknown> = {}, of = operations.clone) {
    const { params, ref } = await cloned(more, of)
    return { params, before: ref, ref: await deploy({ params, ref }, of) }
  }

  const deploy = ({ params, ref }: Awaited<ReturnType<typeof cloned>>, of = operations.clone) =>
    deployStep(of).run(api, params, ref, attempt())

  /** A deployment that is not ours, such as one that a push to the repository set off. */
  const deployElsewhere = (ref: Ref) => api.post(`/${ref.kind}/${ref.id}/deploy`, z.unknown())

  const poll = (...refs: Ref[]) => observed(operations.clone.steps[0].check(api, refs, clock))
  const serviceOf = (kind: string) => {
    const labels = { database: 'shop-db', container: 'shop-web', helm: 'search', job: 'reports', terraform: 'network' }
    return pick('services', `${labels[kind as keyof typeof labels] ?? 'shop-api'} (Shop / production)`)
  }
  const lastWrite = () => simulator.writes().at(-1)
  const callsOf = async (action: () => Promise<unknown>) => {
    const before = simulator.requests()
    await action()
    return simulator.requests() - before
  }

  describe('where the vendor page and the server differ', () => {
    test.each([
      ['qov_sandbox_1', 'Token qov_sandbox_1'],
      [JWT, `Bearer ${JWT}`],
      ['eyJust-a-word', 'Token eyJust-a-word'],
      ['Bearer opaque', 'Bearer opaque'],
    ])('the token %s is sent as "%s"', (token, header) => {
      const { headers } = qovery.client(qovery.connection.parse({ token }))
      expect(headers.authorization).toBe(header)
    })

    test("doesn't send an API token as Bearer, which is refused", async () => {
      expect(await qovery.pickers.projects?.(api, {})).not.toEqual([])
      const asBearer = connect({ token: `Bearer ${simulator.connection.token}` })
      await expect(qovery.pickers.projects?.(asBearer, {})).rejects.toMatchObject({ status: 401 })
    })

    test.each(['Token qov_bare_4711', 'Bearer opaque_4711', 'qov_bare_4711'])(
      'the token of "%s" is not shown when the server quotes it without its scheme',
      async (token) => {
        const server = createServer((request, response) => {
          const detail = `Unknown token ${request.headers.authorization?.split(' ')[1]}!`
          response.writeHead(401).end(JSON.stringify({ status: 401, error: 'Unauthorized', detail }))
        })
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
        const failure = await qovery.pickers.projects?.(connect({ url, token }), {}).then(
          () => 'It was let in.',
          (error: Error) => error.message,
        )
        server.closeAllConnections()
        server.close()
        expect(failure).toMatch(/It says: Unknown token •+!$/)
      },
    )

    test('a clone exists at once, and never runs without a deploy call', async () => {
      const params = await paramsOf({ deploy: false })
      const written = await operationOf(qovery, 'clone')?.steps[0].run(api, params, null, attempt())
      expect(deployStep(operations.clone).when?.(params)).toBe(false)
      clock += DAY_MS
      expect(written).toMatchObject({ ended: 'done', detail: 'cloned, not deployed', consoleUrl: expect.any(String) })
      expect(simulator.table().rows.find(([name]) => name === 'shop-api-2')?.[3]).toBe('READY')
    })

    test('an error shows its detail, or without a body its status', async () => {
      const taken = paramsOf({ service: `job/${NOBODY}` })
      await expect(operations.clone.steps[0].run(api, await taken, null, attempt())).rejects.toThrow(
        'qovery-prod: Job not found',
      )
      simulator.setSwitch('empty-errors', true)
      await expect(operations.clone.steps[0].run(api, await taken, null, attempt())).rejects.toThrow(
        /^qovery-prod answered 404 Not Found to POST /,
      )
    })

    test('403 may mean not found, and so may a 400', async () => {
      const params = await paramsOf({ service: `job/${NOBODY}` })
      simulator.setSwitch('hide-missing', true)
      const hidden = operations.clone.steps[0].run(api, params, null, attempt())
      await expect(hidden).rejects.toThrow(/doesn't exist, or this connection's token has no access to it/)
      await expect(hidden).rejects.toBeInstanceOf(ConnectionError)
      simulator.setSwitch('hide-missing', false)
      simulator.setSwitch('missing-is-400', true)
      await expect(operations.clone.steps[0].run(api, params, null, attempt())).rejects.toMatchObject({ status: 404 })
    })

    test('409 says "in progress": the name is looked up to tell why', async () => {
      const params = await paramsOf()
      simulator.setSwitch('busy', true)
      const busy = operations.clone.steps[0].run(api, params, null, attempt())
      await expect(busy).rejects.toThrow(
        "qovery-prod: Qovery is busy with another operation there. It says: Operation is in progress. Nothing was cloned. Try again when it's done.",
      )
      await expect(busy).rejects.toMatchObject({ status: 409, name: 'UserError' })
      expect(simulator.writes()).toHaveLength(1)
    })

    test('tells a name that is taken just before the call from work in progress', async () => {
      const params = await paramsOf()
      let lists = 0
      const overtaken: Api = {
        ...api,
        get: async (path, schema) => {
          const answer = await api.get(path, schema)
          if (path.endsWith('/application') && ++lists === 1) await cloned()
          return answer
        },
      }
      const late = operations.clone.steps[0].run(overtaken, params, null, attempt())
      await expect(late).rejects.toThrow('The name shop-api-2 is taken there. Choose another one.')
    })

    test.each(['application', 'container', 'database', 'helm', 'job', 'terraform'])(
      'a %s has a clone endpoint of its own',
      async (kind) => {
        const service = await serviceOf(kind)
        const { ref } = await cloned({ service, name: 'dolly' })
        expect(lastWrite()).toMatchObject({
          path: `/${service}/clone`,
          body: { name: 'dolly', environment_id: await pick('environments', 'staging (Shop)') },
          status: 202,
        })
        expect(ref).toMatchObject({ kind })
      },
    )

    test('the seventh endpoint clones an environment, with cluster, mode, rule and project', async () => {
      const cluster = await pick('clusters', 'woolworks-us')
      const more = { cluster, mode: 'PREVIEW', applyDeploymentRule: true }
      const { params, ref } = await cloned(more, operations.environment)
      expect(lastWrite()).toMatchObject({
        path: `/environment/${params.environment}/clone`,
        body: {
          ...{ name: 'staging-2', project_id: params.project, cluster_id: cluster, mode: 'PREVIEW' },
          apply_deployment_rule: true,
        },
      })
      await cloned({ name: 'staging-3' }, operations.environment)
      expect(lastWrite()?.body).toEqual({
        ...{ name: 'staging-3', project_id: params.project, apply_deployment_rule: false },
      })
      expect(ref.environment).toBe(ref.id)
    })

    test("doesn't offer kinds that can't be cloned or are unknown", async () => {
      const labels = ((await qovery.pickers.services?.(api, {})) ?? []).map((one) => one.label)
      expect(labels).toContain('wool-price-feed (Internal / tools)')
      expect(labels.join()).not.toMatch(/delivery|sheepdog/)
      simulator.setSwitch('new-kind', true)
      expect(await qovery.pickers.services?.(api, {})).toEqual([])
    })

    test('there is no idempotency key: never clones again onto a name that is there', async () => {
      await cloned()
      await expect(cloned()).rejects.toMatchObject({ status: 409 })
      expect(simulator.writes()).toHaveLength(1)
    })
  })

  describe('its deployments', () => {
    test.each([
      ['application', { git_commit_id: COMMIT }],
      ['container', { image_tag: '2.14.0' }],
      ['database', undefined],
      ['helm', { git_commit_id: COMMIT }],
      ['job', { git_commit_id: COMMIT }],
      ['terraform', { git_commit_id: COMMIT }],
    ])('deploys a %s at the version that its source runs', async (kind, body) => {
      const { ref } = await deployed({ service: await serviceOf(kind), name: 'dolly', applyTerraform: true })
      expect(lastWrite()).toEqual({ method: 'POST', path: `/${kind}/${ref.id}/deploy`, body, status: 202 })
    })

    test('sends the tag of a job from an image, and nothing for a source that never ran', async () => {
      await deployed({ service: await pick('services', 'invoices (Shop / production)'), name: 'invoices-2' })
      expect(lastWrite()?.body).toEqual({ image_tag: '2.14.0' })
      await deployed({ service: await pick('services', 'wool-price-feed (Internal / tools)'), name: 'feed-2' })
      expect(lastWrite()).toMatchObject({ body: undefined, status: 202 })
    })

    test('deploys even if the source was deleted meanwhile', async () => {
      const { params, ref } = await cloned()
      await api.delete(`/${params.service}`, z.unknown())
      clock += 5_000
      await deployStep(operations.clone).run(api, params, ref, attempt())
      expect(lastWrite()).toMatchObject({ path: `/application/${ref.id}/deploy`, body: undefined })
    })

    test('deploys an environment as a whole', async () => {
      const { ref } = await deployed({}, operations.environment)
      expect(lastWrite()).toMatchObject({ path: `/environment/${ref.id}/deploy`, body: undefined, status: 202 })
      expect(await poll(ref)).toMatchObject([{ phase: 'working', detail: 'deployment queued' }])
      clock += 10_000
      expect((await poll(ref))[0]?.phase).toBe('done')
    })

    test('Terraform is deployed only when both are ticked', async () => {
      const service = await serviceOf('terraform')
      const { when } = deployStep(operations.clone)
      const answers = async (deploy: boolean, applyTerraform: boolean) =>
        when?.(await paramsOf({ service, deploy, applyTerraform }))
      expect(await answers(true, false)).toBe(false)
      expect(await answers(false, true)).toBe(false)
      expect(await answers(true, true)).toBe(true)
      const params = await paramsOf({ service, name: 'network-2' })
      const written = await operationOf(qovery, 'clone')?.steps[0].run(api, params, null, attempt())
      expect(written).toMatchObject({ ended: 'done', detail: 'cloned, not deployed' })
    })

    test('polls Terraform, which has no status call of its own', async () => {
      const { ref } = await deployed({ service: await serviceOf('terraform'), name: 'network-2', applyTerraform: true })
      expect((await poll(ref))[0]?.phase).toBe('working')
      clock += 10_000
      expect((await poll(ref))[0]?.phase).toBe('done')
    })

    test('clones and deploys an environment with Terraform only if that is ticked', async () => {
      const environment = await pick('environments', 'production (Shop)')
      const unasked = cloned({ environment }, operations.environment)
      await expect(unasked).rejects.toMatchObject({ name: 'UserError', field: 'applyTerraform' })
      await expect(unasked).rejects.toThrow(/contains Terraform \(network\)/)
      expect(simulator.writes()).toEqual([])
      await cloned({ environment, deploy: false }, operations.environment)
      await cloned({ environment, applyTerraform: true, name: 'staging-3' }, operations.environment)
      expect(simulator.writes()).toHaveLength(2)
    })

    test("an earlier deployment's end isn't taken for the end of ours, however long it stays", async () => {
      const { params, ref: before } = await cloned()
      await deployElsewhere(before)
      clock += 10_000
      simulator.setSwitch('stale-status', true)
      const ref = await deployStep(operations.clone).run(api, params, before, attempt())
      expect(simulator.writes()).toHaveLength(3)
      expect(await poll(ref)).toMatchObject([{ phase: 'working', detail: 'waiting for the deployment to start' }])
      simulator.setSwitch('no-request-ids', true)
      expect((await poll(ref))[0]?.phase).toBe('working')
      clock += 5_000
      expect(await poll(ref)).toMatchObject([{ phase: 'working', detail: 'building' }])
      clock += 5_000
      expect((await poll(ref))[0]?.phase).toBe('done')
    })

    test("an earlier failure isn't taken for ours", async () => {
      const { params, ref: before } = await cloned()
      simulator.setSwitch('fail-next', true)
      await deployElsewhere(before)
      clock += 10_000
      simulator.setSwitch('stale-status', true)
      const ref = await deployStep(operations.clone).run(api, params, before, attempt())
      expect((await poll(ref))[0]?.phase).toBe('working')
      clock += 10_000
      expect((await poll(ref))[0]?.phase).toBe('done')
    })

    test.each([true, false])('a later deployment by somebody else ends the wait too (%s)', async (isFailing) => {
      const { ref } = await deployed()
      clock += 5_000
      simulator.setSwitch('fail-next', isFailing)
      await deployElsewhere(ref)
      clock += 10_000
      expect((await poll(ref))[0]?.phase).toBe(isFailing ? 'failed' : 'done')
    })

    test("an end without a date doesn't keep the job waiting", async () => {
      const undated: Api = {
        ...api,
        get: (path, schema) =>
          api
            .get(path, z.unknown())
            .then((body) => z.parse(schema, JSON.parse(JSON.stringify(body).replaceAll('last_deployment_date', 'x')))),
      }
      const { params, ref: before } = await cloned()
      await deployElsewhere(before)
      clock += 10_000
      const ref = await deployStep(operations.clone).run(undated, params, before, attempt())
      clock += 10_000
      expect((await observed(operations.clone.steps[0].check(undated, [ref], clock)))[0]?.phase).toBe('done')
    })

    test('deploys a clone that was never deployed, whatever request it names', async () => {
      const { params, ref } = await cloned()
      const named: Api = {
        ...api,
        get: (path, schema) =>
          api.get(path, z.unknown()).then((body) => {
            const text = JSON.stringify(body).replaceAll(
              '"deployment_request_id":null',
              `"deployment_request_id":"${NOBODY}"`,
            )
            return z.parse(schema, JSON.parse(text))
          }),
      }
      const step = deployStep(operations.clone)
      expect(await step.find?.(named, params, ref, attempt())).toBeNull()
      await step.run(named, params, ref, attempt())
      expect(lastWrite()).toMatchObject({ path: `/application/${ref.id}/deploy`, status: 202 })
    })

    test("READY doesn't end a first deployment", async () => {
      simulator.setSwitch('stale-status', true)
      const { ref } = await deployed()
      expect(await poll(ref)).toMatchObject([{ phase: 'working', detail: 'waiting for the deployment to start' }])
    })

    test('waits half a minute before a lost deploy call counts as absent', () => {
      for (const one of Object.values(qovery.operations)) {
        for (const step of one.steps) expect(step.absentAfterMs).toBe(30_000)
      }
    })

    test('adopts a deployment under way instead of requesting another, with or without its ID', async () => {
      const { params, ref } = await cloned()
      const step = deployStep(operations.clone)
      await step.run(api, params, ref, attempt())
      simulator.setSwitch('no-request-ids', true)
      const written = simulator.writes().length
      clock += 1_000
      expect(await step.run(api, params, ref, attempt())).toEqual(ref)
      expect(await step.find?.(api, params, ref, attempt())).toEqual(ref)
      expect(simulator.writes()).toHaveLength(written)
    })

    test("an old deployment isn't taken for a lost one", async () => {
      const { params, before } = await deployed()
      clock += 10_000
      const { find } = deployStep(operations.clone)
      expect(await find?.(api, params, before, attempt())).not.toBeNull()
      clock += DAY_MS
      expect(await find?.(api, params, before, attempt())).toBeNull()
    })

    test('tries a deploy call later if another operation is in progress', async () => {
      const { params, ref } = await cloned()
      simulator.setSwitch('busy', true)
      const busy = deployStep(operations.clone).run(api, params, ref, attempt())
      await expect(busy).rejects.toMatchObject({ name: 'TemporaryError', mayHaveHappened: false })
      await expect(busy).rejects.toBeInstanceOf(TemporaryError)
      await expect(busy).rejects.toThrow(/busy with another operation there\. It says: Operation is in progress$/)
      simulator.setSwitch('empty-errors', true)
      const wordless = deployStep(operations.clone).run(api, params, ref, attempt())
      await expect(wordless).rejects.toThrow(/busy with another operation there\.$/)
    })

    test('neither deploys nor searches a clone that was deleted', async () => {
      const { params, ref } = await cloned()
      await startRemoval(operations.clone, api, ref)
      clock += 5_000
      const step = deployStep(operations.clone)
      await expect(step.find?.(api, params, ref, attempt())).rejects.toBeInstanceOf(UserError)
      await expect(step.run(api, params, ref, attempt())).rejects.toThrow('deleted before it was deployed')
    })

    test('says that a deployment was canceled', async () => {
      simulator.setSwitch('cancel-next', true)
      const { ref } = await deployed()
      clock += 10_000
      expect(await poll(ref)).toMatchObject([
        { phase: 'failed', detail: 'cloned, but the deployment was cancelled', consoleUrl: ref.console },
      ])
    })
  })

  describe('its states', () => {
    const clone = {
      kind: 'application',
      id: NOBODY,
      environment: LABS,
      console: 'https://console',
    }

    /** What one poll says of a service in this state, of which the rest is as after a first deployment. */
    async function observe(state: string, more: Record<string, unknown> = {}) {
      const lists = { containers: [], databases: [], helms: [], jobs: [], terraforms: [], agentic_workflows: 'new' }
      const body = { ...lists, environment: { id: LABS, state }, applications: [{ id: NOBODY, state, ...more }] }
      const get: Api['get'] = async (path, schema) =>
        z.parse(schema, path.endsWith('/link') ? { results: [] } : JSON.parse(JSON.stringify(body)))
      return (await observed(operations.clone.steps[0].check({ ...api, get }, [clone], clock)))[0]
    }

    const working = [
      ...['QUEUED', 'DEPLOYMENT_QUEUED', 'BUILDING', 'DEPLOYING', 'EXECUTING', 'WAITING_RUNNING', 'RESTART_QUEUED'],
      ...['RESTARTING', 'WAITING_RESTARTING', 'STOP_QUEUED', 'STOPPING', 'WAITING_STOPPING', 'DELETE_QUEUED'],
      ...['DELETING', 'WAITING_DELETING', 'CANCELING', 'RECAP', 'UNAVAILABLE', 'READY'],
    ]
    const done = ['DEPLOYED', 'RESTARTED']
    const failed = [
      ...['BUILD_ERROR', 'DEPLOYMENT_ERROR', 'RESTART_ERROR', 'STOP_ERROR', 'DELETE_ERROR'],
      ...['CANCELED', 'STOPPED', 'DELETED'],
    ]

    test('are 29', () => expect(new Set([...working, ...done, ...failed]).size).toBe(29))

    test.each([
      ...working.map((state) => [state, 'working']),
      ...done.map((state) => [state, 'done']),
      ...failed.map((state) => [state, 'failed']),
      ['SHEARING', 'working'],
      ['SHEARING_QUEUED', 'working'],
    ])('%s is %s', async (state, phase) => {
      expect((await observe(state))?.phase).toBe(phase)
    })

    test('are shown in words, and an unknown one as it is', async () => {
      expect((await observe('WAITING_RUNNING'))?.detail).toBe('waiting running')
      expect((await observe('SHEARING_QUEUED'))?.detail).toBe('SHEARING_QUEUED')
      expect((await observe('STOP_ERROR'))?.detail).toBe('cloned, but stopping it failed')
    })
  })

  describe('its polls', () => {
    test('take one call per environment for all jobs of both operations', async () => {
      expect(new Set(Object.values(qovery.operations).flatMap((one) => one.steps.map((step) => step.check))).size).toBe(
        1,
      )
      const one = await deployed()
      const two = await deployed({ name: 'shop-api-3' })
      const three = await deployed({ service: await serviceOf('database'), name: 'shop-db-2' })
      const four = await deployed({ name: 'staging-9' }, operations.environment)
      expect(await callsOf(() => poll(one.ref, two.ref, three.ref, one.ref))).toBe(1)
      expect(await callsOf(() => poll(one.ref, four.ref))).toBe(2)
      clock += 10_000
      // And one more for the addresses of all that has just ended.
      expect(await callsOf(() => poll(one.ref, two.ref, three.ref))).toBe(2)
    })

    test('end with the public address, and the console beside it', async () => {
      const { ref } = await deployed()
      clock += 10_000
      const [end] = await poll(ref)
      expect(end?.url).toMatch(/^https:\/\/z[0-9a-f]+\.woolworks\.example$/)
      expect(end?.consoleUrl).toBe(ref.console)
      // The thread shows buttons and no wall of addresses; the others are on its page in the console.
      expect(end?.detail).toBeUndefined()
      const organization = simulator.connection.organization
      expect(ref.console).toBe(
        `https://console.qovery.com/organization/${organization}/project/${newId(2, 1)}/environment/${newId(4, 2)}/service/${ref.id}/overview`,
      )
    })

    test('end with the console where there is no public address, or no list of them', async () => {
      const { ref } = await deployed({ service: await serviceOf('database'), name: 'shop-db-2' })
      const web = await deployed()
      clock += 10_000
      expect(await poll(ref)).toEqual([{ phase: 'done', consoleUrl: ref.console }])
      const get: Api['get'] = (path, schema) => {
        return path.endsWith('/link') ? Promise.reject(new Error('down')) : api.get(path, schema)
      }
      const found = await observed(operations.clone.steps[0].check({ ...api, get }, [web.ref], clock))
      expect(found).toEqual([{ phase: 'done', consoleUrl: web.ref.console }])
    })

    test('end an environment with the main address in it', async () => {
      const { ref } = await deployed({}, operations.environment)
      expect(ref.console).toMatch(new RegExp(`/project/${newId(2, 2)}/environment/${ref.id}/overview$`))
      clock += 10_000
      const [end] = await poll(ref)
      expect(end).toMatchObject({ url: expect.stringMatching(/^https:\/\/z/), consoleUrl: ref.console })
    })

    test('report a deleted clone as failed, with its environment or without', async () => {
      const { ref } = await deployed()
      const gone = [{ phase: 'failed', detail: 'the clone was deleted', consoleUrl: ref.console }]
      await startRemoval(operations.clone, api, ref)
      expect((await poll(ref))[0]).toMatchObject({ phase: 'working', detail: 'deleting' })
      clock += 5_000
      expect(await poll(ref)).toEqual(gone)
      expect(await poll({ ...ref, environment: NOBODY })).toEqual(gone)
    })

    test('report a hidden environment as an error of its own jobs only', async () => {
      const good = await deployed()
      simulator.setSwitch('one-broken', true)
      const home = await pick('environments', 'tools (Internal)')
      const broken = await deploy(await cloned({ environment: home }))
      const late = await deploy(await cloned({ name: 'shop-api-3' }))
      const observations = await operations.clone.steps[0].check(api, [broken, good.ref, broken, late], clock)
      const hidden = expect.objectContaining({
        name: 'ConnectionError',
        message: expect.stringMatching(/^qovery-prod: .*no access to it \(403\)\. Access is denied$/),
      })
      const working = expect.objectContaining({ phase: 'working', detail: 'deployment queued' })
      expect(observations).toEqual([hidden, working, hidden, working])
    })

    test('link only addresses that Slack accepts', async () => {
      const { ref } = await deployed()
      clock += 10_000
      const linked = async (...urls: string[]) => {
        const results = urls.map((url, at) => ({ service_id: ref.id, url, is_default: at === 0 }))
        const get: Api['get'] = async (path, schema) =>
          path.endsWith('/link') ? z.parse(schema, { results }) : await api.get(path, schema)
        return (await observed(operations.clone.steps[0].check({ ...api, get }, [ref], clock)))[0]
      }
      expect(await linked('https://shop.example/admin/~me')).toMatchObject({ url: 'https://shop.example/admin/~me' })
      for (const url of [
        ...[
          'https:',
          'https://',
          'http://shop.example',
          'https://shop',
          'https://shop..example',
          'https://a b.example',
        ],
        ...[
          'https://u:p@shop.example',
          'https://shop.example/?key=1',
          'https://shop.example/<!channel>',
          'javascript:1',
        ],
        `https://shop.example/${'x'.repeat(3_000)}`,
      ]) {
        expect(await linked(url)).toEqual({ phase: 'done', consoleUrl: ref.console })
        expect(await linked(url, 'https://shop.example')).toMatchObject({ url: 'https://shop.example' })
      }
    })
  })

  describe('its organization', () => {
    test('need not be named when the token sees only one', async () => {
      const options = await qovery.pickers.services?.(connect({ organization: undefined }), {})
      expect(options).toEqual(await qovery.pickers.services?.(api, {}))
    })

    test('must be named when the token sees several', async () => {
      const unnamed = connect({ token: JWT, organization: undefined })
      const asked = qovery.pickers.services?.(unnamed, {})
      await expect(asked).rejects.toBeInstanceOf(ConnectionError)
      await expect(asked).rejects.toThrow(/Name one organization in dolly.yml.*Woolworks \(.*Woolworks Labs \(/)
      const labels = async (organization: string) =>
        (await qovery.pickers.projects?.(connect({ token: JWT, organization }), {}))?.map((one) => one.label)
      expect(await labels(LABS)).toEqual(['Felting'])
      expect(await labels(String(simulator.connection.organization))).toEqual(['Shop', 'Internal'])
    })

    test('must be an ID', () => {
      const wrong = qovery.connection.safeParse({ token: 'qov_1', organization: 'Woolworks' })
      expect(wrong.error?.issues[0]?.message).toBe("must be the ID after /organization/ in the console's address")
    })

    test('is read once for all its services', async () => {
      expect(await callsOf(async () => await qovery.pickers.services?.(api, {}))).toBe(1)
    })
  })

  describe('its form', () => {
    test.each([
      ['name', 'Shop API', 'Use 1 to 63 letters, digits or hyphens.'],
      ['name', 'x'.repeat(64), 'Use 1 to 63 letters, digits or hyphens.'],
      ['service', NOBODY, 'Choose from the list, or type kind and ID'],
      ['service', `argocd_app/${NOBODY}`, 'Choose from the list, or type kind and ID'],
      ['environment', 'staging', 'Choose from the list, or paste an ID'],
    ])('explains a wrong %s in plain words', async (field, value, message) => {
      const issues = operations.clone.fields.safeParse({ ...(await paramsOf()), [field]: value }).error?.issues
      expect(issues?.[0]).toMatchObject({ path: [field], message: expect.stringContaining(message) })
    })

    test('locks names as Qovery does: by kind in an environment, by name in a project, ignoring case', async () => {
      const { lock } = operations.clone
      const base = await paramsOf()
      expect(lock(await paramsOf({ name: ' SHOP-api-2 ', environment: String(base.environment).toUpperCase() }))).toBe(
        lock(base),
      )
      expect(lock(await paramsOf({ service: await pick('services', 'billing (Shop / production)') }))).toBe(lock(base))
      expect(lock(await paramsOf({ service: await serviceOf('job') }))).not.toBe(lock(base))
      const environment = await paramsOf({}, operations.environment)
      const other = await paramsOf({ environment: newId(4, 1) }, operations.environment)
      expect(operations.environment.lock(other)).toBe(operations.environment.lock(environment))
      expect(operations.environment.lock({ ...other, project: NOBODY })).not.toBe(operations.environment.lock(other))
    })

    test('the last page says what depends on the answers', async () => {
      const preview = async (more: Record<string, unknown>) =>
        operations.clone.preview(await paramsOf(more), { service: SHOP_API })
      const terraform = await serviceOf('terraform')
      expect((await preview({})).copied).toMatch(/automatic deployment.*Then it is deployed with the commit or tag/)
      expect((await preview({ deploy: false })).copied).toMatch(/It isn't deployed\.$/)
      expect((await preview({ service: terraform })).copied).toMatch(/tick "Apply Terraform" too for that\.$/)
      expect(await preview({ service: terraform })).not.toHaveProperty('warning')
      expect((await preview({ service: terraform, applyTerraform: true })).warning).toMatch(/real infrastructure/)
      expect((await preview({ service: await serviceOf('helm') })).notCopied).toMatch(/public access/)
      const whole = operations.environment.preview(await paramsOf({}, operations.environment), {})
      expect(whole.notCopied).toBe('The data of databases and volumes, and custom domains.')
      expect(operations.environment.preview({ ...whole, deploy: true, applyTerraform: true }, {}).warning).toBeDefined()
    })

    test('the sentences name what was chosen', () => {
      const names = { service: SHOP_API, environment: 'staging (Shop)', name: 'shop-api-2', project: 'Internal' }
      expect(operations.clone.summary(names)).toEqual({ from: SHOP_API, to: 'shop-api-2 in staging (Shop)' })
      expect(operations.environment.summary(names)).toEqual({ from: 'staging (Shop)', to: 'shop-api-2 in Internal' })
    })

    test('a chosen cluster is part of the target’s name, so that a rule can protect it', () => {
      const names = { environment: 'staging (Shop)', name: 'shop-2', project: 'Internal', cluster: 'woolworks-us' }
      expect(operations.environment.summary(names).to).toBe('shop-2 in Internal on woolworks-us')
    })

    test('labels tell equal names apart', async () => {
      const services = (await qovery.pickers.services?.(api, {})) ?? []
      expect(services.filter((one) => one.label.startsWith('shop-api ')).map((one) => one.label)).toEqual([
        SHOP_API,
        'shop-api (Shop / staging)',
      ])
      expect(services[0]).toMatchObject({ value: `application/${newId(5, 1)}`, description: 'application' })
      expect((await qovery.pickers.environments?.(api, {}))?.[0]?.description).toBe('production')
      expect((await qovery.pickers.clusters?.(api, {}))?.[1]?.description).toBe('us-east-1')
    })
  })

  describe('validation of its forms', () => {
    const validate = async (more: Record<string, unknown> = {}, of = operations.clone, via = api) =>
      await of.validate?.(via, await paramsOf(more, of))
    const production = 'production (Shop)'

    test('accepts what Qovery will accept, and the default answers warn of nothing', async () => {
      const service = await pick('services', 'shop-api (Shop / staging)')
      expect(await validate({ service })).toEqual({ errors: {}, warnings: [] })
      expect(await validate({}, operations.environment)).toEqual({ errors: {}, warnings: [] })
      expect(operations.environment.preview(await paramsOf({}, operations.environment), {})).not.toHaveProperty(
        'warning',
      )
      expect(simulator.writes()).toEqual([])
    })

    test.each([' SHOP-api ', 'shop-api'])('reports that the name "%s" is taken, whatever its case', async (name) => {
      expect((await validate({ name }))?.errors).toEqual({
        name: 'The name shop-api is taken there. Choose another one.',
      })
      // Names are unique for each kind by itself.
      expect((await validate({ name, service: await serviceOf('container') }))?.errors).toEqual({})
    })

    test('reports that the project has an environment of that name', async () => {
      const errors = { name: 'The name tools is taken there. Choose another one.' }
      expect((await validate({ name: 'Tools' }, operations.environment))?.errors).toEqual(errors)
    })

    test('requires "Apply Terraform" at its own field, like the clone itself', async () => {
      const environment = await pick('environments', production)
      const errorsOf = async (more: object) =>
        (await validate({ environment, ...more }, operations.environment))?.errors
      expect(await errorsOf({})).toEqual({
        applyTerraform: 'It contains Terraform (network). Tick "Apply Terraform" too, or clone without deploying.',
      })
      expect(await errorsOf({ deploy: false })).toEqual({})
      expect(await errorsOf({ applyTerraform: true })).toEqual({})
      expect(await validate({}, operations.environment)).toMatchObject({ errors: {} })
    })

    test.each(oddRows)('counts a row of %s in the list of Terraform as Terraform', async (_, make) => {
      const odd = altered(api, (body, path) =>
        path.endsWith('/terraform') ? { results: [make({ name: 'x' })] } : body,
      )
      expect((await validate({}, operations.environment, odd))?.errors).toHaveProperty('applyTerraform')
      const params = await paramsOf({}, operations.environment)
      const run = operations.environment.steps[0].run(odd, params, null, attempt())
      await expect(run).rejects.toMatchObject({ name: 'UserError', field: 'applyTerraform' })
    })

    test('reports an organization that may not deploy, if something will be deployed', async () => {
      simulator.setSwitch('unpaid', true)
      const deploy =
        'Qovery deploys nothing for this organization until its billing is settled. Clone without deploying for now.'
      for (const of of Object.values(operations)) {
        expect((await validate({}, of))?.errors).toEqual({ deploy })
        expect((await validate({ deploy: false }, of))?.errors).toEqual({})
      }
      expect((await validate({ service: await serviceOf('terraform'), name: 'network-2' }))?.errors).toEqual({})
    })

    test('warns what of production goes where, by name', async () => {
      const [staging, home] = [await pick('environments', 'staging (Shop)'), await pick('environments', production)]
      const warnings = async (more: object, of = operations.clone) =>
        (await validate({ name: 'dolly', ...more }, of))?.warnings
      expect(await warnings({ environment: staging })).toEqual([
        'Production variables and secrets are copied from shop-api of production to staging.',
      ])
      const joins = 'production is a production environment: the clone joins what is live there.'
      expect(await warnings({ environment: home })).toEqual([joins])
      expect(
        await warnings({ environment: home, service: await pick('services', 'shop-api (Shop / staging)') }),
      ).toEqual([joins])
      const whole = (more: object) => warnings({ applyTerraform: true, ...more }, operations.environment)
      expect(await whole({ environment: home })).toEqual(['dolly becomes a production environment, like production.'])
      expect(await whole({ environment: home, mode: 'STAGING' })).toEqual([
        'Production variables and secrets are copied from production to dolly.',
      ])
      expect(await whole({ environment: staging, mode: 'PRODUCTION' })).toEqual([
        'dolly becomes a production environment.',
      ])
      expect(await whole({ environment: staging })).toEqual([])
    })

    test.each([
      ['service', { service: `application/${NOBODY}` }, operations.clone, 'qovery-prod: Application not found'],
      ['environment', { environment: NOBODY }, operations.clone, 'qovery-prod: Environment not found'],
      ['environment', { environment: NOBODY }, operations.environment, 'qovery-prod: Environment not found'],
      ['project', { project: NOBODY }, operations.environment, 'qovery-prod: Project not found'],
      ['cluster', { cluster: NOBODY }, operations.environment, 'There is no such cluster in this organization.'],
    ])("reports a %s that doesn't exist (%#)", async (field, more, of, sentence) => {
      expect((await validate(more, of))?.errors).toEqual({ [field]: sentence })
    })

    test("doesn't block the start when Qovery can't be asked, or an odd row hides the answer", async () => {
      const params = await paramsOf({ name: 'shop-api' })
      simulator.setSwitch('down', true)
      expect(await operations.clone.validate?.(api, params)).toEqual({ errors: {}, warnings: [] })
      simulator.setSwitch('down', false)
      simulator.setSwitch('odd-rows', true)
      expect((await operations.clone.validate?.(api, params))?.errors).toHaveProperty('name')
      expect((await validate({ cluster: NOBODY }, operations.environment))?.errors).not.toHaveProperty('cluster')
    })
  })

  describe('odd rows', () => {
    const listed = async (via: Api) =>
      await Promise.all(
        ['services', 'environments', 'projects', 'clusters'].map((name) => qovery.pickers[name]?.(via, {})),
      )

    test.each([...oddRows, ['no name', withKey('name')] as const])(
      "a row of %s doesn't hide the others in any list",
      async (_, make) => {
        const well = await listed(api)
        const odd = counting(
          altered(api, (body) => inLists(body, (rows) => [make({ ...rows[0] }), ...rows, make({ ...rows[0] })])),
        )
        expect(await listed(odd)).toEqual(well)
        expect(odd.skipped()).toBe(10)
      },
    )

    test("an environment without a readable project isn't offered under half its name", async () => {
      const odd = altered(api, (body, path) =>
        path.endsWith('/project')
          ? inLists(body, (rows) => rows.map((row) => (row.name === 'Shop' ? withKey('name')(row) : row)))
          : body,
      )
      expect((await qovery.pickers.environments?.(odd, {}))?.map(({ label }) => label)).toEqual(['tools (Internal)'])
    })

    test('an odd second organization counts as one', async () => {
      const odd = altered(connect({ organization: undefined }), (body, path) =>
        path === '/organization' ? inLists(body, (rows) => [...rows, null] as never) : body,
      )
      await expect(qovery.pickers.projects?.(odd, {})).rejects.toThrow('Name one organization in dolly.yml')
    })

    test('those of the simulator hide nothing, and jobs still end', async () => {
      const { baseline } = operations.clone.steps[0]
      const well = await listed(api)
      simulator.setSwitch('odd-rows', true)
      expect(await listed(api)).toEqual(well)
      expect(await baseline?.(api, await paramsOf(), null)).toBe('')
      const { ref } = await deployed()
      clock += 10_000
      expect(await poll(ref)).toMatchObject([{ phase: 'done', url: expect.stringMatching(/^https:\/\/z/) }])
    })

    test.each(oddValues)('waits for a clone whose state is %j, and others end', async (state) => {
      const [one, two] = [await deployed(), await deployed({ name: 'shop-api-3' })]
      clock += 10_000
      const odd = altered(api, (body) =>
        inLists(body, (rows) => rows.map((row) => (row.id === one.ref.id ? withKey('state', state)(row) : row))),
      )
      const observations = await observed(operations.clone.steps[0].check(odd, [one.ref, two.ref], clock))
      expect(observations).toMatchObject([{ phase: 'working', detail: 'unknown' }, { phase: 'done' }])
      const { run, find } = deployStep(operations.clone)
      const written = simulator.writes().length
      await expect(run(odd, one.params, one.before, attempt())).rejects.toBeInstanceOf(TemporaryError)
      await expect(find?.(odd, one.params, one.before, attempt())).rejects.toBeInstanceOf(TemporaryError)
      expect(simulator.writes()).toHaveLength(written)
    })

    test.each([...oddRows, ['no id', withKey('id')] as const])(
      "a clone whose status is a row of %s doesn't count as deleted, and others end",
      async (_, make) => {
        const [one, two] = [await deployed(), await deployed({ name: 'shop-api-3' })]
        clock += 10_000
        const odd = altered(api, (body) =>
          inLists(body, (rows) => rows.map((row) => (row.id === one.ref.id ? make(row) : row)) as never),
        )
        const [first, second] = await operations.clone.steps[0].check(odd, [one.ref, two.ref], clock)
        expect(first).toBeInstanceOf(TemporaryError)
        expect(second).toMatchObject({ phase: 'done' })
        const { find } = deployStep(operations.clone)
        await expect(find?.(odd, one.params, one.before, attempt())).rejects.toBeInstanceOf(TemporaryError)
      },
    )

    test("unreadable statuses of one kind of service don't keep the others waiting", async () => {
      const { ref } = await deployed()
      clock += 10_000
      const odd = altered(api, (body, path) =>
        path.endsWith('/statuses') ? { ...(body as object), terraforms: undefined, jobs: null, environment: 7 } : body,
      )
      expect(await operations.clone.steps[0].check(odd, [ref], clock)).toMatchObject([{ phase: 'done' }])
    })

    test.each([...oddRows, ['no name', withKey('name')] as const, ['no id', withKey('id')] as const])(
      'a lost clone never counts as absent while there is a new row of %s',
      async (_, make) => {
        const [step] = operations.clone.steps
        const params = await paramsOf()
        const baseline = (await step.baseline?.(api, params, null)) ?? ''
        const { ref } = await cloned()
        const odd = altered(api, (body) =>
          inLists(body, (rows) => rows.map((row) => (row.id === ref.id ? make(row) : row)) as never),
        )
        await expect(step.find?.(odd, params, null, { ...attempt(), baseline })).rejects.toBeInstanceOf(TemporaryError)
        const beside = altered(api, (body) => inLists(body, (rows) => [make({ ...rows[0] }), ...rows] as never))
        expect(await step.find?.(beside, params, null, { ...attempt(), baseline })).toEqual(ref)
      },
    )

    test("an older service without a name isn't taken for a lost clone", async () => {
      const [step] = operations.clone.steps
      const nameless = altered(api, (body) => inLists(body, (rows) => [{ id: NOBODY }, ...rows]))
      const baseline = (await step.baseline?.(nameless, await paramsOf(), null)) ?? ''
      expect(baseline).toBe(NOBODY)
      expect(await step.find?.(nameless, await paramsOf(), null, { ...attempt(), baseline })).toBeNull()
    })
  })

  test('a name that is taken stops the clone before it starts', async () => {
    const { params } = await cloned()
    const { baseline } = operations.clone.steps[0]
    await expect(baseline?.(api, params, null)).rejects.toThrow('The name shop-api-2 is taken there.')
    await expect(baseline?.(api, { ...params, name: 'shop-api-3' }, null)).resolves.toBe('')
  })

  test('compares names ignoring case', async () => {
    const params = await paramsOf()
    await api.post(`../../${params.service}/clone`, z.unknown(), {
      json: { name: ' Shop-API-2 ', environment_id: params.environment },
    })
    await expect(cloned()).rejects.toThrow('The name shop-api-2 is taken there.')
  })

  test('the simulator refuses what the server refuses', async () => {
    const { url, token } = simulator.connection
    const { ref, params } = await cloned()
    const send = async (path: string, type: string, body: string) => {
      const headers = { authorization: `Token ${token}`, 'content-type': type }
      return (await fetch(`${url}${path}`, { method: 'POST', headers, body })).status
    }
    const wanted = JSON.stringify({ name: 'shop-api-9', environment_id: params.environment })
    expect(await send(`/${params.service}/clone`, 'text/plain', wanted)).toBe(415)
    expect(await send(`/${params.service}/clone`, 'application/json; charset=utf-8', wanted)).toBe(202)
    expect(await send(`/application/${ref.id}/deploy`, 'text/plain', 'now')).toBe(415)
    expect(await send(`/application/${ref.id}/deploy`, 'application/json', 'now')).toBe(400)
    await startRemoval(operations.clone, api, ref)
    expect(await send(`/application/${ref.id}/deploy`, 'application/json', '')).toBe(409)
  })

  test('the simulator names a new deployment at once, even while it shows the old state', async () => {
    const { ref } = await cloned()
    simulator.setSwitch('stale-status', true)
    const answer = z.object({ state: z.string(), deployment_request_id: z.string() })
    const first = await api.post(`/application/${ref.id}/deploy`, answer)
    const second = await api.post(`/application/${ref.id}/deploy`, answer)
    expect(first.state).toBe('READY')
    expect(second.deployment_request_id).not.toBe(first.deployment_request_id)
  })

  describe('a deletion', () => {
    const removal = (ref: Ref) => pollRemoval(operations.clone, api, ref)

    test('deletes only what a job made, and tolerates that it is gone', async () => {
      const service = await cloned()
      const environment = await cloned({}, operations.environment)
      await startRemoval(operations.clone, api, service.ref)
      await startRemoval(operations.environment, api, environment.ref)
      expect(simulator.writes().slice(-2)).toMatchObject([
        { method: 'DELETE', path: `/application/${service.ref.id}`, status: 204 },
        { method: 'DELETE', path: `/environment/${environment.ref.id}`, status: 204 },
      ])
      clock += 5_000
      for (const ref of [service.ref, environment.ref]) {
        expect(await startRemoval(operations.clone, api, ref)).toMatchObject({ observation: { phase: 'done' } })
      }
      // Its lists show that what is hidden isn't there.
      simulator.setSwitch('hide-missing', true)
      for (const ref of [service.ref, environment.ref]) {
        expect(await startRemoval(operations.clone, api, ref)).toMatchObject({ observation: { phase: 'done' } })
      }
    })

    test('that failed says so, also when an earlier one had failed, too', async () => {
      const { ref } = await cloned()
      const failed = {
        phase: 'failed',
        detail: 'Qovery failed to delete it. Its log in the console says why.',
        consoleUrl: ref.console,
      }
      for (let times = 0; times < 2; times += 1) {
        simulator.setSwitch('fail-delete', true)
        const { ref: sent } = await startRemoval(operations.clone, api, ref)
        expect(await removal(sent)).toMatchObject({ phase: 'working', detail: 'deleting' })
        // The end of the earlier one may still be shown.
        if (times > 0) expect(sent.previous).toMatch(/^DELETE_ERROR /)
        clock += 2_000
        expect(await removal(sent)).toEqual(failed)
      }
      const { ref: sent } = await startRemoval(operations.clone, api, ref)
      clock += 2_000
      expect(await removal(sent)).toEqual({ phase: 'done' })
    })

    test("isn't taken for failed while the end of an earlier one is still shown", async () => {
      const { ref } = await cloned()
      simulator.setSwitch('fail-delete', true)
      await startRemoval(operations.clone, api, ref)
      clock += 2_000
      const { ref: sent } = await startRemoval(
        operations.clone,
        { ...api, delete: async (_, schema) => schema.parse(null) },
        ref,
      )
      expect(await removal(sent)).toMatchObject({ phase: 'working', detail: 'waiting for the deletion to start' })
    })

    test('waits while Qovery is busy there', async () => {
      const { ref } = await cloned()
      simulator.setSwitch('busy', true)
      await expect(startRemoval(operations.clone, api, ref)).rejects.toMatchObject({
        name: 'TemporaryError',
        mayHaveHappened: false,
      })
    })

    test('of an environment that is hidden is over only if no list shows it', async () => {
      const { ref } = await cloned({}, operations.environment)
      const hidden: Api = {
        ...api,
        get: async (path, schema, options) => {
          if (path.startsWith('/environment/')) throw new ConnectionError('No access (403).', { status: 403 })
          return await api.get(path, schema, options)
        },
      }
      const ofEnvironment = (via: Api) => pollRemoval(operations.environment, via, ref)
      expect(await ofEnvironment(hidden)).toMatchObject({ name: 'ConnectionError', status: 403 })
      await startRemoval(operations.environment, api, ref)
      clock += 5_000
      simulator.setSwitch('hide-missing', true)
      expect(await ofEnvironment(api)).toEqual({ phase: 'done' })
      // A row that can't be read may be the one.
      simulator.setSwitch('odd-rows', true)
      expect(await ofEnvironment(api)).toBeInstanceOf(TemporaryError)
    })

    test('says that something was gone where its statuses say so', async () => {
      const { ref } = await cloned()
      const deleted = altered(api, (body) => JSON.parse(JSON.stringify(body).replaceAll('"READY"', '"DELETED"')))
      expect(await pollRemoval(operations.clone, deleted, ref)).toEqual({ phase: 'done' })
    })

    test('of many clones in one environment that fails holds up no other', async () => {
      const { ref } = await cloned()
      const down: Api = {
        ...api,
        get: async (path, schema, options) => {
          if (path.includes(NOBODY)) throw new TemporaryError('Down.', { mayHaveHappened: false })
          return await api.get(path, schema, options)
        },
      }
      const others = Array.from({ length: 8 }, () => ({ ...ref, environment: NOBODY }))
      const seen = await operations.clone.removal?.steps[0].check(down, [...others, ref], clock)
      expect(seen?.slice(0, 8)).toEqual(others.map(() => expect.any(TemporaryError)))
      expect(seen?.at(-1)).toMatchObject({ phase: 'working' })
    })
  })
})
