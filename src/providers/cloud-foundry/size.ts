/** The size and the health checks of an app's processes, brought to those of its original. */
import { z } from 'zod'
import type { Api } from '../provider.js'
import { list } from './api.js'
import type { CloneParams } from './fields.js'
import { step } from './step.js'

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
export const sizeWeb = sizing('size-web', 'Set the size', ({ type }) => type === 'web')

/** The processes besides "web", which come with the droplet. */
export const sizeOthers = sizing('resize', 'Set the size of other processes', () => true)

function sizing(id: string, title: string, appliesTo: (process: Process) => boolean) {
  return step<CloneParams>(
    id,
    title,
    {
      // Several writes, but it leaves out values that are set already.
      isRepeatable: true,
      async write(api, params, { app }) {
        for (const write of await missingWrites(api, params.app, app, appliesTo)) await write()
        return {}
      },
      async find(api, params, { app }) {
        return (await missingWrites(api, params.app, app, appliesTo)).length === 0 && {}
      },
    },
    (params) => params.size,
  )
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
