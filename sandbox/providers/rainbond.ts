/** A simulated Rainbond console: apps whose components are copied, built and started over time, with its odd answers. */
import { z } from 'zod'
import { withOddLists, withOddRows } from './odd-rows.js'
import { startCluster } from './rainbond-cluster.js'
import { bug, denied, drfError, REGION_TOKEN, Refusal, SWITCHES } from './rainbond-faults.js'
import { type App, type Component, seed, type Team } from './rainbond-world.js'
import { type Answer, type SimulatedRequest, type StartOptions, startServer } from './server.js'
import type { Simulator } from './simulator.js'

const TOKEN = '3f9a1c77b0d24e58a6c2d90e4b7f81c5d2e6a039'
/** A copy or a deletion whose answer is late is committed after this many milliseconds. */
const LATE_MS = 60_000

const newApp = z.object({
  app_name: z.string().min(1),
  app_note: z.string().default(''),
  k8s_app: z.string().default(''),
})
const copyBody = z.object({
  services: z.array(z.object({ service_id: z.string(), change: z.looseObject({}).nullish() })).nullable(),
  target_team_name: z.string(),
  target_region_name: z.string(),
  target_app_id: z.coerce.number().int().nullable(),
})

interface RainbondOptions extends StartOptions {
  /** The state that all copied components report; undefined for their real one. Default: their real one. */
  stateOfCopies?: () => string | null | undefined
}

