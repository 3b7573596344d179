/** A simulated Cloud Foundry: apps, packages, builds and routes of its API version 3, the copy of version 2, its login. */
import { type Context, createAccess } from './cloud-foundry-access.js'
import { createCode } from './cloud-foundry-code.js'
import { answerOf, CLIENT, notFound, Refusal, startLogin } from './cloud-foundry-lists.js'
import { createQuotas } from './cloud-foundry-quota.js'
import { createReads } from './cloud-foundry-reads.js'
import { createViews, linked } from './cloud-foundry-views.js'
import { seed } from './cloud-foundry-world.js'
import { createWrites } from './cloud-foundry-writes.js'
import { type Answer, type SimulatedRequest, type StartOptions, startServer } from './server.js'
import type { Simulator } from './simulator.js'

/** The API also answers below this path, as behind a proxy. */
const PREFIX = '/cf'
/** Proxies take addresses of up to eight kilobytes. */
const MOST_CHARACTERS = 8_000
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
      { id: 'fail-delete', label: 'Let the next deletion of an app with services fail', once: true },
      { id: 'staging-busy', label: 'Say that another build is being staged', once: false },
      { id: 'stats-down', label: 'Answer 503 when asked for instances', once: false },
      { id: 'old-api', label: 'Be an API older than version 3.212', once: false },
      { id: 'no-permission', label: 'Forbid the lists of apps and spaces', once: false },
      { id: 'no-role', label: 'Take away the role in all spaces', once: false },
      { id: 'no-new-routes', label: 'Switch off the creation of routes', once: false },
      { id: 'no-domain', label: 'Offer no domain', once: false },
      { id: 'no-retry-after', label: 'Answer 429 without Retry-After', once: false },
      { id: 'unknown-status', label: 'Report work in progress as "HIBERNATING"', once: false },
      { id: 'v2', label: 'Switch on the old API v2', once: false },
      { id: 'v2-cut', label: 'Announce the old API v2, but answer it 404 in plain text', once: false },
      { id: 'forget-jobs', label: 'Lose the jobs of the old API v2', once: false },
      { id: 'expire-tokens', label: 'Let all tokens expire now', once: true },
      { id: 'login-limited', label: 'Answer logins with 429, Retry-After 30', once: false },
      { id: 'break-write', label: 'Answer the next write with 500 and do nothing', once: true },
      { id: 'deploying', label: 'Keep a deployment of every app in progress', once: false },
      { id: 'space-full', label: 'Leave 128 MB in the space staging', once: false },
      { id: 'organization-full', label: 'Leave 128 MB in the organization of staging', once: false },
      { id: 'no-env', label: 'Switch off reading environment variables', once: false },
      { id: 'cnb-credentials', label: 'Give loom buildpacks from a registry with credentials', once: false },
      { id: 'old-health-checks', label: 'Show the health check of shop-web as "none"', once: false },
      { id: 'odd-rows', label: 'Add a row with nothing but a guid to what pickers list', once: false },
      { id: 'foreign-pages', label: 'Name another host for the next page of a list', once: false },
    ],
    errorBody(status, detail) {
      const [title, code] = TITLES[status] ?? ['UnknownError', 10001]
      return { errors: [{ code, title, detail }] }
    },
    // The limiter's body is JSON, though its content type says otherwise.
    errorHeaders: (status): Record<string, string> =>
      status === 429 ? { 'content-type': 'text/plain', 'x-ratelimit-limit': '2000', 'x-ratelimit-remaining': '0' } : {},
    isLogin: (path) => path === '/oauth/token',
    answer,
  })
  const jobs = new Map<string, { since: number; failure: string | undefined }>()
  const loginUrl = server.url.replace('127.0.0.1', 'localhost')
  /** The path prefix of the current request, as a proxy in front of the API would add it. */
  let prefix = ''
  /** Where the addresses of further pages lead. */
  const host = () => (server.isOn('foreign-pages') ? 'https://wolves.example' : server.url + prefix)
  const context: Context = { world, server, now, cloneMs, ...createAccess(world, now, server.isOn) }
  const quotas = createQuotas(context)
  const code = createCode(context, quotas)
  const writes = createWrites(context, code, quotas)
  const views = createViews(context, code)
  const reads = createReads(context, code, views, host)
  const { showApp, showArtifact, showRoute, showBinding } = views

  function answer(asked: SimulatedRequest): Answer {
    prefix = asked.path.startsWith(`${PREFIX}/`) ? PREFIX : ''
    const request = { ...asked, path: asked.path.slice(prefix.length) }
    const { method, path, headers, query } = request
    const isLoginHost = headers.host?.startsWith('localhost') ?? false
    if (isLoginHost !== (path === '/oauth/token')) return plain(404, 'Not here')
    if (isLoginHost && server.isOn('login-limited')) {
      return { status: 429, body: 'Too many requests', headers: { 'content-type': 'text/plain', 'retry-after': '30' } }
    }
    if (isLoginHost) return login.logIn(request)
    if (path === '/') return { status: 200, body: showRoot() }
    if (query.toString().length > MOST_CHARACTERS) return plain(414, 'URI Too Long')
    if (path.startsWith('/v2') && (server.isOn('v2-cut') || !server.isOn('v2')))
      return plain(404, 'V2 endpoints disabled')
    try {
      if (server.isOn('expire-tokens')) login.expire()
      login.authorize(headers.authorization)
      if (server.isOn('no-retry-after')) throw new Refusal(429, 'CF-RateLimitExceeded', 10013, 'Rate Limit Exceeded')
      if (method !== 'GET' && server.isOn('break-write')) {
        throw new Refusal(500, 'UnknownError', 10001, 'An unknown error occurred.')
      }
      for (const { pattern, handle } of patterns) {
        const [whole, first = '', second = ''] = pattern.exec(`${method} ${path}`) ?? []
        if (whole === undefined) continue
        const { status = 200, body, job } = handle(request, first, second)
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
    'GET /v3/apps': (request) => ({ body: reads.apps(request) }),
    'POST /v3/apps': (request) => ({ status: 201, body: showApp(writes.createApp(request)) }),
    'GET /v3/apps/:app': (_, app) => ({ body: showApp(context.appOf(app)) }),
    'DELETE /v3/apps/:app': (_, app) => begun(writes.deleteApp(app)),
    'GET /v3/apps/:app/environment_variables': (_, app) => ({ body: { var: context.environmentOf(app) } }),
    'PATCH /v3/apps/:app/relationships/current_droplet': (request, app) => {
      return { body: linked(writes.assign(request, app).droplet) }
    },
    'POST /v3/apps/:app/actions/:action': (_, app, action) => ({ body: showApp(writes.act(app, action)) }),
    'POST /v3/apps/:app/processes/:type/actions/scale': (request, app, type) => {
      return { status: 202, body: writes.rescale(request, app, type) }
    },
    'PATCH /v3/apps/:app/processes/:type': (request, app, type) => ({ body: writes.recheck(request, app, type) }),
    'GET /v3/spaces': (request) => ({ body: reads.spaces(request) }),
    'GET /v3/spaces/:space': (_, space) => ({ body: reads.space(space) }),
    'GET /v3/organizations/:organization/domains/default': () => ({ body: defaultDomain() }),
    'GET /v3/domains/:domain/route_reservations': ({ query }, domain) => {
      return { body: { matching_route: writes.isTaken(query.get('host') ?? '', domain) } }
    },
    'GET /v3/organizations/:organization': (_, organization) => ({ body: reads.organization(organization) }),
    'GET /v3/organizations/:organization/usage_summary': (_, one) => ({ body: quotas.usageOfOrganization(one) }),
    'GET /v3/spaces/:space/usage_summary': (_, space) => ({ body: quotas.usageOfSpace(space) }),
    'GET /v3/space_quotas/:quota': (_, quota) => ({ body: quotas.show(quota) }),
    'GET /v3/organization_quotas/:quota': (_, quota) => ({ body: quotas.show(quota) }),
    'GET /v3/feature_flags/:flag': (_, flag) => ({ body: reads.featureFlag(flag) }),
    'GET /v3/deployments': (request) => ({ body: reads.deployments(request) }),
    'GET /v3/packages': (request) => ({ body: reads.artifacts(request, 'package') }),
    'POST /v3/packages': (request) => ({ status: 201, body: showArtifact(code.copyPackage(request)) }),
    'GET /v3/droplets': (request) => ({ body: reads.artifacts(request, 'droplet') }),
    'POST /v3/droplets': copyDroplet,
    'GET /v3/builds': (request) => ({ body: reads.artifacts(request, 'build') }),
    'POST /v3/builds': (request) => ({ status: 201, body: showArtifact(code.stage(request)) }),
    'GET /v3/processes': (request) => ({ body: reads.processes(request) }),
    'GET /v3/processes/:process/stats': (_, process) => ({ body: reads.stats(process) }),
    'GET /v3/routes': (request) => ({ body: reads.routes(request) }),
    'POST /v3/routes': (request) => ({ status: 201, body: showRoute(writes.createRoute(request)) }),
    'GET /v3/routes/:route': (_, route) => ({ body: showRoute(writes.routeOf(route)) }),
    'DELETE /v3/routes/:route': (_, route) => {
      writes.deleteRoute(route)
      return begun()
    },
    'POST /v3/routes/:route/destinations': (request, route) => {
      return { body: showRoute(writes.addDestinations(request, route)) }
    },
    'GET /v3/service_instances': (request) => ({ body: reads.services(request) }),
    'GET /v3/service_credential_bindings': (request) => ({ body: reads.bindings(request) }),
    'POST /v3/service_credential_bindings': bind,
    'GET /v3/audit_events': (request) => ({ body: reads.events(request) }),
    'GET /v3/jobs/:job': (_, job) => ({ body: showJob(job) }),
    'POST /v2/apps/:app/copy_bits': (request, app) => ({ status: 201, body: code.copyBits(request, app) }),
    'GET /v2/jobs/:job': (_, job) => ({ body: code.showJob(job) }),
  }
  const patterns = Object.entries(routes).map(([route, handle]) => {
    return { pattern: new RegExp(`^${route.replace(/:\w+/g, '([^/]+)')}$`), handle }
  })

  function showRoot() {
    const isAnnounced = server.isOn('v2') || server.isOn('v2-cut')
    const version = server.isOn('old-api') ? '3.180.0' : '3.228.0'
    return {
      links: {
        self: { href: server.url },
        login: { href: loginUrl },
        uaa: { href: loginUrl },
        credhub: null,
        cloud_controller_v3: { href: `${server.url}/v3`, meta: { version } },
        ...(isAnnounced && { cloud_controller_v2: { href: `${server.url}/v2`, meta: { version: '2.293.0' } } }),
      },
    }
  }

  function defaultDomain() {
    if (server.isOn('no-domain')) throw notFound('Domain')
    return world.domains[0]
  }

  function copyDroplet(request: SimulatedRequest): Success {
    const made = code.copyDroplet(request)
    return { status: 201, body: made ? showArtifact(made) : { guid: null, state: 'COPYING' } }
  }

  function bind(request: SimulatedRequest): Success {
    const { made, isAsynchronous } = writes.bind(request)
    return isAsynchronous ? begun() : { status: 201, body: showBinding(made) }
  }

  /** Work that continues in a job of the API, and may fail there. */
  function begun(failure?: string): Success {
    const job = world.next(8)
    jobs.set(job, { since: now(), failure })
    return { status: 202, body: undefined, job }
  }

  function showJob(guid: string) {
    const job = jobs.get(guid)
    if (!job) throw notFound('Job')
    const isOpen = now() < job.since + cloneMs * 0.2
    const errors = job.failure ? [{ code: 10009, title: 'CF-UnableToPerform', detail: job.failure }] : []
    const state = isOpen ? 'POLLING' : job.failure ? 'FAILED' : 'COMPLETE'
    return { guid, state, errors: isOpen ? [] : errors, warnings: [] }
  }

  return {
    ...server,
    id: 'cloud-foundry',
    name: 'Cloud Foundry',
    connection: { url: server.url, ...CLIENT },
    table: () => ({ columns: ['App', 'Space', 'Status', 'Address', 'Code'], rows: reads.table() }),
  }
}

/** The answers of the proxy in front of the API. */
function plain(status: number, body: string): Answer {
  return { status, body, headers: { 'content-type': 'text/plain' } }
}

type Handler = (request: SimulatedRequest, first: string, second: string) => Success

interface Success {
  status?: number
  body: unknown
  /** The job of work that continues; the answer's header has its address. */
  job?: string
}
