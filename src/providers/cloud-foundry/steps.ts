/** The steps of a clone and of a copy: each one write, and the look for what it left behind. */
import { z } from 'zod'
import { ConnectionError, UserError, unlessNotFound } from '../../errors.js'
import type { CloneParams, CopyParams } from '../cloud-foundry.js'
import type { Api, Attempt, Step } from '../provider.js'
import { filterOf, item, job, list, madeSince, type Row, root, row, secondOf, size } from './api.js'
import { type CfRef, check, ref } from './watch.js'

const LABEL = 'dolly-job'
/** A write may take half a minute to be lost, and some more to be carried out all the same. */
const settleMs = 60_000

type Do<P, Before, Made> = (api: Api, params: P, before: Before, attempt: Attempt) => Promise<Made>
type Made = Partial<CfRef>

/** A step by its write and the look for what that left behind. Both answer what is new in the ref. */
function step<P, Before extends CfRef | null = CfRef>(
  title: string,
  write: Do<P, Before, Made>,
  find: Do<P, Before, Made | false | undefined>,
  when: (params: P) => boolean = () => true,
): Step<P, Before, CfRef> {
  const next = (before: Before, made: Made) => ref.parse({ ...before, look: undefined, ...made })
  return {
    ...{ title, settleMs, when, check },
    run: async (api, params, before, attempt) => next(before, await write(api, params, before, attempt)),
    async find(api, params, before, attempt) {
      const found = await find(api, params, before, attempt)
      return found ? next(before, found) : null
    },
  }
}

export const create = step<CloneParams, null>(
  'Create the app',
  async (api, { app, space, name, environment, fastPath, start }, _, { job }) => {
    const source = await api.get(`/v3/apps/${app}`, row)
    // What is bound to fail later fails here, before anything was made.
    await codeOf(api, source, fastPath)
    const url = await consoleLink(api, space)
    const variables = z.object({ var: z.record(z.string(), z.string()) })
    const environment_variables = environment && (await api.get(`/v3/apps/${app}/environment_variables`, variables)).var
    const json = { name, lifecycle: source.lifecycle, ...(environment_variables && { environment_variables }) }
    return clone(start, url, await api.post('/v3/apps', item, { json: { ...json, ...owned({ space }, job) } }))
  },
  async (api, { space, name, start }, _, { job }) => {
    const { rows } = await list(api, '/v3/apps', { space_guids: space, names: filterOf(name) })
    // Without our label it is somebody else's of the same name.
    const mine = rows.find(({ metadata }) => metadata?.labels?.[LABEL] === job)
    return mine && clone(start, await consoleLink(api, space), mine)
  },
)
const clone = (start: boolean, url: string | undefined, { guid }: { guid: string }): Made => ({
  ...{ app: guid, url: url?.replaceAll('{app}', guid), note: start ? undefined : 'not started, as asked' },
})

export const reserve = step<CloneParams>(
  'Reserve the address',
  async (api, { space, host }, before, { job }) => {
    const organization = (await api.get(`/v3/spaces/${space}`, row)).relationships.organization
    const { guid: domain } = await api.get(`/v3/organizations/${organization}/domains/default`, item)
    return routed(before, await api.post('/v3/routes', row, { json: { host, ...owned({ space, domain }, job) } }))
  },
  async (api, { space }, before, { job }) => {
    const query = { space_guids: space, label_selector: `${LABEL}=${job}` }
    const [mine] = (await list(api, '/v3/routes', query)).rows
    return mine && routed(before, mine)
  },
  ({ host }) => host !== undefined,
)
const routed = ({ url }: CfRef, route: Row): Made => ({ route: route.guid, url: url ?? `https://${route.url}` })

export const bind = step<CloneParams>(
  'Bind the services',
  // Several writes, but what is bound already is left out: harmless to run again.
  async (api, { services }, { app }) => {
    for (const service_instance of await unbound(api, app, services)) {
      const json = { type: 'app', ...owned({ app, service_instance }) }
      await api.post('/v3/service_credential_bindings', z.unknown(), { json })
    }
    return { look: 'binding' }
  },
  async (api, { services }, { app }) => (await unbound(api, app, services)).length === 0 && { look: 'binding' },
  ({ services }) => services.length > 0,
)

export const copyCode = step<CloneParams>(
  'Copy the code',
  async (api, { app, fastPath }, { app: to }) => {
    const code = await codeOf(api, await api.get(`/v3/apps/${app}`, row), fastPath)
    return await copyInto(api, fastPath ? 'droplet' : 'package', code.guid, to)
  },
  // The app is new, so that whatever is in it is ours.
  async (api, { fastPath }, { app }) => {
    const look = fastPath ? 'droplet' : 'package'
    const [made] = (await list(api, `/v3/${look}s`, { app_guids: app })).rows
    return made && { look, guid: made.guid }
  },
)

