/** What Cloud Foundry says of a form's answers before anything is done: reads only, side by side. */
import { z } from 'zod'
import { ConnectionError, UserError } from '../../errors.js'
import type { Api, Validation } from '../provider.js'
import { wantsAddress } from './address.js'
import { hopeless, refuseMisfit, refuseSuspended, rejectionsOf, type Wish } from './checks.js'
import { item, list } from './client.js'
import { type App, app, isDeploying, type Space, space } from './code.js'
import { fitWarning, refuseFull, type SizeWish, sizeWarning } from './quota.js'
import { environmentOf } from './source.js'

interface CloneParams extends Wish, SizeWish {
  environment: boolean
}

/** @throws UserError where the original or the space cannot be read at all. */
export async function validateClone(api: Api, params: CloneParams): Promise<Validation> {
  const [source, target] = await Promise.all([
    onField('app', api.get(`/v3/apps/${params.app}`, app)),
    onField('space', api.get(`/v3/spaces/${params.space}`, space)),
  ])
  const [found, others, ...warnings] = await Promise.all([
    hopeless(api, params, source, target),
    rejectionsOf([
      refuseTakenName(api, params.name, target),
      refuseHiddenEnvironment(api, params, source),
      refuseFull(api, params, target),
    ]),
    sizeWarning(api, params, source.name),
    addressWarning(api, params),
  ])
  return { errors: errorsOf([...found, ...others]), warnings: warnings.filter((one) => one !== undefined) }
}

interface CopyParams {
  app: string
  target: string
  restart: boolean
}

/** @throws UserError where one of the two apps cannot be read at all. */
export async function validateCopy(api: Api, params: CopyParams): Promise<Validation> {
  const [from, to] = await Promise.all([
    onField('app', api.get(`/v3/apps/${params.app}`, app)),
    onField('target', api.get(`/v3/apps/${params.target}`, app)),
  ])
  const suspended = async () => {
    await refuseSuspended(api, await api.get(`/v3/spaces/${to.relationships.space}`, space), 'target')
  }
  const [problems, ...warnings] = await Promise.all([
    rejectionsOf([refuseMisfit(api, from, to), suspended()]),
    params.restart ? deployingWarning(api, to) : undefined,
    params.restart ? fitWarning(api, from, to) : undefined,
  ])
  return { errors: errorsOf(problems), warnings: warnings.filter((one) => one !== undefined) }
}

async function deployingWarning(api: Api, { guid, name }: App): Promise<string | undefined> {
  if (!(await unlessFailed(isDeploying(api, guid)))) return undefined
  return `${name} has a deployment in progress. Staging waits until that ends.`
}

/** The first sentence for each field. What has no field kept us from asking, and is for the write itself to tell. */
function errorsOf(problems: readonly unknown[]): Record<string, string> {
  const known = problems.flatMap((error) =>
    error instanceof UserError && error.field !== undefined ? [[error.field, error.message] as const] : [],
  )
  return Object.fromEntries(known.toReversed())
}

async function onField<T>(field: string, read: Promise<T>): Promise<T> {
  try {
    return await read
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    throw new UserError(error.message, { field, ...(error.status !== undefined && { status: error.status }) })
  }
}

async function unlessFailed<T>(read: Promise<T>): Promise<T | undefined> {
  return await read.catch(() => undefined)
}

/** Names are unique in a space, in capitals or not. */
async function refuseTakenName(api: Api, name: string, target: Space): Promise<void> {
  // The API takes a list apart at its commas and decodes each name once more.
  const query = { names: encodeURIComponent(name), space_guids: target.guid }
  const [taken] = await list(api, '/v3/apps', item, query)
  if (taken) throw new UserError(`${target.name} has an app of this name. Choose another.`, { field: 'name' })
}

async function refuseHiddenEnvironment(api: Api, { environment }: CloneParams, source: App): Promise<void> {
  if (!environment) return
  try {
    await environmentOf(api, source.guid)
  } catch (error) {
    if (!(error instanceof ConnectionError && error.status === 403)) throw error
    throw new UserError(
      `Dolly may not read the environment variables of ${source.name}: it lacks the role Space Developer there. Untick "Copy environment variables", or have the role given.`,
      { field: 'environment' },
    )
  }
}

/** An administrator's login is exempt from the switch, and nobody tells us whether ours is one. */
async function addressWarning(api: Api, params: Wish): Promise<string | undefined> {
  if (!wantsAddress(params)) return undefined
  const flag = api.get('/v3/feature_flags/route_creation', z.object({ enabled: z.boolean() }))
  if ((await unlessFailed(flag))?.enabled !== false) return undefined
  return 'The switch route_creation is off on this Cloud Foundry, so the address can only be made by an administrator. Without it the clone fails halfway: untick "Give it an address".'
}
