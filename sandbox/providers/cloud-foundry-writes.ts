/** What may be written to the simulated Cloud Foundry, and what it refuses. */
import { z } from 'zod'
import { type Context, parse } from './cloud-foundry-access.js'
import type { Code } from './cloud-foundry-code.js'
import { notFound, Refusal, switchedOff, unprocessable } from './cloud-foundry-lists.js'
import type { Quotas } from './cloud-foundry-quota.js'
import { type App, failedAt } from './cloud-foundry-world.js'
import type { SimulatedRequest } from './server.js'

const linkBody = z.strictObject({ data: z.strictObject({ guid: z.string() }) })
const labels = z.strictObject({ labels: z.record(z.string().regex(/^[\w.-]{1,63}$/), z.string().max(63)) })
const appBody = z.strictObject({
  name: z.string().min(1).max(255),
  relationships: z.strictObject({ space: linkBody }),
  environment_variables: z.record(z.string().regex(/^(?!VCAP_|VMC|PORT$).+/), z.string()).default({}),
  lifecycle: z.strictObject({ type: z.enum(['buildpack', 'docker', 'cnb']), data: z.looseObject({}) }).optional(),
  metadata: labels.optional(),
})
const scaleBody = z
  .strictObject({
    instances: z.int(),
    memory_in_mb: z.int(),
    disk_in_mb: z.int(),
    log_rate_limit_in_bytes_per_second: z.int(),
  })
  .partial()
const check = z.strictObject({ type: z.enum(['port', 'process', 'http']), data: z.looseObject({}) })
const processBody = z.strictObject({ health_check: check, readiness_health_check: check }).partial()
const routeBody = z.strictObject({
  host: z.string().regex(/^([\w-]{1,63}|\*)$/),
  relationships: z.strictObject({ space: linkBody, domain: linkBody }),
  metadata: labels.optional(),
})
const destinationsBody = z.strictObject({
  destinations: z
    .array(z.strictObject({ app: z.strictObject({ guid: z.string() }) }))
    .min(1)
    .max(100),
})
const bindingBody = z.strictObject({
  type: z.literal('app'),
  relationships: z.strictObject({ app: linkBody, service_instance: linkBody }),
})

