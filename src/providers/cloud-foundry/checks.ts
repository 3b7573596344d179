/** What would refuse a clone only after its app was made, asked before. */
import { z } from 'zod'
import { UserError, unlessNotFound } from '../../errors.js'
import type { Api } from '../provider.js'
import { item, list } from './client.js'
import { type App, codeOf, type Space } from './code.js'

interface Wish {
  fastPath: boolean
  host?: string | undefined
  services: readonly string[]
}

/** Throws a UserError on the field at fault. */
export async function refuseHopeless(api: Api, wish: Wish, source: App, target: Space): Promise<void> {
  await codeOf(api, source, wish.fastPath)
  if (!wish.fastPath) refuseSecretBuildpacks(source)
  if (wish.host !== undefined) await refuseTakenHost(api, target, wish.host)
  await refuseUnsharedServices(api, target, wish.services)
}

function refuseSecretBuildpacks({ name, lifecycle }: App): void {
  // So the vendor shows the credentials in an address. Sent back like that, they open nothing.
  if (!JSON.stringify(lifecycle).includes('://***')) return
  throw new UserError(
    `${name} is staged by a buildpack whose address holds credentials, which Cloud Foundry tells nobody. Copy the staged build instead, or give ${name} a buildpack without credentials.`,
    { field: 'app' },
  )
}

const domain = item.extend({ name: z.string() })

/** Where a host name is made an address. */
export async function defaultDomain(api: Api, { name, relationships }: Space): Promise<z.infer<typeof domain>> {
  const path = `/v3/organizations/${relationships.organization}/domains/default`
  const found = await unlessNotFound(api.get(path, domain))
  if (found) return found
  throw new UserError(`The organization of ${name} has no default domain. Leave the host name empty.`, {
    field: 'host',
  })
}

async function refuseTakenHost(api: Api, target: Space, host: string): Promise<void> {
  const { guid, name } = await defaultDomain(api, target)
  const reserved = z.object({ matching_route: z.boolean() })
  const { matching_route } = await api.get(`/v3/domains/${guid}/route_reservations`, reserved, { query: { host } })
  if (matching_route)
    throw new UserError(`The host name ${host} is taken in ${name}. Choose another.`, { field: 'host' })
}

const service = item.extend({ name: z.string() })

async function refuseUnsharedServices(api: Api, target: Space, services: readonly string[]): Promise<void> {
  const listed = async (guids: readonly string[], query = {}) =>
    guids.length > 0 ? await list(api, '/v3/service_instances', service, { guids: guids.join(','), ...query }) : []
  const there = (await listed(services, { space_guids: target.guid })).map(({ guid }) => guid)
  const missing = services.filter((one) => !there.includes(one))
  if (missing.length === 0) return
  const names = (await listed(missing)).map(({ name }) => name).join(', ') || 'A service'
  throw new UserError(`${names} cannot be used in ${target.name}. Have it shared into that space, or leave it out.`, {
    field: 'services',
  })
}
