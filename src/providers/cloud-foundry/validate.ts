/** What Cloud Foundry would refuse, and what people must know before the job starts. Reads only. */
import { z } from 'zod'
import { ConnectionError } from '../../errors.js'
import { type Api, readFor, refusal, runChecks, type Validation } from '../provider.js'
import { wantsAddress } from './address.js'
import { item, list } from './api.js'
import { checksOf, refuseMismatch, refuseSuspended } from './checks.js'
import { type App, app, isDeploying } from './code.js'
import type { CloneParams, CopyParams } from './fields.js'
import { fitWarnings, refuseFull, sizeWarnings } from './quota.js'
import { environmentOf } from './source.js'
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
