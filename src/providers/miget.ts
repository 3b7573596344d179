/** Miget: clones an app into a project, and deploys the clone where it has an image to run. */
import { z } from 'zod'
import { UserError, unlessNotFound } from '../errors.js'
import { findClone, inGiB, namesakes, resource, validateClone, whyUnfit } from './miget/checks.js'
import {
  app,
  check,
  deploymentsOf,
  list,
  type MigetRef,
  ref,
  STARTING,
  text,
  thing,
  UUID,
  unwrapped,
} from './miget/status.js'
import { defineOperation, defineProvider, describedOption, findSurely, placedSource, sentence } from './provider.js'

const NAME_RULE = 'Use 1 to 34 lower-case letters, digits or hyphens, with a hyphen neither first nor last.'

const connection = z.object({
  url: z.url({ protocol: /^https?$/ }).default('https://app.miget.com/api/v1'),
  token: z.string().min(1),
  // Always sent: without it the vendor takes the workspace that was opened last.
  workspace: z.guid('expected the UUID of a workspace'),
})

const words = z.string().trim()
const id = words.toLowerCase().regex(UUID, 'Choose from the list, or paste a UUID.')
const label = words.regex(/^.{1,40}$/u, 'Use 1 to 40 characters.')
const name = words.regex(/^(?!.{35})[a-z0-9]+(-+[a-z0-9]+)*$/, NAME_RULE)
const flag = (initial: boolean, title: string, description: string) =>
  z.boolean().default(initial).meta({ title, description })
const ids = z.array(id).default([])
const parts = (picker: string, title: string, description: string) =>
  ids.meta({ title, description, picker, dependsOn: ['app'] })

// The flags have the vendor's names, for they are sent as they are.
const fields = z.object({
  use_parent_image: flag(true, 'Run the image of the source app', 'Code is never copied: without it nothing can run.'),
  app: id.meta({ title: 'Source app', description: 'It stays as it is.', picker: 'apps' }),
  label: label.meta({ title: 'Label of the clone', description: 'What people read in the dashboard.' }),
  name: name.meta({ title: 'Name of the clone', description: 'Must be new in the workspace. Miget adds a suffix.' }),
  project: id.meta({ title: 'Target project', description: 'Where the clone will belong.', picker: 'projects' }),
  resource: id.meta({
    title: 'Resource',
    description: 'What it will run on: open to the target project, with room for the source app.',
    picker: 'resources',
    dependsOn: ['app', 'project'],
  }),
  deploy: flag(true, 'Deploy the clone', 'If it has an image to run.'),
  parent_image_auto_sync: flag(false, 'Follow the image', 'Deploys each new one of the source.'),
  clone_variables: flag(true, 'Copy variables', 'They still point to the databases of the source.'),
  clone_secret_files: flag(false, 'Copy secret files', 'With their contents.'),
  clone_scaling_settings: flag(false, 'Copy scaling settings', 'Replicas, automatic scaling.'),
  clone_health_checks: flag(false, 'Copy health checks', 'What tells whether the app is well.'),
  clone_security: flag(false, 'Copy security settings', 'Allowed connections, Basic Auth.'),
  addons: parts('addons', 'Add-ons without data', 'The clone gets new, empty ones of the same kind.'),
  addonsWithData: parts('addons', 'Add-ons with their data', 'Every row and file is copied.'),
  cronjobs: parts('cronjobs', 'Cron jobs', 'They will run in the clone as well as in the source app.'),
})

const checkedFields = fields.superRefine((params, context) => {
  const refuse = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message })
  if (params.parent_image_auto_sync && !params.use_parent_image)
    refuse('parent_image_auto_sync', 'There is no image to follow: run that of the source app, or leave this off.')
  if (params.addons.some((one) => params.addonsWithData.includes(one)))
    refuse('addonsWithData', 'An add-on is chosen twice. Decide for each whether its data is copied.')
})
type Params = z.infer<typeof fields>

const optionOf = ({ uuid, name, label, type, state }: z.infer<typeof thing>) =>
  describedOption(uuid, label || name || uuid, type, name, state)
const option = thing.transform(optionOf)
const placedApp = thing.extend({ project_id: text.catch(null) })
const made = z.object({ uuid: ref.shape.id, name: text })
const project = z
  .object({ uuid: text, id: text, label: text, name: text })
  .transform(({ uuid, id, label, name }) => ({ value: uuid ?? id ?? '', label: label || name || uuid || id || '' }))
  .refine(({ value }) => value !== '')

