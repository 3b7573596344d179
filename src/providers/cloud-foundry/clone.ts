/** The clone of an app: a new one with the code, and with as much of the rest as was asked for. */
import { z } from 'zod'
import { UserError, unlessNotFound } from '../../errors.js'
import { type Api, defineOperation, maskIds, sentence } from '../provider.js'
import { defaultDomain, refuseHopeless } from './checks.js'
import { item, link, list } from './client.js'
import {
  app,
  appField,
  assign,
  codeOf,
  consoleLink,
  copyInto,
  deadlineMs,
  firstStep,
  guid,
  labelled,
  launch,
  type Made,
  owned,
  type Space,
  space,
  stage,
  step,
  withRole,
  yesField,
} from './code.js'
import { type CfRef, ref } from './watch.js'

const text = (most: number, rule: string) => z.string().trim().min(1, rule).max(most, rule)
const NAME = 'Use 1 to 255 printable characters.'
const HOST = 'Use 1 to 63 letters, digits, hyphens or underscores.'
const fields = z.object({
  app: appField('App', 'Its newest uploaded code is copied.'),
  space: guid.meta({ title: 'Target space', description: 'Of any organization.', picker: 'spaces' }),
  name: text(255, NAME)
    .regex(/^\P{C}*$/u, NAME)
    .meta({ title: 'Name of the clone', description: 'Must be new in the target space, in capitals or not.' }),
  host: text(63, HOST)
    .regex(/^[\w-]*$/, HOST)
    .optional()
    .meta({ title: 'Host name', description: 'Of a new address in the default domain. Left empty: no address.' }),
  environment: yesField('Copy environment variables', 'With the secrets in them.'),
  size: yesField('Copy the size', 'Instances, memory, disk and health checks of each process.'),
  services: z
    .array(guid)
    .default([])
    .meta({
      title: 'Services to share',
      description: 'The clone is bound to the same ones and works on the data of the original.',
      picker: 'services',
      dependsOn: ['app'],
    }),
  fastPath: z.boolean().default(false).meta({
    title: 'Copy the staged build',
    description: 'What is deployed now, to the byte. The clone cannot be staged anew without an upload.',
  }),
  start: yesField('Start the clone', 'Otherwise it stays stopped.'),
})
type CloneParams = z.infer<typeof fields>

const create = firstStep<CloneParams>('create', 'Create the app', (params) => `/v3/spaces/${params.space}`, {
  async write(api, params, _, { job }) {
    const source = await api.get(`/v3/apps/${params.app}`, app)
    const target = await api.get(`/v3/spaces/${params.space}`, space)
    await refuseHopeless(api, params, source, target)
    const json = {
      name: params.name,
      lifecycle: source.lifecycle,
      ...(params.environment && { environment_variables: await environmentOf(api, params.app) }),
      ...owned({ space: target.guid }, job),
    }
    const { guid } = await withRole(api, [target.guid], api.post('/v3/apps', item, { json }))
    return clone(api, params, target, guid)
  },
  async find(api, params, _, { job }) {
    const mine = await labelled(api, '/v3/apps', item, params.space, job)
    return mine && clone(api, params, await api.get(`/v3/spaces/${params.space}`, space), mine.guid)
  },
})

function clone(api: Api, { name, start }: CloneParams, target: Space, guid: string): Made {
  return {
    app: guid,
    url: consoleLink(api, target, guid),
    note: start ? undefined : 'not started, as asked',
    left: `The app ${name} stays in ${target.name} and can be deleted.`,
  }
}

/** Made by the old API, values may be more than texts, which the new one does not take. The app is told the same text. */
async function environmentOf(api: Api, app: string): Promise<Record<string, string>> {
  const variables = z.object({ var: z.record(z.string(), z.unknown()) })
  const known = (await api.get(`/v3/apps/${app}/environment_variables`, variables)).var
  return Object.fromEntries(Object.entries(known).map(([name, value]) => [name, textOf(value)]))
}