export function createWrites(context: Context, code: Code, quotas: Quotas) {
  const { world, server, now, cloneMs, changeable, permit, record, exists } = context

  function createApp(request: SimulatedRequest): App {
    const { name, relationships, environment_variables, lifecycle, metadata } = parse(appBody, request)
    const space = relationships.space.data.guid
    permit(space)
    const hasSameName = (one: App) => one.space === space && one.name.toLowerCase() === name.toLowerCase()
    if (world.apps.some((one) => hasSameName(one) && exists(one))) {
      throw new Refusal(422, 'CF-UniquenessError', 10016, `App with the name '${name}' already exists.`)
    }
    if (/:\/\/\*\*\*|"\*\*\*"/.test(JSON.stringify(lifecycle ?? {}))) {
      throw unprocessable('Buildpacks must be valid, and credentials must be an object.')
    }
    const guid = world.next(4)
    const app: App = {
      guid,
      name: name.trim(),
      space,
      createdAt: now(),
      state: 'STOPPED',
      startedAt: 0,
      crashes: false,
      droplet: null,
      lifecycle: lifecycle ?? { type: 'buildpack', data: { buildpacks: [], stack: 'cflinuxfs4' } },
      environment: environment_variables,
      labels: metadata?.labels ?? {},
      processes: [world.processOf(guid, 'web', { memory_in_mb: 1024 })],
    }
    world.apps.push(app)
    return app
  }

  function assign(request: SimulatedRequest, guid: string): App {
    const app = changeable(guid)
    if (server.isOn('deploying')) {
      throw unprocessable(
        'Unable to assign current droplet while the app has a deployment in progress. Wait for the deployment to complete or cancel it.',
      )
    }
    const droplet = code.artifactOf(parse(linkBody, request).data.guid, 'droplet')
    if (droplet?.app !== guid || code.stateOf(droplet) !== 'STAGED') {
      throw unprocessable('Unable to assign current droplet. Ensure the droplet exists and belongs to this app.')
    }
    app.droplet = droplet.guid
    record('audit.app.droplet.mapped', guid, { request: { droplet_guid: droplet.guid } })
    const origin = world.apps.find((one) => one.guid === droplet.origin)
    for (const { type } of origin?.processes ?? []) {
      const isNew = app.processes.every((one) => one.type !== type)
      if (isNew) app.processes.push(world.processOf(world.next(8), type, { instances: 0 }))
    }
    return app
  }

  function processOf(guid: string, type: string) {
    const found = changeable(guid).processes.find((one) => one.type === type)
    if (!found) throw notFound('Process')
    return found
  }

  function act(guid: string, action: string): App {
    if (!['start', 'stop', 'restart'].includes(action)) throw new Refusal(404, 'CF-NotFound', 10000, 'Unknown request')
    const app = changeable(guid)
    if (action !== 'stop' && !app.droplet) throw unprocessable('Assign a droplet before starting this app.')
    if (action !== 'stop' && app.state !== 'STARTED') quotas.demandForRun(app, 0)
    record(`audit.app.${action}`, guid)
    if (action === 'stop') return Object.assign(app, { state: 'STOPPED' })
    if (action === 'restart' || app.state !== 'STARTED') app.startedAt = now()
    app.crashes = server.isOn('crash-next')
    app.state = 'STARTED'
    server.changed(cloneMs * 0.2)
    return app
  }

  function createRoute(request: SimulatedRequest) {
    if (server.isOn('no-new-routes')) {
      throw switchedOff('route_creation')
    }
    const { host, relationships, metadata } = parse(routeBody, request)
    const domain = world.domains.find((one) => one.guid === relationships.domain.data.guid)
    if (!domain) throw unprocessable('Invalid domain. Ensure that the domain exists and you have access to it.')
    permit(relationships.space.data.guid)
    if (isTaken(host, domain.guid)) {
      throw unprocessable(`Route already exists with host '${host}' for domain '${domain.name}'.`)
    }
    const home = { space: relationships.space.data.guid, domain: domain.guid, createdAt: now() }
    const route = { guid: world.next(7), host, ...home, labels: metadata?.labels ?? {}, destinations: [] as string[] }
    world.routes.push(route)
    return route
  }

  function isTaken(host: string, domain: string): boolean {
    return world.routes.some(
      (one) => one.host.toLowerCase() === host.toLowerCase() && one.domain === domain && exists(one),
    )
  }

  function routeOf(guid: string) {
    const found = context.readable(world.routes).find((one) => one.guid === guid && exists(one))
    if (!found) throw notFound('Route')
    return found
  }

  function addDestinations(request: SimulatedRequest, guid: string) {
    const route = routeOf(guid)
    for (const { app } of parse(destinationsBody, request).destinations) {
      const { space } = changeable(app.guid, unprocessable(`App(s) with guid(s) "${app.guid}" do not exist.`))
      if (space !== route.space) throw unprocessable('Routes cannot be mapped to destinations in different spaces.')
      if (!route.destinations.includes(app.guid)) route.destinations.push(app.guid)
    }
    return route
  }

  function bind(request: SimulatedRequest) {
    const { relationships } = parse(bindingBody, request)
    const app = changeable(relationships.app.data.guid, unprocessable('The app could not be found.'))
    const service = world.services.find((one) => one.guid === relationships.service_instance.data.guid)
    if (!service) throw unprocessable('The service instance could not be found.')
    if (!service.spaces.includes(app.space))
      throw unprocessable('The service instance and the app are in different spaces.')
    if (world.bindings.some((one) => one.app === app.guid && one.service === service.guid)) {
      throw unprocessable('The app is already bound to the service instance.')
    }
    const readyAt = service.type === 'managed' ? now() + cloneMs * 0.2 : now()
    const fails = server.isOn('fail-binding')
    const made = { guid: world.next(9), app: app.guid, service: service.guid, createdAt: now(), readyAt, fails }
    world.bindings.push(made)
    return { made, isAsynchronous: service.type === 'managed' }
  }

  /** Returns the reason if it failed because a service refused to unbind. */
  function deleteApp(guid: string): string | undefined {
    const app = changeable(guid)
    const bound = world.bindings.find((one) => one.app === guid)
    if (bound && server.isOn('fail-delete')) {
      // The last failure stays readable until the next one.
      bound.stays = { failedAt: now() + cloneMs * 0.2, before: failedAt(bound, now()) }
      return 'An unbind operation for the service binding failed'
    }
    app.deletedAt ??= now() + cloneMs * 0.2
    server.changed(cloneMs * 0.2)
    // Its routes stay, and lead nowhere.
    for (const route of world.routes) route.destinations = route.destinations.filter((one) => one !== guid)
    world.bindings = world.bindings.filter((one) => one.app !== guid)
    world.artifacts = world.artifacts.filter((one) => one.app !== guid)
    return undefined
  }

  function deleteRoute(guid: string): void {
    const route = routeOf(guid)
    permit(route.space)
    route.deletedAt ??= now() + cloneMs * 0.1
    server.changed(cloneMs * 0.1)
  }

  function rescale(request: SimulatedRequest, guid: string, type: string) {
    const [app, process] = [changeable(guid), processOf(guid, type)]
    if (type === 'web' && server.isOn('deploying')) {
      throw unprocessable('Cannot scale this process while a deployment is in flight.')
    }
    const [old, before] = [{ ...process }, quotas.memoryOf(app)]
    Object.assign(process, parse(scaleBody, request))
    try {
      if (app.state === 'STARTED') quotas.demandForRun(app, before)
    } catch (error) {
      Object.assign(process, old)
      throw error
    }
    return process
  }

  const recheck = (request: SimulatedRequest, guid: string, type: string) =>
    Object.assign(processOf(guid, type), parse(processBody, request))
  return {
    createApp,
    assign,
    rescale,
    recheck,
    act,
    deleteApp,
    isTaken,
    createRoute,
    routeOf,
    addDestinations,
    deleteRoute,
    bind,
  }
}