export async function startRainbond(options: RainbondOptions = {}): Promise<Simulator> {
  const now = options.now ?? Date.now
  const cloneMs = options.cloneMs ?? 10_000
  const world = seed(now(), options.count ?? 0)
  const server = await startServer({
    switches: SWITCHES,
    errorBody: drfError,
    answer,
  })
  const { stateOfCopies = () => undefined } = options
  const cluster = startCluster({ now, cloneMs, server, stateOfCopies })
  const { duplicate, build, dispatch, failOpenBuild, statusOf, show, eventsOf } = cluster
  /** Numbers of the apps whose components cannot be read. */
  const broken = new Set<number>()

  function answer(request: SimulatedRequest): Answer {
    try {
      authorize(request)
      fault(request)
      failOpenBuild()
      for (const { ID, goneAt = Infinity } of world.apps.values()) if (goneAt <= now()) world.apps.delete(ID)
      for (const [method, pattern, handle] of routes) {
        const found = pattern.exec(request.path)
        if (method === request.method && found) return bend(method, handle(request, found.slice(1)))
      }
      return { status: 404, body: '<h1>Not Found</h1>', headers: { 'content-type': 'text/html' } }
    } catch (error) {
      if (error instanceof Refusal) {
        const { status, body } = error
        return { status, body, ...(status === 401 && { headers: { 'www-authenticate': 'Token' } }) }
      }
      // To what it doesn't expect, the vendor answers with a stack trace.
      return { status: 500, body: bug }
    }
  }

  /** Adds what switches change in every list. */
  function bend(method: string, answer: Answer): Answer {
    const { body } = answer
    if (method !== 'GET' || !server.isOn('odd-rows')) return answer
    // An empty app stays empty.
    if (!Array.isArray(body)) return { ...answer, body: withOddLists(body) }
    return { ...answer, body: body.length > 0 ? withOddRows(body) : body }
  }

  const totalOf = (rows: unknown[]) => (server.isOn('old-events') ? {} : { total: rows.length })

  const place = String.raw`^/openapi/v1/teams/([\w-]+)/regions/([\w-]+)`
  const routes: [string, RegExp, (request: SimulatedRequest, parts: string[]) => Answer][] = [
    ['GET', /^\/openapi\/v1\/teams$/, listTeams],
    ['GET', /^\/openapi\/v1\/teams\/([\w-]+)\/regions$/, listRegions],
    ['GET', new RegExp(`${place}/apps$`), listApps],
    ['POST', new RegExp(`${place}/apps$`), createApp],
    ['GET', new RegExp(`${place}/apps/(\\d+)$`), (_, parts) => ok({ ...showApp(appOf(parts)), app_id: parts[2] })],
    ['DELETE', new RegExp(`${place}/apps/(\\d+)$`), deleteStoppedApp],
    ['DELETE', new RegExp(`${place}/app/(\\d+)/delete$`), deleteApp],
    ['GET', new RegExp(`${place}/apps/(\\d+)/services$`), listComponents],
    ['GET', new RegExp(`${place}/apps/(\\d+)/httpdomains$`), listDomains],
    ['POST', new RegExp(`${place}/apps/(\\d+)/copy$`), copy],
    ['GET', new RegExp(`${place}/apps/(\\d+)/services/([\\w-]+)/events$`), listEvents],
    ['POST', new RegExp(`${place}/apps/(\\d+)/services/([\\w-]+)/build$`), buildByHand],
  ]

  function authorize({ headers }: SimulatedRequest): void {
    if (server.isOn('licence')) throw new Refusal(401, 'invalid license', 10400)
    if (headers.authorization !== TOKEN) throw new Refusal(401, 'No such user or user is not admin', 401, denied)
  }

  function fault({ method, path }: SimulatedRequest): void {
    if (path === '/openapi/v1/teams' && server.isOn('no-permission')) throw new Refusal(403, 'no permissions', 10402)
    if (method === 'GET') return
    if (server.isOn('region-down')) throw new Refusal(400, 'MaxRetryError(rbd-api)', 10411)
    if (server.isOn('region-slow')) throw new Refusal(400, { httpcode: 101, body: { msg: 'timeout' } })
    if (server.isOn('server-bug')) throw new Error('a bug')
  }

  function listTeams({ query }: SimulatedRequest): Answer {
    const teams = world.teams.filter(({ isJoined }) => isJoined)
    const tenants = page(teams, query).map(({ regions: _, isJoined: __, ...team }) => ({ ...team, is_active: true }))
    return ok({ tenants, ...totalOf(teams), page: Number(query.get('page') ?? 1) })
  }

  function listRegions({ query }: SimulatedRequest, [name]: string[]): Answer {
    if (query.has('query')) throw new Error('broken SQL')
    const { regions, tenant_name } = teamOf(name)
    const rows = world.regions.filter(({ region_name }) => regions.includes(region_name))
    const shown = rows.map((row) => ({ ...row, tenant_name, token: REGION_TOKEN, url: 'https://10.1.0.4:8443' }))
    return ok({ ...totalOf(rows), regions: page(shown, query) })
  }

  function listApps({ query }: SimulatedRequest, parts: string[]): Answer {
    const { team, region } = placeOf(parts)
    const text = (query.get('query') ?? '').toLowerCase()
    const apps = [...world.apps.values()].filter((app) => app.team === team && app.region === region)
    const found = apps.filter(({ group_name }) => group_name.toLowerCase().includes(text))
    return ok(found.toSorted((a, b) => b.updatedAt - a.updatedAt).map(showApp))
  }

  function createApp({ body }: SimulatedRequest, parts: string[]): Answer {
    const { team, region } = placeOf(parts)
    const { data } = newApp.safeParse(body)
    if (!data) throw new Refusal(400, undefined, 20400, { detail: '参数错误', error_type: 'ValidationError' })
    const { app_name, app_note, k8s_app } = data
    if (!/^[a-zA-Z0-9_.\-\u4e00-\u9fa5]{1,128}$/.test(app_name)) throw new Refusal(400, 'app_name illegal')
    const others = [...world.apps.values()].filter((app) => app.team === team && app.region === region)
    if (others.some((app) => app.group_name === app_name)) throw new Refusal(400, 'app name exist')
    if (!/^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$/.test(k8s_app)) throw new Refusal(400, 'k8s app name illegal')
    if (others.some((app) => app.k8s_app === k8s_app)) throw new Refusal(400, 'k8s app name exists', 21003)
    const ID = Math.max(...world.apps.keys()) + 1
    const known = { ID, group_name: app_name, note: app_note, k8s_app: k8s_app || `app-${ID}` }
    const app: App = { ...known, team, region, updatedAt: now(), hasDebris: false, components: [] }
    world.apps.set(ID, app)
    if (server.isOn('one-broken')) broken.add(ID)
    return { status: 201, body: showApp(app) }
  }

  function copy({ body }: SimulatedRequest, parts: string[]): Answer {
    placeOf(parts)
    if (body === null) throw new Refusal(400, undefined, 20400, { detail: '参数错误' })
    const { services, target_team_name, target_region_name, target_app_id } = copyBody.parse(body ?? {})
    const team = world.teams.find((one) => one.tenant_name === target_team_name && one.isJoined)
    if (!team?.regions.includes(target_region_name)) {
      throw new Refusal(404, 'no found team or team not join this region')
    }
    const target = world.apps.get(target_app_id ?? 0)
    if (!target) throw new Refusal(404, 'no found group app')
    if (target.team !== team) throw new Refusal(400, 'group app and team relation no found')
    // Like the vendor, this finds the app without checking its team or region.
    const source = partsOf(world.apps.get(Number(parts[2])))
    const ids = services && services.length > 0 ? services.map((one) => one.service_id) : source.map(({ id }) => id)
    const chosen = ids.map((id) => {
      const found = source.find((one) => one.id === id && one.createStatus === 'complete')
      if (!found) throw new Error('KeyError')
      return found
    })
    const uploaded = chosen.filter((one) => one.source === 'package_build').map(({ name }) => name)
    if (uploaded.length > 0) {
      throw new Refusal(400, `package_build components do not support quick copy: ${uploaded.join(',')}`)
    }
    if (server.isOn('too-frequent')) throw new Refusal(409, 'wait a moment please')
    if (server.isOn('no-room')) throw new Refusal(412, 'cluster_lack_of_memory', 10413)
    if (target.hasDebris) throw new Refusal(400, 'k8s component name exists', 10106)
    if (server.isOn('roll-back')) {
      target.hasDebris = true
      throw new Refusal(400, 'MaxRetryError(rbd-api)', 10411)
    }
    if (server.isOn('empty-copy') || target.region !== target_region_name) return ok({ services: [] })
    const isLate = server.isOn('late-copy')
    const at = now() + (isLate ? LATE_MS : 0)
    const copies = chosen.map((one) => duplicate(one, target, at)).filter(({ source }) => source !== 'third_party')
    dispatch(copies, at)
    if (isLate) server.setSwitch('lose-answer', true)
    return ok({ services: copies.map((one) => ({ ...show(one), status: '' })) })
  }

  function buildByHand(_: SimulatedRequest, parts: string[]): Answer {
    const one = partOf(parts)
    if (server.isOn('too-frequent')) throw new Refusal(409, 'wait a moment please')
    if (server.isOn('build-refused')) throw new Refusal(400, 'the access to the git repository was withdrawn')
    if (one.events.some(({ endsAt }) => endsAt > now())) throw new Refusal(409, 'wait a moment please')
    return ok({ event_id: build(one, now()) })
  }

  function listComponents(_: SimulatedRequest, parts: string[]): Answer {
    const app = appOf(parts)
    const components = partsOf(app)
    // An empty list has nothing that could fail.
    if (broken.has(app.ID) && components.length > 0) throw new Error('a bug')
    return ok(components.map(show))
  }

  function listEvents({ query }: SimulatedRequest, parts: string[]): Answer {
    const events = eventsOf(partOf(parts))
    return ok({ events: page(events, query), ...totalOf(events) })
  }

  function listDomains(_: SimulatedRequest, parts: string[]): Answer {
    const app = appOf(parts)
    const web = partsOf(app).filter(({ source }) => source === 'docker_image')
    return ok(
      web.map(({ id, name }) => ({
        domain_name: `${name}-5000-${app.team.tenant_name}.${app.region}.woolworks.example`,
        domain_path: '/',
        certificate_id: 0,
        service_id: id,
        container_port: 5000,
      })),
    )
  }

  function deleteStoppedApp(_: SimulatedRequest, parts: string[]): Answer {
    const app = appOf(parts)
    if (partsOf(app).some((one) => !['closed', 'undeploy'].includes(statusOf(one) ?? 'closed'))) {
      throw new Refusal(400, 'There are running components under the current application')
    }
    return deleteApp(_, parts)
  }

  /** For an unknown app the vendor answers with a stack trace. */
  function deleteApp(_: SimulatedRequest, parts: string[]): Answer {
    placeOf(parts)
    const app = world.apps.get(Number(parts[2]))
    if (!app) throw new Error('AttributeError')
    const isLate = server.isOn('late-delete')
    app.goneAt ??= now() + (isLate ? LATE_MS : 0)
    if (isLate) server.setSwitch('lose-answer', true)
    else world.apps.delete(app.ID)
    return ok({ code: 200, msg: 'success' })
  }

  function teamOf(name = ''): Team {
    const team = world.teams.find(({ tenant_id, tenant_name }) => tenant_id === name || tenant_name === name)
    if (!team) throw new Refusal(404, 'no found team')
    return team
  }

  /** As at the vendor, any team of the enterprise is accepted, even one the user isn't in. */
  function placeOf([name, region = '']: string[]): { team: Team; region: string } {
    const team = teamOf(name)
    if (!world.regions.some(({ region_name }) => region_name === region)) {
      throw new Refusal(404, 'the region is not found', 3000)
    }
    if (!team.regions.includes(region)) throw new Refusal(409, 'the team is not initialized in the region', 2001)
    return { team, region }
  }

  function appOf(parts: string[]): App {
    const { team, region } = placeOf(parts)
    const app = world.apps.get(Number(parts[2]))
    if (app?.team !== team || app.region !== region) throw new Refusal(404, 'no found app')
    return app
  }

  function partsOf(app: App | undefined): Component[] {
    return (app?.components ?? []).filter(({ createdAt }) => createdAt <= now())
  }

  function partOf(parts: string[]): Component {
    const found = partsOf(appOf(parts)).find(({ id }) => id === parts[3])
    if (!found) throw new Refusal(404, 'no found component')
    return found
  }

  return {
    ...server,
    id: 'rainbond',
    name: 'Rainbond',
    connection: { url: server.url, token: TOKEN },
    table: () => ({
      columns: ['App', 'Team', 'Region', 'Status', 'Components'],
      rows: [...world.apps.values()].map((app) => {
        const parts = partsOf(app).filter(
          ({ source, createStatus }) => source !== 'third_party' && createStatus === 'complete',
        )
        const statuses = [...new Set(parts.map((one) => statusOf(one) ?? 'unreachable'))].join(', ')
        const names = parts.map(({ name }) => name).join(', ')
        return [app.group_name, app.team.tenant_alias, app.region, statuses || 'empty', names]
      }),
    }),
  }
}

function ok(body: unknown): Answer {
  return { status: 200, body }
}

function page<T>(rows: T[], query: URLSearchParams): T[] {
  const number = Number(query.get('page') ?? 1)
  const size = Number(query.get('page_size') ?? 10)
  return rows.slice((number - 1) * size, number * size)
}

function showApp({ ID, group_name, note, k8s_app, team, region, updatedAt }: App) {
  const time = new Date(updatedAt).toISOString()
  const known = { ID, group_name, note, k8s_app, region_name: region, tenant_id: team.tenant_id }
  return { ...known, app_type: 'rainbond', create_time: time, update_time: time }
}
