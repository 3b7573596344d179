/** A simulated Cloud Foundry: apps, packages, builds and routes of its API version 3, the copy of version 2, its login. */
import { createAccess, type Place } from './cloud-foundry-access.js'
import { createCode } from './cloud-foundry-code.js'
import { answerOf, CLIENT, iso, type Listed, list, notFound, Refusal, startLogin } from './cloud-foundry-lists.js'
import { createViews, linked } from './cloud-foundry-views.js'
import { seed } from './cloud-foundry-world.js'
import { createWrites } from './cloud-foundry-writes.js'
import { type Answer, type SimulatedRequest, type StartOptions, startServer } from './server.js'
import type { Simulator } from './simulator.js'

/** Proxies take addresses of up to eight kilobytes. */
const MOST_CHARACTERS = 8_000
const CRASH = 'Instance never healthy after 60s'
const TITLES: Readonly<Record<number, [title: string, code: number]>> = {
  401: ['CF-InvalidAuthToken', 1000],
  429: ['CF-RateLimitExceeded', 10013],
  503: ['CF-ServiceUnavailable', 10015],
}

export async function startCloudFoundry(options: StartOptions = {}): Promise<Simulator> {
  const now = options.now ?? Date.now
  const cloneMs = options.cloneMs ?? 10_000
  const world = seed(now(), options.count ?? 0)
  const login = startLogin(now)
  const server = await startServer({
    switches: [
      { id: 'fail-next', label: 'Let the next copy of code fail', once: true },
      { id: 'fail-staging', label: 'Let the next staging fail', once: true },
      { id: 'crash-next', label: 'Let the next app that is started crash', once: true },
      { id: 'fail-binding', label: 'Let the next service binding fail', once: true },
      { id: 'staging-busy', label: 'Say that another build is being staged', once: false },
      { id: 'stats-down', label: 'Answer 503 when asked for instances', once: false },
      { id: 'no-permission', label: 'Forbid the lists of apps and spaces', once: false },
      { id: 'no-new-routes', label: 'Switch the creation of routes off', once: false },
      { id: 'unknown-status', label: 'Report work in progress as "HIBERNATING"', once: false },
      { id: 'v2', label: 'Switch the old API v2 on', once: false },
      { id: 'v2-cut', label: 'Announce the old API v2, but answer it 404 in plain text', once: false },
      { id: 'forget-jobs', label: 'Forget the jobs of the old API v2', once: false },
      { id: 'expire-tokens', label: 'Let all tokens expire now', once: true },
      { id: 'foreign-pages', label: 'Name another host for the next page of a list', once: false },
    ],
    errorBody(status, detail) {
      const [title, code] = TITLES[status] ?? ['UnknownError', 10001]
      return { errors: [{ code, title, detail }] }
    },
    // The limiter's body is JSON, whatever it says of itself.
    errorHeaders: (status): Record<string, string> =>
      status === 429 ? { 'content-type': 'text/plain', 'x-ratelimit-limit': '2000', 'x-ratelimit-remaining': '0' } : {},
    isLogin: (path) => path === '/oauth/token',
    answer,
  })
  const jobs = new Map<string, number>()
  const loginUrl = server.url.replace('127.0.0.1', 'localhost')
  const place: Place = { world, server, now, cloneMs, ...createAccess(world, now) }
  const code = createCode(place)
  const writes = createWrites(place, code)
  const { showApp, showSpaceRow, showArtifact, instanceState, showRoute, showBinding } = createViews(place, code)

  function answer(request: SimulatedRequest): Answer {
    const { method, path, headers, query } = request
    const isLoginHost = headers.host?.startsWith('localhost') ?? false
    if (isLoginHost !== (path === '/oauth/token')) return plain(404, 'Not here')
    if (isLoginHost) return login.logIn(request)
    if (path === '/') return { status: 200, body: showRoot() }
    if (query.toString().length > MOST_CHARACTERS) return plain(414, 'URI Too Long')
    if (path.startsWith('/v2') && (server.isOn('v2-cut') || !server.isOn('v2')))
      return plain(404, 'V2 endpoints disabled')
    try {
      if (server.isOn('expire-tokens')) login.expire()
      login.authorize(headers.authorization)
      for (const { pattern, handle } of patterns) {
        const [whole, first = '', second = ''] = pattern.exec(`${method} ${path}`) ?? []
        if (whole === undefined) continue
        const { status = 200, body, job } = handle(request, first, second)
        if (job) jobs.set(job, now())
        const location = job && { location: `${server.url}/v3/jobs/${job}` }
        return { status, body, headers: { 'x-cf-warnings': 'Mind%20the%20sheep%2C+please', ...location } }
      }
      throw new Refusal(404, 'CF-NotFound', 10000, 'Unknown request')
    } catch (error) {
      if (error instanceof Refusal) return answerOf(path, error)
      throw error
    }
  }

  const routes: Readonly<Record<string, Handler>> = {
    'GET /v3/apps': listApps,
    'POST /v3/apps': (request) => ({ status: 201, body: showApp(writes.createApp(request)) }),
    'GET /v3/apps/:app': (_, app) => ({ body: showApp(place.appOf(app)) }),
    'DELETE /v3/apps/:app': (_, app) => deleted(() => writes.deleteApp(app)),
    'GET /v3/apps/:app/environment_variables': (_, app) => ({ body: { var: place.appOf(app).environment } }),
    'PATCH /v3/apps/:app/relationships/current_droplet': (request, app) => {
      return { body: linked(writes.assign(request, app).droplet) }
    },
    'POST /v3/apps/:app/actions/:action': (_, app, action) => ({ body: showApp(writes.launch(app, action)) }),
    'POST /v3/apps/:app/processes/:type/actions/scale': (request, app, type) => {
      return { status: 202, body: writes.rescale(request, app, type) }
    },
    'PATCH /v3/apps/:app/processes/:type': (request, app, type) => ({ body: writes.check(request, app, type) }),
    'GET /v3/spaces': listSpaces,
    'GET /v3/spaces/:space': showSpace,
    'GET /v3/organizations/:organization/domains/default': () => ({ body: world.domains[0] }),
    'GET /v3/packages': (request) => listArtifacts(request, 'package'),
    'POST /v3/packages': (request) => ({ status: 201, body: showArtifact(code.copyPackage(request)) }),
    'GET /v3/droplets': (request) => listArtifacts(request, 'droplet'),
    'POST /v3/droplets': copyDroplet,
    'GET /v3/builds': (request) => listArtifacts(request, 'build'),
    'POST /v3/builds': (request) => ({ status: 201, body: showArtifact(code.stage(request)) }),
    'GET /v3/processes': listProcesses,
    'GET /v3/processes/:process/stats': showStats,
    'GET /v3/routes': listRoutes,
    'POST /v3/routes': (request) => ({ status: 201, body: showRoute(writes.createRoute(request)) }),
    'GET /v3/routes/:route': (_, route) => ({ body: showRoute(writes.routeOf(route)) }),
    'DELETE /v3/routes/:route': (_, route) => deleted(() => writes.deleteRoute(route)),
    'POST /v3/routes/:route/destinations': (request, route) => {
      return { body: showRoute(writes.addDestinations(request, route)) }
    },
    'GET /v3/service_credential_bindings': listBindings,
    'POST /v3/service_credential_bindings': bind,
    'GET /v3/audit_events': listEvents,
    'GET /v3/jobs/:job': showJob,
    'POST /v2/apps/:app/copy_bits': (request, app) => ({ status: 201, body: code.copyBits(request, app) }),
    'GET /v2/jobs/:job': (_, job) => ({ body: code.showJob(job) }),
  }
  const patterns = Object.entries(routes).map(([route, handle]) => {
    return { pattern: new RegExp(`^${route.replace(/:\w+/g, '([^/]+)')}$`), handle }
  })

  function showRoot() {
    const isAnnounced = server.isOn('v2') || server.isOn('v2-cut')
    return {
      links: {
        ...{ self: { href: server.url }, login: { href: loginUrl }, uaa: { href: loginUrl }, credhub: null },
        cloud_controller_v3: { href: `${server.url}/v3`, meta: { version: '3.228.0' } },
        ...(isAnnounced && { cloud_controller_v2: { href: `${server.url}/v2`, meta: { version: '2.293.0' } } }),
      },
    }
  }

  /** Where the addresses of further pages lead. */
  const host = () => (server.isOn('foreign-pages') ? 'https://wolves.example' : server.url)

  function permit(): void {
    if (!server.isOn('no-permission')) return
    throw new Refusal(403, 'CF-NotAuthorized', 10003, 'You are not authorized to perform the requested action')
  }

  const living = () => world.apps.filter((app) => app.deletedAt === undefined)

  function listApps(request: SimulatedRequest): Success {
    permit()
    const included = (rows: ReturnType<typeof showApp>[]) => {
      const wanted = new Set(rows.map(({ relationships }) => relationships.space.data?.guid))
      const spaces = world.spaces.filter(({ guid }) => wanted.has(guid))
      return { spaces: spaces.map(showSpaceRow), organizations: world.organizations }
    }
    const filters = { names: (row: Listed) => row.name, space_guids: ({ guid }: Listed) => place.appOf(guid).space }
    const rows = living().map(showApp)
    return { body: list(request, rows, filters, { host: host(), includes: { 'space.organization': included } }) }
  }

  function listSpaces(request: SimulatedRequest): Success {
    permit()
    const rows = world.spaces.map(showSpaceRow)
    const included = () => ({ organizations: world.organizations })
    return { body: list(request, rows, {}, { host: host(), includes: { organization: included } }) }
  }

  function showSpace(_: SimulatedRequest, guid: string): Success {
    const found = world.spaces.find((one) => one.guid === guid)
    if (!found) throw notFound('Space')
    return { body: showSpaceRow(found) }
  }

  function listArtifacts(request: SimulatedRequest, kind: string): Success {
    const rows = world.artifacts.filter((one) => one.kind === kind)
    const of = new Map(rows.map((one) => [one.guid, one]))
    const filters = {
      app_guids: ({ guid }: Listed) => of.get(guid)?.app,
      package_guids: ({ guid }: Listed) => of.get(guid)?.package,
      states: (row: Listed & { state: string }) => row.state,
    }
    return { body: list(request, rows.map(showArtifact), filters, { host: host() }) }
  }

  function copyDroplet(request: SimulatedRequest): Success {
    const made = code.copyDroplet(request)
    return { status: 201, body: made ? showArtifact(made) : { guid: null, state: 'COPYING' } }
  }

  function listProcesses(request: SimulatedRequest): Success {
    const rows = living().flatMap((app) =>
      app.processes.map((process) => ({
        ...process,
        command: '[PRIVATE DATA HIDDEN IN LISTS]',
        created_at: iso(app.createdAt),
        relationships: { app: linked(app.guid) },
      })),
    )
    return { body: list(request, rows, { app_guids: (row) => row.relationships.app.data?.guid }, { host: host() }) }
  }

  function showStats(_: SimulatedRequest, guid: string): Success {
    if (server.isOn('stats-down')) {
      throw new Refusal(503, 'CF-InstancesUnavailable', 220002, 'Instances information unavailable')
    }
    const app = living().find(({ processes }) => processes.some((one) => one.guid === guid))
    const process = app?.processes.find((one) => one.guid === guid)
    if (!app || !process) throw notFound('Process')
    const state = instanceState(app)
    const details = state === 'CRASHED' ? CRASH : null
    const instanceOf = (_: unknown, index: number) => ({ type: process.type, index, state, details })
    return { body: { resources: Array.from({ length: process.instances }, instanceOf) } }
  }

  function listRoutes(request: SimulatedRequest): Success {
    const { query } = request
    const [key, value] = (query.get('label_selector') ?? '').split('=')
    query.delete('label_selector')
    const wanted = query.get('app_guids')
    query.delete('app_guids')
    const rows = world.routes
      .filter(({ labels }) => !key || labels[key] === value)
      .filter(({ destinations }) => !wanted || destinations.includes(wanted))
    const filters = { space_guids: ({ guid }: Listed) => writes.routeOf(guid).space }
    const includes = { domain: () => ({ domains: world.domains }) }
    return { body: list(request, rows.map(showRoute), filters, { host: host(), includes }) }
  }

  function listBindings(request: SimulatedRequest): Success {
    const filters = {
      app_guids: (row: ReturnType<typeof showBinding>) => row.relationships.app.data?.guid,
      type: () => 'app',
    }
    const includes = { service_instance: () => ({ service_instances: world.services }) }
    return { body: list(request, world.bindings.map(showBinding), filters, { host: host(), includes }) }
  }

  function bind(request: SimulatedRequest): Success {
    const { made, isAsynchronous } = writes.bind(request)
    return isAsynchronous ? { status: 202, body: undefined, job: made.guid } : { status: 201, body: showBinding(made) }
  }

  function listEvents(request: SimulatedRequest): Success {
    const rows = world.events.map(({ guid, type, target, createdAt, data }) => ({
      ...{ guid, type, data, created_at: iso(createdAt), target: { guid: target, type: 'app' } },
    }))
    const filters = {
      types: (row: (typeof rows)[number]) => row.type,
      target_guids: (row: (typeof rows)[number]) => row.target.guid,
    }
    return { body: list(request, rows, filters, { host: host() }) }
  }

  function showJob(_: SimulatedRequest, guid: string): Success {
    const begun = jobs.get(guid)
    if (begun === undefined) throw notFound('Job')
    return { body: { guid, state: now() < begun + cloneMs * 0.2 ? 'POLLING' : 'COMPLETE', errors: [], warnings: [] } }
  }

  function deleted(remove: () => void): Success {
    remove()
    return { status: 202, body: undefined, job: world.next(8) }
  }

  return {
    id: 'cloud-foundry',
    name: 'Cloud Foundry',
    connection: { url: server.url, ...CLIENT },
    ...{ requests: server.requests, writes: server.writes, switches: server.switches, setSwitch: server.setSwitch },
    ...{ onChange: server.onChange, close: server.close },
    table: () => ({
      columns: ['App', 'Space', 'Status', 'Address', 'Code'],
      rows: living().map((app) => {
        const work = world.artifacts.findLast((one) => one.app === app.guid && one.kind !== 'droplet')
        const address = world.routes.find(({ destinations }) => destinations.includes(app.guid))
        const isIdle = app.state === 'STOPPED' || app.processes.every(({ instances }) => instances === 0)
        return [
          ...[app.name, world.spaces.find(({ guid }) => guid === app.space)?.name ?? ''],
          ...[isIdle ? 'stopped' : instanceState(app).toLowerCase(), address ? showRoute(address).url : ''],
          work ? code.stateOf(work).toLowerCase() : 'none',
        ]
      }),
    }),
  }
}

/** The words of the proxy in front of the API. */
function plain(status: number, body: string): Answer {
  return { status, body, headers: { 'content-type': 'text/plain' } }
}

type Handler = (request: SimulatedRequest, first: string, second: string) => Success

interface Success {
  status?: number
  body: unknown
  /** Of work that goes on; its address is told in a header. */
  job?: string
}
