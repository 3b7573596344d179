/** What may be listed of the simulated Cloud Foundry, each list with the filters that the real one knows. */
import type { Context } from './cloud-foundry-access.js'
import type { Code } from './cloud-foundry-code.js'
import { iso, type Listed, list, notFound, Refusal, unauthorized } from './cloud-foundry-lists.js'
import { type createViews, linked } from './cloud-foundry-views.js'
import type { Artifact, Process } from './cloud-foundry-world.js'
import type { SimulatedRequest } from './server.js'

/** For a row without anything else. */
const ODD = 'f0000000-57ee-4b00-8c0d-0000000000dd'
const CRASH = 'Instance never healthy after 60s'

const FLAGS: Readonly<Record<string, string>> = { route_creation: 'no-new-routes', env_var_visibility: 'no-env' }

/** Apps made by the old API show a health check that the API refuses to accept again. */
const oldCheck = ({ health_check }: Process) => ({ health_check: { ...health_check, type: 'none' } })

export function createReads(context: Context, code: Code, views: ReturnType<typeof createViews>, host: () => string) {
  const { world, server, readable, exists } = context
  const { showApp, showSpaceRow, showArtifact, instanceState, showRoute, showBinding } = views

  function listed<T extends Listed>(
    request: SimulatedRequest,
    rows: readonly T[],
    filters: Readonly<Record<string, (row: T) => string | undefined>>,
    includes: Record<string, (rows: T[]) => unknown> = {},
  ) {
    const page = list(request, readable(rows), filters, { host: host(), includes })
    const isOdd = request.query.has('include') && server.isOn('odd-rows')
    return isOdd ? { ...page, resources: [{ guid: ODD }, ...page.resources] } : page
  }

  function permit(): void {
    if (server.isOn('no-permission')) throw unauthorized()
  }

  const living = () => world.apps.filter(exists)

  function apps(request: SimulatedRequest) {
    permit()
    const included = (rows: ReturnType<typeof showApp>[]) => {
      const wanted = new Set(rows.map(({ relationships }) => relationships.space.data?.guid))
      const spaces = world.spaces.filter(({ guid }) => wanted.has(guid))
      return { spaces: spaces.map(showSpaceRow), organizations: world.organizations }
    }
    const filters = {
      names: (row: Listed) => row.name ?? '',
      space_guids: ({ guid }: Listed) => context.appOf(guid).space,
    }
    return listed(request, living().map(showApp), filters, { 'space.organization': included })
  }

  function spaces(request: SimulatedRequest) {
    permit()
    const included = () => ({ organizations: world.organizations })
    return listed(request, world.spaces.map(showSpaceRow), {}, { organization: included })
  }

  function space(guid: string) {
    const found = readable(world.spaces).find((one) => one.guid === guid)
    if (!found) throw notFound('Space')
    return showSpaceRow(found)
  }

  function artifacts(request: SimulatedRequest, kind: Artifact['kind']) {
    const rows = world.artifacts.filter((one) => one.kind === kind)
    const of = new Map(rows.map((one) => [one.guid, one]))
    return listed(request, rows.map(showArtifact), {
      app_guids: ({ guid }) => of.get(guid)?.app,
      package_guids: ({ guid }) => of.get(guid)?.package,
      states: ({ state }) => state,
    })
  }

  function processes(request: SimulatedRequest) {
    const embed = request.query.get('embed')
    if (embed !== null) {
      if (server.isOn('old-api')) {
        throw new Refusal(400, 'CF-BadQueryParameter', 10005, "The query parameter is invalid: 'embed'")
      }
      if (server.isOn('stats-down')) throw noInstances()
      request.query.delete('embed')
    }
    const rows = living().flatMap((app) =>
      app.processes.map((process) => ({
        ...process,
        ...(process.type === 'web' && server.isOn('old-health-checks') && app.name === 'shop-web' && oldCheck(process)),
        command: '[PRIVATE DATA HIDDEN IN LISTS]',
        created_at: iso(app.createdAt),
        ...(embed && {
          process_instances: instancesOf(process).map(({ index, state }) => ({ index, state, since: 1 })),
        }),
        relationships: { app: linked(app.guid) },
      })),
    )
    return listed(request, rows, { app_guids: (row) => row.relationships.app.data?.guid })
  }

  function stats(guid: string) {
    if (server.isOn('stats-down')) throw noInstances()
    const process = living()
      .flatMap(({ processes }) => processes)
      .find((one) => one.guid === guid)
    if (!process) throw notFound('Process')
    return { resources: instancesOf(process) }
  }

  function noInstances(): Refusal {
    return new Refusal(503, 'CF-InstancesUnavailable', 220002, 'Instances information unavailable')
  }

  function instancesOf({ guid, type, instances }: Process) {
    const app = living().find(({ processes }) => processes.some((one) => one.guid === guid))
    const state = app ? instanceState(app) : 'DOWN'
    const details = state === 'CRASHED' ? CRASH : null
    return Array.from({ length: instances }, (_, index) => ({ type, index, state, details }))
  }

  function routes(request: SimulatedRequest) {
    // Several apps may be behind one route.
    const wanted = request.query.get('app_guids')
    request.query.delete('app_guids')
    const all = world.routes.filter(exists)
    const rows = all.filter(({ destinations }) => !wanted || destinations.includes(wanted)).map(showRoute)
    const filters = { space_guids: (row: (typeof rows)[number]) => row.relationships.space.data?.guid }
    return listed(request, rows, filters, { domain: () => ({ domains: world.domains }) })
  }

  function services(request: SimulatedRequest) {
    // A service is in its own space and in those it is shared with.
    const wanted = request.query.get('space_guids')
    request.query.delete('space_guids')
    const rows = world.services.filter(({ spaces }) => !wanted || spaces.includes(wanted))
    return listed(
      request,
      rows.map((one) => ({ ...one, created_at: iso(0) })),
      {},
    )
  }

  function bindings(request: SimulatedRequest) {
    const rows = world.bindings.map(showBinding)
    const filters = { app_guids: (row: (typeof rows)[number]) => row.relationships.app.data?.guid, type: () => 'app' }
    return listed(request, rows, filters, { service_instance: () => ({ service_instances: world.services }) })
  }

  function events(request: SimulatedRequest) {
    const rows = world.events.map(({ guid, type, target, createdAt, data }) => ({
      guid,
      type,
      data,
      created_at: iso(createdAt),
      target: { guid: target, type: 'app' },
    }))
    return listed(request, rows, { types: ({ type }) => type, target_guids: ({ target }) => target.guid })
  }

  /** Of all that is asked for, while the switch is on. */
  function deployments(request: SimulatedRequest) {
    const rows = server.isOn('deploying') ? living() : []
    const shown = rows.map(({ guid }) => ({
      guid,
      created_at: iso(0),
      status: { value: 'ACTIVE', reason: 'DEPLOYING' },
      relationships: { app: linked(guid) },
    }))
    return listed(request, shown, { app_guids: ({ guid }) => guid, status_values: ({ status }) => status.value })
  }

  function organization(guid: string) {
    const found = readable(world.organizations).find((one) => one.guid === guid)
    if (!found) throw notFound('Organization')
    return { ...found, created_at: iso(0), relationships: { quota: linked(guid) } }
  }

  /** Switches of the whole platform. */
  function featureFlag(name: string) {
    if (!FLAGS[name]) throw notFound('Feature flag')
    return { name, enabled: !server.isOn(FLAGS[name]) }
  }

  function table(): string[][] {
    return living().map((app) => {
      const work = world.artifacts.findLast((one) => one.app === app.guid && one.kind !== 'droplet')
      const address = world.routes.find(({ destinations }) => destinations.includes(app.guid))
      const isIdle = app.state === 'STOPPED' || app.processes.every(({ instances }) => instances === 0)
      return [
        app.name,
        world.spaces.find(({ guid }) => guid === app.space)?.name ?? '',
        isIdle ? 'stopped' : instanceState(app).toLowerCase(),
        address ? showRoute(address).url : '',
        work ? code.stateOf(work).toLowerCase() : 'none',
      ]
    })
  }

  return {
    apps,
    spaces,
    space,
    organization,
    featureFlag,
    deployments,
    artifacts,
    processes,
    stats,
    routes,
    services,
    bindings,
    events,
    table,
  }
}
