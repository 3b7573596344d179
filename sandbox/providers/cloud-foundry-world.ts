/** What the simulated Cloud Foundry holds: two organizations of a wool shop, with their apps and services. */

export interface Organization {
  guid: string
  name: string
  suspended: boolean
}

export interface Space extends Organization {
  organization: string
  /** Its things may be read with the simulator's credentials, but not changed. */
  readOnly: boolean
}

export interface Domain {
  guid: string
  name: string
  internal: boolean
}

export interface Process {
  guid: string
  type: string
  instances: number
  memory_in_mb: number
  disk_in_mb: number
  log_rate_limit_in_bytes_per_second: number
  health_check: { type: string; data: Record<string, unknown> }
  readiness_health_check: { type: string; data: Record<string, unknown> }
}

export interface App {
  guid: string
  name: string
  space: string
  createdAt: number
  state: 'STARTED' | 'STOPPED'
  /** When it was last started, and whether its instances crash. */
  startedAt: number
  crashes: boolean
  lifecycle: { type: string; data: Record<string, unknown> }
  /** Made by the old API, a value may be more than a text. */
  environment: Record<string, unknown>
  labels: Record<string, string>
  droplet: string | null
  processes: Process[]
  deletedAt?: number
}

/** A package, a droplet or a build: work that ends by itself. */
export interface Artifact {
  guid: string
  kind: 'package' | 'droplet' | 'build'
  app: string
  createdAt: number
  readyAt: number
  fails: boolean
  /** Of a build: what it may use of memory, and whether that is too little. */
  memoryMb?: number
  isStarved?: boolean
  expired?: boolean
  /** Of a build: its package, and the droplet that it makes. Of a droplet: its package, unless it is a copy. */
  package?: string
  droplet?: string
  /** The app whose code it is, where that is another than the one it belongs to. */
  origin?: string
}

export interface Route {
  guid: string
  host: string
  domain: string
  space: string
  createdAt: number
  labels: Record<string, string>
  destinations: string[]
  deletedAt?: number
}

interface ServiceInstance {
  guid: string
  name: string
  type: 'managed' | 'user-provided'
  /** Its own space, and those it is shared with. */
  spaces: string[]
}

interface Binding {
  guid: string
  app: string
  service: string
  createdAt: number
  readyAt: number
  fails: boolean
  /** When its deletion fails, and that of its app with it; and when an earlier one did. */
  stays?: { failedAt: number; before: number | undefined }
}

/** When the last deletion of a binding failed, of those that have ended. */
export function failedAt({ stays }: Pick<Binding, 'stays'>, now: number): number | undefined {
  return stays && stays.failedAt <= now ? stays.failedAt : stays?.before
}

interface AuditEvent {
  guid: string
  type: string
  target: string
  createdAt: number
  data: Record<string, unknown>
}

/** Guids whose last digits count up. The first digit is the kind, which makes them easy to recognise in a test. */
function newGuid(kind: number, number: number): string {
  return `${kind}0000000-57ee-4b00-8c0d-${number.toString(16).padStart(12, '0')}`
}

