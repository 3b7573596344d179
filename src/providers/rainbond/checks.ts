/** What of an app can be copied where, and what Rainbond would refuse. Reads only. */
import { UserError, unlessNotFound } from '../../errors.js'
import { type Api, findSurely, readFor, refusal, runChecks, type Validation } from '../provider.js'
import { listNamesakes, listRegions, listTeamNames } from './lists.js'
import { type Component, componentsOf, type RainbondRef } from './status.js'

interface Copy {
  app: string
  components: readonly string[]
  target: string
  name: string
}
type Row = Component | null

/** Ids of what shall be copied, always all of them: without any, the server trips over an incomplete component. */
export async function choose(api: Api, copy: Copy): Promise<string> {
  await refuseStrangers(api, copy)
  return chooseFrom(await componentsOf(api, copy.app), copy)
}

/** The components that are complete, for the user of the token to choose from. */
export async function completeOf(api: Api, app: string): Promise<Component[]> {
  await refuseStrangers(api, { app })
  return (await componentsOf(api, app)).filter(isComplete)
}

/** Any token reads and copies the apps of all teams, so it is for us to keep strangers out of `app` and `target`. */
async function refuseStrangers(api: Api, places: Readonly<Partial<Pick<Copy, 'app' | 'target'>>>): Promise<void> {
  const teams = await listTeamNames(api)
  for (const field of ['app', 'target'] as const) {
    const place = places[field]
    const [team] = place?.split('/') ?? []
    const isIn = (one: string | undefined) => (one === undefined ? undefined : one === team)
    if (place === undefined || findSurely(teams, isIn) !== null) continue
    throw refusal(field, `The user of Dolly's token is not in the team of ${place}.`, 403)
  }
}

const isComplete = (one: Row): one is Component => one?.create_status === 'complete'
export const isUploaded = (one: Component) => one.service_source === 'package_build'
const namesOf = (some: readonly Component[]) => some.map(({ service_cname }) => service_cname).join(', ')

function chooseFrom(all: readonly Row[], { components }: Copy): string {
  const complete = all.filter(isComplete)
  const chosen = complete.filter(({ service_id }) => components.length === 0 || components.includes(service_id))
  const uploaded = chosen.filter(isUploaded)
  if (uploaded.length > 0)
    throw refusal(
      'components',
      `Built from uploaded files, which can’t be copied: ${namesOf(uploaded)}. Choose only the others.`,
    )
  if (chosen.length >= Math.max(components.length, 1)) return chosen.map(({ service_id }) => service_id).join(',')
  throw refusal(
    'components',
    'Some of the chosen components are not fully created, or no longer in the app. Choose again.',
  )
}

/** The app of this job, by the note that it was made with. */
export async function findNewApp(api: Api, { target, name }: Copy, note: string): Promise<number | null> {
  const found = findSurely(await listNamesakes(api, target, name), (one) => {
    // Without a note it was made by somebody else; a row of nothing but nulls does not say so.
    const isOthers =
      typeof one.note === 'string' ? one.note !== note : one.note === null && one.group_name !== undefined
    if ((one.group_name ?? name) !== name || isOthers) return false
    const isWhole = one.group_name !== undefined && one.note !== undefined && one.ID !== undefined
    return isWhole || undefined
  })
  return found?.ID ?? null
}

/** One transaction makes all or none. `orElse` throws the error to report when a read fails. */
export async function hasCopies(api: Api, { app }: RainbondRef, orElse: (error: unknown) => never): Promise<boolean> {
  const all = await unlessNotFound(componentsOf(api, app)).catch(orElse)
  if (!all) throw new UserError('The new app is gone.')
  return findSurely(all, (one) => (one ? true : undefined)) !== null
}

export function validateCopy(api: Api, copy: Copy): Promise<Validation> {
  const joined = refuseStrangers(api, copy)
  // Nothing of an app is read for strangers.
  const all = joined.then(() => readFor('app', componentsOf(api, copy.app)))
  return runChecks(
    [joined, all.then((rows) => chooseFrom(rows, copy)), refuseTaken(api, copy), refuseClosed(api, copy)],
    copy.components.length > 0 ? [] : [all.then(remarkOnLeftOut)],
  )
}

async function refuseTaken(api: Api, { target, name }: Copy): Promise<void> {
  const all = await listNamesakes(api, target, name).catch((error: unknown) => {
    throw error instanceof UserError ? refusal('target', error.message, error.status) : error
  })
  if (all.some(({ group_name }) => group_name === name))
    throw refusal('name', 'There is already an app with this name. Choose another name.')
}

async function refuseClosed(api: Api, { target }: Copy): Promise<void> {
  const [team = '', name = ''] = target.split('/')
  const found = findSurely(await listRegions(api, team), ({ region_name: one }) =>
    one === undefined ? one : one === name,
  )
  if (!found) throw refusal('target', 'The team has not opened that region. Choose another, or open it there.')
  if (found.status !== undefined && found.status !== '1')
    throw refusal('target', 'That region is not enabled now. Choose another one.')
}

/** The copy goes without these, which the list of components does not show either. */
async function remarkOnLeftOut(all: readonly Row[]): Promise<string[]> {
  const incomplete = all.filter((one): one is Component => one !== null && !isComplete(one))
  const unread = all.filter((one) => one === null).length
  return [
    ...(incomplete.length > 0 ? [`Not fully created, so not copied: ${namesOf(incomplete)}.`] : []),
    ...(unread > 0 ? [`Not copied, because Rainbond’s list of them cannot be read: ${unread} of the components.`] : []),
  ]
}
