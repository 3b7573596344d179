/** A simulated Qovery: services and environments that are cloned at once and deployed over time, with its refusals. */
import { z } from 'zod'
import { withOddLists } from './odd-rows.js'
import {
  CLONEABLE,
  cloneEnvironmentBody,
  cloneServiceBody,
  deployBodies,
  ERRORS,
  isSame,
  linksOf,
  named,
  parse,
  Refusal,
  refuseForeign,
  SWITCHES,
  showCluster,
  showOrganization,
  showService,
} from './qovery-shapes.js'
import type * as world from './qovery-world.js'
import { failedDeletion, iso, LABS, newId, seed, stateOf, WOOLWORKS, withoutCommit } from './qovery-world.js'
import { type Answer, type SimulatedRequest, type StartOptions, startServer } from './server.js'
import type { Simulator } from './simulator.js'

const TOKEN = 'qov_sandbox_woolworks_5v8r2n6k1'
/** A person's token, which sees two organizations. */
export const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJld2VAd29vbHdvcmtzIn0.c2FuZGJveC1zaWduYXR1cmU'
const DELETE_MS = 2_000
const STALE_MS = 4_000
type Handler = (request: SimulatedRequest, id: string, kind: string) => { status?: number; body?: unknown }

export async function startQovery(options: StartOptions = {}): Promise<Simulator> {
  const now = options.now ?? Date.now
  const cloneMs = options.cloneMs ?? 10_000
  const { projects, clusters, environments, services } = seed(now(), options.count ?? 0)
  let requests = 0
  const broken = new Set<string>()
  const server = await startServer({
    switches: SWITCHES,
    errorBody: (status, detail) => ({ status, error: ERRORS[status], detail }),
    answer,
  })

  const routes: [string, string, Handler][] = [
    ['GET', '/(organization)', (request) => ({ body: { results: organizationsOf(request).map(showPaying) } })],
    ['GET', '/organization/ID/services', ofOrganization(listServices)],
    ['GET', '/organization/ID/environments', ofOrganization((id) => environmentsOf(id).map(showEnvironment))],
    ['GET', '/organization/ID/project', ofOrganization((id) => projectsOf(id).map(named))],
    ['GET', '/organization/ID/cluster', ofOrganization((id) => (id === WOOLWORKS ? clusters.map(showCluster) : []))],
    ['GET', '/project/ID/environment', listEnvironmentsOfProject],
    ['GET', '/environment/ID', (_, id) => ({ body: showEnvironment(environmentOf(id)) })],
    ['GET', '/environment/ID/statuses', showStatuses],
    ['GET', '/environment/ID/link', showLinks],
    ['GET', `/environment/ID/(${CLONEABLE})`, listServicesOfEnvironment],
    ['GET', `/(${CLONEABLE})/ID`, (_, id, kind) => ({ body: showService(serviceOf(kind, id)) })],
    // Terraform has no such route.
    [
      'GET',
      '/(application|container|database|helm|job)/ID/status',
      (_, id, kind) => ({ body: showStatus(serviceOf(kind, id)) }),
    ],
    ['POST', '/(environment)/ID/clone', cloneEnvironment],
    ['POST', `/(${CLONEABLE})/ID/clone`, cloneService],
    ['POST', `/(${CLONEABLE}|environment)/ID/deploy`, deploy],
    ['DELETE', `/(${CLONEABLE}|environment)/ID`, remove],
  ]

  function answer(request: SimulatedRequest): Answer {
    try {
      organizationsOf(request)
      refuseForeign(request)
      for (const [method, pattern, handle] of routes) {
        const found = new RegExp(`^${pattern.replace('ID', '(?<id>[^/]+)')}$`).exec(request.path)
        if (method !== request.method || !found) continue
        const { id = '' } = found.groups ?? {}
        if (id && !z.uuid().safeParse(id).success) throw new Refusal(400, `Invalid UUID string: ${id}`)
        const { status = 200, body } = handle(request, id, found.find((part, at) => at > 0 && part !== id) ?? '')
        return { status, body: method === 'GET' && server.isOn('odd-rows') ? withOddLists(body) : body }
      }
      throw new Refusal(404, 'No such route')
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const { status, message } = error
      return { status, body: server.isOn('empty-errors') ? '' : { status, error: ERRORS[status], detail: message } }
    }
  }

  function organizationsOf({ headers }: SimulatedRequest): string[] {
    if (headers.authorization === `Token ${TOKEN}`) return [WOOLWORKS]
    if (headers.authorization === `Bearer ${JWT}`) return [WOOLWORKS, LABS]
    throw new Refusal(401, 'The credentials are invalid or have expired.')
  }

  function ofOrganization(list: (id: string) => unknown[]): Handler {
    return (request, id) => {
      if (server.isOn('no-permission')) throw new Refusal(403, 'Access is denied')
      if (!organizationsOf(request).includes(id)) throw missing('Organization')
      return { body: { results: list(id) } }
    }
  }

  const showPaying = (id: string) => showOrganization(id, server.isOn('unpaid'))

  function listServices(organizationId: string): unknown[] {
    const homes = new Map(environmentsOf(organizationId).map((one) => [one.id, showEnvironment(one)]))
    const names = new Map(projects.map((one) => [one.id, one.name]))
    return services.filter(isThere).flatMap(({ id, name, type, environmentId }) => {
      const home = homes.get(environmentId)
      if (!home) return []
      const project = { project_id: home.project.id, project_name: names.get(home.project.id) }
      const environment = { environment_id: home.id, environment_name: home.name, cluster_id: home.cluster_id }
      const service_type = server.isOn('new-kind') ? 'SHEARING' : type
      return [{ id, name, description: '', icon_uri: '', service_type, ...project, ...environment }]
    })
  }

  function listEnvironmentsOfProject(_: SimulatedRequest, id: string) {
    if (!projects.some((one) => one.id === id)) throw missing('Project')
    const all = environments.filter((one) => one.projectId === id && isThere(one))
    return { body: { results: all.map(showEnvironment) } }
  }

  function listServicesOfEnvironment(_: SimulatedRequest, id: string, kind: string) {
    const all = inside(environmentOf(id)).filter((one) => one.type.toLowerCase() === kind)
    return { body: { results: all.map(showService) } }
  }

  function showStatuses(_: SimulatedRequest, id: string) {
    const environment = environmentOf(id)
    if (broken.has(id)) throw new Refusal(403, 'Access is denied')
    const all = inside(environment)
    const of = (type: string) => all.filter((one) => one.type === type).map((one) => showStatus(one))
    return {
      body: {
        environment: { ...showStatus(environment), last_deployment_state: stateOf(environment.deployments, now()) },
        ...{ applications: of('APPLICATION'), containers: of('CONTAINER'), databases: of('DATABASE'), jobs: of('JOB') },
        ...{ helms: of('HELM'), terraforms: of('TERRAFORM'), agentic_workflows: of('AGENTIC_WORKFLOW') },
      },
    }
  }

  function showLinks(_: SimulatedRequest, id: string) {
    const isLive = (one: world.Service) => one.isPublic && stateOf(one.deployments, now()) === 'DEPLOYED'
    return { body: { results: inside(environmentOf(id)).filter(isLive).flatMap(linksOf) } }
  }

  function cloneService({ body }: SimulatedRequest, id: string, kind: string) {
    const wanted = parse(cloneServiceBody, body)
    const source = serviceOf(kind, id)
    const target = environmentOf(wanted.environment_id)
    refuseIfBusy()
    const sameName = inside(target).filter((one) => one.type === source.type && isSame(one.name, wanted.name))
    if (sameName.length > 0) throw new Refusal(409, `${source.type} name within the environment is already taken`)
    const clone = addService(source, wanted.name, target.id)
    return { status: 202, body: showService(clone) }
  }

  function cloneEnvironment({ body }: SimulatedRequest, id: string) {
    const wanted = parse(cloneEnvironmentBody, body)
    const source = environmentOf(id)
    const projectId = wanted.project_id ?? source.projectId
    const clusterId = wanted.cluster_id ?? source.clusterId
    if (!projects.some((one) => one.id === projectId)) throw missing('Project')
    if (!clusters.some((one) => one.id === clusterId)) throw missing('Cluster')
    refuseIfBusy()
    if (environments.some((one) => one.projectId === projectId && isThere(one) && isSame(one.name, wanted.name))) {
      throw new Refusal(409, 'Environment name within the project is already taken')
    }
    const clone: world.Environment = {
      ...{ id: newId(4, environments.length + 1), name: wanted.name, projectId, clusterId },
      ...{ mode: wanted.mode ?? source.mode, createdAt: now(), deployments: [] },
    }
    environments.push(clone)
    for (const one of inside(source)) addService(one, one.name, clone.id)
    return { status: 202, body: showEnvironment(clone) }
  }

  function addService(source: world.Service, name: string, environmentId: string): world.Service {
    const { type, isPublic } = source
    const config = withoutCommit(source.config)
    const id = newId(5, services.length + 1)
    const clone = { id, name, type, config, isPublic, environmentId, createdAt: now(), deployments: [] }
    services.push(clone)
    return clone
  }

  function deploy({ body }: SimulatedRequest, id: string, kind: string) {
    parse(deployBodies[kind] ?? z.never(), body)
    const thing = kind === 'environment' ? environmentOf(id) : serviceOf(kind, id)
    const home = 'environmentId' in thing ? environmentOf(thing.environmentId) : thing
    refuseIfBusy(thing, home)
    if (server.isOn('unpaid')) throw new Refusal(403, 'Deployments are blocked until the bill is paid')
    // Not earlier, because the deploy call itself reads the status.
    if (server.isOn('one-broken')) broken.add(home.id)
    const builds = ['application', 'job', 'environment'].includes(kind)
    const end = server.isOn('cancel-next') ? 'CANCELED' : builds ? 'BUILD_ERROR' : 'DEPLOYMENT_ERROR'
    const request = newId(9, ++requests)
    const deployment: world.Deployment = {
      ...{ request, at: now(), ms: cloneMs, builds },
      end: end === 'CANCELED' || server.isOn('fail-next') ? end : 'DEPLOYED',
      shownFrom: now() + (server.isOn('stale-status') ? STALE_MS : 0),
    }
    for (const one of new Set([home, thing, ...('environmentId' in thing ? [] : inside(thing))])) {
      one.deployments.push(deployment)
    }
    for (const part of [0, 0.2, 0.6, 1]) server.changed(cloneMs * part)
    // The answer has the new id at once, even with a stale state.
    return { status: 202, body: showStatus(thing, request) }
  }

  function remove(_: SimulatedRequest, id: string, kind: string) {
    const thing = kind === 'environment' ? environmentOf(id) : serviceOf(kind, id)
    refuseIfBusy()
    thing.deletedAt ??= now()
    if (server.isOn('fail-delete')) thing.staysFrom = thing.deletedAt + DELETE_MS
    server.changed(DELETE_MS)
    return { status: 204 }
  }

  /** @throws Refusal if one of these is being deleted, or the switch "busy" is on. */
  function refuseIfBusy(...things: { deletedAt?: number }[]): void {
    const isBusy = server.isOn('busy') || things.some((one) => one.deletedAt !== undefined)
    if (isBusy) throw new Refusal(409, 'Operation is in progress')
  }

  function missing(what: string): Refusal {
    if (server.isOn('hide-missing')) return new Refusal(403, 'Access is denied')
    if (server.isOn('missing-is-400')) return new Refusal(400, `${what} does not exist`)
    return new Refusal(404, `${what} not found`)
  }

  /** Also ends a deletion that has failed by now: the thing is still there, and can be deleted once more. */
  function isThere(thing: world.Environment | world.Service): boolean {
    const { deletedAt, staysFrom } = thing
    if (staysFrom !== undefined && now() >= staysFrom) {
      thing.deployments.push(failedDeletion(newId(9, ++requests), deletedAt ?? staysFrom, staysFrom))
      delete thing.deletedAt
      delete thing.staysFrom
      return true
    }
    return deletedAt === undefined || now() < deletedAt + DELETE_MS
  }

  function projectsOf(organizationId: string): world.Project[] {
    return projects.filter((one) => one.organizationId === organizationId)
  }

  function environmentsOf(organizationId: string): world.Environment[] {
    const ids = new Set(projectsOf(organizationId).map((one) => one.id))
    return environments.filter((one) => ids.has(one.projectId) && isThere(one))
  }

  function inside(environment: world.Environment): world.Service[] {
    return services.filter((one) => one.environmentId === environment.id && isThere(one))
  }

  function environmentOf(id: string): world.Environment {
    const found = environments.find((one) => one.id === id && isThere(one))
    if (!found) throw missing('Environment')
    return found
  }

  function serviceOf(kind: string, id: string): world.Service {
    const found = services.find((one) => one.id === id && one.type.toLowerCase() === kind && isThere(one))
    if (!found) throw missing(kind.charAt(0).toUpperCase() + kind.slice(1))
    return found
  }

  function currentState(thing: world.Environment | world.Service): string {
    if (thing.deletedAt !== undefined) return 'DELETING'
    const state = stateOf(thing.deployments, now())
    const isUnderWay = ['DEPLOYMENT_QUEUED', 'BUILDING', 'DEPLOYING'].includes(state)
    return isUnderWay && server.isOn('unknown-status') ? 'HIBERNATING' : state
  }

  function showStatus(thing: world.Environment | world.Service, request?: string) {
    const shown = thing.deployments.filter((one) => one.shownFrom <= now())
    const ended = shown.findLast((one) => one.at + one.ms <= now())
    const isNew = thing.deployments.length === 0
    return {
      id: thing.id,
      state: currentState(thing),
      ...{ service_deployment_status: isNew ? 'NEVER_DEPLOYED' : 'UP_TO_DATE', is_part_last_deployment: !isNew },
      ...(ended && { last_deployment_date: iso(ended.at + ended.ms) }),
      status_details: { action: isNew ? 'UNKNOWN' : 'DEPLOY', status: isNew ? 'NEVER' : 'ONGOING', sub_action: 'NONE' },
      deployment_request_id: server.isOn('no-request-ids') ? null : (request ?? shown.at(-1)?.request ?? null),
      deployment_requests_count: shown.filter((one) => one.at + one.ms > now()).length,
    }
  }

  function showEnvironment(one: world.Environment) {
    const cluster_name = clusters.find(({ id }) => id === one.clusterId)?.name
    const organization = { id: projects.find(({ id }) => id === one.projectId)?.organizationId }
    const { mode, projectId, clusterId: cluster_id } = one
    return { ...named(one), mode, cluster_id, cluster_name, project: { id: projectId }, organization }
  }

  function rowsOf(environment: world.Environment): string[][] {
    const project = projects.find((one) => one.id === environment.projectId)?.name ?? ''
    const place = `${project} / ${environment.name}`
    const head = [environment.name, 'environment', project, currentState(environment)]
    return [head, ...inside(environment).map((one) => [one.name, one.type.toLowerCase(), place, currentState(one)])]
  }

  return {
    ...server,
    ...{ id: 'qovery', name: 'Qovery', connection: { url: server.url, token: TOKEN, organization: WOOLWORKS } },
    table: () => ({ columns: ['Name', 'Kind', 'In', 'Status'], rows: environmentsOf(WOOLWORKS).flatMap(rowsOf) }),
  }
}
