/** Checks that refuse a clone or a copy before it starts instead of halfway through. Reads only. */
import { z } from 'zod'
import { type Api, refusal } from '../provider.js'
import { defaultDomain, wantedHost } from './address.js'
import { item, list, shownName } from './api.js'
import { type App, type Code, codeOf } from './code.js'
import type { CloneParams } from './fields.js'
import { hasSecrets } from './source.js'
import type { Space } from './step.js'

/** @throws UserError on the field at fault, or the error of a read that failed. */
export async function refuseImpossible(api: Api, params: CloneParams, source: App, target: Space): Promise<void> {
  // The first in the list, not the first to finish.
  const outcomes = await Promise.allSettled(checksOf(api, params, source, target))
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}

/** Everything that refuses a clone, side by side: each check fails with a UserError on the field at fault. */
export function checksOf(api: Api, params: CloneParams, source: App, target: Space): Promise<unknown>[] {
  return [
    codeOf(api, source, params.fastPath),
    refuseSecrets(source, params.fastPath),
    refuseSuspended(api, target, 'space'),
    refuseTakenHost(api, params, target),
    refuseUnsharedServices(api, target, params.services),
  ]
}

/** The code to copy over an app. @throws UserError when there is none, or none that fits. */
export async function refuseMismatch(api: Api, from: App, to: App): Promise<Code> {
  if (from.lifecycle.type !== to.lifecycle.type) {
    throw refusal('target', `Code for ${from.lifecycle.type} doesn't fit an app for ${to.lifecycle.type}.`)
  }
  return await codeOf(api, from, false)
}

async function refuseSecrets({ name, lifecycle }: App, fastPath: boolean): Promise<void> {
  if (fastPath || !hasSecrets(lifecycle)) return
  if (lifecycle.type === 'cnb') {
    throw refusal(
      'app',
      `${name} takes its buildpacks from a registry with credentials, and Cloud Foundry doesn't reveal those. Give ${name} buildpacks that don't need any, or push the clone by hand.`,
    )
  }
  throw refusal(
    'app',
    `${name} is staged by a buildpack whose address holds credentials, and Cloud Foundry doesn't reveal those. Copy the staged build instead, or give ${name} a buildpack without credentials.`,
  )
}

const owner = z.object({ name: shownName, suspended: z.boolean().nullish() })

/** Nothing can be written where a space or its organization is suspended. */
export async function refuseSuspended(api: Api, { name, suspended, relationships }: Space, field: string) {
  // If it can't be read, the write decides.
  const organization = await api.get(`/v3/organizations/${relationships.organization}`, owner).catch(() => undefined)
  const closed = suspended ? name : organization?.suspended ? organization.name : undefined
  if (closed) throw refusal(field, `${closed} is suspended. Choose another space.`)
}

async function refuseTakenHost(api: Api, params: CloneParams, target: Space): Promise<void> {
  const host = await wantedHost(api, params)
  if (host === undefined) return
  const { guid, name } = await defaultDomain(api, target)
  const reserved = z.object({ matching_route: z.boolean() })
  const { matching_route } = await api.get(`/v3/domains/${guid}/route_reservations`, reserved, { query: { host } })
  if (!matching_route) return
  throw refusal('host', `The host name ${host} is taken in ${name}. Choose another, or untick "Give it an address".`)
}

const service = item.extend({ name: shownName })

async function refuseUnsharedServices(api: Api, target: Space, services: readonly string[]): Promise<void> {
  const listed = async (guids: readonly string[], query = {}) =>
    guids.length > 0 ? await list(api, '/v3/service_instances', service, { guids: guids.join(','), ...query }) : []
  const there = (await listed(services, { space_guids: target.guid })).map(({ guid }) => guid)
  const missing = services.filter((one) => !there.includes(one))
  if (missing.length === 0) return
  const names = (await listed(missing)).map(({ name }) => name).join(', ') || 'A service'
  throw refusal('services', `${names} can't be used in ${target.name}. Share it into that space, or leave it out.`)
}
