/** What a clone takes from its original beside the code: variables, size, health checks and services. */
import { z } from 'zod'
import { UserError } from '../../errors.js'
import { type Api, refusal } from '../provider.js'
import { link, list } from './api.js'
import type { CloneParams } from './form.js'
import { owned, step } from './step.js'

/** The old API took values that aren't text, the new one doesn't. They are sent as the text that the app sees anyway. */
export async function environmentOf(api: Api, app: string): Promise<Record<string, string>> {
  const variables = z.object({ var: z.record(z.string(), z.unknown()) })
  try {
    const known = await api.get(`/v3/apps/${app}/environment_variables`, variables, { isVerbatim: true })
    return Object.fromEntries(Object.entries(known.var).map(([name, value]) => [name, textOf(value)]))
  } catch (error) {
    // Switched off for everyone, not a missing right. The clone can do without it.
    if (!(error instanceof UserError && error.status === 403)) throw error
    throw refusal('environment', error.message, 403)
  }
}

function textOf(value: unknown): string {
  if (value === null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

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
export type Process = z.infer<typeof process>

/** An app's processes, one of each type: a deployment has two of "web", the newest of which counts. */
export async function processesOf(api: Api, app_guids: string): Promise<Process[]> {
  const newestFirst = await list(api, '/v3/processes', process, { app_guids, order_by: '-created_at' })
  return newestFirst.filter(({ type }, at) => newestFirst.findIndex((one) => one.type === type) === at)
}

/**
 * Code is staged with the memory and disk of "web", which every new app has with 1024 MB each: too little for some apps, and
 * too much for a nearly full space.
 */
export const sizeWeb = sizing('size-web', 'Set the size', 'Setting the size', ({ type }) => type === 'web')

/** The processes besides "web", which come with the droplet. */
export const sizeOthers = sizing(
  'resize',
  'Set the size of other processes',
  'Setting the size of other processes',
  () => true,
)

function sizing(id: string, title: string, doing: string, appliesTo: (process: Process) => boolean) {
  return step<CloneParams>({
    id,
    title,
    doing,
    when: ({ size }) => size,
    // Several writes, but it leaves out values that are set already.
    isRepeatable: true,
    async write(api, params, { app }) {
      for (const write of await missingWrites(api, params.app, app, appliesTo)) await write()
      return {}
    },
    async find(api, params, { app }) {
      return (await missingWrites(api, params.app, app, appliesTo)).length === 0 && {}
    },
  })
}

/** The writes that bring an app's processes to the size and health checks of its original. */
async function missingWrites(
  api: Api,
  original: string,
  app: string,
  appliesTo: (process: Process) => boolean,
): Promise<(() => Promise<unknown>)[]> {
  const [theirs, ours] = [await processesOf(api, original), await processesOf(api, app)]
  return ours.filter(appliesTo).flatMap((our) => {
    const wanted = theirs.find(({ type }) => type === our.type) ?? our
    const path = `/v3/apps/${app}/processes/${our.type}`
    const [scale, check] = [size.parse(wanted), settable(checks.parse(wanted))]
    const rescale = () => api.post(`${path}/actions/scale`, z.unknown(), { json: scale })
    const recheck = () => api.patch(path, z.unknown(), { json: check })
    return [
      ...(isEqual(scale, size.parse(our)) ? [] : [rescale]),
      ...(isEqual(check, settable(checks.parse(our))) ? [] : [recheck]),
    ]
  })
}

/** The old API made processes with the health check "none". The new one shows it, but only takes "process" for it. */
function settable({ health_check, readiness_health_check }: z.infer<typeof checks>): z.infer<typeof checks> {
  return {
    ...(health_check && { health_check: asProcess(health_check) }),
    ...(readiness_health_check && { readiness_health_check: asProcess(readiness_health_check) }),
  }
}

function asProcess(check: z.infer<typeof health>): z.infer<typeof health> {
  return check.type === 'none' ? { ...check, type: 'process' } : check
}

/** Both come from the same server, in the same order of keys. */
function isEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

export const bind = step<CloneParams>({
  id: 'bind',
  title: 'Bind the services',
  doing: 'Binding the services',
  when: ({ services }) => services.length > 0,
  // Several writes, but it leaves out what is bound already, so it's harmless to run again.
  async write(api, { services }, { app }) {
    for (const service_instance of await unbound(api, app, services)) {
      const json = { type: 'app', ...owned({ app, service_instance }) }
      await api.post('/v3/service_credential_bindings', z.unknown(), { json })
    }
    return { waitFor: 'binding' }
  },
  async find(api, { services }, { app }) {
    return (await unbound(api, app, services)).length === 0 && { waitFor: 'binding' }
  },
})

const binding = z.object({ relationships: z.object({ service_instance: link }) })

/** An app's bindings to services. */
async function bindingsOf(api: Api, app_guids: string): Promise<z.infer<typeof binding>[]> {
  return await list(api, '/v3/service_credential_bindings', binding, { app_guids, type: 'app' })
}

async function unbound(api: Api, app: string, services: readonly string[]): Promise<string[]> {
  const bound = (await bindingsOf(api, app)).map(({ relationships }) => relationships.service_instance)
  return services.filter((one) => !bound.includes(one))
}
