/** What Cloud Foundry would refuse, found out before a job starts instead of halfway through. Reads only. */
import { z } from 'zod'
import { ConnectionError } from '../../errors.js'
import { type Api, allOf, readFor, refusal, runChecks, type Validation } from '../provider.js'
import { defaultDomain, wantedHost, wantsAddress } from './address.js'
import { item, list, shownName } from './api.js'
import { type App, app, type Code, codeOf, hasSecrets, isDeploying } from './code.js'
import type { CloneParams, CopyParams } from './form.js'
import { fitWarnings, refuseFull, sizeWarnings } from './quota.js'
import { environmentOf } from './settings.js'
import { type Space, space } from './step.js'

/** @throws UserError when the original or the space can't be read at all. */
export async function validateClone(api: Api, params: CloneParams): Promise<Validation> {
  const [source, target] = await Promise.all([
    readFor('app', api.get(`/v3/apps/${params.app}`, app)),
    readFor('space', api.get(`/v3/spaces/${params.space}`, space)),
  ])
  return await runChecks(
    [
      ...checksOf(api, params, source, target),
      refuseTakenName(api, params.name, target),
      refuseHiddenEnvironment(api, params, source),
      refuseFull(api, params, target),
    ],
    [sizeWarnings(api, params, source.name), addressWarnings(api, params)],
  )
}

/** @throws UserError when one of the two apps can't be read at all. */
export async function validateCopy(api: Api, params: CopyParams): Promise<Validation> {
  const [from, to] = await Promise.all([
    readFor('app', api.get(`/v3/apps/${params.app}`, app)),
    readFor('target', api.get(`/v3/apps/${params.target}`, app)),
  ])
  const suspended = async () => {
    await refuseSuspended(api, await api.get(`/v3/spaces/${to.relationships.space}`, space), 'target')
  }
  const warnings = params.restart ? [deployingWarnings(api, to), fitWarnings(api, from, to)] : []
  return await runChecks([refuseMismatch(api, from, to), suspended()], warnings)
}

async function deployingWarnings(api: Api, { guid, name }: App): Promise<string[]> {
  const isBusy = await isDeploying(api, guid)
  return isBusy ? [`${name} has a deployment in progress. Staging starts when that ends.`] : []
}

/** Names are unique in a space, regardless of case. */
async function refuseTakenName(api: Api, name: string, target: Space): Promise<void> {
  // The API splits the list at its commas, then decodes each name once more.
  const query = { names: encodeURIComponent(name), space_guids: target.guid }
  const [taken] = await list(api, '/v3/apps', item, query)
  if (taken) throw refusal('name', `${target.name} has an app of this name. Choose another.`)
}

async function refuseHiddenEnvironment(api: Api, { environment }: CloneParams, source: App): Promise<void> {
  if (!environment) return
  try {
    await environmentOf(api, source.guid)
  } catch (error) {
    if (!(error instanceof ConnectionError && error.status === 403)) throw error
    throw refusal(
      'environment',
      `This connection can't read the environment variables of ${source.name}: it lacks the role Space Developer there. Untick "Copy environment variables", or give its user that role.`,
    )
  }
}

/** An administrator's login is exempt from the switch, and we can't tell whether ours is one. */
async function addressWarnings(api: Api, params: CloneParams): Promise<string[]> {
  if (!wantsAddress(params)) return []
  const flag = z.object({ enabled: z.boolean() })
  if ((await api.get('/v3/feature_flags/route_creation', flag)).enabled) return []
  return [
    'The feature flag route_creation is off on this Cloud Foundry, so only an administrator can create the address. For anyone else the clone fails halfway. Untick "Give it an address".',
  ]
}

/** @throws UserError on the field at fault, or the error of a read that failed. */
export async function refuseImpossible(api: Api, params: CloneParams, source: App, target: Space): Promise<void> {
  await allOf(checksOf(api, params, source, target))
}

/** Everything that refuses a clone, side by side: each check fails with a UserError on the field at fault. */
function checksOf(api: Api, params: CloneParams, source: App, target: Space): Promise<unknown>[] {
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
async function refuseSuspended(api: Api, { name, suspended, relationships }: Space, field: string) {
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
