/** A simulated Miget: apps that are cloned and deployed over time, with the vendor's suffixes, old states and refusals. */
import type { z } from 'zod'
import { cloneBody, deployBody, faultsOf, Refusal, SWITCHES } from './miget-shapes.js'
import { type App, type Change, iso, newUuid, type Part, type Resource, seed, suffixed } from './miget-world.js'
import { withOddRows } from './odd-rows.js'
import { type Answer, type SimulatedRequest, type StartOptions, startServer } from './server.js'
import type { Simulator } from './simulator.js'

const TOKEN = 'miget_live_woolworks_8s1kd93mq0z'
const WORKSPACE = '1a7c0de0-5eed-4a11-8b0b-00000000f10c'
const STATE_CACHE_MS = 10_000
const READY: Readonly<Record<string, string>> = { postgres: 'healthy', storage: 'bound' }
/** States of an app that isn't made yet, so there is nothing to deploy. */
const UNMADE: readonly string[] = ['cloning', 'pending', 'assigned']
const OVER: readonly string[] = ['completed', 'failed', 'cancelled']

export async function startMiget(options: StartOptions = {}): Promise<Simulator> {
  const now = options.now ?? Date.now
  const cloneMs = options.cloneMs ?? 10_000
  const deployMs = cloneMs / 2
  // In a faster simulation states are stale for a shorter time too.
  const cacheMs = Math.min(STATE_CACHE_MS, cloneMs)
  const world = seed(now(), options.count ?? 0)
  let made = world.apps.size
  const broken = new Set<string>()
  const shown = new Map<string, { state: string; until: number }>()
  const server = await startServer({
    switches: SWITCHES,
    errorBody: (_, message) => ({ error: message }),
    answer,
  })

  function answer(request: SimulatedRequest): Answer {
    try {
      if (request.headers.authorization !== `Bearer ${TOKEN}`) throw new Refusal(401, 'Unauthorized')
      const workspace = request.headers['x-workspace-id'] ?? ''
      if (workspace !== '' && workspace !== WORKSPACE) throw new Refusal(403, 'Token has no access to this workspace')
      for (const [method, pattern, handle] of routes) {
        const found = pattern.exec(request.path)
        if (method !== request.method || !found) continue
        // The default workspace is the one opened last: here an empty one.
        if (workspace === '' && found[1]) throw new Refusal(404, 'App not found')
        if (workspace === '') return { status: 200, body: [] }
        const { status = 200, body: plain } = handle(request, found[1] ?? '')
        const body = Array.isArray(plain) && server.isOn('odd-rows') ? withOddRows(plain) : plain
        return { status, body: body !== undefined && server.isOn('envelope') ? { data: body } : body }
      }
      throw new Refusal(404, 'Not Found')
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return { status: error.status, body: { [error.key]: error.message } }
    }
  }

  const routes: [string, RegExp, (request: SimulatedRequest, uuid: string) => Success][] = [
    ['GET', /^\/api\/v1\/apps$/, () => listed([...world.apps.values()].map(show))],
    ['GET', /^\/api\/v1\/projects$/, () => listed([...world.projects.values()])],
    ['GET', /^\/api\/v1\/resources$/, () => listed([...world.resources.values()].map(showResource))],
    ['GET', /^\/api\/v1\/apps\/([^/]+)$/, (_, uuid) => ({ body: show(appOf(uuid)) })],
    ['GET', /^\/api\/v1\/apps\/([^/]+)\/addons$/, (_, uuid) => ({ body: appOf(uuid).addons.map(showPart) })],
    ['GET', /^\/api\/v1\/apps\/([^/]+)\/cronjobs$/, (_, uuid) => ({ body: appOf(uuid).cronjobs.map(showPart) })],
    ['GET', /^\/api\/v1\/apps\/([^/]+)\/deployments$/, listDeployments],
    ['POST', /^\/api\/v1\/apps\/([^/]+)\/clone$/, clone],
    ['POST', /^\/api\/v1\/apps\/([^/]+)\/deploy$/, deploy],
    ['DELETE', /^\/api\/v1\/apps\/([^/]+)$/, remove],
  ]

  function listed(body: unknown[]): Success {
    if (server.isOn('no-permission')) throw new Refusal(403, 'You need the permission apps:view')
    return { body }
  }

  function listDeployments({ query }: SimulatedRequest, uuid: string): Success {
    const period = query.get('period') ?? '7days'
    if (!['7days', '30days', '90days', 'all'].includes(period)) throw new Refusal(400, 'period has an invalid value')
    const since = period === 'all' ? 0 : now() - Number.parseInt(period, 10) * 24 * 60 * 60 * 1000
    if (broken.has(uuid)) throw new Refusal(500, 'Internal Server Error')
    const rows = appOf(uuid).deployments.filter(({ createdAt }) => createdAt <= now() && createdAt >= since)
    return { body: rows.map((one) => ({ uuid: one.uuid, state: stateOf(one), created_at: iso(one.createdAt) })) }
  }

  function clone({ body }: SimulatedRequest, uuid: string): Success {
    const source = appOf(uuid)
    const parsed = cloneBody.safeParse(body)
    if (!parsed.success) {
      throw new Refusal(400, parsed.error.issues.map(({ path }) => `${path.join('.') || 'body'} is invalid`).join(', '))
    }
    const wanted = parsed.data
    if (!world.projects.has(wanted.project_id)) throw new Refusal(404, 'Project not found')
    const resource = world.resources.get(wanted.resource_id)
    if (!resource) throw new Refusal(404, 'Resource not found')
    validate(wanted, resource)
    const { ram, disk } = free(resource)
    if (ram < source.ram || disk < source.disk) throw new Refusal(422, 'Resource has not enough capacity')

    // Never an ID again that something had before.
    made += 1
    const number = made
    const copy = (parts: Part[], uuid: string, index: number): Part => {
      const part = parts.find((one) => one.uuid === uuid)
      if (!part) throw new Refusal(422, 'Addons or cronjobs do not belong to the application', 'errors')
      const end = server.isOn('fail-addons') ? 'crashloopbackoff' : (READY[part.type] ?? 'running')
      const changes = [
        { at: now(), state: 'creating' },
        { at: now() + deployMs, state: end },
      ]
      const name = suffixed(part.label, number * 10 + index)
      return { ...part, uuid: newUuid(9, number * 100 + index), name, changes }
    }
    const isWaiting = server.isOn('pending-first')
    const startsAt = isWaiting ? now() + cloneMs : now()
    const app: App = {
      uuid: newUuid(4, number),
      label: wanted.label,
      serviceName: wanted.name,
      name: suffixed(wanted.name, number),
      projectId: wanted.project_id,
      resourceId: resource.uuid,
      sourceName: source.label,
      hasSource: wanted.use_parent_image,
      isPrivate: source.isPrivate,
      ram: source.ram,
      disk: source.disk,
      createdAt: now(),
      changes: [
        { at: now(), state: isWaiting ? 'pending' : 'cloning' },
        { at: startsAt, state: 'cloning' },
      ],
      addons: wanted.addons.map(({ uuid }, index) => copy(source.addons, uuid, index)),
      cronjobs: wanted.cronjobs.map((uuid, index) => copy(source.cronjobs, uuid, index + 50)),
      deployments: [],
    }
    const end = server.isOn('fail-next') ? 'failed' : server.isOn('stuck-pending') ? 'pending' : 'stopped'
    app.changes.push({ at: startsAt + cloneMs, state: end })
    if (end === 'stopped' && app.hasSource && server.isOn('auto-start')) start(app, startsAt + cloneMs)
    if (server.isOn('one-broken')) broken.add(app.uuid)
    world.apps.set(app.uuid, app)
    for (const at of [startsAt, startsAt + cloneMs]) server.changed(at - now())
    return { status: 201, body: show(app) }
  }

  function validate(wanted: z.infer<typeof cloneBody>, resource: Resource): void {
    const isTaken = [...world.apps.values()].some((one) => one.serviceName === wanted.name)
    const errors = [...faultsOf(wanted), ...(isTaken ? ['Codename has already been taken'] : [])]
    if (errors.length > 0) throw new Refusal(422, errors.join(', '), 'errors')
    if (resource.projectIds.length > 0 && !resource.projectIds.includes(wanted.project_id)) {
      throw new Refusal(422, 'Resource is assigned to other projects')
    }
  }

  function deploy({ body }: SimulatedRequest, uuid: string): Success {
    const app = appOf(uuid)
    if (body !== undefined && !deployBody.safeParse(body).success) throw new Refusal(400, 'body is invalid')
    if (app.deployments.some((one) => !OVER.includes(stateOf(one)))) {
      throw new Refusal(409, 'A deployment is already in progress')
    }
    if (UNMADE.includes(stateOf(app))) throw new Refusal(422, 'Application is not ready to be deployed')
    if (!app.hasSource) throw new Refusal(422, 'Deployment method is not configured')
    start(app, now())
    server.changed(deployMs)
    const [latest] = app.deployments.slice(-1)
    return { status: 201, body: { uuid: latest?.uuid, state: 'pending', created_at: iso(now()) } }
  }

  function start(app: App, at: number): void {
    const isFailing = server.isOn('fail-deploy')
    const changes: Change[] = [
      { at, state: 'pending' },
      { at: at + 1, state: 'running' },
      { at: at + deployMs, state: isFailing ? 'failed' : 'completed' },
    ]
    const uuid = newUuid(8, world.apps.size * 1000 + app.deployments.length)
    app.deployments.push({ uuid, createdAt: at, changes })
    if (server.isOn('stuck-deploy')) {
      app.changes.push({ at, state: 'pending' })
      return
    }
    app.changes.push({ at, state: 'deploying' }, { at: at + deployMs, state: isFailing ? 'problem' : 'running' })
  }

  function remove(_: SimulatedRequest, uuid: string): Success {
    world.apps.delete(appOf(uuid).uuid)
    return { status: 204, body: undefined }
  }

  function appOf(uuid: string): App {
    const app = world.apps.get(uuid)
    if (!app) throw new Refusal(404, 'App not found')
    return app
  }

  function stateOf({ changes }: { changes: Change[] }): string {
    return changes.findLast((change) => change.at <= now())?.state ?? 'pending'
  }

  /** The states that the vendor shows are up to ten seconds old. */
  function cachedStateOf(app: App): string {
    const known = shown.get(app.uuid)
    const entry = known && known.until > now() ? known : { state: stateOf(app), until: now() + cacheMs }
    shown.set(app.uuid, entry)
    return server.isOn('unknown-status') && ['cloning', 'deploying'].includes(entry.state) ? 'hibernating' : entry.state
  }

  function free(resource: Resource): { ram: number; disk: number } {
    const apps = [...world.apps.values()].filter((app) => app.resourceId === resource.uuid)
    const used = (size: 'ram' | 'disk') => apps.reduce((sum, app) => sum + app[size], 0)
    return { ram: resource.ram - used('ram'), disk: resource.disk - used('disk') }
  }

  function show(app: App) {
    return {
      uuid: app.uuid,
      name: app.name,
      label: app.label,
      state: cachedStateOf(app),
      project_id: app.projectId,
      builder: 'auto',
      maintenance: false,
      service_name: app.serviceName,
      quota: { ram_size: app.ram, disk_size: app.disk, cpu_size: 0.5 },
      public_url: `https://${app.name}.eu-wool-1.migetapp.example`,
      private_access: app.isPrivate,
      created_at: iso(app.createdAt),
      updated_at: iso(app.createdAt),
      addons: app.addons.map(showPart),
      cronjobs: app.cronjobs.map(showPart),
    }
  }

  function showPart({ uuid, name, label, type, changes }: Part) {
    return { uuid, name, label, type, state: stateOf({ changes }), quota: {}, settings: {}, var: {} }
  }

  function showResource(resource: Resource) {
    const { uuid, name, label, projectIds } = resource
    const { ram, disk } = free(resource)
    return {
      ...{ uuid, name, label, state: 'running', assigned: projectIds.length > 0, project_ids: projectIds },
      ...{ total_ram_size: resource.ram, available_ram_size: ram, available_disk_size: disk },
    }
  }

  return {
    ...server,
    id: 'miget',
    name: 'Miget',
    connection: { url: `${server.url}/api/v1`, token: TOKEN, workspace: WORKSPACE },
    table: () => ({
      columns: ['App', 'Project', 'Resource', 'Status', 'Clone of'],
      rows: [...world.apps.values()].map((app) => [
        app.name,
        world.projects.get(app.projectId)?.label ?? '',
        world.resources.get(app.resourceId)?.name ?? '',
        stateOf(app),
        app.sourceName,
      ]),
    }),
  }
}

interface Success {
  status?: number
  body: unknown
}
