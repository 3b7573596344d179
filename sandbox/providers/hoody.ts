/** A simulated Hoody: containers that are copied and synced over time, in the vendor's envelope and with its refusals. */
import { CONTAINER_ORDERS, checkId, copyBody, ERROR_NAMES, page, Refusal, SWITCHES } from './hoody-shapes.js'
import { type Change, type Container, iso, newId, type Server, seed } from './hoody-world.js'
import { withOddRows } from './odd-rows.js'
import { type Answer, type SimulatedRequest, type StartOptions, startServer } from './server.js'
import type { Simulator } from './simulator.js'

const TOKEN = 'hdy_sandbox_woolworks_7f3kq9x2m4'
const DELETE_MS = 2_000
const FAILURE = 'The disk of the target server is full.'

export async function startHoody(options: StartOptions = {}): Promise<Simulator> {
  const now = options.now ?? Date.now
  const cloneMs = options.cloneMs ?? 10_000
  const world = seed(now(), options.count ?? 0)
  const server = await startServer({
    switches: SWITCHES,
    errorBody: (status, message) => ({ statusCode: status, error: ERROR_NAMES[status], message }),
    answer,
  })

  function answer(request: SimulatedRequest): Answer {
    try {
      authorize(request.headers.authorization)
      for (const [method, pattern, handle] of routes) {
        const found = pattern.exec(request.path)
        if (method !== request.method || !found) continue
        const { status = 200, message = 'OK', data } = handle(request, found[1] ?? '')
        return { status, body: { statusCode: status, message, data } }
      }
      throw new Refusal(404, `Route ${request.method}:${request.path} not found`)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const { status, message, data } = error
      return { status, body: { statusCode: status, error: ERROR_NAMES[status], message, data } }
    }
  }

  const routes: [string, RegExp, (request: SimulatedRequest, id: string) => Success][] = [
    ['GET', /^\/api\/v1\/users\/auth\/me$/, () => ({ data: { id: newId(9, 1), username: 'woolworks' } })],
    ['GET', /^\/api\/v1\/projects\/$/, listProjects],
    ['GET', /^\/api\/v1\/projects\/([^/]+)\/containers$/, listContainersOfProject],
    ['GET', /^\/api\/v1\/(?:servers|rentals)$/, () => ({ data: odd([...world.servers.values()].map(rental)) })],
    ['GET', /^\/api\/v1\/containers\/$/, listContainers],
    ['GET', /^\/api\/v1\/containers\/([^/]+)$/, (_, id) => ({ data: show(containerOf(id)) })],
    ['GET', /^\/api\/v1\/containers\/([^/]+)\/status-logs$/, listStatusLogs],
    ['GET', /^\/api\/v1\/containers\/([^/]+)\/snapshots$/, listSnapshots],
    ['POST', /^\/api\/v1\/containers\/([^/]+)\/copy$/, copy],
    ['POST', /^\/api\/v1\/containers\/([^/]+)\/sync$/, sync],
    ['DELETE', /^\/api\/v1\/containers\/([^/]+)$/, remove],
  ]

  function listProjects({ query }: SimulatedRequest): Success {
    permit()
    const rows = [...world.projects.values()].map((project) => ({ ...project, color: '#88aa66', is_default: false }))
    return { data: paged('projects', rows, query, ['alias', 'created_at']) }
  }

  function listContainers({ query }: SimulatedRequest): Success {
    permit()
    return { data: paged('containers', living(query).map(show), query, CONTAINER_ORDERS) }
  }

  function listContainersOfProject({ query }: SimulatedRequest, id: string): Success {
    permit()
    if (!world.projects.has(checkId(id))) throw new Refusal(404, 'Project not found')
    const rows = living(query).filter((container) => container.projectId === id)
    // The vendor leaves this key out of the list by project.
    const shown = rows.map((container) => ({ ...show(container), source_container_id: undefined }))
    return { data: paged('containers', shown, query, CONTAINER_ORDERS) }
  }

  function listStatusLogs({ query }: SimulatedRequest, id: string): Success {
    const reached = containerOf(id).changes.filter((change) => change.at <= now())
    const logs = reached.map((change, index) => ({
      id: newId(8, change.at % 1e9),
      container_id: id,
      from_status: reached[index - 1]?.status ?? null,
      to_status: change.status,
      transition_time: iso(change.at),
      duration_ms: index > 0 ? change.at - (reached[index - 1]?.at ?? 0) : null,
      triggered_by: 'system',
      metadata: change.metadata ?? null,
    }))
    return { data: paged('logs', logs, query, ['transition_time', 'created_at', 'to_status', 'from_status']) }
  }

  function listSnapshots(_: SimulatedRequest, id: string): Success {
    const { projectId, snapshots } = containerOf(id)
    const full = snapshots.map((one) => ({ ...one, expires_at: null, size: 734_003_200, stateful: false }))
    return {
      data: {
        container_id: id,
        project_id: projectId,
        snapshot_count: full.length,
        max_snapshots: null,
        snapshots: odd(full),
      },
    }
  }

  function odd(list: object[]): unknown[] {
    return server.isOn('odd-rows') ? withOddRows(list) : list
  }

  function paged(key: string, list: object[], query: URLSearchParams, orders: readonly string[]) {
    const { items, pagination } = page(list, query, orders)
    return { [key]: odd(items), pagination }
  }

  function copy({ body }: SimulatedRequest, id: string): Success {
    checkId(id)
    const parsed = copyBody.safeParse(body)
    if (!parsed.success) {
      const violations = parsed.error.issues.map(({ path, message }) => ({ field: path.join('.'), message }))
      throw new Refusal(400, `Validation failed: ${violations[0]?.field || 'body'} is invalid`, violations)
    }
    const wanted = parsed.data
    const source = containerOf(id, 'Source container not found')
    const project = world.projects.get(wanted.target_project_id)
    const target = world.servers.get(wanted.target_server_id ?? source.serverId)
    if (!project) throw new Refusal(404, 'Target project not found')
    if (!target) throw new Refusal(404, 'Target server not found')
    if (wanted.kvm || wanted.dev_kvm) throw new Refusal(403, 'KVM is available on dedicated servers only')
    if (isBusy(source)) throw new Refusal(409, 'The source container is busy with another operation')
    const others = living()
    const name = wanted.name ?? `${source.name}-${world.containers.size}`
    if (others.some((other) => other.projectId === project.id && other.name === name)) {
      throw new Refusal(409, 'A container with this name already exists in the project')
    }
    if (wanted.ssh_public_key && others.some((other) => other.sshPublicKey === wanted.ssh_public_key)) {
      throw new Refusal(409, 'This SSH public key is already in use by another container')
    }
    if (wanted.source_snapshot && !source.snapshots.some((one) => one.name === wanted.source_snapshot)) {
      throw new Refusal(404, 'Snapshot not found')
    }
    if (others.filter((other) => other.projectId === project.id).length >= project.max_containers) {
      throw new Refusal(400, 'This project has reached its container limit.')
    }
    if (usedOf(target) >= target.max) throw new Refusal(400, 'This server has reached its container limit.')
    const container: Container = {
      id: newId(5, world.containers.size + 1),
      name,
      projectId: project.id,
      serverId: target.id,
      sourceId: source.id,
      sshPublicKey: wanted.ssh_public_key ?? null,
      createdAt: now(),
      changes: [],
      snapshots: [],
    }
    world.containers.set(container.id, container)
    work(container)
    return { status: 201, message: 'Container copy initiated successfully', data: show(container) }
  }

  function sync(_: SimulatedRequest, id: string): Success {
    const container = containerOf(id)
    if (!container.sourceId) throw new Refusal(409, 'This container was not created by a copy')
    if (isBusy(container)) throw new Refusal(409, 'The container is busy with another operation')
    containerOf(container.sourceId, 'Source container not found')
    work(container)
    const data = { container_id: id, source_container_id: container.sourceId, status: statusOf(container) }
    return { message: 'Container sync initiated successfully', data }
  }

  function remove(_: SimulatedRequest, id: string): Success {
    const container = containerOf(id)
    if (isBusy(container)) throw new Refusal(409, 'The container is busy with another operation')
    container.changes.push({ at: now(), status: 'deleting' }, { at: now() + DELETE_MS, status: 'deleted' })
    server.changed(DELETE_MS)
    return { message: 'Container deleted successfully', data: null }
  }

  /** Starts a copy or a sync that ends by itself. */
  function work(container: Container): void {
    const end: Change = server.isOn('fail-next')
      ? { at: now() + cloneMs, status: 'failed', metadata: { reason: FAILURE } }
      : { at: now() + cloneMs, status: 'running' }
    container.changes.push({ at: now(), status: 'copying' }, end)
    server.changed(cloneMs)
  }

  function permit(): void {
    if (server.isOn('no-permission')) throw new Refusal(403, 'Insufficient permissions: containers.read, projects.read')
  }

  function latest(container: Container): Change {
    return container.changes.findLast((change) => change.at <= now()) ?? { at: container.createdAt, status: 'creating' }
  }

  function statusOf(container: Container): string {
    const { status } = latest(container)
    return server.isOn('unknown-status') && status === 'copying' ? 'hibernating' : status
  }

  function isBusy(container: Container): boolean {
    return ['copying', 'creating', 'claiming', 'deleting'].includes(latest(container).status)
  }

  function living(query?: URLSearchParams): Container[] {
    const hidden = query && query.get('include_deleting') !== 'true' ? ['deleted', 'deleting'] : ['deleted']
    return [...world.containers.values()].filter((container) => !hidden.includes(latest(container).status))
  }

  function containerOf(id: string, message = 'Container not found'): Container {
    const container = world.containers.get(checkId(id))
    if (!container || latest(container).status === 'deleted') throw new Refusal(404, message)
    return container
  }

  function usedOf(target: Server): number {
    return living().filter((container) => container.serverId === target.id).length
  }

  function show(container: Container) {
    return {
      id: container.id,
      name: container.name,
      status: statusOf(container),
      project_id: container.projectId,
      project_alias: world.projects.get(container.projectId)?.alias ?? null,
      server_id: container.serverId,
      server_name: world.servers.get(container.serverId)?.name ?? null,
      source_container_id: container.sourceId,
      ssh_hostname: `${container.projectId}-${container.id}-ssh.containers.hoody.com`,
      created_at: iso(container.createdAt),
      updated_at: iso(latest(container).at),
      realm_ids: [],
    }
  }

  function rental(target: Server, index: number) {
    const { id, name, city, country, max } = target
    const container_capacity = { used: usedOf(target), max }
    return {
      id: newId(7, index),
      status: 'active',
      server_id: id,
      server: { id, name, city, country, container_capacity },
    }
  }

  const columns = ['Container', 'Project', 'Server', 'Status', 'Copy of']
  return {
    ...server,
    id: 'hoody',
    name: 'Hoody',
    connection: { url: server.url, token: TOKEN },
    table: () => ({
      columns,
      rows: living()
        .map(show)
        .map((row) => [
          row.name,
          row.project_alias ?? '',
          row.server_name ?? '',
          row.status,
          world.containers.get(row.source_container_id ?? '')?.name ?? '',
        ]),
    }),
  }
}

interface Success {
  status?: number
  message?: string
  data: unknown
}

function authorize(header: string | undefined): void {
  if (!header) throw new Refusal(401, 'Authentication token is missing')
  // The scheme is case-sensitive; a long-lived token also passes without it.
  if (header !== `Bearer ${TOKEN}` && header !== TOKEN) throw new Refusal(401, 'Authentication token is invalid')
}