export const stage = step(
  'Stage the code',
  async (api, _params, before) => {
    const { guid } = await api.post('/v3/builds', item, { json: { package: { guid: before.guid } } })
    return { look: 'build', guid }
  },
  // The package was made by the step before, so that a build of it is ours.
  async (api, _params, { guid = '' }, { since }) => {
    const [made] = await madeSince(api, '/v3/builds', { package_guids: guid }, since)
    return made && { look: 'build', guid: made.guid }
  },
)

export const assign = step(
  'Deploy the staged code',
  async (api, _params, { app, droplet }) => {
    const json = { data: { guid: droplet } }
    await api.patch(`/v3/apps/${app}/relationships/current_droplet`, z.unknown(), { json })
    return {}
  },
  async (api, _params, { app, droplet }) =>
    (await api.get(`/v3/apps/${app}`, row)).relationships.current_droplet === droplet && {},
)

export const resize = step<CloneParams>(
  'Set the size',
  // Several writes, but each sets a value and is left out where that is set: harmless to run again. It comes after the
  // droplet, which brings the processes beside "web" with it.
  async (api, params, { app }) => {
    for (const write of await unequal(api, params.app, app)) await write()
    return {}
  },
  async (api, params, { app }) => (await unequal(api, params.app, app)).length === 0 && {},
  ({ size }) => size,
)

export const map = step<CloneParams>(
  'Map the address',
  async (api, _params, { app, route }) => {
    await api.post(`/v3/routes/${route}/destinations`, z.unknown(), {
      json: { destinations: [{ app: { guid: app } }] },
    })
    return {}
  },
  async (api, _params, { app, route }) => (await destinationsOf(api, route)).includes(app) && {},
  ({ host }) => host !== undefined,
)

export const launch = (title: string, action: 'start' | 'restart') =>
  step<Record<string, unknown>>(
    title,
    async (api, _params, { app }) => {
      await api.post(`/v3/apps/${app}/actions/${action}`, z.unknown())
      return { look: 'instances' }
    },
    async (api, _params, { app }, { since }) => {
      const query = { target_guids: app, types: `audit.app.${action}` }
      return (await madeSince(api, '/v3/audit_events', query, since)).length > 0 && { look: 'instances' }
    },
    (params) => params[action] === true,
  )

export const overwrite = step<CopyParams, null>(
  'Copy the code',
  async (api, { app, target, restart }, _, { since }) => {
    const [from, to] = [await api.get(`/v3/apps/${app}`, row), await api.get(`/v3/apps/${target}`, row)]
    if (from.lifecycle?.type !== to.lifecycle?.type) {
      throw new UserError(`Code for ${from.lifecycle?.type} does not fit an app for ${to.lifecycle?.type}.`, {
        field: 'target',
      })
    }
    const code = await codeOf(api, from, false)
    const made = await overwritten(api, to, restart)
    // The old API copies the newest package in whatever state. Whether there is one, its root tells.
    if (code.isNewest && (await api.get('/', root)).links.cloud_controller_v2) {
      try {
        const { entity } = await api.post(`/v2/apps/${target}/copy_bits`, job, { json: { source_app_guid: app } })
        return { ...made, look: 'job', guid: entity.guid, since: secondOf(since) }
      } catch (error) {
        // Announced but cut off: a plain 404 by the proxy in front of it.
        if (!(error instanceof ConnectionError && error.status === 404)) throw error
      }
    }
    return { ...made, ...(await copyInto(api, 'package', code.guid, target)) }
  },
  async (api, { app, target, restart }, _, { since }) => {
    const types = 'audit.app.package.create,audit.app.copy-bits'
    const events = await madeSince(api, '/v3/audit_events', { target_guids: target, types }, since)
    const sources = events.length > 0 ? (await list(api, '/v3/packages', { app_guids: app })).rows : []
    // An upload by somebody else has no source.
    const mine = events.find(
      ({ data }) =>
        data?.source_guid === app || sources.some(({ guid }) => guid === data?.request?.source_package_guid),
    )
    if (!mine) return undefined
    const made = await overwritten(api, await api.get(`/v3/apps/${target}`, row), restart)
    const guid = mine.data?.package_guid
    return guid ? { ...made, look: 'package', guid } : { ...made, look: 'job', guid: '0', since: secondOf(since) }
  },
)

