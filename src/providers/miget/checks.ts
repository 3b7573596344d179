/** What of a clone is there already, and what Miget would refuse. Reads only. */
import { z } from 'zod'
import { type Api, findSurely, readFor, refusal, runChecks, type Validation } from '../provider.js'
import { allApps, app, deploymentsOf, type Entry, size, text, thing, unwrapped } from './status.js'

interface Clone {
  app: string
  name: string
  label: string
  project: string
  resource: string
  use_parent_image: boolean
  addons: string[]
  addonsWithData: string[]
  cronjobs: string[]
}

export const inGiB = (size: number) => `${(size / 2 ** 30).toFixed(1)} GiB`

/** A resource that doesn't report its free space is offered: the server decides, and there may be no other. */
const room = size.transform((bytes) => bytes ?? Infinity)
const access = { assigned: z.boolean().nullish(), project_ids: z.array(z.string()).nullish() }
export const resource = thing.extend({ ...access, available_ram_size: room, available_disk_size: room })

/** Why a clone cannot run there; undefined when it can. */
export function whyUnfit(
  { assigned, project_ids, available_ram_size: ram, available_disk_size: disk }: z.infer<typeof resource>,
  project: string,
  quota: z.infer<typeof app>['quota'],
): string | undefined {
  if (assigned && !project_ids?.includes(project)) return 'This resource belongs to other projects. Choose another one.'
  const [needsRam, needsDisk] = [quota?.ram_size ?? 0, quota?.disk_size ?? 0]
  const isShort = (what: string, free: number, needed: number) =>
    `This resource has ${inGiB(free)} of ${what} free, and the clone needs ${inGiB(needed)}. Choose another one.`
  if (ram < needsRam) return isShort('RAM', ram, needsRam)
  return disk < needsDisk ? isShort('disk', disk, needsDisk) : undefined
}

/** Whether an app has the name, which is unique in the whole workspace; undefined where that cannot be read. */
function hasName({ service_name, name }: Entry, wanted: string): boolean | undefined {
  if (service_name) return service_name === wanted
  return name && !name.startsWith(`${wanted}-`) ? false : undefined
}

/** The ids of all apps that have the clone's name already, or may have it. */
export async function namesakes(api: Api, { name }: Clone): Promise<string> {
  return (await allApps(api)).flatMap((one) => (hasName(one, name) !== false && one.uuid) || []).join(' ')
}

/** The clone that was not there when `baseline` was noted. */
export async function findClone(api: Api, { name, label, project }: Clone, baseline: string) {
  const earlier = baseline.split(' ')
  const found = findSurely(await allApps(api), (one) => {
    const isOther = (one.label ?? label) !== label || (one.project_id ?? project) !== project
    const isNamed = !isOther && !earlier.includes(one.uuid ?? '?') && hasName(one, name)
    return isNamed && !one.uuid ? undefined : isNamed
  })
  return found?.uuid ? { uuid: found.uuid, name: found.name } : null
}

export function validateClone(api: Api, clone: Clone): Promise<Validation> {
  const source = readFor('app', api.get(`/apps/${clone.app}`, unwrapped(app)))
  const { addons, addonsWithData, cronjobs } = clone
  return runChecks(
    [
      source,
      refuseTaken(api, clone),
      refuseUnseen(api, '/projects', 'project', [clone.project], 'project'),
      refuseUnfit(api, clone, source),
      refuseUnseen(api, `/apps/${clone.app}/addons`, 'addons', addons, 'add-on'),
      refuseUnseen(api, `/apps/${clone.app}/addons`, 'addonsWithData', addonsWithData, 'add-on'),
      refuseUnseen(api, `/apps/${clone.app}/cronjobs`, 'cronjobs', cronjobs, 'cron job'),
    ],
    clone.use_parent_image ? [warnOfNoImage(api, clone, source)] : [],
  )
}

async function refuseTaken(api: Api, { name }: Clone): Promise<void> {
  if (!(await allApps(api)).some((one) => hasName(one, name))) return
  throw refusal('name', `The workspace already has an app called ${name}. Choose another name.`)
}

async function refuseUnfit(api: Api, { project, resource: id }: Clone, source: Promise<z.infer<typeof app>>) {
  const all = await api.get('/resources', unwrapped(z.array(resource.nullable().catch(null))))
  const found = findSurely(all, (one) => (one ? one.uuid === id : undefined))
  if (!found) throw refusal('resource', unseen('resource'))
  const why = whyUnfit(found, project, (await source).quota)
  if (why) throw refusal('resource', why)
}

const named = z.object({ uuid: text, id: text }).catch({ uuid: null, id: null })
const unseen = (what: string) => `There is no such ${what}, or the token of this connection may not see it.`

/** Refuses ids that a list surely does not have. */
async function refuseUnseen(api: Api, path: string, field: string, ids: readonly string[], what: string) {
  const all = ids.length > 0 ? await api.get(path, unwrapped(z.array(named))) : []
  for (const id of ids) {
    const found = findSurely(all, ({ uuid, id: other }) => (uuid || other ? id === (uuid ?? other) : undefined))
    if (!found) throw refusal(field, unseen(what))
  }
}

async function warnOfNoImage(api: Api, { app: id }: Clone, source: Promise<z.infer<typeof app>>): Promise<string[]> {
  const [deployments, { label, name }] = await Promise.all([deploymentsOf(api, id), source])
  if (deployments.some(({ state }) => ['completed', 'unknown'].includes(state))) return []
  return [
    `No deployment of ${label || name || 'the source app'} ever succeeded, so the clone may have no image to run.`,
  ]
}
