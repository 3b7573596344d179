/** The live lists behind the questions of Miget's form. */
import { z } from 'zod'
import { type Api, describedOption, type Option, UNKNOWN_PLACE, type Values } from '../provider.js'
import { inGiB, item, list, readApp, resource, text, UUID, whyUnusable } from './api.js'

export const pickers = { apps, projects, resources, addons: ofApp('addons'), cronjobs: ofApp('cronjobs') }

const placedApp = item.extend({ project_id: text.catch(null) })
const project = z
  .object({ uuid: text, id: text, label: text, name: text })
  .transform(({ uuid, id, label, name }) => ({ value: uuid ?? id ?? '', label: label || name || uuid || id || '' }))
  .refine(({ value }) => value !== '')

function asOption({ uuid, name, label, type, state }: z.infer<typeof item>): Option {
  return describedOption(uuid, label || name || uuid, type, name, state)
}

async function apps(api: Api): Promise<Option[]> {
  const [apps, known] = await Promise.all([
    list(api, '/apps', placedApp),
    // Without the projects, apps can still be chosen, except where an access rule asks for their place.
    projects(api).catch(() => []),
  ])
  // A project without a name is labelled with its ID, which no access rule names.
  const places = new Map(known.map(({ value, label }) => [value, label === value ? null : label]))
  return apps.map((app) => ({ ...asOption(app), place: places.get(app.project_id ?? '') || UNKNOWN_PLACE }))
}

function projects(api: Api): Promise<Option[]> {
  return list(api, '/projects', project)
}

/** Those the target project may use, with room for the source app. */
async function resources(api: Api, { app = '', project = '' }: Values): Promise<Option[]> {
  if (!UUID.test(app) || !UUID.test(project)) return []
  const { quota } = await readApp(api, app)
  const usable = (await list(api, '/resources', resource)).filter((one) => !whyUnusable(one, project, quota))
  return usable.map(({ uuid, name, label, assigned, available_ram_size: ram, available_disk_size: disk }) => {
    const free = ram + disk < Infinity ? `${inGiB(ram)} RAM and ${inGiB(disk)} disk free` : 'free space unknown'
    return describedOption(uuid, name || label || uuid, label, assigned ? 'of this project' : 'shared', free)
  })
}

function ofApp(kind: 'addons' | 'cronjobs') {
  return async (api: Api, { app = '' }: Values): Promise<Option[]> =>
    UUID.test(app) ? (await list(api, `/apps/${app}/${kind}`, item)).map(asOption) : []
}