const clone = defineOperation<Params, MigetRef>({
  title: 'Clone an app',
  fields: checkedFields,
  ref,
  // The name without suffix is unique in the whole workspace, and that is the connection.
  lock: (params) => `clone:${params.name}`,
  summary: ({ app, 'app.from': source = `${app}`, name, project, resource }) => ({
    from: source,
    to: `${name} in ${project} on ${resource}`,
  }),
  preview: (params, named) => {
    const withData = params.addonsWithData.length > 0 && named.addonsWithData
    const flags = Object.entries(params).filter(([key]) => key.startsWith('clone_'))
    const flagsThatAre = (isOn: boolean) =>
      flags.filter(([, value]) => value === isOn).map(([key]) => key.slice('clone_'.length).replaceAll('_', ' '))
    const variables = params.clone_variables && 'variables (they still point to what the source app uses)'
    const others = flagsThatAre(true).filter((flag) => flag !== 'variables')
    const warnings = [
      !params.use_parent_image && 'The clone has no source: it cannot run until you give it one in Miget.',
      withData && `All data in ${withData} is copied, whoever it belongs to.`,
      params.use_parent_image && !params.clone_variables && 'Without its variables the clone may not start.',
    ].filter(Boolean)
    return {
      copied: sentence(
        'Settings such as ports and limits',
        params.use_parent_image && 'the image',
        variables,
        ...others,
        params.addons.length > 0 && `${named.addons} without data`,
        withData && `${withData} with all data`,
        params.cronjobs.length > 0 && `the cron jobs ${named.cronjobs}`,
      ),
      notCopied: sentence("The code's source", ...flagsThatAre(false), 'domains, and all that is not chosen'),
      ...(warnings.length > 0 && { warning: warnings.join(' ') }),
    }
  },
  validate: validateClone,
  copiesData: true,
  deadlineMs: 60 * 60_000,
  pollEveryMs: 10_000,
  steps: [
    {
      id: 'clone',
      title: 'Clone the app',
      absentAfterMs: 30_000,
      async run(api, params) {
        const { app, project: project_id, resource: resource_id, deploy: _, addons, addonsWithData, ...rest } = params
        const asked = (uuid: string) => ({ uuid, clone_data: addonsWithData.includes(uuid) })
        const json = { ...rest, project_id, resource_id, addons: [...addons, ...addonsWithData].map(asked) }
        return refOf(params, await api.post(`/apps/${app}/clone`, unwrapped(made), { json }))
      },
      // Apps that already have this name are not ours.
      baseline: namesakes,
      async find(api, params, _before, { baseline }) {
        const found = await findClone(api, params, baseline)
        return found && refOf(params, found)
      },
      check,
    },
    {
      id: 'deploy',
      title: 'Deploy the clone',
      absentAfterMs: 30_000,
      when: (params) => params.deploy && params.use_parent_image,
      async run(api, _params, { id, name }) {
        const { state } = await api.get(`/apps/${id}`, unwrapped(app))
        // It may start by itself, for all the vendor says; 409 tells of a deployment that began just now.
        if (!['running', ...STARTING].includes(state))
          await api.post(`/apps/${id}/deploy`, z.unknown(), { json: {} }).catch((error) => {
            if (!(error instanceof UserError && error.status === 409)) throw error
          })
        return { id, name, next: 'deployed' }
      },
      async find(api, _params, { id, name }, { since }) {
        const found = findSurely(await deploymentsOf(api, id), ({ created_at: at }) =>
          at === 0 || at === Infinity ? undefined : at >= since.getTime(),
        )
        return found && { id, name, next: 'deployed' }
      },
      check,
    },
  ],
  remove: async (api, { id }) => void (await unlessNotFound(api.delete(`/apps/${id}`, z.unknown()))),
})

export const miget = defineProvider({
  id: 'miget',
  name: 'Miget',
  connection,
  client: ({ url, token, workspace }) => ({
    baseUrl: url,
    headers: { authorization: `Bearer ${token}`, 'x-workspace-id': workspace },
    errorMessage,
  }),
  pickers: {
    async apps(api) {
      const [apps, projects] = await Promise.all([
        list(api, '/apps', placedApp),
        // Without it the apps can be chosen all the same, except where a rule asks for their place.
        list(api, '/projects', project).catch(() => []),
      ])
      // A project that has no name is called by its id, which no rule can mean.
      const places = new Map(projects.map(({ value, label }) => [value, label === value ? null : label]))
      return apps.map((one) => {
        const option = optionOf(one)
        return { ...option, from: placedSource(option.label, places.get(one.project_id ?? '')) }
      })
    },
    projects: (api) => list(api, '/projects', project),
    async resources(api, { app: appId = '', project = '' }) {
      if (!UUID.test(appId) || !UUID.test(project)) return []
      const { quota } = await api.get(`/apps/${appId}`, unwrapped(app))
      const all = await list(api, '/resources', resource)
      const fit = all.filter((one) => whyUnfit(one, project, quota) === undefined)
      return fit.map(({ uuid, name, label, assigned, available_ram_size: ram, available_disk_size: disk }) => {
        const free = ram + disk < Infinity ? `${inGiB(ram)} RAM and ${inGiB(disk)} disk free` : 'free room unknown'
        return describedOption(uuid, name || label || uuid, label, assigned ? 'of this project' : 'shared', free)
      })
    },
    addons: async (api, { app = '' }) => (UUID.test(app) ? list(api, `/apps/${app}/addons`, option) : []),
    cronjobs: async (api, { app = '' }) => (UUID.test(app) ? list(api, `/apps/${app}/cronjobs`, option) : []),
  },
  operations: { clone },
})

function refOf(params: Params, { uuid: id, name }: { uuid: string; name?: string | null | undefined }): MigetRef {
  const next = params.deploy ? 'deployment' : 'not deployed'
  return { id, name: name ?? params.name, next: params.use_parent_image ? next : 'not deployed: it has no source yet' }
}

/** Validation errors come as one string, joined by commas. */
function errorMessage(body: unknown): string | undefined {
  const { error, errors } = z.object({ error: text, errors: text }).safeParse(body).data ?? {}
  const words = error || errors || ''
  if (/codename|taken/i.test(words)) return `${words}. Names are taken in all projects at once: choose another one.`
  return /not found/i.test(words) ? `${words}, or this token may not see it.` : words || undefined
}
