/** Which components can be copied, and what Rainbond would refuse. Reads only. */
import { UserError } from '../../errors.js'
import { type Api, findSurely, readFor, refusal, runChecks, type Validation } from '../provider.js'
import { type Component, listAppsNamed, listComponents, listRegions, listTeamNames, namesOf } from './api.js'
import type { CopyParams } from './form.js'

type Row = Component | null

/** The IDs of the components to copy, always all of them: without any, Rainbond fails on an incomplete component. */
export async function selectComponents(api: Api, params: CopyParams): Promise<string> {
  await refuseOtherTeams(api, params)
  return select(await listComponents(api, params.app), params)
}

/** The fully created components, if the token's user may see the app. */
export async function listComplete(api: Api, app: string): Promise<Component[]> {
  await refuseOtherTeams(api, { app })
  return (await listComponents(api, app)).filter(isComplete)
}

/** Rainbond lets any token read and copy the apps of all teams, so we check that the user is in the teams of both ends. */
async function refuseOtherTeams(api: Api, params: Partial<CopyParams>): Promise<void> {
  const teams = await listTeamNames(api)
  for (const field of ['app', 'target'] as const) {
    const place = params[field]
    const [team] = place?.split('/') ?? []
    const isTeam = (one: string | undefined) => (one === undefined ? undefined : one === team)
    if (place === undefined || findSurely(teams, isTeam) !== null) continue
    throw refusal(field, `The token's user isn't in the team of ${place}.`, 403)
  }
}

const isComplete = (one: Row): one is Component => one?.create_status === 'complete'
export const isUploaded = (one: Component) => one.service_source === 'package_build'

function select(all: readonly Row[], { components }: CopyParams): string {
  const complete = all.filter(isComplete)
  const chosen = complete.filter(({ service_id }) => components.length === 0 || components.includes(service_id))
  const uploaded = namesOf(chosen.filter(isUploaded))
  if (uploaded)
    throw refusal(
      'components',
      `Built from uploaded files, which can't be copied: ${uploaded}. Choose only the others.`,
    )
  if (chosen.length >= Math.max(components.length, 1)) return chosen.map(({ service_id }) => service_id).join(',')
  throw refusal(
    'components',
    "Some of the chosen components aren't fully created, or no longer in the app. Choose again.",
  )
}

export function validateCopy(api: Api, params: CopyParams): Promise<Validation> {
  const member = refuseOtherTeams(api, params)
  // Nothing of an app is read for those who aren't in its team.
  const all = member.then(() => readFor('app', listComponents(api, params.app)))
  return runChecks(
    [member, all.then((rows) => select(rows, params)), refuseTakenName(api, params), refuseClosedRegion(api, params)],
    params.components.length > 0 ? [] : [all.then(warnOfLeftOut)],
  )
}

async function refuseTakenName(api: Api, { target, name }: CopyParams): Promise<void> {
  const all = await listAppsNamed(api, target, name).catch((error: unknown) => {
    throw error instanceof UserError ? refusal('target', error.message, error.status) : error
  })
  if (all.some(({ group_name }) => group_name === name))
    throw refusal('name', 'There is already an app with this name. Choose another name.')
}

async function refuseClosedRegion(api: Api, { target }: CopyParams): Promise<void> {
  const [team = '', name = ''] = target.split('/')
  const regions = await listRegions(api, team)
  const found = findSurely(regions, ({ region_name: one }) => (one === undefined ? undefined : one === name))
  if (!found) throw refusal('target', "The team hasn't opened that region. Choose another, or open it there.")
  if (found.status !== undefined && found.status !== '1')
    throw refusal('target', "That region isn't enabled. Choose another one.")
}

/** These aren't copied, and the picker doesn't list them either. */
async function warnOfLeftOut(all: readonly Row[]): Promise<string[]> {
  const incomplete = namesOf(all.filter((one) => one !== null).filter((one) => !isComplete(one)))
  const unread = all.filter((one) => one === null).length
  return [
    ...(incomplete ? [`Not fully created, so not copied: ${incomplete}.`] : []),
    ...(unread > 0 ? [`Not copied, because Rainbond's list of them can't be read: ${unread} of the components.`] : []),
  ]
}