export function seed(now: number, count: number) {
  const day = 24 * 60 * 60 * 1000
  const extra = Array.from({ length: count }, (_, index) => String(index + 1).padStart(4, '0'))
  // Counted by kind, so that more of one does not change the guids of the others.
  const counts = new Map<number, number>()
  const next = (kind: number) => {
    const number = (counts.get(kind) ?? 0) + 1
    counts.set(kind, number)
    return newGuid(kind, number)
  }

  const organization = (name: string, suspended = false): Organization => ({ guid: next(1), name, suspended })
  const woolworks = organization('woolworks')
  const partners = organization('woolworks-partners')
  const closed = organization('woolworks-2019', true)
  const space = (name: string, { guid }: Organization, more: Partial<Space> = {}): Space => ({
    guid: next(2),
    name,
    organization: guid,
    suspended: false,
    readOnly: false,
    ...more,
  })
  const production = space('production', woolworks)
  const staging = space('staging', woolworks)
  const audited = space('audited', partners, { readOnly: true })
  const sandbox = space('sandbox', partners)
  const attic = space('attic', woolworks, { suspended: true })
  const spaces = [
    ...[production, staging, sandbox, audited, attic, space('old-shop', closed)],
    ...extra.map((number) => space(`team-${number}`, woolworks)),
  ]
  const domains: Domain[] = [
    { guid: next(3), name: 'apps.woolworks.example', internal: false },
    { guid: next(3), name: 'apps.internal', internal: true },
  ]

  const processOf = (guid: string, type: string, more: Partial<Process> = {}): Process => ({
    guid,
    type,
    instances: 1,
    memory_in_mb: 256,
    disk_in_mb: 1024,
    log_rate_limit_in_bytes_per_second: -1,
    health_check: { type: type === 'web' ? 'port' : 'process', data: { timeout: null, invocation_timeout: null } },
    readiness_health_check: { type: 'process', data: { invocation_timeout: null, interval: null } },
    ...more,
  })
  const apps: App[] = []
  const artifacts: Artifact[] = []
  const routes: Route[] = []
  const app = (
    name: string,
    home: Space,
    more: Partial<App> & { web?: Partial<Process>; code?: boolean } = {},
  ): App => {
    const { web, code = true, ...rest } = more
    const [guid, createdAt] = [next(4), now - 40 * day + apps.length * 1000]
    const lifecycle = { type: 'buildpack', data: { buildpacks: ['nodejs_buildpack'], stack: 'cflinuxfs4' } }
    const made: App = {
      guid,
      name,
      space: home.guid,
      createdAt,
      startedAt: createdAt,
      state: 'STARTED',
      crashes: false,
      lifecycle,
      environment: { LOG_LEVEL: 'info' },
      labels: {},
      droplet: null,
      processes: [processOf(guid, 'web', web)],
      ...rest,
    }
    apps.push(made)
    if (!code) return made
    const done = { app: guid, createdAt, readyAt: createdAt, fails: false }
    const uploaded: Artifact = { ...done, guid: next(5), kind: 'package' }
    const staged: Artifact = { ...done, guid: next(6), kind: 'droplet', package: uploaded.guid }
    artifacts.push(uploaded, staged)
    made.droplet = staged.guid
    return made
  }
  const reach = ({ guid, space, createdAt }: App, host: string, domain: Domain | undefined = domains[0]): void => {
    const home = { space, domain: domain?.guid ?? '', createdAt, labels: {} }
    routes.push({ guid: next(7), host, ...home, destinations: [guid] })
  }

  const http = { type: 'http', data: { timeout: 60, invocation_timeout: null, endpoint: '/healthz' } }
  const shopApi = app('shop-api', production, {
    environment: { LOG_LEVEL: 'info', SESSION_KEY: 'ewe-and-me', SHOP_REGION: 'eu, "central" 50%' },
    web: { instances: 2, memory_in_mb: 512 },
  })
  const shopWeb = app('shop-web', production, { web: { memory_in_mb: 384 } })
  shopWeb.processes.push(processOf(next(8), 'worker'))
  const ready = { type: 'http', data: { invocation_timeout: null, interval: 10, endpoint: '/ready' } }
  const billing = app('billing', production, {
    environment: { CURRENCIES: ['EUR', 'NZD'], RETRIES: 3, SANDBOX: false, NOTE: null, LOG_LEVEL: 'info' },
    web: { instances: 2, memory_in_mb: 1024, health_check: http, readiness_health_check: ready },
  })
  billing.processes.push(processOf(next(8), 'worker', { instances: 3, memory_in_mb: 2048 }))
  const docker = { type: 'docker', data: {} }
  app('wool-price-feed', production, { lifecycle: docker })
  app('image-resizer', production, { lifecycle: docker, state: 'STOPPED' })
  app('loom', production, {
    lifecycle: { type: 'cnb', data: { buildpacks: ['docker://wool/node'], stack: 'cflinuxfs4' } },
  })
  // A user-provided service whose password nothing shows.
  app('carding', production, {
    lifecycle: {
      type: 'buildpack',
      data: { buildpacks: ['https://***:***@git.wool.example/pack'], stack: 'cflinuxfs4' },
    },
  })
  app('newsletter', production, { code: false, state: 'STOPPED' })
  const preview = app('shop-api-staging', staging, { web: { memory_in_mb: 128 } })
  app('shop-web-staging', staging)
  app('ledger', audited)
  app('wool-blog', attic)
  for (const number of extra) app(`customer-${number}`, spaces[0] ?? staging)
  for (const one of [shopApi, shopWeb, billing]) reach(one, one.name)
  reach(preview, 'shop-api', domains[1])
  reach(preview, 'shop-api-staging')

  const services: ServiceInstance[] = [
    { guid: next(9), name: 'shop-db', type: 'managed', spaces: [production.guid, staging.guid] },
    { guid: next(9), name: 'mail-relay', type: 'user-provided', spaces: [production.guid, staging.guid] },
    { guid: next(9), name: 'ledger-db', type: 'managed', spaces: [production.guid] },
  ]
  const bindings = services.map(({ guid }): Binding => {
    const bound = { app: shopApi.guid, service: guid, createdAt: shopApi.createdAt, readyAt: shopApi.createdAt }
    return { guid: next(9), ...bound, fails: false }
  })
  return {
    organizations: [woolworks, partners, closed],
    spaces,
    domains,
    apps,
    artifacts,
    routes,
    services,
    bindings,
    events: [] as AuditEvent[],
    next,
    /** The processes of an app that was just made, or those that a droplet brings with it. */
    processOf,
  }
}