function textOf(value: unknown): string {
  if (value === null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const address = item.extend({ url: z.string() })

const reserve = step<CloneParams>(
  'reserve',
  'Reserve the address',
  {
    async write(api, params, before, { job }) {
      const { guid } = await defaultDomain(api, await api.get(`/v3/spaces/${params.space}`, space))
      const json = { host: params.host, ...owned({ space: params.space, domain: guid }, job) }
      return routed(before, await api.post('/v3/routes', address, { json }))
    },
    async find(api, params, before, { job }) {
      const mine = await labelled(api, '/v3/routes', address, params.space, job)
      return mine && routed(before, mine)
    },
  },
  ({ host }) => host !== undefined,
)

function routed(before: CfRef, { guid, url }: z.infer<typeof address>): Made {
  return { route: guid, url: before.url ?? `https://${url}` }
}

const bind = step<CloneParams>(
  'bind',
  'Bind the services',
  {
    // Several writes, but what is bound already is left out: harmless to run again.
    async write(api, { services }, { app }) {
      for (const service_instance of await unbound(api, app, services)) {
        const json = { type: 'app', ...owned({ app, service_instance }) }
        await api.post('/v3/service_credential_bindings', z.unknown(), { json })
      }
      return { look: 'binding' }
    },
    async find(api, { services }, { app }) {
      return (await unbound(api, app, services)).length === 0 && { look: 'binding' }
    },
  },
  ({ services }) => services.length > 0,
)

const binding = z.object({
  last_operation: z.object({ type: z.string(), state: z.string(), description: z.string().nullish() }).nullish(),
  relationships: z.object({ service_instance: link }),
})

async function bindingsOf(api: Api, app_guids: string): Promise<z.infer<typeof binding>[]> {
  return await list(api, '/v3/service_credential_bindings', binding, { app_guids, type: 'app' })
}

async function unbound(api: Api, app: string, services: readonly string[]): Promise<string[]> {
  const bound = (await bindingsOf(api, app)).map(({ relationships }) => relationships.service_instance)
  return services.filter((one) => !bound.includes(one))
}

const copyCode = step<CloneParams>('copy', 'Copy the code', {
  async write(api, { app: original, space, fastPath }, { app: to }) {
    const from = await api.get(`/v3/apps/${original}`, app)
    const code = await codeOf(api, from, fastPath)
    const copied = copyInto(api, fastPath ? 'droplet' : 'package', code.guid, to)
    return await withRole(api, [from.relationships.space, space], copied)
  },
  // The app is new, so that whatever is in it is ours.
  async find(api, { fastPath }, { app }) {
    const look = fastPath ? 'droplet' : 'package'
    const [made] = await list(api, `/v3/${look}s`, item, { app_guids: app })
    return made && { look, guid: made.guid }
  },
})

const resize = step<CloneParams>(
  'resize',
  'Set the size',
  {
    // Several writes, but each sets a value and is left out where that is set: harmless to run again. It comes after the
    // droplet, which brings the processes beside "web" with it.
    async write(api, params, { app }) {
      for (const write of await unequal(api, params.app, app)) await write()
      return {}
    },
    async find(api, params, { app }) {
      return (await unequal(api, params.app, app)).length === 0 && {}
    },
  },
  ({ size }) => size,
)

const size = z
  .object({
    instances: z.number(),
    memory_in_mb: z.number(),
    disk_in_mb: z.number(),
    log_rate_limit_in_bytes_per_second: z.number(),
  })
  .partial()
const health = z.object({ type: z.string(), data: z.record(z.string(), z.unknown()) })
const checks = z.object({ health_check: health, readiness_health_check: health }).partial()
const process = z.object({ type: z.string(), ...size.shape, ...checks.shape })

/** The writes that are left until an app's processes have the size and the health checks of its original's. */
async function unequal(api: Api, original: string, app: string): Promise<(() => Promise<unknown>)[]> {
  const processesOf = (one: string) => list(api, '/v3/processes', process, { app_guids: one })
  const theirs = await processesOf(original)
  return (await processesOf(app)).flatMap((ours) => {
    const wanted = theirs.find(({ type }) => type === ours.type) ?? ours
    const path = `/v3/apps/${app}/processes/${ours.type}`
    const [scale, check] = [size.parse(wanted), checks.parse(wanted)]
    const rescale = () => api.post(`${path}/actions/scale`, z.unknown(), { json: scale })
    const recheck = () => api.patch(path, z.unknown(), { json: check })
    return [
      ...(isEqual(scale, size.parse(ours)) ? [] : [rescale]),
      ...(isEqual(check, checks.parse(ours)) ? [] : [recheck]),
    ]
  })
}

function isEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

const map = step<CloneParams>(
  'map',
  'Map the address',
  {
    async write(api, _params, { app, route }) {
      const json = { destinations: [{ app: { guid: app } }] }
      await api.post(`/v3/routes/${route}/destinations`, z.unknown(), { json })
      return {}
    },
    async find(api, _params, { app, route }) {
      return (await destinationsOf(api, route)).includes(app) && {}
    },
  },
  ({ host }) => host !== undefined,
)

async function destinationsOf(api: Api, route: string | undefined): Promise<string[]> {
  const routes = z.object({ destinations: z.array(z.object({ app: item })) })
  const { destinations } = (await unlessNotFound(api.get(`/v3/routes/${route}`, routes))) ?? { destinations: [] }
  return destinations.map(({ app }) => app.guid)
}

/** Deletes the app and its own address. */
async function remove(api: Api, { app, route }: CfRef): Promise<void> {
  // An app leaves its addresses behind. Ours may lead to other apps by now.
  const isOurs = route && (await destinationsOf(api, route)).every((one) => one === app)
  if (isOurs) await unlessNotFound(api.delete(`/v3/routes/${route}`, z.unknown()))
  await unlessNotFound(api.delete(`/v3/apps/${app}`, z.unknown()))
  // The address of the job is told in a header alone. But what a job before it failed at is still to be read: a service
  // that did not let go of the app.
  const stuck = (await bindingsOf(api, app)).find(
    ({ last_operation }) => last_operation?.type === 'delete' && last_operation.state === 'failed',
  )
  if (!stuck) return
  const reason = maskIds(stuck.last_operation?.description || 'Cloud Foundry does not say why.')
  throw new UserError(`It is tried once more. The last time a service could not be unbound from the app: ${reason}`)
}

export const cloneApp = defineOperation<CloneParams, CfRef>({
  title: 'Clone an app',
  fields,
  ref,
  // Names are unique within a space, in capitals or not.
  lock: ({ space, name }) => `clone:${space}/${name.toLowerCase()}`,
  summary: ({ app = '', name = '', space = '' }) => ({ from: maskIds(app), to: `${name} in ${maskIds(space)}` }),
  preview: ({ fastPath, environment, size, services, host }) => ({
    copied: sentence(
      fastPath ? 'The staged build that is deployed now' : 'The newest uploaded code, staged anew',
      environment && 'environment variables with their secrets',
      size && 'size and health checks',
    ),
    notCopied: sentence(
      `Addresses${host ? ` (${host} is a new one)` : ''}`,
      services.length === 0 && 'service bindings',
      'start commands, sidecars, tasks, network policies, labels, registry passwords of Docker images',
    ),
    ...(services.length > 0 && {
      warning: 'The clone shares the services you chose: what it writes or deletes there, the original loses too.',
    }),
  }),
  copiesData: true,
  deadlineMs,
  steps: [
    create,
    reserve,
    bind,
    copyCode,
    { ...stage, when: ({ fastPath }) => !fastPath },
    assign,
    resize,
    map,
    launch('Start the clone', 'start'),
  ],
  remove,
})
