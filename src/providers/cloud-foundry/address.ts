/** The address of a clone: the host name it gets, and the steps that make it. */
import { z } from 'zod'
import { unlessNotFound } from '../../errors.js'
import { cut } from '../../lib/text.js'
import { type Api, refusal, rows } from '../provider.js'
import { item, link, listWith, MAX_NAME_LENGTH } from './api.js'
import { type CloneParams, MAX_HOST_LENGTH } from './form.js'
import type { CfRef } from './status.js'
import { labelled, owned, type RefUpdate, type Space, space, step } from './step.js'

/** The answers that decide on an address. Jobs from before the question `address` existed have no answer to it. */
type AddressParams = Omit<CloneParams, 'address'> & { address?: boolean | undefined }

/** The host name that was typed or follows from the clone's name; empty if the name has nothing that a host name may have. */
export function hostOf({ name, host }: Pick<AddressParams, 'name' | 'host'>): string {
  if (host) return host
  const plain = name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
  const words = plain.split(/[^a-z0-9_]+/).filter(Boolean)
  return words.join('-').slice(0, MAX_HOST_LENGTH).replace(/-$/, '')
}

export function wantsAddress({ address, host }: Pick<AddressParams, 'address' | 'host'>): boolean {
  return address ?? host !== undefined
}

/** The host name that a clone gets; undefined if none was asked for, or none was typed and the original has no address. */
export async function wantedHost(api: Api, params: AddressParams): Promise<string | undefined> {
  if (!wantsAddress(params)) return undefined
  if (!params.host && !(await publicAddressOf(api, params.app))) return undefined
  const host = hostOf(params)
  if (host) return host
  throw refusal(
    'host',
    `"${cut(params.name, MAX_NAME_LENGTH)}" can't be made into a host name. Type one with letters, digits and hyphens, or untick "Give it an address".`,
  )
}

const route = z.object({ url: z.string(), protocol: z.string().nullish(), relationships: z.object({ domain: link }) })
const routeDomain = item.extend({ internal: z.boolean().nullish() })

/** An app's first address that is reachable from outside. */
export async function publicAddressOf(api: Api, app_guids: string): Promise<string | undefined> {
  const query = { app_guids, include: 'domain' }
  const listed = await listWith(api, '/v3/routes', rows(api, route), rows(api, routeDomain), query)
  const found = listed.rows.find(
    ({ protocol, relationships }) => protocol !== 'tcp' && !listed.others.get(relationships.domain ?? '')?.internal,
  )
  return found && `https://${found.url}`
}

const domain = item.extend({ name: z.string() })

/** The domain in which a host name becomes an address. */
export async function defaultDomain(api: Api, { name, relationships }: Space): Promise<z.infer<typeof domain>> {
  const path = `/v3/organizations/${relationships.organization}/domains/default`
  const found = await unlessNotFound(api.get(path, domain))
  if (found) return found
  throw refusal('address', `The organization of ${name} has no default domain. Untick "Give it an address".`)
}

const address = item.extend({ url: z.string() })

export const reserve = step<AddressParams>({
  id: 'reserve',
  title: 'Reserve the address',
  doing: 'Reserving the address',
  when: wantsAddress,
  async write(api, params, before, { job }) {
    const host = await wantedHost(api, params)
    if (host === undefined) return {}
    const { guid } = await defaultDomain(api, await api.get(`/v3/spaces/${params.space}`, space))
    const json = { host, ...owned({ space: params.space, domain: guid }, job) }
    return reserved(before, await api.post('/v3/routes', address, { json }))
  },
  async find(api, params, before, { job }) {
    const mine = await labelled(api, '/v3/routes', address, params.space, job)
    return mine && reserved(before, mine)
  },
})

function reserved({ left }: CfRef, { guid, url }: z.infer<typeof address>): RefUpdate {
  return { route: guid, address: url, left: `${left} Its address ${url} stays as well.` }
}

export const map = step<AddressParams>({
  id: 'map',
  title: 'Map the address',
  doing: 'Mapping the address',
  when: wantsAddress,
  isRepeatable: true,
  async write(api, _params, before) {
    const { app, route } = before
    if (route === undefined) return {}
    const json = { destinations: [{ app: { guid: app } }] }
    await api.post(`/v3/routes/${route}/destinations`, z.unknown(), { json })
    return mapped(before)
  },
  async find(api, _params, before) {
    const { app, route } = before
    return (route === undefined || (await destinationsOf(api, route)).includes(app)) && mapped(before)
  },
})

function mapped({ address }: CfRef): RefUpdate {
  return address === undefined ? {} : { url: `https://${address}` }
}

/** The apps that a route leads to; none where the route is gone. */
export async function destinationsOf(api: Api, route: string): Promise<string[]> {
  const routes = z.object({ destinations: z.array(z.object({ app: item })) })
  const { destinations } = (await unlessNotFound(api.get(`/v3/routes/${route}`, routes))) ?? { destinations: [] }
  return destinations.map(({ app }) => app.guid)
}
