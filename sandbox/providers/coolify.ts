/** A simulated Coolify 4.3: clones that lie there exited until they are deployed, on servers with a bounded build queue. */
import { createBuilds } from './coolify-builds.js'
import { moveBody, Refusal, rateLimitHeaders, readClone, SWITCHES, valid } from './coolify-shapes.js'
import { type Destination, iso, type Kind, newId, type Resource, type Server, seed, statusAt } from './coolify-world.js'
import { withOddLists, withOddRows } from './odd-rows.js'
import { type Answer, type SimulatedRequest, type StartOptions, startServer } from './server.js'
import type { Simulator } from './simulator.js'

const TOKEN = '7|woolworks9Xk2mQ4vT8sandbox'
const VERSION = '4.3.11'
const DELETE_MS = 2_000
const AGENT_MS = 60_000
const NOUNS = { applications: 'Application', services: 'Service', databases: 'Database' } as const
const LETTERS = { applications: 'a', services: 's', databases: 'b' } as const

type Handler = (request: SimulatedRequest, uuid: string, kind: Kind) => Success

export async function startCoolify(options: StartOptions = {}): Promise<Simulator> {
  const now = options.now ?? Date.now
  const cloneMs = options.cloneMs ?? 10_000
  const deployMs = cloneMs / 2
  const world = seed(now(), options.count ?? 0)
  const { resources } = world
  const builds = createBuilds(world, () => server, deployMs, now)
  const server = await startServer({
    switches: SWITCHES,
    errorBody: (_, message) => ({ message }),
    errorHeaders: rateLimitHeaders,
    answer,
  })

  function answer(request: SimulatedRequest): Answer {
    try {
      const { status = 200, body: plain, headers = {} } = route(request)
      const odd = () => (Array.isArray(plain) ? withOddRows(plain) : withOddLists(plain))
      const body = request.method === 'GET' && server.isOn('odd-rows') ? odd() : plain
      return { status, body, headers }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return { status: error.status, body: error.body, headers: error.headers }
    }
  }

  function route(request: SimulatedRequest): Success {
    const { method, path, headers } = request
    if (headers.authorization !== `Bearer ${TOKEN}`) throw new Refusal(401, 'Unauthenticated.')
    if (server.isOn('api-disabled')) throw new Refusal(403, 'API is disabled.', { success: true })
    if (server.isOn('member')) throw new Refusal(403, 'Missing required team role.')
    for (const [ability, verb, pattern, handle] of routes) {
      const found = pattern.exec(path)
      if (verb !== method || !found) continue
      const isNew = /\/(clone|team)$/.test(path)
      if (isNew && server.isOn('old-server')) break
      if (server.isOn(({ read: 'no-permission', write: 'no-write', deploy: 'no-deploy' } as const)[ability]))
        throw new Refusal(403, `Missing required permissions: ${ability}`)
      const { kind = 'applications', uuid = '' } = found.groups ?? {}
      return handle(request, uuid, kind as Kind)
    }
    throw new Refusal(404, 'Not found.', { docs: 'https://coolify.io/docs' })
  }

  const one = (rest: string) => new RegExp(`^/api/v1/(?<kind>applications|services|databases)/(?<uuid>[^/]+)${rest}$`)
  const exactly = (rest: string) => new RegExp(`^/api/v1/${rest}$`)
  const routes: ['read' | 'write' | 'deploy', string, RegExp, Handler][] = [
    // Plain text, as no other answer.
    ['read', 'GET', exactly('version'), () => ({ body: VERSION, headers: { 'content-type': 'text/html' } })],
    ['read', 'GET', exactly('team'), () => ({ body: { id: 1, name: 'Woolworks', personal_team: false } })],
    ['read', 'GET', exactly('servers'), () => ({ body: world.servers.map(showServer) })],
    ['read', 'GET', exactly('destinations'), () => ({ body: world.destinations.map(showDestination) })],
    [
      'read',
      'GET',
      exactly('servers/(?<uuid>[^/]+)/destinations'),
      (_, uuid) => ({
        body: world.destinations.filter((one) => one.server.uuid === uuid).map(showDestination),
      }),
    ],
    [
      'read',
      'GET',
      exactly('projects'),
      () => ({ body: world.projects.map((one) => ({ ...one, description: null })) }),
    ],
    ['read', 'GET', exactly('projects/(?<uuid>[^/]+)/environments'), listEnvironments],
    ['read', 'GET', exactly('projects/(?<uuid>[^/]+)/(?<environment>[^/]+)'), showEnvironment],
    ['read', 'GET', exactly('resources'), () => ({ body: existing().map(show) })],
    [
      'read',
      'GET',
      exactly('(?<kind>applications|services|databases)'),
      (_request, _uuid, kind) => ({
        body: existing()
          .filter((one) => one.kind === kind)
          .map(show),
      }),
    ],
    ['read', 'GET', one(''), (_, uuid, kind) => ({ body: show(resourceOf(uuid, kind)) })],
    [
      'read',
      'GET',
      one('/envs'),
      // Values are hidden from a token without `read:sensitive`.
      (_, uuid, kind) => ({ body: resourceOf(uuid, kind).variables.map((key, index) => ({ id: index + 1, key })) }),
    ],
    ['write', 'POST', one('/clone'), clone],
    ['write', 'POST', one('/move'), move],
    ['deploy', 'POST', one('/start'), start],
    ['deploy', 'GET', one('/start'), postRequired],
    ['write', 'DELETE', one(''), remove],
    ['deploy', 'POST', exactly('deploy'), deploy],
    ['deploy', 'GET', exactly('deploy'), postRequired],
    ['read', 'GET', exactly('deployments'), () => ({ body: builds.active() })],
    ['read', 'GET', exactly('deployments/(?<uuid>\\w+)'), (_, uuid) => ({ body: builds.one(uuid) })],
    ['read', 'GET', exactly('deployments/applications/(?<uuid>[^/]+)'), listDeploymentsOf],
    ['deploy', 'POST', exactly('deployments/(?<uuid>\\w+)/cancel'), cancel],
  ]

  function postRequired(): Success {
    throw new Refusal(405, 'This endpoint has changed to a POST request.')
  }

  function listEnvironments(_: SimulatedRequest, uuid: string) {
    const project = world.projects.find((one) => one.uuid === uuid)
    if (!project) throw new Refusal(404, 'Project not found.')
    const environments = world.environments.filter((one) => one.project === project)
    return { body: environments.map(({ id, uuid, name }) => ({ id, uuid, name })) }
  }

  /** Also with everything in it, which nobody here reads. */
  function showEnvironment(request: SimulatedRequest, uuid: string): Success {
    const { body } = listEnvironments(request, uuid)
    const wanted = request.path.split('/').at(-1)
    const found = body.find((one) => one.uuid === wanted || one.name === wanted)
    if (!found) throw new Refusal(404, 'Environment not found.')
    return { body: found }
  }

  function clone(request: SimulatedRequest, uuid: string, kind: Kind): Success {
    const { destination_uuid, name, clone_volumes: withData } = readClone(request)
    const source = resourceOf(uuid, kind)
    const destination = world.destinations.find((one) => one.uuid === destination_uuid)
    if (!destination || destination.server.isBuildServer) throw new Refusal(404, 'Destination not found.')
    const id = resources.size + 1
    const copied = { ...source, id, uuid: newId(LETTERS[kind], id), destination }
    // Whose labels Coolify may write gets a domain of its own; any other keeps that of the source.
    const isRenamed = kind === 'applications' && source.hasReadonlyLabels && source.fqdn !== null
    const isHalf = server.isOn('half-clone')
    const made: Resource = {
      ...copied,
      name: name || `clone-of-${source.name.slice(0, 20)}-${copied.uuid}`,
      fqdn: isRenamed ? `https://${copied.uuid}.woolworks.example` : source.fqdn,
      variables: isHalf ? [] : source.variables,
      volumes: isHalf ? [] : source.volumes.map((volume) => `${copied.uuid}-${volume.split('-').at(-1)}`),
      changes: [{ at: now(), status: 'exited:unhealthy' }],
      createdAt: now(),
      startedAt: null,
      sourceName: source.name,
    }
    resources.set(made.uuid, made)
    if (isHalf) throw new Refusal(500, 'Server Error')
    if (withData && source.volumes.length > 0) {
      // The source is stopped for the copy, and started again behind it.
      source.changes.push({ at: now(), status: 'exited:unhealthy' }, { at: now() + cloneMs, status: 'running:healthy' })
      server.changed(cloneMs)
    }
    if (kind === 'applications' && server.isOn('auto-deploy')) builds.add(made)
    return { status: 201, body: { uuid: made.uuid, message: `${NOUNS[kind]} cloned.` } }
  }

  function move({ body }: SimulatedRequest, uuid: string, kind: Kind): Success {
    const resource = resourceOf(uuid, kind)
    const { environment_uuid } = valid(moveBody, body)
    const environment = world.environments.find((one) => one.uuid === environment_uuid)
    if (!environment) throw new Refusal(404, 'Target environment not found or not owned by your team.')
    if (resource.environment === environment) throw new Refusal(400, `${NOUNS[kind]} is already in this environment.`)
    resource.environment = environment
    const { uuid: project_uuid } = environment.project
    return { body: { message: `${NOUNS[kind]} moved successfully.`, uuid, project_uuid, environment_uuid } }
  }

  /** Asked for with JSON or in the address; of several, those that are not there are passed over. */
  function deploy({ body, query }: SimulatedRequest): Success {
    const asked = typeof body === 'object' && body !== null && 'uuid' in body ? String(body.uuid) : query.get('uuid')
    if (!asked) throw new Refusal(400, 'You must provide uuid or tag.')
    const found = asked.split(',').flatMap((uuid) => existing().find((one) => one.uuid === uuid) ?? [])
    if (found.length === 0) throw new Refusal(404, 'No resources found.')
    return { body: { deployments: found.map(deployOne) } }
  }

  function deployOne(resource: Resource) {
    const resource_uuid = resource.uuid
    if (resource.kind !== 'applications') {
      startUp(resource)
      return { message: `${NOUNS[resource.kind]} ${resource.name} started.`, resource_uuid }
    }
    return { resource_uuid, ...builds.deploy(resource) }
  }

  function start(_: SimulatedRequest, uuid: string, kind: Kind): Success {
    const resource = resourceOf(uuid, kind)
    if (kind === 'applications') {
      return { body: { message: 'Deployment request queued.', deployment_uuid: builds.start(resource) } }
    }
    if (statusAt(resource, now()).includes('running')) throw new Refusal(400, `${NOUNS[kind]} is already running.`)
    startUp(resource)
    return { body: { message: `${NOUNS[kind]} starting request queued.` } }
  }

  function remove(_: SimulatedRequest, uuid: string, kind: Kind): Success {
    // A job of its queue does it. Asked twice, the second one finds nothing to do.
    resourceOf(uuid, kind).goneAt ??= now() + DELETE_MS
    server.changed(DELETE_MS)
    return { body: { message: `${NOUNS[kind]} deletion request queued.` } }
  }

  /** Services and databases start without a deployment: their status alone tells how far they are. */
  function startUp(resource: Resource): void {
    const endsAt = now() + deployMs
    if (resource.kind === 'databases') resource.startedAt ??= now()
    resource.changes.push({ at: now(), status: 'starting:unknown' })
    if (!server.isOn('fail-next')) resource.changes.push({ at: endsAt, status: 'running:healthy' })
    else resource.changes.push({ at: endsAt, status: 'exited:unhealthy' })
    server.changed(deployMs)
  }

  function cancel(_: SimulatedRequest, uuid: string): Success {
    builds.cancel(uuid)
    return { body: { message: 'Deployment cancelled successfully.', deployment_uuid: uuid } }
  }

  function listDeploymentsOf({ query }: SimulatedRequest, uuid: string): Success {
    const all = builds.of(resourceOf(uuid, 'applications'))
    return { body: { count: all.length, deployments: all.slice(0, Number(query.get('take') ?? 10)) } }
  }

  const existing = () => [...resources.values()].filter(({ goneAt }) => goneAt === null || goneAt > now())
  function resourceOf(uuid: string, kind: Kind): Resource {
    const found = existing().find((one) => one.uuid === uuid && one.kind === kind)
    if (!found) throw new Refusal(404, `${NOUNS[kind]} not found.`)
    return found
  }

  /** What the server's agent reported last: it sees late what runs, and all of it when it is slow. */
  function reported(resource: Resource): string {
    const isUp = statusAt(resource, now()).startsWith('running')
    const behindMs = server.isOn('slow-agent') ? AGENT_MS : isUp ? Math.min(AGENT_MS, cloneMs / 10) : 0
    const status = statusAt(resource, Math.max(now() - behindMs, resource.changes[0]?.at ?? 0))
    return server.isOn('unknown-status') && status.startsWith('starting') ? 'hibernating:unknown' : status
  }

  function show(resource: Resource) {
    const { id, uuid, type, name, environment, fqdn, ports, destination, createdAt } = resource
    return {
      ...{ uuid, name, type, fqdn, status: reported(resource), server_status: true, environment_id: environment.id },
      ...{ description: null, destination_id: destination.id, ports_mappings: ports, created_at: iso(createdAt) },
      started_at: resource.startedAt === null ? null : iso(resource.startedAt),
      destination: {
        id: destination.id,
        uuid: destination.uuid,
        name: destination.name,
        server: showServer(destination.server),
      },
      ...(resource.kind === 'applications' ? {} : { id }),
    }
  }

  return {
    ...server,
    id: 'coolify',
    name: 'Coolify',
    connection: { url: server.url, token: TOKEN },
    table: () => ({
      columns: ['Resource', 'Kind', 'Environment', 'Server', 'Status', 'Clone of'],
      rows: existing().map((one) => [
        ...[one.name, one.type, `${one.environment.project.name} / ${one.environment.name}`],
        ...[one.destination.server.name, statusAt(one, now()), one.sourceName],
      ]),
    }),
  }
}

interface Success {
  status?: number
  body: unknown
  headers?: Record<string, string>
}

function showServer({ uuid, name, isBuildServer }: Server) {
  const settings = { is_reachable: true, is_usable: true, is_build_server: isBuildServer }
  return { uuid, name, ip: '10.0.0.2', settings, is_reachable: true, is_usable: true }
}

function showDestination({ uuid, name, server }: Destination) {
  return { uuid, name, network: name, type: 'standalone', server_uuid: server.uuid }
}
