import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { startRainbond } from '../../sandbox/providers/rainbond.js'
import { REGION_TOKEN } from '../../sandbox/providers/rainbond-faults.js'
import type { Simulator } from '../../sandbox/providers/simulator.js'
import { ConnectionError, TemporaryError, UserError } from '../../src/errors.js'
import { createApi } from '../../src/providers/http.js'
import { type Api, type Observation, operationOf, type Ref } from '../../src/providers/provider.js'
import { rainbond } from '../../src/providers/rainbond.js'
import { altered, counting, inLists, oddRows, oddValues, withKey } from '../helpers/altered.js'
import { observed } from '../helpers/observed.js'
import { type PlainStep, plainOperation } from '../helpers/plain-refs.js'
import { describeProvider, type Pick } from './contract.js'
import { many } from './many/rainbond.js'
import { pollRemoval, startRemoval } from './removals.js'

const SHOP = 'o19p6wen/frankfurt/11'
const STAGING = 'k3v8m2ra/frankfurt'
const START = Date.UTC(2026, 7, 21)
const SECOND = 1_000
const MINUTE = 60 * SECOND

// One request per job and per team: the long lists take hundreds of them.
vi.setConfig({ testTimeout: 90 * SECOND })

const shopTo = (target: string) => async (pick: Pick) => ({
  app: await pick('apps', 'Production / Frankfurt / shop'),
  target,
  name: 'shop-2',
})

describeProvider(rainbond, {
  start: startRainbond,
  failure: 'copied, but the build of shop-api-copy failed: The image could not be pulled.',
  many,
  operations: {
    copy: {
      params: async (pick) => ({
        app: await pick('apps', 'Production / Frankfurt / shop'),
        target: await pick('targets', 'Staging / Frankfurt'),
        name: 'shop-2',
      }),
      summary: { from: 'Production / Frankfurt / shop', to: 'shop-2 in Staging / Frankfurt' },
      source: { field: 'app', name: /^\S+ \/ \S+ \/ / },
      others: {
        target: async () => ({ name: 'shop-3' }),
        source: async (pick) => ({ app: await pick('apps', 'Production / Helsinki / search') }),
      },
      watchedStep: 2,
      proof: 'job',
      arrange: (simulator, step) => step === 2 && simulator.setSwitch('swallow-build', true),
      warnings: ['Not fully created, so not copied: shop-search.'],
      refused: [
        { status: 404, params: async (pick) => ({ ...(await shopTo(STAGING)(pick)), app: 'o19p6wen/frankfurt/999' }) },
        { status: 409, params: shopTo('k3v8m2ra/helsinki') },
        { status: 400, params: async (pick) => ({ ...(await shopTo(STAGING)(pick)), name: 'shop-staging' }) },
      ],
    },
  },
  pickers: {
    components: { values: async (pick) => ({ app: await pick('apps', 'Production / Frankfurt / shop') }) },
  },
  secrets: ({ token = '' }) => [token, REGION_TOKEN],
})

