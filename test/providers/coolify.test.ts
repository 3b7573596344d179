import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { startCoolify } from '../../sandbox/providers/coolify.js'
import type { Simulator } from '../../sandbox/providers/simulator.js'
import { ConnectionError, TemporaryError, UserError } from '../../src/errors.js'
import { coolify } from '../../src/providers/coolify.js'
import { createApi } from '../../src/providers/http.js'
import {
  type Api,
  type Attempt,
  type Observation,
  type Operation,
  type Ref,
  readWritten,
  type Step,
  UNKNOWN_PLACE,
} from '../../src/providers/provider.js'
import { altered, counting } from '../helpers/altered.js'
import { observed } from '../helpers/observed.js'
import { describeProvider, type Pick } from './contract.js'
import { many } from './many/coolify.js'
import { startRemoval } from './removals.js'

const NOBODY = 'zzzzzzzzzzzzzzzzzzzzzzzz'

/** The answers of a form, each picked from its list. */
const answers =
  (picker: string, source: string, more: Record<string, unknown> = {}) =>
  async (pick: Pick): Promise<Record<string, unknown>> => ({
    source: await pick(picker, source),
    name: 'shop-api-2',
    environment: await pick('environments', 'Shop / staging'),
    destination: await pick('destinations', 'flock-hel-1 (coolify)'),
    ...more,
  })

const example = (picker: string, source: string, other: string) => ({
  params: answers(picker, source),
  summary: { from: `${source} in Shop / production`, to: 'shop-api-2 in Shop / staging on flock-hel-1 (coolify)' },
  source: { field: 'source', name: / in \S+ \/ \S+$/ },
  others: {
    target: async () => ({ name: 'shop-api-3' }),
    source: async (pick: Pick) => ({ source: await pick(picker, other) }),
  },
  without: { deploy: { deploy: false } },
  repeatable: ['move'],
  refused: [
    { status: 404, params: answers(picker, source, { source: NOBODY }) },
    { status: 404, params: answers(picker, source, { destination: NOBODY }) },
  ],
  watchedStep: 2,
})

const stopped = 'The start failed (exited). The log in Coolify says why.'
const missing = 'Coolify no longer has the clone or its deployment.'
describeProvider(coolify, {
  start: startCoolify,
  failure: 'The start failed (failed). The log in Coolify says why.',
  many,
  operations: {
    clone: example('applications', 'shop-api', 'shop-web'),
    'clone-service': { ...example('services', 'plausible', 'minio'), failure: stopped },
    'clone-database': { ...example('databases', 'shop-db', 'shop-cache'), failure: stopped },
  },
})

const broken =
  "Coolify failed during the copy: variables, volumes or tasks may be missing. It's still in Shop / production, where its source is."
const CLONE_MS = 10_000
const START = Date.UTC(2026, 7, 21, 9, 0, 0)
const kinds = { clone: 'applications', 'clone-service': 'services', 'clone-database': 'databases' } as const
const sourceNames = { clone: 'shop-api', 'clone-service': 'plausible', 'clone-database': 'shop-db' } as const
type Name = keyof typeof kinds
const names = Object.keys(kinds) as Name[]

