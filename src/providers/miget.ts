/** Miget: clones an app into a project, and deploys the clone where it has an image to run. */
import { z } from 'zod'
import { UserError } from '../errors.js'
import {
  type Api,
  defineOperation,
  defineProvider,
  describedOption,
  type Observation,
  sentence,
  settleEach,
} from './provider.js'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const NAME_RULE = 'Use 1 to 34 lower-case letters, digits or hyphens, with a hyphen neither first nor last.'
/** Whatever else an address may hold is not safe to post. */
const PLAIN_ADDRESS = /^https:\/\/[\w.-]+\/?$/
/** The vendor tells no address of an app's own page. */
const DASHBOARD = 'https://app.miget.com'

// The states of an app, a mixture of the platform's own and whatever Kubernetes says. `cloning`, `stop_scheduled` and
// every word that is missing here count as in progress, and the deadline bounds them.
const RUNNING = ['running']
const STARTING = ['start_scheduled', 'started', 'deploying', 'restart_scheduled']
const PARKED = ['pending', 'assigned']
const IDLE = ['stopped']
const FAILED = ['failed', 'problem', 'blocked']
const ADDON_READY = ['healthy', 'bound', 'running', 'active', 'degraded', 'degradated', 'stopped']
const ADDON_FAILED = ['failed', 'failing', 'lost', 'crashloopbackoff']
const DEPLOYMENT_FAILED = ['failed', 'cancelled']
const DEPLOYMENT_DONE = ['completed']
/** A parked app may be about to move, or have nothing that moves it. */
const PARKED_MS = 10 * 60_000
/** States are up to ten seconds old: one that may be from before the deployment is believed when it outlives this. */
const STALE_MS = 20_000

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
const flag = z.boolean().default(false)
const ids = z.array(id).default([])
const parts = (picker: string, title: string, description: string) =>
  ids.meta({ title, description, picker, dependsOn: ['app'] })
const inGiB = (size: number) => `${(size / 2 ** 30).toFixed(1)} GiB`