/** The writes that are left until an app's processes have the size and the health checks of its original's. */
async function unequal(api: Api, original: string, app: string): Promise<(() => Promise<unknown>)[]> {
  const processesOf = async (one: string) => (await list(api, '/v3/processes', { app_guids: one })).rows
  const theirs = new Map((await processesOf(original)).map((process) => [process.type, process]))
  return (await processesOf(app)).flatMap((ours) => {
    const wanted = theirs.get(ours.type)
    const path = `/v3/apps/${app}/processes/${ours.type}`
    if (!wanted) return []
    const [scale, health_check] = [size.parse(wanted), wanted.health_check]
    return [
      ...(isEqual(scale, size.parse(ours))
        ? []
        : [() => api.post(`${path}/actions/scale`, z.unknown(), { json: scale })]),
      ...(isEqual(health_check, ours.health_check)
        ? []
        : [() => api.patch(path, z.unknown(), { json: { health_check } })]),
    ]
  })
}

function isEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

async function unbound(api: Api, app: string, services: readonly string[]): Promise<string[]> {
  const { rows } = await list(api, '/v3/service_credential_bindings', { app_guids: app, type: 'app' })
  return services.filter((one) => !rows.some(({ relationships }) => relationships.service_instance === one))
}

export async function destinationsOf(api: Api, route: string | undefined): Promise<string[]> {
  const routes = z.object({ destinations: z.array(z.object({ app: item })) })
  const { destinations } = (await unlessNotFound(api.get(`/v3/routes/${route}`, routes))) ?? { destinations: [] }
  return destinations.map(({ app }) => app.guid)
}

/** The package to copy, or the droplet. `isNewest` unless newer packages are of no use. */
async function codeOf(api: Api, app: Row, fastPath: boolean): Promise<{ guid: string; isNewest: boolean }> {
  if (fastPath) {
    // The vendor makes nothing out of such a droplet, and calls that a success.
    if (app.lifecycle?.type === 'cnb') {
      throw new UserError('A build by Cloud Native Buildpacks cannot be copied; have it staged anew.', {
        field: 'fastPath',
      })
    }
    const guid = app.relationships.current_droplet
    if (!guid) throw new UserError(`${app.name} has no staged build. Have it staged anew.`, { field: 'fastPath' })
    return { guid, isNewest: true }
  }
  const { rows } = await list(api, '/v3/packages', { app_guids: app.guid, order_by: '-created_at' })
  const ready = rows.find(({ state }) => state === 'READY')
  if (ready) return { guid: ready.guid, isNewest: ready === rows[0] }
  const instead = rows[0] ? `its newest upload is ${rows[0].state}` : 'nothing was ever uploaded'
  throw new UserError(`${app.name} has no code to copy: ${instead}.`, { field: 'app' })
}

/** Makes a package or a droplet of an app out of that of another. */
async function copyInto(api: Api, look: 'package' | 'droplet', source_guid: string, app: string): Promise<Made> {
  const made = z.object({ guid: z.string().nullable() })
  const { guid } = await api.post(`/v3/${look}s`, made, { query: { source_guid }, json: owned({ app }) })
  if (guid === null) throw new UserError(`Cloud Foundry made no copy of this ${look}.`)
  return { look, guid }
}

/** The relationships of something new, and our label where it can carry one. */
function owned(owners: Readonly<Record<string, string>>, job?: string) {
  const relationships = Object.fromEntries(Object.entries(owners).map(([key, guid]) => [key, { data: { guid } }]))
  return { relationships, ...(job !== undefined && { metadata: { labels: { [LABEL]: job } } }) }
}

/** The operator's template of a link, filled in but for the app; undefined without one. */
async function consoleLink(api: Api, space: string): Promise<string | undefined> {
  const template = api.settings?.appUrl
  if (!template?.includes('{organization}')) return template?.replaceAll('{space}', space)
  const { organization } = (await api.get(`/v3/spaces/${space}`, row)).relationships
  return template.replaceAll('{space}', space).replaceAll('{organization}', organization ?? '')
}

/** What is known of an app that is overwritten: its link, and what to say when that is all. */
async function overwritten(api: Api, { guid, relationships }: Row, restart: boolean): Promise<Made> {
  const { rows, others } = await list(api, '/v3/routes', { app_guids: guid, include: 'domain' })
  const isPublic = ({ protocol, relationships }: Row) =>
    protocol !== 'tcp' && !others.get(relationships.domain ?? '')?.internal
  const route = rows.find(isPublic)?.url
  const console = (await consoleLink(api, relationships.space ?? ''))?.replaceAll('{app}', guid)
  const url = console ?? (route ? `https://${route}` : undefined)
  return {
    app: guid,
    url,
    note: restart ? undefined : 'copied, but its old code runs until it is staged and restarted',
  }
}
