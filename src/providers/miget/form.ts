/** The questions of Miget's form, and the live lists behind them. */
import { z } from 'zod'
import { type Api, describedOption, type Option, UNKNOWN_PLACE, type Values, yesNo } from '../provider.js'
import { inGiB, item, list, readApp, resource, text, UUID, whyUnusable } from './api.js'

const NAME_RULE = 'Use 1 to 34 lowercase letters, digits or hyphens, with no hyphen at the start or end.'

const words = z.string().trim()
const id = words.toLowerCase().regex(UUID, 'Choose from the list, or paste a UUID.')
const label = words.regex(/^.{1,40}$/u, 'Use 1 to 40 characters.')
const name = words.regex(/^(?!.{35})[a-z0-9]+(-+[a-z0-9]+)*$/, NAME_RULE)
const parts = (picker: string, title: string, description: string) =>
  z
    .array(id)
    .default([])
    .meta({ title, description, picker, dependsOn: ['app'] })

// The flags have Miget's own names: they are sent as they are.
const unchecked = z.object({
  use_parent_image: yesNo(
    'Run the image of the source app',
    "Miget never copies code: without an image the clone can't run.",
    true,
  ),
  app: id.meta({ title: 'Source app', description: "It isn't changed.", picker: 'apps' }),
  label: label.meta({ title: 'Label of the clone', description: 'Shown in the dashboard.' }),
  name: name.meta({
    title: 'Name of the clone',
    suggestFrom: 'app',
    description: 'Must be unused in the workspace. Miget adds a suffix.',
  }),
  project: id.meta({ title: 'Target project', description: 'Where the clone goes.', picker: 'projects' }),
  resource: id.meta({
    title: 'Resource',
    description: 'What the clone runs on. It must be open to the target project and have room for the source app.',
    picker: 'resources',
    dependsOn: ['app', 'project'],
  }),
  deploy: yesNo('Deploy the clone', 'If it has an image to run.', true),
  parent_image_auto_sync: yesNo('Follow the image', 'Deploys each new image of the source app.'),
  clone_variables: yesNo('Copy variables', "They still point to the source app's databases.", true),
  clone_secret_files: yesNo('Copy secret files', 'With their contents.'),
  clone_scaling_settings: yesNo('Copy scaling settings', 'Replicas, automatic scaling.'),
  clone_health_checks: yesNo('Copy health checks', 'How Miget tells whether the app is healthy.'),
  clone_security: yesNo('Copy security settings', 'Allowed connections, Basic Auth.'),
  addons: parts('addons', 'Add-ons without data', 'The clone gets new, empty ones of the same kind.'),
  addonsWithData: parts('addons', 'Add-ons with their data', 'Every row and file is copied.'),
  cronjobs: parts('cronjobs', 'Cron jobs', 'They run in the clone as well as in the source app.'),
})
export type CloneParams = z.infer<typeof unchecked>

export const fields = unchecked.superRefine((params, context) => {
  const refuse = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message })
  if (params.parent_image_auto_sync && !params.use_parent_image)
    refuse('parent_image_auto_sync', 'There is no image to follow. Run that of the source app, or leave this off.')
  if (params.addons.some((one) => params.addonsWithData.includes(one)))
    refuse('addonsWithData', 'An add-on is chosen twice. Decide for each whether its data is copied.')
})

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