describe('Rainbond', () => {
  let clock: number
  let simulator: Simulator
  let api: Api
  /** What all copied components say of themselves, where it is not what they do. */
  let stateOfCopies: string | null | undefined

  beforeEach(async () => {
    clock = START
    stateOfCopies = undefined
    simulator = await startRainbond({ now: () => clock, cloneMs: 10 * SECOND, stateOfCopies: () => stateOfCopies })
    api = connect()
  })

  afterEach(() => simulator.close())

  const connect = (token = simulator.connection.token) => {
    const settings = rainbond.connection.parse({ ...simulator.connection, token })
    return createApi('rainbond-prod', rainbond.client(settings), 1)
  }
  const copy = plainOperation(rainbond, 'copy')
  const stepAt = (index: 0 | 1 | 2) => copy.steps[index] as PlainStep<Ref | null>
  const [create, doCopy, start] = [stepAt(0), stepAt(1), stepAt(2)]

  const paramsOf = (more: Record<string, unknown> = {}) =>
    copy.fields.parse({ app: SHOP, target: STAGING, name: 'shop-2', ...more }) as Record<string, unknown>
  /** As the workers make them: the job was made when the test began, with an allowance for clocks that differ. */
  const attempt = () => ({
    job: 'k7f3q',
    since: new Date(START - 15 * SECOND),
    baseline: '',
    tries: 1,
    searchedForMs: 0,
    now: clock,
  })
  const runCreate = (more = {}) => create.run(api, paramsOf(more), null, attempt())
  const runCopy = async (more = {}) => doCopy.run(api, paramsOf(more), await runCreate(more), attempt())
  const runStart = (ref: Ref) => start.run(api, paramsOf(), ref, attempt())
  const pollAll = (refs: Ref[]) => observed(create.check(api, refs, clock))
  const bodies = (end: string) =>
    simulator
      .writes()
      .filter(({ path }) => path.endsWith(end))
      .map(({ body }) => body)
  const row = (name: string) => simulator.table().rows.find(([app]) => app === name)

  async function poll(ref: Ref): Promise<Observation> {
    const [observation] = await pollAll([ref])
    if (!observation) throw new Error('There was no observation.')
    return observation
  }

  /** Polls every half minute, as the workers do, until the time is over or the step has ended. */
  async function pollFor(ref: Ref, milliseconds: number): Promise<Observation> {
    let latest: Observation = { phase: 'working', ref }
    for (let left = milliseconds; left > 0 && latest.phase === 'working'; left -= 30 * SECOND) {
      advance(Math.min(left, 30 * SECOND))
      const seen = await poll(latest.ref ?? ref)
      latest = { ref: latest.ref ?? ref, ...seen }
    }
    return latest
  }

  function advance(milliseconds: number): void {
    clock += milliseconds
  }

  const consoleOf = (number = 16) =>
    `${simulator.connection.url}/#/team/k3v8m2ra/region/frankfurt/apps/${number}/overview`

  /** Copies and starts, and leaves everything to the clock. The ref is as the first poll made it. */
  async function watched(): Promise<Ref> {
    const copied = await runCopy()
    expect((await poll(copied)).phase).toBe('done')
    return (await poll(await runStart(copied))).ref ?? {}
  }

  async function failureOf(promise: Promise<unknown>): Promise<Error> {
    const error: unknown = await promise.catch((error: unknown) => error)
    if (!(error instanceof Error)) throw new Error('It was expected to fail.')
    for (const secret of [simulator.connection.token ?? '', REGION_TOKEN, 'Traceback', 'views/base.py', '请求错误']) {
      expect(error.message).not.toContain(secret)
    }
    return error
  }

  const idsOf = async (app = SHOP) => {
    const options = (await rainbond.pickers.components?.(api, { app })) ?? []
    return new Map(options.map(({ label, value }) => [label, value]))
  }

  describe('vendor page, real server, client', () => {
    test('auth: sends the bare token, because Rainbond refuses a scheme', async () => {
      const { headers } = rainbond.client(rainbond.connection.parse(simulator.connection))
      expect(headers).toEqual({ authorization: simulator.connection.token })
      const error = await failureOf(
        connect(`Token ${simulator.connection.token}`).get('/openapi/v1/teams', z.unknown()),
      )
      expect(error).toBeInstanceOf(ConnectionError)
      expect(error.message).toContain('rainbond-prod')
    })

    test('auth: redacts a bare token that Rainbond quotes', async () => {
      const { createServer } = await import('node:http')
      const echo = createServer((request, response) => {
        response.writeHead(400, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ code: 400, msg: `no user for ${request.headers.authorization}` }))
      })
      const port = await new Promise<number>((resolve) => {
        echo.listen(0, '127.0.0.1', () => resolve((echo.address() as { port: number }).port))
      })
      const settings = rainbond.connection.parse({ ...simulator.connection, url: `http://127.0.0.1:${port}` })
      const error = await failureOf(createApi('r', rainbond.client(settings), 1).post('/x', z.unknown()))
      echo.close()
      expect(error.message).toBe('r: no user for ••••')
    })

    test('auth: 401 with code 10400 is the licence of the cluster, not the token', async () => {
      simulator.setSwitch('licence', true)
      const error = await failureOf(runCreate())
      expect(error).toBeInstanceOf(ConnectionError)
      expect(error.message).toBe('rainbond-prod: The licence of the Rainbond cluster is wrong or has expired.')
    })

    test('target: makes a new app first, and copies into its number', async () => {
      await runCopy()
      expect(bodies('/apps')).toEqual([
        { app_name: 'shop-2', app_note: 'Made by Dolly, job k7f3q.', k8s_app: 'dolly-k7f3q' },
      ])
      expect(bodies('/copy')).toMatchObject([{ target_app_id: 16 }])
    })

    test('team name: names the target by tenant_name, never by its alias or ID', async () => {
      await runCopy()
      expect(bodies('/copy')).toMatchObject([{ target_team_name: 'k3v8m2ra', target_region_name: 'frankfurt' }])
    })

    test('services: without a choice names all complete components', async () => {
      await runCopy()
      const ids = await idsOf()
      expect([...ids.keys()]).toEqual(['shop-api', 'shop-web', 'shop-db', 'wool-exchange'])
      const services = [...ids.values()].map((service_id) => ({ service_id }))
      expect(bodies('/copy')).toMatchObject([{ services }])
    })

    test('services: copies only the chosen components', async () => {
      const web = (await idsOf()).get('shop-web')
      const copied = await runCopy({ components: [web] })
      expect(bodies('/copy')).toMatchObject([{ services: [{ service_id: web }] }])
      expect(row('shop-2')?.[4]).toBe('shop-web-copy')
      expect((await poll(copied)).phase).toBe('done')
    })

    test('leaves out "change", and always sends a body', async () => {
      await runCopy()
      for (const body of bodies('/copy')) expect(JSON.stringify(body)).not.toContain('change')
    })

    test('path app_id: digits only', () => {
      const parsed = copy.fields.safeParse({ app: 'o19p6wen/frankfurt/shop', target: STAGING, name: 'x' })
      expect(parsed.error?.issues[0]?.message).toBe('Choose from the list, or type team/region/app number.')
    })

    test('response: reads statuses in the new app, and counts the third-party component that the answer leaves out', async () => {
      const ref = await watched()
      expect(await poll(ref)).toMatchObject({ phase: 'working', detail: expect.stringMatching(/^0 of 3 running; /) })
      advance(10 * SECOND)
      expect(await poll(ref)).toMatchObject({ phase: 'done' })
    })

    test('response: an app of only third-party components is live at once', async () => {
      const copied = await runCopy({ components: [(await idsOf()).get('wool-exchange')] })
      expect((await poll(copied)).phase).toBe('done')
      expect((await poll(await runStart(copied))).phase).toBe('done')
    })

    test('response: a success with nothing copied is a failure', async () => {
      simulator.setSwitch('empty-copy', true)
      expect(await poll(await runCopy())).toMatchObject({
        phase: 'failed',
        detail: 'only 0 of 4 components are there.',
      })
    })

    test('completion: "closed" during a build isn\'t the end', async () => {
      const ref = await watched()
      expect(row('shop-2')?.[3]).toBe('closed')
      expect(await poll(ref)).toMatchObject({
        phase: 'working',
        detail: expect.stringContaining('shop-api-copy (closed)'),
      })
    })

    test('retry: never copies again into the same app, which would double it or hit leftovers', async () => {
      const before = await runCreate()
      simulator.setSwitch('drop-write', true)
      const error = await failureOf(doCopy.run(api, paramsOf(), before, attempt()))
      expect(error).toMatchObject({ mayHaveHappened: true })
      const asked = attempt()
      expect(doCopy.absentAfterMs).toBe(Number.MAX_SAFE_INTEGER)
      const find = (searchedForMs: number) => doCopy.find?.(api, paramsOf(), before, { ...asked, searchedForMs })
      expect(await find(6 * MINUTE + 59 * SECOND)).toBeNull()
      const end = await failureOf(Promise.resolve(find(7 * MINUTE)))
      expect(end).toBeInstanceOf(UserError)
      expect(end.message).toBe("Rainbond's answer was lost, and shop-2 is empty.")
      expect(bodies('/copy')).toEqual([])
    })

    test('uploads: refuses a component from uploaded files by name before anything is made', async () => {
      const error = await failureOf(runCreate({ app: 'o19p6wen/frankfurt/12' }))
      expect(error).toBeInstanceOf(UserError)
      expect(error.message).toBe(
        "Built from uploaded files, which can't be copied: ledger-import. Choose only the others.",
      )
      expect(simulator.writes()).toEqual([])
      const options = (await rainbond.pickers.components?.(api, { app: 'o19p6wen/frankfurt/12' })) ?? []
      expect(options.map(({ label, description }) => [label, description])).toEqual([
        ['billing-api', 'running'],
        ['ledger-import', "uploaded, can't be copied"],
      ])
      const others = options.slice(0, 1).map(({ value }) => value)
      await expect(runCreate({ app: 'o19p6wen/frankfurt/12', components: others })).resolves.toBeDefined()
    })
  })

  describe('errors', () => {
    const classify = (status: number, body: unknown) =>
      rainbond.client(rainbond.connection.parse(simulator.connection)).classify?.({ status, body })

    test('403 is for the operator', async () => {
      simulator.setSwitch('no-permission', true)
      expect(await failureOf(runCreate())).toBeInstanceOf(ConnectionError)
    })

    test.each(['no found team', 'no found team or team not join this region', 'the region is not found'])(
      '404 "%s" is about the team or the region, not about an app',
      (msg) => {
        const sentence = "The token's user isn't in that team, or the team isn't in that region."
        expect(classify(404, { code: 404, msg })).toMatchObject({ blame: 'user', sentence, status: 403 })
      },
    )

    test('404 "region no found this resource" is about a part of the app, not about the team', () => {
      const verdict = classify(404, { code: 404, msg: 'region no found this resource' })
      expect(verdict).toMatchObject({ sentence: "The region doesn't know that app or component.", status: 403 })
    })

    test.each(['no found group app', 'no found app'])('404 "%s" is shown in Rainbond\'s words', (msg) => {
      expect(classify(404, { code: 404, msg })).toBeUndefined()
    })

    test('404 with a page is a wrong address, never a deleted app', async () => {
      expect(classify(404, null)?.blame).toBe('operator')
      await expect(api.get('/openapi/v2/teams', z.unknown())).rejects.toBeInstanceOf(ConnectionError)
    })

    test("409 code 2001 is a region that the team hasn't opened", async () => {
      const error = await failureOf(runCreate({ target: 'k3v8m2ra/helsinki' }))
      expect(error).toMatchObject({ name: 'UserError', status: 409 })
      expect(error.message).toContain("hasn't opened that region")
    })

    test('400 code 10411 may have happened at a write', async () => {
      const before = await runCreate()
      simulator.setSwitch('region-down', true)
      const error = await failureOf(doCopy.run(api, paramsOf(), before, attempt()))
      expect(error).toMatchObject({ name: 'TemporaryError', mayHaveHappened: true })
      expect(classify(400, { code: 10411 })?.hasNoEffect).toBeUndefined()
    })

    test('400 with httpcode 101 may have happened', async () => {
      const before = await runCreate()
      simulator.setSwitch('region-slow', true)
      const error = await failureOf(doCopy.run(api, paramsOf(), before, attempt()))
      expect(error).toMatchObject({ name: 'TemporaryError', mayHaveHappened: true })
      expect(await doCopy.find?.(api, paramsOf(), before, attempt())).toBeNull()
    })

    const LEFT = 'The new app shop-2 stays, and it is empty.'

    test('400 code 10106 means leftovers, and asks for a new app', async () => {
      const before = await runCreate()
      simulator.setSwitch('roll-back', true)
      expect(await failureOf(doCopy.run(api, paramsOf(), before, attempt()))).toBeInstanceOf(TemporaryError)
      const error = await failureOf(doCopy.run(api, paramsOf(), before, attempt()))
      expect(error).toBeInstanceOf(UserError)
      expect(error.message).toBe(
        `rainbond-prod: An earlier attempt left components with these names in the region. ${LEFT}`,
      )
    })

    test('412 and 409 code 20002 are quota, and no other 409 is', async () => {
      simulator.setSwitch('no-room', true)
      const error = await failureOf(runCopy())
      expect(error).toMatchObject({ name: 'UserError', status: 412 })
      expect(error.message).toBe(`rainbond-prod: The target team or cluster has no room for the copy. ${LEFT}`)
      expect(classify(409, { code: 20002, msg: 'quota' })).toMatchObject({ blame: 'user', status: 412 })
    })

    test('409 code 409 ends the copy, because a second one would go into an app that was tried before', async () => {
      const before = await runCreate()
      simulator.setSwitch('too-frequent', true)
      const error = await failureOf(doCopy.run(api, paramsOf(), before, attempt()))
      expect(error).toBeInstanceOf(UserError)
      expect(error.message).toBe(`rainbond-prod: Another operation on that component is in progress. ${LEFT}`)
    })

    test('500 code 10401 is for the operator, with the type of the error, without its stack', async () => {
      simulator.setSwitch('server-bug', true)
      const error = await failureOf(runCreate())
      expect(error).toMatchObject({ name: 'ConnectionError', status: 500 })
      expect(error.message).toBe(
        "rainbond-prod: Rainbond failed on this request; its console's log says why. Look there for KeyError.",
      )
      for (const error_type of [undefined, 'Traceback (most recent call last): x', 'x'.repeat(65)]) {
        const { sentence } = classify(500, { code: 10401, msg: 'boom', error_type }) ?? {}
        expect(sentence).toMatch(/says why\.$/)
      }
    })

    test('500 code 10401 to the copy says what it leaves behind', async () => {
      const before = await runCreate()
      simulator.setSwitch('server-bug', true)
      const error = await failureOf(doCopy.run(api, paramsOf(), before, attempt()))
      expect(error).toMatchObject({ name: 'ConnectionError', status: 500 })
      expect(error.message.endsWith(` Look there for KeyError. ${LEFT}`)).toBe(true)
    })

    test('a copy into an app that is gone leaves nothing', async () => {
      const before = { ...(await runCreate()), app: `${STAGING}/99` }
      const error = await failureOf(doCopy.baseline?.(api, paramsOf(), before) ?? Promise.resolve())
      expect(error.message).toBe('The new app is gone.')
    })

    test('500 without that code, and everything from a gateway, may have happened', () => {
      for (const status of [500, 502, 503, 504]) expect(classify(status, null)).toBeUndefined()
    })

    test('a taken name is for the person', async () => {
      const error = await failureOf(runCreate({ name: 'shop-staging' }))
      expect(error.message).toBe('rainbond-prod: There is already an app with this name. Choose another name.')
    })

    test("other refusals are shown in Rainbond's English words", () => {
      const { errorMessage } = rainbond.client(rainbond.connection.parse(simulator.connection))
      expect(errorMessage({ code: 21003, msg: 'k8s app name exists', msg_show: '已存在' })).toBe('k8s app name exists')
      expect(errorMessage({ code: 400, msg: [{ msg: 'x' }], msg_show: '请求错误' })).toBeUndefined()
      expect(errorMessage({ code: 20400, detail: '参数错误' })).toBeUndefined()
      expect(errorMessage('<html>')).toBeUndefined()
    })
  })

  describe('the new app', () => {
    test('is found by its name and its job, not by its name alone', async () => {
      simulator.setSwitch('lose-answer', true)
      await failureOf(runCreate())
      const found = await create.find?.(api, paramsOf(), null, attempt())
      expect(found).toMatchObject({ app: `${STAGING}/16` })
      expect(await create.find?.(api, paramsOf(), null, { ...attempt(), job: 'other' })).toBeNull()
      expect(await create.find?.(api, paramsOf({ name: 'shop' }), null, attempt())).toBeNull()
    })

    test('that was made while its components disappeared is reported as left behind', async () => {
      simulator.setSwitch('lose-answer', true)
      await failureOf(runCreate())
      const params = paramsOf({ components: ['c'.repeat(32)] })
      const error = await failureOf(Promise.resolve(create.find?.(api, params, null, attempt())))
      expect(error).toMatchObject({ name: 'UserError', status: undefined })
      expect(error.message).toBe(
        "Some of the chosen components aren't fully created, or no longer in the app. Choose again. The new app shop-2 stays, and it is empty.",
      )
    })

    test("is made only in teams of the token's user, from apps of their teams", async () => {
      for (const more of [{ app: 'q7d4x9tz/frankfurt/15' }, { target: 'q7d4x9tz/frankfurt' }]) {
        const error = await failureOf(runCreate(more))
        expect(error).toMatchObject({ name: 'UserError', status: 403 })
        expect(error.message).toContain('q7d4x9tz')
      }
      await failureOf(Promise.resolve(rainbond.pickers.components?.(api, { app: 'q7d4x9tz/frankfurt/15' })))
      expect(simulator.writes()).toEqual([])
    })

    test('is not made when a chosen component is gone or incomplete', async () => {
      const error = await failureOf(runCreate({ components: ['c'.repeat(32)] }))
      expect(error.message).toBe(
        "Some of the chosen components aren't fully created, or no longer in the app. Choose again.",
      )
      expect(simulator.writes()).toEqual([])
    })

    test("isn't polled", async () => {
      const written = await operationOf(rainbond, 'copy')?.steps[0].run(api, paramsOf(), null, attempt())
      expect(written).toMatchObject({ ended: 'done', consoleUrl: consoleOf() })
    })

    test('is deleted with everything in it, and no other app ever is', async () => {
      const ref = await watched()
      advance(10 * SECOND)
      expect((await startRemoval(copy, api, ref)).observation).toBeUndefined()
      expect(row('shop-2')).toBeUndefined()
      expect(await poll(ref)).toEqual({ phase: 'failed', detail: 'the new app is gone' })
      expect(await startRemoval(copy, api, ref)).toMatchObject({ observation: { phase: 'done' } })
      const error = await failureOf(startRemoval(copy, api, { ...ref, app: SHOP }))
      expect(error.message).toBe("Nothing was deleted: this app isn't the one that the job made.")
      expect(row('shop')).toBeDefined()
    })

    test("isn't deleted under a number that another app has by now", async () => {
      const ref = await watched()
      await startRemoval(copy, api, ref)
      const again = await create.run(api, paramsOf(), null, { ...attempt(), job: 'other' })
      expect(again.app).toBe(ref.app)
      const error = await failureOf(startRemoval(copy, api, ref))
      expect(error.message).toBe("Nothing was deleted: this app isn't the one that the job made.")
      expect(row('shop-2')).toBeDefined()
    })

    test('counts as deleted when that ended a minute after its answer was lost', async () => {
      const ref = await watched()
      const [step] = copy.removal?.steps ?? []
      simulator.setSwitch('late-delete', true)
      expect(await failureOf(startRemoval(copy, api, ref))).toMatchObject({ mayHaveHappened: true })
      expect(await step?.find?.(api, {}, ref, attempt())).toBeNull()
      advance(MINUTE)
      expect(await step?.find?.(api, {}, ref, attempt())).toEqual({ ref, ended: 'done' })
      expect(step?.absentAfterMs).toBeGreaterThan(MINUTE)
      expect(simulator.writes().filter(({ method }) => method === 'DELETE')).toHaveLength(1)
    })

    test('counts as deleted when somebody else deleted it right before, which Rainbond answers with a stack trace', async () => {
      const ref = await watched()
      const racing: Api = {
        ...api,
        delete: async (...args) => {
          await api.delete(...args)
          return await api.delete(...args)
        },
      }
      expect((await startRemoval(copy, racing, ref)).observation).toBeUndefined()
      expect(await pollRemoval(copy, api, ref)).toEqual({ phase: 'done' })
    })

    test('stays when Rainbond fails on its deletion, and that is not called a success', async () => {
      const ref = await watched()
      simulator.setSwitch('server-bug', true)
      const error = await failureOf(startRemoval(copy, api, ref))
      expect(error).toMatchObject({ name: 'ConnectionError', status: 500 })
      expect(row('shop-2')).toBeDefined()
      simulator.setSwitch('region-slow', true)
      expect(await failureOf(startRemoval(copy, api, ref))).toMatchObject({ mayHaveHappened: true })
    })

    test("holds up no other deletion where its team or region can't be read", async () => {
      const ref = await watched()
      const seen = await copy.removal?.steps[0].check(api, [{ ...ref, app: 'no-such-team/frankfurt/16' }, ref], clock)
      expect(seen).toMatchObject([
        { name: 'UserError', status: 403 },
        { phase: 'working', detail: 'still there' },
      ])
    })
  })

  describe('the copy', () => {
    test("is given up before a person could start it over, even if the region can't be asked", async () => {
      const before = await runCreate()
      simulator.setSwitch('drop-write', true)
      await failureOf(doCopy.run(api, paramsOf(), before, attempt()))
      const asked = attempt()
      simulator.setSwitch('down', true)
      const find = (searchedForMs: number) =>
        failureOf(Promise.resolve(doCopy.find?.(api, paramsOf(), before, { ...asked, searchedForMs })))
      expect(await find(239 * MINUTE)).toBeInstanceOf(TemporaryError)
      const end = await find(240 * MINUTE)
      // Without a status it ends the job; what fails to be found for six hours is a person's to start over.
      expect(end).toMatchObject({ name: 'UserError', status: undefined })
      expect(end.message).toBe("Rainbond can't be asked whether the copy was made. Look there whether shop-2 is empty.")
    })

    test('has half a minute to start its builds from its first poll on, however long it took', async () => {
      simulator.setSwitch('swallow-build', true)
      const copied = await runCopy()
      advance(2 * MINUTE)
      const first = await poll(copied)
      expect(first).toMatchObject({ phase: 'working', detail: 'waiting for the builds to start' })
      advance(29 * SECOND)
      expect((await poll(first.ref ?? {})).phase).toBe('working')
      advance(SECOND)
      expect((await poll(first.ref ?? {})).phase).toBe('done')
    })

    test('has a timeout that grows with the components', async () => {
      const timeouts: (number | undefined)[] = []
      const spy: Api = {
        ...api,
        post: (path, schema, options) => {
          timeouts.push(options?.timeoutMs)
          return api.post(path, schema, options)
        },
      }
      await doCopy.run(spy, paramsOf(), await runCreate(), attempt())
      expect(timeouts).toEqual([160 * SECOND])
    })

    test('is found if it is committed long after its answer was lost', async () => {
      const before = await runCreate()
      simulator.setSwitch('late-copy', true)
      await failureOf(doCopy.run(api, paramsOf(), before, attempt()))
      const asked = attempt()
      expect(await doCopy.find?.(api, paramsOf(), before, asked)).toBeNull()
      advance(MINUTE)
      const found = await doCopy.find?.(api, paramsOf(), before, { ...asked, searchedForMs: MINUTE })
      expect(found).toMatchObject({ stage: 'copied' })
      expect(bodies('/copy')).toHaveLength(1)
    })

    test('reads nothing around its write, where a kill would look like one during the copy', async () => {
      const before = await runCreate()
      const calls: string[] = []
      const spy: Api = {
        ...api,
        get: (path, schema, options) => {
          calls.push('get')
          return api.get(path, schema, options)
        },
        post: (path, schema, options) => {
          calls.push('post')
          return api.post(path, schema, options)
        },
      }
      await doCopy.run(spy, paramsOf(), before, attempt())
      expect(calls).toEqual(['post'])
    })

    test("isn't sent again if a person starts over and the components are there", async () => {
      const before = await runCreate()
      const copied = await doCopy.run(api, paramsOf(), before, attempt())
      expect(await doCopy.run(api, paramsOf(), before, { ...attempt(), tries: 2 })).toEqual(copied)
      expect(bodies('/copy')).toHaveLength(1)
    })
  })

  describe('builds', () => {
    test('starts a build that the server dropped after half a minute', async () => {
      simulator.setSwitch('swallow-build', true)
      const copied = await runCopy()
      const first = await poll(copied)
      expect(first).toMatchObject({ phase: 'working', detail: 'waiting for the builds to start' })
      advance(30 * SECOND)
      expect((await poll(first.ref ?? {})).phase).toBe('done')
      const ref = await runStart(copied)
      expect(bodies('/build')).toEqual([{}])
      await runStart(copied)
      expect(bodies('/build')).toHaveLength(1)
      advance(10 * SECOND)
      expect((await poll(ref)).phase).toBe('done')
    })

    test('leaves a build alone while its source is scanned', async () => {
      simulator.setSwitch('scan-source', true)
      const copied = await runCopy()
      const { ref: polled = {} } = await poll(copied)
      advance(39 * SECOND)
      expect(await poll(polled)).toMatchObject({ phase: 'working', detail: 'waiting for the builds to start' })
      advance(SECOND)
      expect((await poll(polled)).phase).toBe('done')
      const ref = await runStart(copied)
      expect(bodies('/build')).toEqual([])
      advance(10 * SECOND)
      expect((await poll(ref)).phase).toBe('done')
    })

    test("starts a build that doesn't follow its scan within half a minute", async () => {
      simulator.setSwitch('scan-only', true)
      const copied = await runCopy()
      const { ref: polled = {} } = await poll(copied)
      advance(69 * SECOND)
      expect(await poll(polled)).toMatchObject({ phase: 'working', detail: 'waiting for the builds to start' })
      advance(SECOND)
      expect((await poll(polled)).phase).toBe('done')
      const ref = await runStart(copied)
      expect(bodies('/build')).toEqual([{}, {}, {}])
      advance(10 * SECOND)
      expect((await poll(ref)).phase).toBe('done')
    })

    test('fails if the scan found something', async () => {
      simulator.setSwitch('swallow-build', true)
      const first = await poll(await runCopy())
      const scanned = { opt_type: 'source-scan', status: 'failure', final_status: 'complete', message: 'a weak spot' }
      advance(30 * SECOND)
      expect((await pollWithEvent(first.ref ?? {}, scanned)).phase).toBe('done')
      const ref = { ...first.ref, stage: 'built' }
      expect((await pollWithEvent(ref, scanned)).detail).toBe(
        'copied, but the build of shop-api-copy failed: a weak spot',
      )
    })

    test('reports why a build is refused', async () => {
      simulator.setSwitch('swallow-build', true)
      const copied = await runCopy()
      simulator.setSwitch('build-refused', true)
      const error = await failureOf(runStart(copied))
      expect(error).toBeInstanceOf(UserError)
      expect(error.message).toBe(
        "Copied, but the build of shop-api-copy can't be started. rainbond-prod: the access to the git repository was withdrawn",
      )
    })

    test('tries again half a minute later after "too frequent"', async () => {
      simulator.setSwitch('swallow-build', true)
      const copied = await runCopy()
      simulator.setSwitch('too-frequent', true)
      const error = await failureOf(runStart(copied))
      expect(error).toMatchObject({ name: 'TemporaryError', mayHaveHappened: false, retryAfterMs: 30 * SECOND })
    })

    test("waits while the region doesn't answer", async () => {
      const copied = await runCopy()
      simulator.setSwitch('region-down', true)
      advance(MINUTE)
      const blind = { phase: 'working', detail: "the region doesn't answer at the moment" }
      expect(await poll(copied)).toMatchObject(blind)
      expect(await failureOf(runStart(copied))).toMatchObject({ name: 'TemporaryError', mayHaveHappened: false })
      simulator.setSwitch('region-down', false)
      const ref = await runStart(copied)
      simulator.setSwitch('region-down', true)
      expect(await poll(ref)).toMatchObject(blind)
    })

    test('takes a request for events only if a component is slow to start', async () => {
      const ref = await watched()
      const count = async () => {
        const before = simulator.requests()
        await poll(ref)
        return simulator.requests() - before
      }
      expect(await count()).toBe(1)
      simulator.setSwitch('fail-next', true)
      advance(SECOND)
      await poll(ref)
      advance(18 * SECOND)
      expect(await count()).toBe(1)
      advance(SECOND)
      expect(await count()).toBe(2)
    })

    test("builds that were superseded or still run aren't failures", async () => {
      const ref = { ...(await watched()), stageMs: MINUTE }
      for (const final_status of ['', 'timeout', 'emptycomplete']) {
        expect((await pollWithEvent(ref, { opt_type: 'build-service', status: 'failure', final_status })).phase).toBe(
          'working',
        )
      }
      const failed = await pollWithEvent(ref, {
        opt_type: 'build-service',
        status: 'failure',
        final_status: 'complete',
      })
      expect(failed.detail).toMatch(/failed: Rainbond gives no reason\.$/)
    })

    async function pollWithEvent(ref: Ref, event: Record<string, string>): Promise<Observation> {
      const faked: Api = {
        ...api,
        get: async (path, schema, options) =>
          path.includes('/events') ? z.parse(schema, { events: [event] }) : await api.get(path, schema, options),
      }
      const [observation] = await observed(create.check(faked, [ref], clock))
      return observation ?? { phase: 'done' }
    }
  })

  describe('events as consoles before 6.0 spell them, in lists without a total', () => {
    beforeEach(() => simulator.setSwitch('old-events', true))

    test('show why a build failed', async () => {
      const ref = await watched()
      simulator.setSwitch('fail-next', true)
      advance(SECOND)
      await poll(ref)
      advance(19 * SECOND)
      expect(await poll(ref)).toMatchObject({
        phase: 'failed',
        detail: 'copied, but the build of shop-api-copy failed: The image could not be pulled.',
      })
    })

    test('are read as the documentation shows them, or in a mixture of both spellings', async () => {
      const ref = { ...(await watched()), stageMs: MINUTE }
      const old = {
        OptType: 'build-service',
        Status: 'failure',
        FinalStatus: 'complete',
        Message: 'No disk.',
        EndTime: '',
      }
      const pod = { opt_type: 'Unhealthy', status: '', final_status: 'emptycomplete' }
      const failure = 'copied, but the build of shop-api-copy failed: No disk.'
      for (const events of [[old], [pod, old], [null, { ...old, EventID: 7 }]]) {
        const odd = altered(api, (body, path) => (path.includes('/events') ? { events } : body))
        expect((await observed(create.check(odd, [ref], clock)))[0]).toMatchObject({
          phase: 'failed',
          detail: failure,
        })
      }
    })

    test('show a build that goes on, so that no second one is started', async () => {
      const copied = await runCopy()
      const open = { OptType: 'build-service', Status: '', FinalStatus: '', Message: '', EndTime: '' }
      const odd = altered(api, (body, path) => {
        if (path.includes('/events')) return { events: [open] }
        return inLists(body, (rows) => rows.map(withKey('status', 'undeploy')))
      })
      await start.run(odd, paramsOf(), copied, attempt())
      expect(bodies('/build')).toEqual([])
    })

    test('show a scan before a build, and a build that was never started', async () => {
      simulator.setSwitch('scan-only', true)
      const copied = await runCopy()
      const { ref: polled = {} } = await poll(copied)
      advance(69 * SECOND)
      expect(await poll(polled)).toMatchObject({ phase: 'working', detail: 'waiting for the builds to start' })
      advance(SECOND)
      expect((await poll(polled)).phase).toBe('done')
      await runStart(copied)
      expect(bodies('/build')).toEqual([{}, {}, {}])
    })

    test('lists without a total are read to their end', async () => {
      await simulator.close()
      simulator = await startRainbond({ now: () => clock, count: 230 })
      api = connect()
      const all = await rainbond.pickers.targets?.(api, {})
      simulator.setSwitch('old-events', true)
      expect(await rainbond.pickers.targets?.(api, {})).toEqual(all)
      expect(all).toHaveLength(233)
    })
  })

  describe('unreadable events', () => {
    test('are reported, and may be builds: none is started', async () => {
      simulator.setSwitch('swallow-build', true)
      const copied = await runCopy()
      simulator.setSwitch('new-events', true)
      const { ref: polled = {} } = await poll(copied)
      advance(30 * SECOND)
      expect((await poll(polled)).phase).toBe('done')
      const noticing = counting(api)
      const ref = await start.run(noticing, paramsOf(), copied, attempt())
      expect(bodies('/build')).toEqual([])
      expect(noticing.skipped()).toBeGreaterThan(0)
      expect(await start.find?.(api, paramsOf(), copied, attempt())).toEqual(ref)
      advance(MINUTE)
      expect((await poll(ref)).phase).toBe('working')
      // With events that can be read, the same component is built.
      simulator.setSwitch('new-events', false)
      await runStart(copied)
      expect(bodies('/build')).toEqual([{}])
    })

    test.each([
      ...[null, 7, 'build-service', [], {}, { OPT_TYPE: 'build-service' }, { opt_type: null }, { OptType: 7 }],
      ...[{ opt_type: '' }, { type: 'build-service', state: 'failure' }],
    ])('include %j', async (event) => {
      simulator.setSwitch('swallow-build', true)
      const copied = await runCopy()
      advance(MINUTE)
      const odd = altered(api, (body, path) => (path.includes('/events') ? { events: [event] } : body))
      await start.run(odd, paramsOf(), copied, attempt())
      expect(bodies('/build')).toEqual([])
    })
  })

  describe('odd rows', () => {
    const listed = async (via: Api) =>
      await Promise.all(['apps', 'targets', 'components'].map((name) => rainbond.pickers[name]?.(via, { app: SHOP })))

    test.each([...oddRows, ['no names', (row: Record<string, unknown>) => ({ status: row.status })] as const])(
      "a row of %s doesn't hide the others in any list",
      async (_, make) => {
        const well = await listed(api)
        const odd = counting(
          altered(api, (body) => inLists(body, (rows) => [make({ ...rows[0] }), ...rows, make({ ...rows[0] })])),
        )
        expect(await listed(odd)).toEqual(well)
        expect(odd.skipped()).toBeGreaterThan(0)
      },
    )

    test('those of the simulator hide nothing, and jobs still end', async () => {
      const well = await listed(api)
      simulator.setSwitch('odd-rows', true)
      expect(await listed(api)).toEqual(well)
      const before = await runCreate()
      expect(await create.find?.(api, paramsOf(), null, attempt())).toEqual(before)
      expect(await doCopy.baseline?.(api, paramsOf(), before)).toBe('')
      const copied = await doCopy.run(api, paramsOf(), before, attempt())
      const ref = await runStart(copied)
      advance(10 * SECOND)
      expect(await poll(ref)).toMatchObject({ phase: 'done', url: expect.stringContaining('shop-web-copy') })
    })

    test.each(oddValues)('waits for a component whose status is %j, and other jobs end', async (status) => {
      const [one, two] = [await watched(), await watchedAs('shop-3', 'other')]
      advance(10 * SECOND)
      const odd = altered(api, (body, path) =>
        path.includes('/16/services')
          ? inLists(body, ([first = {}, ...rows]) => [withKey('status', status)(first), ...rows])
          : body,
      )
      const [first, second] = await observed(create.check(odd, [one, two], clock))
      expect(first).toMatchObject({ phase: 'working', detail: expect.stringMatching(/unknown|doesn't answer/) })
      expect(second?.phase).toBe('done')
    })

    test.each([...oddRows, ['no id', withKey('service_id')] as const])(
      "a component that is a row of %s is neither missing nor done, and isn't copied again",
      async (_, make) => {
        const ref = await watched()
        advance(10 * SECOND)
        const odd = altered(api, (body, path) =>
          path.endsWith('/services') ? inLists(body, ([first = {}, ...rows]) => [make(first), ...rows] as never) : body,
        )
        expect((await observed(create.check(odd, [ref], clock)))[0]).toMatchObject({
          phase: 'working',
          detail: "Rainbond's list of the components can't be read",
        })
        const only = altered(api, (body, path) =>
          path.endsWith('/services') ? inLists(body, (rows) => rows.map((row) => make(row)) as never) : body,
        )
        for (const read of [doCopy.find?.(only, paramsOf(), ref, attempt()), doCopy.baseline?.(only, paramsOf(), ref)])
          expect(await failureOf(Promise.resolve(read))).toBeInstanceOf(TemporaryError)
        const again = doCopy.run(only, paramsOf(), ref, { ...attempt(), tries: 2 })
        expect(await failureOf(again)).toBeInstanceOf(TemporaryError)
        expect(bodies('/copy')).toHaveLength(1)
      },
    )

    test.each([...oddRows, ['no number', withKey('ID')] as const, ['no note', withKey('note')] as const])(
      'the new app never counts as absent while there is a row of %s',
      async (_, make) => {
        const made = await runCreate()
        const isOurs = (row: Record<string, unknown>) => row.group_name === 'shop-2'
        const odd = altered(api, (body) =>
          inLists(body, (rows) => rows.map((row) => (isOurs(row) ? make(row) : row)) as never),
        )
        expect(await failureOf(Promise.resolve(create.find?.(odd, paramsOf(), null, attempt())))).toBeInstanceOf(
          TemporaryError,
        )
        const other = { ID: 99, note: 'Made by hand.' }
        const beside = altered(api, (body, path) =>
          path.endsWith('/apps') ? inLists(body, (rows) => [other, ...rows]) : body,
        )
        expect(await create.find?.(beside, paramsOf(), null, attempt())).toEqual(made)
      },
    )

    test('an unreadable team may be the right one, so nobody is refused for it', async () => {
      const odd = altered(api, (body, path) =>
        path === '/openapi/v1/teams' ? inLists(body, (rows) => rows.map(withKey('tenant_name'))) : body,
      )
      const run = create.run(odd, paramsOf(), null, attempt())
      expect(await failureOf(run)).toBeInstanceOf(TemporaryError)
      expect(simulator.writes()).toEqual([])
    })

    async function watchedAs(name: string, job: string): Promise<Ref> {
      const made = await create.run(api, paramsOf({ name }), null, { ...attempt(), job })
      const copied = await doCopy.run(api, paramsOf({ name }), made, { ...attempt(), job })
      const ref = await start.run(api, paramsOf({ name }), copied, { ...attempt(), job })
      return (await poll(ref)).ref ?? {}
    }
  })

  describe('validation of its form', () => {
    const validate = async (more: Record<string, unknown> = {}, via = api) => await copy.validate?.(via, paramsOf(more))
    const BILLING = 'o19p6wen/frankfurt/12'

    test('accepts what Rainbond will accept, and says what is left out', async () => {
      expect(await validate({ app: 'o19p6wen/helsinki/13' })).toEqual({ errors: {}, warnings: [] })
      expect(await validate()).toEqual({ errors: {}, warnings: ['Not fully created, so not copied: shop-search.'] })
      expect(await validate({ components: [(await idsOf()).get('shop-api')] })).toEqual({ errors: {}, warnings: [] })
      expect(copy.preview(paramsOf(), {})).not.toHaveProperty('warning')
      expect(simulator.writes()).toEqual([])
    })

    test.each([
      ['name', { name: 'shop-staging' }, 'There is already an app with this name. Choose another name.'],
      [
        'components',
        { app: BILLING },
        "Built from uploaded files, which can't be copied: ledger-import. Choose only the others.",
      ],
      [
        'components',
        { components: ['c'.repeat(32)] },
        "Some of the chosen components aren't fully created, or no longer in the app. Choose again.",
      ],
      ['app', { app: 'o19p6wen/frankfurt/999' }, 'rainbond-prod: no found app'],
      ['app', { app: 'q7d4x9tz/frankfurt/15' }, "The token's user isn't in the team of q7d4x9tz/frankfurt/15."],
      [
        'target',
        { target: 'k3v8m2ra/helsinki' },
        "The team hasn't opened that region. Choose another, or open it there.",
      ],
      ['target', { target: 'k3v8m2ra/leeds' }, "That region isn't enabled. Choose another one."],
      ['target', { target: 'q7d4x9tz/frankfurt' }, "The token's user isn't in the team of q7d4x9tz/frankfurt."],
    ])('reports at %s what Rainbond would refuse of %j', async (field, more, sentence) => {
      expect((await validate(more))?.errors).toMatchObject({ [field]: expect.stringContaining(sentence) })
    })

    test('refuses an incomplete component that was chosen', async () => {
      const components = await api.get(
        '/openapi/v1/teams/o19p6wen/regions/frankfurt/apps/11/services',
        z.array(z.object({ service_id: z.string(), service_cname: z.string() })),
      )
      const search = components.find(({ service_cname }) => service_cname === 'shop-search')?.service_id
      expect((await validate({ components: [search] }))?.errors).toEqual({
        components: "Some of the chosen components aren't fully created, or no longer in the app. Choose again.",
      })
    })

    test('tells nothing of an app to people outside its team', async () => {
      const { warnings } = (await validate({ app: 'q7d4x9tz/frankfurt/15' })) ?? {}
      expect(warnings).toEqual([])
    })

    test("warns that unreadable components aren't copied", async () => {
      const odd = altered(api, (body, path) =>
        path.endsWith('/services') ? inLists(body, (rows) => [null, ...rows] as never) : body,
      )
      expect((await validate({ app: 'o19p6wen/helsinki/13' }, odd))?.warnings).toEqual([
        "Not copied, because Rainbond's list of them can't be read: 1 of the components.",
      ])
    })

    test("doesn't block the start when Rainbond can't be asked", async () => {
      simulator.setSwitch('down', true)
      expect(await validate({ name: 'shop-staging' })).toEqual({ errors: {}, warnings: [] })
    })
  })

  describe('polling', () => {
    test('a crash is a failure only after five minutes, unless it recovers', async () => {
      const ref = await watched()
      advance(10 * SECOND)
      simulator.setSwitch('crash', true)
      const first = await poll(ref)
      expect(first).toMatchObject({ phase: 'working', ref: { unhealthyMs: 0 } })
      const { phase, ref: latest = {} } = await pollFor(first.ref ?? {}, 4 * MINUTE + 59 * SECOND)
      expect(phase).toBe('working')
      advance(SECOND)
      expect(await poll(latest)).toMatchObject({
        phase: 'failed',
        detail: expect.stringMatching(/^copied, but unhealthy for 5 minutes: shop-api-copy \(abnormal\), /),
      })
      simulator.setSwitch('crash', false)
      expect((await poll(latest)).phase).toBe('done')
    })

    test('a clock that is set in between adds at most a minute, and takes nothing away', async () => {
      const ref = await watched()
      advance(10 * SECOND)
      simulator.setSwitch('crash', true)
      let { ref: latest = {} } = await poll(ref)
      for (const byMs of [3 * 60 * MINUTE, -3 * 60 * MINUTE, MINUTE]) {
        advance(byMs)
        latest = (await poll(latest)).ref ?? {}
      }
      expect(latest).toMatchObject({ unhealthyMs: 2 * MINUTE })
    })

    test('the five minutes start again after a recovery', async () => {
      const ref = { ...(await watched()), unhealthyMs: MINUTE }
      expect((await poll(ref)).ref).not.toHaveProperty('unhealthyMs')
    })

    test('links the public address at the end', async () => {
      const ref = await watched()
      advance(10 * SECOND)
      expect(await poll(ref)).toMatchObject({
        phase: 'done',
        url: 'http://shop-web-copy-5000-k3v8m2ra.frankfurt.woolworks.example/',
        consoleUrl: consoleOf(),
      })
    })

    test("links the app's page in the console, also without a public address", async () => {
      const copied = await runCopy({ components: [(await idsOf()).get('shop-api')] })
      expect(await poll(copied)).toMatchObject({ consoleUrl: consoleOf() })
      const ref = await runStart(copied)
      expect(await poll(ref)).toMatchObject({ phase: 'working', consoleUrl: consoleOf() })
      advance(10 * SECOND)
      const end = await poll(ref)
      expect(end).toMatchObject({ phase: 'done', consoleUrl: consoleOf() })
      expect(end).not.toHaveProperty('url')
    })

    test.each(['?key=secret', '/#/login', '/'])('links the console without what follows its address: "%s"', (end) => {
      const { url } = simulator.connection
      const { settings } = rainbond.client(rainbond.connection.parse({ ...simulator.connection, url: `${url}${end}` }))
      expect(settings).toEqual({ console: url })
    })

    // Every state that the vendor's status query, its region or its console names.
    const PENDING = [
      'undeploy',
      'closed',
      'waiting',
      'starting',
      'checking',
      'upgrade',
      'stopping',
      'stoping',
      'paused',
    ]
    const DECLARED = ['restoring', 'building', 'build_failure', 'owed', 'Owed', 'expired', 'creating', 'uncreate']
    const LIVE = { states: ['running', 'succeeded'], phase: 'done', later: 'done' }
    const TROUBLED = { states: ['abnormal', 'some_abnormal', 'unusual'], phase: 'working', later: 'failed' }
    const UNDER_WAY = { states: [...PENDING, ...DECLARED, 'deployed'], phase: 'working', later: 'working' }
    const UNSEEN = { states: ['unknow', 'unKnow', 'failure', null], phase: 'working', later: 'working' }
    const table = [LIVE, TROUBLED, UNDER_WAY, UNSEEN].flatMap((row) => row.states.map((state) => ({ ...row, state })))

    test.each(table)(
      'a component that is $state is $phase, and $later five minutes later',
      async ({ states, state, phase, later }) => {
        const ref = await watched()
        stateOfCopies = state
        const first = await poll(ref)
        expect(first.phase).toBe(phase)
        if (states === UNSEEN.states) expect(first.detail).toBe("the region doesn't answer at the moment")
        else if (phase === 'working') expect(first.detail).toContain(`shop-api-copy (${state})`)
        expect((await pollFor(first.ref ?? ref, 5 * MINUTE)).phase).toBe(later)
      },
    )

    test.each(['no-such-team/frankfurt/16', 'k3v8m2ra/no-such-region/16'])(
      "a missing team or region, %s, doesn't count as a deleted app",
      async (app) => {
        const ref = { ...(await watched()), app }
        const [observation] = await create.check(api, [ref], clock)
        expect(observation).toMatchObject({ name: 'UserError', status: 403 })
        const error = await failureOf(startRemoval(copy, api, ref))
        expect(error).toMatchObject({ name: 'UserError', status: 403 })
      },
    )

    test("an app that Rainbond fails on doesn't affect the others", async () => {
      simulator.setSwitch('one-broken', true)
      const one = await watchedBlindly('shop-2', 'k7f3q')
      const two = await watchedBlindly('shop-3', 'other')
      const [broken, fine] = await create.check(api, [one, two], clock)
      expect(broken).toMatchObject({ name: 'ConnectionError', status: 500 })
      expect(fine).toMatchObject({ phase: 'done' })
    })

    async function watchedBlindly(name: string, job: string): Promise<Ref> {
      const made = await create.run(api, paramsOf({ name }), null, { ...attempt(), job })
      return await doCopy.run(api, paramsOf({ name }), made, { ...attempt(), job })
    }

    test('polls jobs of different stages together, one request each', async () => {
      const one = await watched()
      const two = await watchedBlindly('shop-3', 'other')
      const before = simulator.requests()
      expect((await pollAll([one, two, one])).map(({ phase }) => phase)).toEqual(['working', 'done', 'working'])
      expect(simulator.requests() - before).toBe(3)
      expect(create.check).toBe(doCopy.check)
      expect(create.check).toBe(start.check)
    })
  })

  describe('the form', () => {
    test('lists only enabled regions of teams that the user joined, and no token of theirs', async () => {
      const targets = (await rainbond.pickers.targets?.(api, {})) ?? []
      expect(targets.map(({ label }) => label)).toEqual([
        'Production / Frankfurt',
        'Production / Helsinki',
        'Staging / Frankfurt',
      ])
      const all = JSON.stringify([targets, await rainbond.pickers.apps?.(api, {})])
      expect(all).not.toContain(REGION_TOKEN)
      expect(await rainbond.pickers.components?.(api, {})).toEqual([])
    })

    test("skips a team whose regions Rainbond can't list", async () => {
      const faked: Api = {
        ...api,
        get: (path, schema, options) =>
          path.includes('k3v8m2ra/regions')
            ? Promise.reject(new UserError('20400', { status: 400 }))
            : api.get(path, schema, options),
      }
      const targets = (await rainbond.pickers.targets?.(faked, {})) ?? []
      expect(targets.map(({ label }) => label)).toEqual(['Production / Frankfurt', 'Production / Helsinki'])
    })

    test.each(['shop 2', 'shop/2', '', 'x'.repeat(129), 'wöl'])('refuses the name "%s"', (name) => {
      const issues = copy.fields.safeParse({ app: SHOP, target: STAGING, name }).error?.issues
      expect(issues?.[0]).toMatchObject({ path: ['name'], message: expect.stringContaining('1 to 128 letters') })
    })

    test.each(['shop.2_b-c', '羊毛店', 'x'.repeat(128)])('accepts the name "%s"', (name) => {
      expect(copy.fields.safeParse({ app: SHOP, target: STAGING, name }).success).toBe(true)
    })

    test('has one lock for a name in one place, ignoring case', () => {
      expect(copy.lock(paramsOf({ name: 'Shop-2' }))).toBe(copy.lock(paramsOf()))
      expect(copy.lock(paramsOf({ target: 'o19p6wen/frankfurt' }))).not.toBe(copy.lock(paramsOf()))
    })

    test('says what is copied', () => {
      const named = { app: 'Production / Frankfurt / shop', target: 'Staging / Frankfurt', name: 'shop-2' }
      expect(copy.summary(named)).toEqual({
        from: 'Production / Frankfurt / shop',
        to: 'shop-2 in Staging / Frankfurt',
      })
      expect(copy.preview(paramsOf(), named).notCopied).toContain('old team and region')
      const here = copy.preview(paramsOf({ target: 'o19p6wen/frankfurt', components: ['c'.repeat(32)] }), {
        ...named,
        components: 'shop-api, shop-web',
      })
      expect(here.notCopied).not.toContain('old team')
      expect(here.copied).toMatch(/^Only shop-api, shop-web, with build source/)
    })
  })
})