describe('Coolify', () => {
  let clock = START
  let simulator: Simulator
  let api: Api

  beforeEach(async () => {
    clock = START
    simulator = await startCoolify({ now: () => clock, cloneMs: CLONE_MS })
    api = connect()
  })
  afterEach(async () => await simulator.close())

  function connect(settings: Record<string, string> = {}): Api {
    const { client, connection } = coolify
    return createApi('coolify-prod', client(connection.parse({ ...simulator.connection, ...settings })), 1)
  }

  const pick: Pick = async (picker, label) =>
    ((await coolify.pickers[picker]?.(api, {})) ?? []).find((one) => one.label === label)?.value ?? `no ${label}`
  const operationOf = (name: Name): Operation => coolify.operations[name] as Operation
  /** The first step takes null and the others a ref: the list of steps has forgotten which is which. */
  const stepOf = (name: Name, id: string) =>
    operationOf(name).steps.find((one) => one.id === id) as Step<Record<string, unknown>, Ref | null, Ref>
  const parsed = async (name: Name, more: Record<string, unknown> = {}) =>
    operationOf(name).fields.parse(await answers(kinds[name], sourceNames[name], more)(pick))
  const attempt = (more: Partial<Attempt> = {}): Attempt => ({
    ...{ job: 'k7f3q', since: new Date(clock - 1_000), baseline: '', tries: 1, searchedForMs: 0, now: clock },
    ...more,
  })
  const validated = async (name: Name, more: Record<string, unknown> = {}, via = api) =>
    await operationOf(name).validate?.(via, await parsed(name, more))

  async function written(name: Name, step: string, before: Ref | null = null, more: Record<string, unknown> = {}) {
    return await stepOf(name, step).run(api, await parsed(name, more), before, attempt())
  }
  const run = async (...all: Parameters<typeof written>): Promise<Ref> => readWritten(await written(...all)).ref

  async function found(name: Name, step: string, before: Ref | null, more: Partial<Attempt> = {}, via = api) {
    return (await stepOf(name, step).find?.(via, await parsed(name), before, attempt(more))) ?? null
  }

  /** What every poll says, two and a half seconds apart, until the step has ended. */
  async function watch(ref: Ref, maxMs = 5 * 60_000): Promise<(Observation & { atMs: number })[]> {
    const seen: (Observation & { atMs: number })[] = []
    const startedAt = clock
    for (let latest = ref; clock - startedAt <= maxMs; clock += CLONE_MS / 4) {
      const stored = operationOf('clone').ref.parse(JSON.parse(JSON.stringify(latest)))
      const name = names.find((one) => `${ref.page}`.includes(`/${kinds[one].slice(0, -1)}/`)) ?? 'clone'
      const [one] = await observed(stepOf(name, 'deploy').check(api, [stored], clock))
      if (!one) throw new Error('There is no observation.')
      seen.push({ ...one, atMs: clock - startedAt })
      latest = one.ref ?? latest
      if (one.phase !== 'working') return seen
    }
    throw new Error('It is still working.')
  }
  const end = async (ref: Ref) => (await watch(ref)).at(-1)

  async function failure(promise: Promise<unknown>): Promise<Error> {
    const error: unknown = await promise.then(
      () => new Error('It was expected to fail.'),
      (error: unknown) => error,
    )
    return error as Error
  }
  const row = (name: string) => simulator.table().rows.filter(([own]) => own === name)
  const carriedOut = (path: RegExp) => simulator.writes().filter((one) => path.test(one.path) && one.status < 300)

  describe('the simulator answers as the server does', () => {
    const call = async (method: string, path: string, body?: string, type = 'application/json') => {
      const headers = { authorization: `Bearer ${simulator.connection.token}`, 'content-type': type }
      return await fetch(`${simulator.connection.url}/api/v1${path}`, { method, headers, ...(body && { body }) })
    }

    test('with its version as plain text', async () => {
      const answer = await call('GET', '/version')
      expect([answer.headers.get('content-type'), await answer.text()]).toEqual(['text/html', '4.3.11'])
    })

    test('with 422 for a field it does not know, and 400 for a body that is empty or no JSON', async () => {
      const path = `/applications/${await pick('applications', 'shop-api')}/clone`
      const unknown = await call('POST', path, JSON.stringify({ destination_uuid: NOBODY, colour: 'white' }))
      expect([unknown.status, await unknown.json()]).toEqual([
        422,
        { message: 'Validation failed.', errors: { colour: ['This field is not allowed.'] } },
      ])
      const bad = [call('POST', path), call('POST', path, '{}'), call('POST', path, 'a=1', 'text/plain')]
      expect((await Promise.all(bad)).map(({ status }) => status)).toEqual([400, 400, 400])
    })

    test('with 405 where it used to take a GET, and 404 for what it shows in development only', async () => {
      const source = await pick('applications', 'shop-api')
      expect((await call('GET', `/applications/${source}/start`)).status).toBe(405)
      expect((await call('GET', `/deploy?uuid=${source}`)).status).toBe(405)
      expect((await call('POST', `/applications/${source}/migrate`, '{}')).status).toBe(404)
    })

    test('with an id that stands for nothing when an application is started beside a full queue', async () => {
      const { id = '' } = await run('clone', 'clone')
      simulator.setSwitch('queue-full', true)
      const answer = await call('POST', `/applications/${id}/start`)
      const { deployment_uuid } = z.object({ deployment_uuid: z.string() }).parse(await answer.json())
      expect((await call('GET', `/deployments/${deployment_uuid}`)).status).toBe(404)
    })

    test('with 400 when what runs is started, or what has ended is cancelled', async () => {
      const source = await pick('services', 'plausible')
      expect((await call('POST', `/services/${source}/start`)).status).toBe(400)
      const { id } = await run('clone', 'deploy', await run('clone', 'clone'))
      clock += CLONE_MS
      const all = z.object({ deployments: z.array(z.object({ deployment_uuid: z.string() })) })
      const { deployments } = await api.get(`/deployments/applications/${id}`, all)
      expect((await call('POST', `/deployments/${deployments[0]?.deployment_uuid}/cancel`)).status).toBe(400)
    })

    test('with a source that is down while its volumes are copied', async () => {
      await run('clone', 'clone', null, { deploy: false, volumes: true })
      expect(row('shop-api')[0]?.[4]).toBe('exited:unhealthy')
      clock += CLONE_MS
      expect(row('shop-api')[0]?.[4]).toBe('running:healthy')
    })
  })

  describe('a clone', () => {
    test.each(names)('of %s has ended when it is answered, and starts nothing', async (name) => {
      const answer = await written(name, 'clone')
      expect(answer).toMatchObject({
        ended: 'done',
        ref: { page: expect.stringMatching(/^\/project\/\w+\/environment\//) },
      })
      expect(row('shop-api-2').map(([, , , , status]) => status)).toEqual(['exited:unhealthy'])
      expect(carriedOut(/clone$/).map(({ body }) => body)).toEqual([
        {
          name: 'shop-api-2',
          clone_volumes: false,
          destination_uuid: await pick('destinations', 'flock-hel-1 (coolify)'),
        },
      ])
    })

    test('that nobody wants deployed ends with the remark that it is not started', async () => {
      const ref = await run('clone', 'clone')
      const answer = await written('clone', 'move', ref, { deploy: false })
      expect(answer).toMatchObject({
        ended: 'done',
        detail: "It isn't started. Deploy it in Coolify when you need it.",
      })
      expect(
        operationOf('clone')
          .steps.at(-1)
          ?.when?.(await parsed('clone', { deploy: false })),
      ).toBe(false)
    })

    test('goes where the source is, and from there to the environment that was chosen', async () => {
      const ref = await run('clone', 'clone')
      expect(row('shop-api-2')[0]?.slice(2, 4)).toEqual(['Shop / production', 'flock-hel-1'])
      await run('clone', 'move', ref)
      expect(row('shop-api-2')[0]?.slice(2, 4)).toEqual(['Shop / staging', 'flock-hel-1'])
    })

    test('that is in its environment already counts as moved', async () => {
      const environment = await pick('environments', 'Shop / production')
      const ref = await run('clone', 'clone', null, { environment })
      expect(await written('clone', 'move', ref, { environment })).toMatchObject({ ref, ended: 'done' })
      expect(simulator.writes().at(-1)?.status).toBe(400)
    })

    test('cannot go to an environment that is gone', async () => {
      const ref = await run('clone', 'clone')
      const environment = `${NOBODY}/${NOBODY}`
      expect(await failure(written('clone', 'move', ref, { environment }))).toMatchObject({ status: 404 })
    })
  })

  describe('a clone whose answer was lost', () => {
    test('is found by its name, and is whole when it has all variables of its source', async () => {
      simulator.setSwitch('lose-answer', true)
      expect(await failure(written('clone', 'clone'))).toMatchObject({ mayHaveHappened: true })
      expect(await found('clone', 'clone', null, { lost: {} })).toMatchObject({ ended: 'done' })
      expect(await found('clone', 'clone', null)).toMatchObject({ ended: 'done' })
    })

    test.each(names)(
      'of %s is never used when the 500 itself was lost, and may be copied for a while',
      async (name) => {
        simulator.setSwitch('half-clone', true)
        await failure(written(name, 'clone'))
        for (const lost of [{ lost: {} }, {}]) {
          expect(await failure(found(name, 'clone', null, { ...lost, searchedForMs: 29_999 }))).toBeInstanceOf(
            TemporaryError,
          )
          expect(await found(name, 'clone', null, { ...lost, searchedForMs: 30_000 })).toMatchObject({
            ended: 'incomplete',
            detail: broken,
          })
        }
      },
    )

    test('is waited for while it may still be copied where the source has no variables to compare', async () => {
      await run('clone', 'clone')
      const bare = altered(api, (body, path) => (path.endsWith('/envs') ? [] : body))
      const search = (searchedForMs: number) => found('clone', 'clone', null, { searchedForMs }, bare)
      expect(await failure(search(29_999))).toBeInstanceOf(TemporaryError)
      expect(await search(30_000)).toMatchObject({ ended: 'done' })
    })

    test('counts as absent only when a request held by a proxy must have ended', () => {
      for (const name of names) expect(stepOf(name, 'clone').absentAfterMs).toBe(120_000)
    })

    test.each(names)('of %s is reported as incomplete after a 5xx, and never used', async (name) => {
      simulator.setSwitch('half-clone', true)
      const error = await failure(written(name, 'clone'))
      expect(error).toMatchObject({ name: 'TemporaryError', mayHaveHappened: true, status: 500 })
      const half = await found(name, 'clone', null, { lost: { status: 500 } })
      expect(half).toMatchObject({ ended: 'incomplete', detail: broken })
      expect(half).toHaveProperty('consoleUrl', `${api.settings?.dashboard}${(half as { ref: Ref }).ref.page}`)
      const lost = { lost: { status: 500 } }
      const placeless = altered(api, (body, path) => (path.endsWith('/environments') ? [] : body))
      const elsewhere = await found(name, 'clone', null, lost, placeless)
      expect(elsewhere).toMatchObject({ detail: expect.stringContaining('still in the environment of its source.') })
      // It can be deleted, as anything that a job made.
      await startRemoval(operationOf(name), api, (half as { ref: Ref }).ref)
      clock += CLONE_MS
      expect(row('shop-api-2')).toEqual([])
    })

    test('is not there after a 5xx that came before it was saved', async () => {
      expect(await found('clone', 'clone', null, { lost: { status: 502 } })).toBeNull()
    })

    test('is made twice when it is sent twice', async () => {
      await run('clone', 'clone')
      await run('clone', 'clone')
      expect(row('shop-api-2')).toHaveLength(2)
    })

    test('is not one of that name from before', async () => {
      const { id } = await run('clone', 'clone')
      const { baseline } = stepOf('clone', 'clone')
      expect(await baseline?.(api, await parsed('clone'), null)).toBe(id)
      expect(await found('clone', 'clone', null, { baseline: `${id}` })).toBeNull()
    })

    test('stays in doubt beside a row that cannot be read', async () => {
      simulator.setSwitch('odd-rows', true)
      expect(await failure(found('clone', 'clone', null))).toBeInstanceOf(TemporaryError)
      await run('clone', 'clone')
      expect(await found('clone', 'clone', null)).toMatchObject({ ended: 'done' })
    })
  })

  describe('a lost move', () => {
    test('is found by the environment of the clone, and unknown where that cannot be read', async () => {
      const ref = await run('clone', 'clone')
      expect(await found('clone', 'move', ref)).toBeNull()
      await run('clone', 'move', ref)
      expect(await found('clone', 'move', ref)).toMatchObject({ ref, ended: 'done' })
      const blind = altered(api, (body, path) => (path.endsWith(`${ref.id}`) ? { uuid: ref.id } : body))
      expect(await failure(found('clone', 'move', ref, {}, blind))).toBeInstanceOf(TemporaryError)
    })
  })

  describe('the deployment of an application', () => {
    const deployed = async (): Promise<Ref> => await run('clone', 'deploy', await run('clone', 'clone'))
    const withTwoFirst = async (): Promise<Ref> => {
      await deployed()
      await deployed()
      return await deployed()
    }

    test('is queued behind two others of its server, built, and live under its own address', async () => {
      const ref = await withTwoFirst()
      const seen = await watch(ref)
      expect([...new Set(seen.map(({ detail }) => detail))]).toEqual(['queued', 'in_progress', undefined])
      const { id } = ref
      const consoleUrl = seen.at(-1)?.consoleUrl ?? ''
      expect(seen.at(-1)).toMatchObject({ phase: 'done', url: `https://${id}.woolworks.example` })
      expect(consoleUrl.startsWith(`${simulator.connection.url}/project/`)).toBe(true)
      expect(consoleUrl).toContain(`/application/${id}/deployment/`)
    })

    test('is live even if its address cannot be read, or the agent has not seen it run', async () => {
      simulator.setSwitch('slow-agent', true)
      const ref = await deployed()
      clock += CLONE_MS
      const blind = altered(api, (body, path) => (path.startsWith('/applications/') ? null : body))
      const [seen] = await observed(stepOf('clone', 'deploy').check(blind, [ref], clock))
      expect(seen).toMatchObject({ phase: 'done' })
      expect(seen?.url).toBeUndefined()
    })

    test('that somebody cancels is a failure', async () => {
      simulator.setSwitch('cancel-next', true)
      expect(await end(await deployed())).toMatchObject({
        phase: 'failed',
        detail: 'The start failed (cancelled-by-user). The log in Coolify says why.',
      })
    })

    test('that is cancelled is no failure of a clone that runs already', async () => {
      simulator.setSwitch('auto-deploy', true)
      const clone = await run('clone', 'clone')
      clock += 4 * CLONE_MS
      simulator.setSwitch('cancel-next', true)
      expect(await end(await run('clone', 'deploy', clone))).toMatchObject({
        phase: 'done',
        detail: "It runs, but its latest deployment didn't finish (cancelled-by-user). The log in Coolify says why.",
      })
    })

    test('that fails shows no line of its log, whatever the token may read', async () => {
      simulator.setSwitch('read-sensitive', true)
      simulator.setSwitch('fail-next', true)
      const seen = await end(await deployed())
      expect(seen).toMatchObject({ phase: 'failed', detail: 'The start failed (failed). The log in Coolify says why.' })
      expect(JSON.stringify(seen)).not.toContain('npm ci')
    })

    test('waits a minute when the queue of its server is full', async () => {
      const ref = await run('clone', 'clone')
      simulator.setSwitch('queue-full', true)
      expect(await failure(written('clone', 'deploy', ref))).toMatchObject({
        ...{ name: 'TemporaryError', mayHaveHappened: false, retryAfterMs: 60_000, status: 429 },
      })
    })

    test('with an id that does not exist is the one that was queued already', async () => {
      simulator.setSwitch('auto-deploy', true)
      const ref = await deployed()
      const [first] = await observed(stepOf('clone', 'deploy').check(api, [ref], clock))
      expect(first).toMatchObject({ phase: 'working', detail: 'queued' })
      expect(await end(ref)).toMatchObject({ phase: 'done' })
    })

    test.each([false, true])('is read from one list with others, be that an object (%s)', async (isKeyed) => {
      simulator.setSwitch('keyed-deployments', isKeyed)
      simulator.setSwitch('stuck-deploy', true)
      const refs = [await deployed(), await deployed(), await deployed()]
      const before = simulator.requests()
      const seen = await observed(stepOf('clone', 'deploy').check(api, refs, clock))
      expect(seen.map(({ detail }) => detail)).toEqual(['queued', 'queued', 'queued'])
      expect(simulator.requests() - before).toBe(1)
    })

    test('is not that of a pull request, whose preview the clone has, too', async () => {
      const preview = (id: unknown) => ({
        ...{ deployment_uuid: NOBODY, status: 'failed', pull_request_id: 7 },
        deployment_url: `/project/p/environment/e/application/${id}/deployment/${NOBODY}`,
      })
      const [ref, other] = [await deployed(), await deployed()]
      const with7 = altered(api, (body) => {
        if (Array.isArray(body)) return [preview(ref.id), ...body]
        const { deployments } = z.object({ deployments: z.array(z.unknown()) }).parse(body)
        return { deployments: [preview(ref.id), ...deployments] }
      })
      const check = stepOf('clone', 'deploy').check
      expect((await observed(check(with7, [ref], clock)))[0]).toMatchObject({ phase: 'working' })
      expect((await observed(check(with7, [ref, other], clock)))[0]).toMatchObject({ phase: 'working' })
    })

    test('that has ended is missing from that list and read by itself', async () => {
      const refs = [await deployed(), await deployed()]
      clock += CLONE_MS
      const before = simulator.requests()
      const seen = await observed(stepOf('clone', 'deploy').check(api, refs, clock))
      expect(seen.map(({ phase }) => phase)).toEqual(['done', 'done'])
      // The list, then each deployment and the address of its application.
      expect(simulator.requests() - before).toBe(5)
    })

    test('whose answer was lost is the latest of the clone, and was never queued where there is none', async () => {
      const ref = await run('clone', 'clone')
      expect(await found('clone', 'deploy', ref)).toBeNull()
      await run('clone', 'deploy', ref)
      expect(await found('clone', 'deploy', ref)).toEqual(ref)
    })

    test('fails on a server where its port is taken, which the form warns of', async () => {
      const source = await pick('applications', 'billing')
      const destination = await pick('destinations', 'flock-fra-1 (coolify)')
      expect((await validated('clone', { source, destination }))?.warnings).toEqual([
        "The source uses ports of its server (8443:443). The two can't run there at the same time.",
      ])
      expect((await validated('clone'))?.warnings).toEqual([])
      const ref = await run('clone', 'clone', null, { source, destination })
      expect(await end(await run('clone', 'deploy', ref))).toMatchObject({ phase: 'failed' })
    })

    test('is over when the clone was deleted', async () => {
      const ref = await deployed()
      await startRemoval(operationOf('clone'), api, ref)
      clock += CLONE_MS
      const gone = altered(api, (body) => body)
      const api404: Api = { ...gone, get: async () => await Promise.reject(new UserError('gone', { status: 404 })) }
      const [seen] = await observed(stepOf('clone', 'deploy').check(api404, [ref], clock))
      expect(seen).toMatchObject({ phase: 'failed', detail: missing })
    })
  })

  describe.each(['clone-service', 'clone-database'] as const)('the start of %s', (name) => {
    const started = async (): Promise<Ref> => await run(name, 'deploy', await run(name, 'clone'))

    test('has no deployment, and has ended when the status says that it runs', async () => {
      simulator.setSwitch('slow-agent', true)
      const made = await run(name, 'clone')
      clock += 1_000
      const ref = await run(name, 'deploy', made)
      expect(ref).toEqual(made)
      const seen = await watch(ref)
      // A clone that was never started is called exited: that is no failure.
      expect(seen[0]).toMatchObject({ phase: 'working', detail: 'exited' })
      expect(seen.at(-1)).toMatchObject({ phase: 'done' })
      expect(seen.at(-1)?.atMs).toBeGreaterThan(60_000)
    })

    test('that failed between two polls is a failure once it has stayed exited for ten minutes', async () => {
      simulator.setSwitch('fail-next', true)
      const ref = await started()
      clock += 4 * CLONE_MS
      const seen = await watch(ref, 11 * 60_000)
      const detail = 'The start failed (still exited after 10 minutes). The log in Coolify says why.'
      expect(seen.at(-1)).toMatchObject({ phase: 'failed', detail })
      expect(seen.at(-1)?.atMs).toBeGreaterThanOrEqual(10 * 60_000)
    })

    test('that is followed by a stop is a failure', async () => {
      simulator.setSwitch('fail-next', true)
      const seen = await watch(await started())
      expect(seen[0]).toMatchObject({ phase: 'working', detail: 'starting' })
      expect(seen.at(-1)).toMatchObject({ phase: 'failed', detail: stopped })
    })

    test('is read from one list with others, and by itself alone', async () => {
      const refs = [await started(), await started()]
      const before = simulator.requests()
      await stepOf(name, 'deploy').check(api, refs, clock)
      expect(simulator.requests() - before).toBe(1)
    })

    test('is over when the clone was deleted', async () => {
      const ref = await started()
      await startRemoval(operationOf(name), api, ref)
      expect(row('shop-api-2')).toHaveLength(1)
      clock += CLONE_MS
      expect(row('shop-api-2')).toHaveLength(0)
      expect(await end(ref)).toMatchObject({ phase: 'failed', detail: missing })
    })
  })

  test('a lost start of a service stays in doubt while its status is unknown', async () => {
    const ref = await run('clone-service', 'clone')
    expect(await found('clone-service', 'deploy', ref)).toBeNull()
    const blind = altered(api, () => ({ uuid: ref.id, status: 'unknown:unknown' }))
    expect(await failure(found('clone-service', 'deploy', ref, {}, blind))).toBeInstanceOf(TemporaryError)
  })

  test('a role that may not deploy is for the operator, although it is answered with 200', async () => {
    const refusal = { deployments: [{ message: 'Unauthorized to deploy this service.', resource_uuid: NOBODY }] }
    const refusing: Api = { ...api, post: async (_path, schema) => schema.parse(refusal) }
    const step = stepOf('clone-service', 'deploy').run(
      refusing,
      await parsed('clone-service'),
      { id: NOBODY },
      attempt(),
    )
    expect(await failure(step)).toBeInstanceOf(ConnectionError)
  })

  describe('what the operator has to do', () => {
    test.each([
      ['api-disabled', 'API is disabled.'],
      ['member', 'Missing required team role.'],
      ['no-permission', 'Missing required permissions: read'],
    ])('is said with the switch "%s", whatever the answer calls itself', async (fault, sentence) => {
      simulator.setSwitch(fault, true)
      const error = await failure(Promise.resolve(coolify.pickers.applications?.(api, {})))
      expect(error).toBeInstanceOf(ConnectionError)
      expect(error.message).toContain(`Check the rights of its token. It says: ${sentence}`)
    })

    test('is said of a token that may read but not write or deploy', async () => {
      const ref = await run('clone', 'clone')
      simulator.setSwitch('no-write', true)
      simulator.setSwitch('no-deploy', true)
      for (const step of ['clone', 'move', 'deploy'])
        expect(await failure(written('clone', step, ref))).toMatchObject({ name: 'ConnectionError', status: 403 })
    })

    test('is to wait where the rate is limited', async () => {
      simulator.setSwitch('rate-limited', true)
      const answer = await fetch(`${simulator.connection.url}/api/v1/team`)
      expect([answer.status, answer.headers.get('x-ratelimit-limit')]).toEqual([429, '200'])
      expect(await failure(written('clone', 'clone'))).toMatchObject({ name: 'TemporaryError', retryAfterMs: 30_000 })
    })
  })

  describe('before anything is started', () => {
    test('everything that is well passes', async () => {
      for (const name of names) expect(await validated(name)).toEqual({ errors: {}, warnings: [] })
    })

    test('an older server is recognised by what it does not have, and refuses to clone', async () => {
      simulator.setSwitch('old-server', true)
      const sentence = "coolify-prod: It can't clone: that needs Coolify 4.3.0 or newer."
      expect(await validated('clone')).toMatchObject({ errors: { source: sentence } })
      const error = await failure(written('clone', 'clone'))
      expect([error.name, error.message]).toEqual(['UserError', sentence])
    })

    test('a name that is taken is refused, although Coolify would take it again', async () => {
      const sentence = 'Coolify already has one called shop-web. Choose another name.'
      expect(await validated('clone', { name: 'shop-web' })).toMatchObject({ errors: { name: sentence } })
      expect(await validated('clone-service', { name: 'shop-web' })).toMatchObject({ errors: {} })
    })

    test('what does not exist is an error of its field', async () => {
      const environment = `${(await pick('environments', 'Shop / staging')).split('/')[0]}/${NOBODY}`
      expect(Object.keys((await validated('clone', { source: NOBODY, environment }))?.errors ?? {})).toEqual([
        'source',
        'environment',
      ])
      expect(await validated('clone', { environment: `${NOBODY}/${NOBODY}` })).toMatchObject({
        errors: { environment: expect.stringContaining('Project not found.') },
      })
    })

    test('what is copied, what is shared and what runs twice is said', async () => {
      const of = async (name: Name, more = {}) =>
        operationOf(name).preview(await parsed(name, more), { source: 'shop' })
      expect((await of('clone')).copied).toMatch(/secrets.*Scheduled tasks then run in both.*both use the same files/)
      expect((await of('clone')).notCopied).toMatch(
        /Data in volumes.*point to the source's databases.*claims the source's domain/,
      )
      expect((await of('clone-service')).notCopied).toContain("Its domains may be the source's")
      expect((await of('clone-database')).copied).toContain('passwords')
      expect((await of('clone-database', { deploy: false, volumes: true })).copied).toContain('Data in volumes')
    })

    test.each(names)('%s copies data only after a warning that names what is stopped', async (name) => {
      const preview = async (more: object) =>
        operationOf(name).preview(await parsed(name, { ...more }), { source: 'shop' })
      expect((await preview({ deploy: false })).warning).toBeUndefined()
      const again = name === 'clone' ? 'deploys its latest commit' : 'starts it again'
      expect((await preview({ volumes: true })).warning).toBe(
        `Coolify stops shop while it copies the volumes, then ${again}. The clone isn't started: deploy it in Coolify once its data is there.`,
      )
    })

    test('a clone is not started while its data is still being copied, even if that was wanted', async () => {
      const both = await parsed('clone', { deploy: true, volumes: true })
      expect(stepOf('clone', 'deploy').when?.(both)).toBe(false)
      const answer = await written('clone', 'move', await run('clone', 'clone'), both)
      expect(answer).toMatchObject({ detail: "It isn't started. Deploy it in Coolify once its data is there." })
    })

    test('the name can be found again as it was sent', () => {
      const { name } = operationOf('clone').fields.shape
      const takes = (text: string) => z.safeParse(name as z.ZodType, text).success
      expect(['shop-api-2', 'Shop_API.2', 'a'.repeat(100)].map(takes)).toEqual([true, true, true])
      expect(['', 'two  blanks', 'zero\u200bwidth', 'a'.repeat(101)].map(takes)).toEqual([false, false, false, false])
    })
  })

  describe('the lists', () => {
    test('show where a source lives and offer no server that only builds', async () => {
      const options = (await coolify.pickers.applications?.(api, {})) ?? []
      expect(options.find(({ label }) => label === 'shop-web')).toMatchObject({
        place: 'Shop / production',
        description: 'Shop / production · running:healthy',
      })
      const servers = (await coolify.pickers.destinations?.(api, {})) ?? []
      expect(servers.map(({ label }) => label)).toEqual(['flock-fra-1 (coolify)', 'flock-hel-1 (coolify)'])
    })

    test('show a source in an unknown place when the environments cannot be read', async () => {
      const blind = altered(api, (body, path) => (path.startsWith('/projects') ? null : body))
      const options = (await coolify.pickers.applications?.(blind, {})) ?? []
      expect(options.length).toBeGreaterThan(5)
      for (const { place } of options) expect(place).toBe(UNKNOWN_PLACE)
    })

    test('of environments fail whole rather than hide those of one project', async () => {
      const blind = altered(api, (body, path) => (path.endsWith('/environments') ? null : body))
      expect(await failure(Promise.resolve(coolify.pickers.environments?.(blind, {})))).toBeInstanceOf(TemporaryError)
    })

    test.each(['applications', 'services', 'databases', 'destinations', 'environments'])(
      'of %s are not hidden by odd rows, which are counted',
      async (picker) => {
        const whole = await coolify.pickers[picker]?.(api, {})
        simulator.setSwitch('odd-rows', true)
        const counted = counting(api)
        expect(await coolify.pickers[picker]?.(counted, {})).toEqual(whole)
        expect(counted.skipped()).toBeGreaterThan(0)
      },
    )
  })

  test('a deletion leaves the rest of the server alone', async () => {
    const ref = await run('clone', 'clone')
    let query: unknown
    const recording: Api = {
      ...api,
      delete: async (path, schema, options) => {
        query = options?.query
        return await api.delete(path, schema, options)
      },
    }
    await startRemoval(operationOf('clone'), recording, ref)
    expect(query).toEqual({ docker_cleanup: false })
    clock += CLONE_MS
    expect(await startRemoval(operationOf('clone'), api, ref)).toMatchObject({ observation: { phase: 'done' } })
  })

  test('a clone has a lock of its own by kind and name, for the server does not tell two of a name apart', async () => {
    const locks = [
      operationOf('clone').lock(await parsed('clone')),
      operationOf('clone-service').lock(await parsed('clone-service')),
      operationOf('clone').lock(await parsed('clone', { name: 'shop-api-3' })),
    ]
    expect(new Set(locks).size).toBe(3)
    expect(operationOf('clone').lock(await parsed('clone', { destination: NOBODY }))).toBe(locks[0])
    expect(operationOf('clone').lock(await parsed('clone', { source: NOBODY }))).toBe(locks[0])
  })
})
