/** The simulated Cloud Foundry's permissions, and the check of request bodies. */
import type { z } from 'zod'
import { notFound, Refusal, switchedOff, unauthorized, unprocessable } from './cloud-foundry-lists.js'
import type { App, seed } from './cloud-foundry-world.js'
import type { SimulatedRequest, SimulatorServer } from './server.js'

/** What all writes share. */
export interface Context extends ReturnType<typeof createAccess> {
  world: World
  server: Pick<SimulatorServer, 'isOn' | 'changed'>
  now(): number
  cloneMs: number
}

export type World = ReturnType<typeof seed>

/** @throws Refusal that names the first problem only, as the real one does. */
export function parse<T>(schema: z.ZodType<T>, { body }: SimulatedRequest): T {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const { path, message } = parsed.error.issues[0] ?? { path: [], message: '' }
  throw unprocessable(`${path.join(' ') || 'Request body'}: ${message}`)
}

export function createAccess(world: World, now: () => number, isOn: SimulatorServer['isOn']) {
  /** The rows the token may read. Without the role that is none, and as in the real API nothing says why. */
  function readable<T>(rows: readonly T[]): readonly T[] {
    return isOn('no-role') ? [] : rows
  }

  /** A deletion ends some time after it was asked for. */
  const exists = ({ deletedAt }: { deletedAt?: number }) => deletedAt === undefined || deletedAt > now()

  function appOf(guid: string, refusal = notFound('App')): App {
    const found = readable(world.apps).find((app) => app.guid === guid && exists(app))
    if (!found) throw refusal
    return found
  }

  function changeable(guid: string, refusal?: Refusal): App {
    const app = appOf(guid, refusal)
    permit(app.space)
    return app
  }

  function permit(guid: string): void {
    const space = readable(world.spaces).find((one) => one.guid === guid)
    if (!space) throw unprocessable('Invalid space. Ensure that the space exists and you have access to it.')
    if (space.suspended) throw new Refusal(403, 'CF-SpaceSuspended', 10019, 'The space is suspended')
    if (world.organizations.find((one) => one.guid === space.organization)?.suspended) {
      throw new Refusal(403, 'CF-OrgSuspended', 10017, 'The organization is suspended')
    }
    if (space.readOnly) throw unauthorized()
  }

  function record(type: string, target: string, data: Record<string, unknown> = {}): void {
    world.events.push({ guid: world.next(8), type, target, createdAt: now(), data })
  }

  /** With the secrets in them, so that reading the app is not enough. */
  function environmentOf(guid: string): App['environment'] {
    const app = appOf(guid)
    if (world.spaces.find((one) => one.guid === app.space)?.readOnly) throw unauthorized()
    if (isOn('no-env')) throw switchedOff('env_var_visibility')
    return app.environment
  }

  return { readable, exists, appOf, changeable, permit, environmentOf, record }
}