// The flags have the vendor's names, for they are sent as they are.
const fields = z.object({
  use_parent_image: flag.default(true).meta({
    title: 'Run the image of the source app',
    description: 'Code is never copied: without the image the clone cannot be deployed until you give it a source.',
  }),
  app: id.meta({ title: 'Source app', description: 'It stays as it is.', picker: 'apps' }),
  label: label.meta({ title: 'Label of the clone', description: 'What people read in the dashboard.' }),
  name: name.meta({ title: 'Name of the clone', description: 'Not yet taken in the workspace. Miget adds a suffix.' }),
  project: id.meta({ title: 'Target project', description: 'Where the clone will belong.', picker: 'projects' }),
  resource: id.meta({
    title: 'Resource',
    description: 'What it will run on: open to the target project, with room for the source app.',
    picker: 'resources',
    dependsOn: ['app', 'project'],
  }),
  deploy: flag.default(true).meta({ title: 'Deploy the clone', description: 'If it has an image to run.' }),
  parent_image_auto_sync: flag.meta({ title: 'Follow the image', description: 'Deploys each new one of the source.' }),
  clone_variables: flag.meta({ title: 'Copy variables', description: 'They still name the databases of the source.' }),
  clone_secret_files: flag.meta({ title: 'Copy secret files', description: 'With their contents.' }),
  clone_scaling_settings: flag.meta({ title: 'Copy scaling settings', description: 'Replicas, automatic scaling.' }),
  clone_health_checks: flag.meta({ title: 'Copy health checks', description: 'What tells whether the app is well.' }),
  clone_security: flag.meta({ title: 'Copy security settings', description: 'Allowed connections, Basic Auth.' }),
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

const ref = z.object({
  id: z.string().regex(UUID),
  /** With the server's suffix. */
  name: z.string(),
  /** Whether a deployment is to come, was asked for, or will not be. */
  next: z.enum(['deployment', 'deployed', 'not deployed', 'not deployed: it has no source yet']),
  /** The state last seen, and since when by our own clock. */
  state: z.string().optional(),
  since: z.string().optional(),
})
type MigetRef = z.infer<typeof ref>

const text = z.string().nullish()
const time = z.string().transform((text) => Date.parse(text))
const thing = z.object({ uuid: z.string(), name: z.string(), label: text, type: text, state: text })
const app = thing.extend({
  service_name: text,
  state: z.string(),
  created_at: time,
  public_url: text,
  private_access: z.boolean().nullish(),
  quota: z.object({ ram_size: z.number().nullish(), disk_size: z.number().nullish() }).nullish(),
  addons: z.array(z.object({ name: z.string(), state: z.string() })).nullish(),
})
type App = z.infer<typeof app>
const deployment = z.object({ state: z.string(), created_at: time })
const project = z.object({ uuid: text, id: text, label: text, name: text })
const room = { available_ram_size: z.number(), available_disk_size: z.number() }
const resource = thing.extend({ ...room, assigned: z.boolean().nullish(), project_ids: z.array(z.string()).nullish() })

const clone = defineOperation<Params, MigetRef>({
  title: 'Clone an app',
  fields: checkedFields,
  ref,
  // The name without suffix is unique in the whole workspace, and that is the connection.
  lock: (params) => `clone:${params.name}`,
  summary: ({ app, name, project, resource }) => ({ from: `${app}`, to: `${name} in ${project} on ${resource}` }),
  preview: (params, named) => {
    const withData = params.addonsWithData.length > 0 && named.addonsWithData
    const flags = Object.entries(params).filter(([key]) => key.startsWith('clone_'))
    const flagsThatAre = (isOn: boolean) =>
      flags.filter(([, value]) => value === isOn).map(([key]) => key.slice('clone_'.length).replaceAll('_', ' '))
    const warnings = [
      !params.use_parent_image && 'The clone has no source: it cannot run until you give it one in Miget.',
      withData && `All data in ${withData} is copied, whoever it belongs to.`,
      params.clone_variables && 'The variables may make the clone write to what the source app uses.',
    ].filter(Boolean)
    return {
      copied: sentence(
        'Settings such as ports and limits',
        params.use_parent_image && 'the image',
        ...flagsThatAre(true),
        params.addons.length > 0 && `${named.addons} without data`,
        withData && `${withData} with all data`,
        params.cronjobs.length > 0 && `the cron jobs ${named.cronjobs}`,
      ),
      notCopied: sentence("The code's source", ...flagsThatAre(false), 'domains, and all that is not chosen'),
      ...(warnings.length > 0 && { warning: warnings.join(' ') }),
    }
  },
  deadlineMs: 60 * 60_000,
  steps: [
    {
      title: 'Clone the app',
      async run(api, params) {
        const { app, project: project_id, resource: resource_id, deploy: _, addons, addonsWithData, ...rest } = params
        const asked = (uuid: string) => ({ uuid, clone_data: addonsWithData.includes(uuid) })
        const json = { ...rest, project_id, resource_id, addons: [...addons, ...addonsWithData].map(asked) }
        return refOf(params, await api.post(`/apps/${app}/clone`, unwrapped(thing), { json }))
      },
      async find(api, params, _before, { since }) {
        const made = (await list(api, '/apps', app)).find((one) => one.service_name === params.name)
        return made && made.created_at >= since.getTime() ? refOf(params, made) : null
      },
      check,
    },
    {
      title: 'Deploy the clone',
      when: (params) => params.deploy && params.use_parent_image,
      async run(api, _params, { id, name }) {
        const { state } = await api.get(`/apps/${id}`, unwrapped(app))
        // It may start by itself, for all the vendor says; 409 tells of a deployment that began just now.
        if (![...RUNNING, ...STARTING].includes(state))
          await api.post(`/apps/${id}/deploy`, z.unknown(), { json: {} }).catch(nullOn(409))
        return { id, name, next: 'deployed' }
      },
      async find(api, _params, { id, name }, { since }) {
        const [latest] = await newestDeployments(api, id)
        return latest && latest.created_at >= since.getTime() ? { id, name, next: 'deployed' } : null
      },
      check,
    },
  ],
  remove: async (api, { id }) => void (await api.delete(`/apps/${id}`, z.unknown()).catch(nullOn(404))),
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
    apps: (api) => listOptions(api, '/apps'),
    async projects(api) {
      const projects = await list(api, '/projects', project)
      return projects.map(({ uuid, id, label, name }) => ({ value: uuid ?? id ?? '', label: label || name || '' }))
    },
    async resources(api, { app: appId = '', project = '' }) {
      if (!UUID.test(appId) || !UUID.test(project)) return []
      const { quota } = await api.get(`/apps/${appId}`, unwrapped(app))
      return (await list(api, '/resources', resource))
        .filter((one) => !one.assigned || one.project_ids?.includes(project))
        .filter((one) => one.available_ram_size >= (quota?.ram_size ?? 0))
        .filter((one) => one.available_disk_size >= (quota?.disk_size ?? 0))
        .map((one) => {
          const free = `${inGiB(one.available_ram_size)} RAM and ${inGiB(one.available_disk_size)} disk free`
          return describedOption(one.uuid, one.name, one.label, one.assigned ? 'of this project' : 'shared', free)
        })
    },
    addons: async (api, { app = '' }) => (UUID.test(app) ? listOptions(api, `/apps/${app}/addons`) : []),
    cronjobs: async (api, { app = '' }) => (UUID.test(app) ? listOptions(api, `/apps/${app}/cronjobs`) : []),
  },
  operations: { clone },
})

/** One list answers for all jobs; what it does not show is asked for once more before it counts as gone. */
async function check(api: Api, refs: readonly MigetRef[], now: number): Promise<(Observation<MigetRef> | Error)[]> {
  const apps = refs.length > 0 ? await list(api, '/apps', app) : []
  const byId = new Map(apps.map((one) => [one.uuid, one]))
  return await settleEach(refs, async (ref) => {
    const seen = byId.get(ref.id) ?? (await api.get(`/apps/${ref.id}`, unwrapped(app)).catch(nullOn(404)))
    const since = seen && seen.state === ref.state && ref.since ? ref.since : new Date(now).toISOString()
    if (!seen) return { phase: 'failed', detail: `${ref.name} was deleted, or this token may no longer see it` }
    const observation = await judge(api, ref.next, seen, now - Date.parse(since))
    return { ...observation, ref: { ...ref, state: seen.state, since } }
  })
}

/** `heldMs` is how long the app has been seen in its present state. */
async function judge(api: Api, next: MigetRef['next'], seen: App, heldMs: number): Promise<Observation> {
  const { uuid, name, state, addons, public_url, private_access } = seen
  const working = (what: string) => ({ phase: 'working', detail: `${name}: ${what}` }) as const
  const failed = (what: string) => ({ phase: 'failed', detail: `cloned as ${name}, but ${what}` }) as const
  const isRunning = RUNNING.includes(state)
  const isParked = PARKED.includes(state)
  if (!isRunning && !isParked && !IDLE.includes(state) && !FAILED.includes(state)) return working(state)

  const isNew = next === 'deployed' && !isRunning
  if (heldMs < (isParked ? PARKED_MS : isNew ? STALE_MS : 0) && next !== 'deployment') return working(state)
  const latest = isNew ? (await newestDeployments(api, uuid).catch(() => []))[0]?.state : undefined
  if (latest && DEPLOYMENT_FAILED.includes(latest)) return failed(`its deployment ${latest}; Miget keeps the log`)
  if (latest && !DEPLOYMENT_DONE.includes(latest) && !isParked) return working(state)
  const word = isParked ? `still "${state}" after ten minutes` : `"${state}"`
  if (FAILED.includes(state) || (isParked && isNew)) return failed(`it is ${word}, and Miget gives no reason`)

  const addon = addons?.find((one) => !ADDON_READY.includes(one.state))
  if (addon)
    return (ADDON_FAILED.includes(addon.state) ? failed : working)(`its add-on ${addon.name} is "${addon.state}"`)
  if (next === 'deployment') return { phase: 'done', detail: `cloned as ${name}` }
  if (!isRunning) return { phase: 'done', detail: `cloned as ${name}, ${next}; it is ${word}`, url: DASHBOARD }
  const isOpen = public_url && !private_access && PLAIN_ADDRESS.test(public_url)
  return { phase: 'done', detail: `live as ${name}`, url: isOpen ? public_url : DASHBOARD }
}

async function newestDeployments(api: Api, id: string) {
  const deployments = await list(api, `/apps/${id}/deployments?period=all`, deployment)
  return deployments.toSorted((a, b) => b.created_at - a.created_at)
}

async function listOptions(api: Api, path: string) {
  const things = await list(api, path, thing)
  return things.map((one) => describedOption(one.uuid, one.label || one.name, one.type, one.name, one.state))
}

function list<T>(api: Api, path: string, schema: z.ZodType<T>): Promise<T[]> {
  return api.get(path, unwrapped(z.array(schema)))
}

/** Every answer comes as it is, or in an envelope. */
function unwrapped<T>(schema: z.ZodType<T>): z.ZodType<T> {
  const envelope = z.looseObject({ data: z.unknown() })
  return z.preprocess((body) => envelope.safeParse(body).data?.data ?? body, schema)
}

function refOf(params: Params, { uuid, name }: z.infer<typeof thing>): MigetRef {
  if (!params.use_parent_image) return { id: uuid, name, next: 'not deployed: it has no source yet' }
  return { id: uuid, name, next: params.deploy ? 'deployment' : 'not deployed' }
}

/** Validation errors come as one string, joined by commas. */
function errorMessage(body: unknown): string | undefined {
  const { error, errors } = z.object({ error: text, errors: text }).safeParse(body).data ?? {}
  const words = error || errors || ''
  if (/codename|taken/i.test(words)) return `${words}. Names are taken in all projects at once: choose another one.`
  return /not found/i.test(words) ? `${words}, or this token may not see it.` : words || undefined
}

/** Takes an answer with this status for none, and throws every other error. */
function nullOn(status: number): (error: unknown) => null {
  return (error) => {
    if (error instanceof UserError && error.status === status) return null
    throw error
  }
}
