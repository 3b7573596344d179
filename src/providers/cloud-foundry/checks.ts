/** Checks that refuse a clone or a copy up front instead of halfway through. */
import { z } from 'zod'
import { UserError } from '../../errors.js'
import type { Api } from '../provider.js'
import { type AddressParams, defaultDomain, wantedHost } from './address.js'
import { item, list, shownName } from './client.js'
import { type App, type Code, codeOf, type Space } from './code.js'
import { hasSecrets } from './source.js'

export interface Wish extends AddressParams {
  fastPath: boolean
  services: readonly string[]
}

/** @throws UserError on the field at fault, or the error of a read that failed. */
export async function refuseHopeless(api: Api, wish: Wish, source: App, target: Space): Promise<void> {
  // The first in the list, not the first to finish.
  const outcomes = await Promise.allSettled(checksOf(api, wish, source, target))
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}

/** All that refuses a clone, side by side: each fails with a UserError on the field at fault. */
export function checksOf(api: Api, wish: Wish, source: App, target: Space): Promise<unknown>[] {
  return [
    codeOf(api, source, wish.fastPath),
    refuseSecrets(source, wish.fastPath),
    refuseSuspended(api, target, 'space'),
    refuseTakenHost(api, wish, target),
    refuseUnsharedServices(api, target, wish.services),
  ]
}

/** The code to copy over an app. @throws UserError when there is none, or none that fits. */
export async function refuseMisfit(api: Api, from: App, to: App): Promise<Code> {
  if (from.lifecycle.type !== to.lifecycle.type) {
    throw new UserError(`Code for ${from.lifecycle.type} does not fit an app for ${to.lifecycle.type}.`, {
      field: 'target',
    })
  }
  return await codeOf(api, from, false)
}

async function refuseSecrets({ name, lifecycle }: App, fastPath: boolean): Promise<void> {
  if (fastPath || !hasSecrets(lifecycle)) return
  if (lifecycle.type === 'cnb') {
    throw new UserError(
      `${name} takes its buildpacks from a registry with credentials, and Cloud Foundry doesn’t reveal those. Give ${name} buildpacks that don’t need any, or push the clone by hand.`,
      { field: 'app' },
    )
  }
  throw new UserError(
    `${name} is staged by a buildpack whose address holds credentials, and Cloud Foundry doesn’t reveal those. Copy the staged build instead, or give ${name} a buildpack without credentials.`,
    { field: 'app' },
  )
}

const home = z.object({ name: shownName, suspended: z.boolean().nullish() })

/** Nothing can be written where a space or its organization is suspended. */
export async function refuseSuspended(api: Api, { name, suspended, relationships }: Space, field: string) {
  // If it cannot be read, the write decides.
  const organization = await api.get(`/v3/organizations/${relationships.organization}`, home).catch(() => undefined)
  const closed = suspended ? name : organization?.suspended ? organization.name : undefined
  if (closed) throw new UserError(`${closed} is suspended. Choose another space.`, { field })
}

async function refuseTakenHost(api: Api, wish: Wish, target: Space): Promise<void> {
  const host = await wantedHost(api, wish)
  if (host === undefined) return
  const { guid, name } = await defaultDomain(api, target)
  const reserved = z.object({ matching_route: z.boolean() })
  const { matching_route } = await api.get(`/v3/domains/${guid}/route_reservations`, reserved, { query: { host } })
  if (!matching_route) return
  throw new UserError(`The host name ${host} is taken in ${name}. Choose another, or untick "Give it an address".`, {
    field: 'host',
  })
}

const service = item.extend({ name: shownName })

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
