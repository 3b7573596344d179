/** Hoody: copies a container, or overwrites an earlier copy with the present state of its source. */
import { z } from 'zod'
import { unlessNotFound } from '../errors.js'
import {
  type Api,
  allItems,
  defineOperation,
  defineProvider,
  describedOption,
  eachPage,
  maskIds,
  type Observation,
  type Page,
  type RequestOptions,
  sentence,
  settleEach,
} from './provider.js'

const ID = /^[0-9a-f]{24}$/
const NAME = /^[a-zA-Z0-9_-]{3,100}$/
const NAME_RULE = 'Use 3 to 100 letters, digits, hyphens or underscores.'
const KEY = /^(ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/=]+( [^\r\n]*)?$/
const KEY_RULE = 'Paste one line of a public key, such as "ssh-ed25519 AAAA… you@laptop".'
const LIMIT = 100
const DEADLINE_MS = 30 * 60_000

// Nine states with `running` and `failed`. One that is missing counts as in progress, and the deadline bounds it.
const IN_PROGRESS = ['copying', 'creating', 'claiming']
const IDLE = ['stopped', 'paused']
const GONE = ['deleting', 'deleted']

const url = z.url({ protocol: /^https?$/ }).default('https://api.hoody.com')
const connection = z.object({ url, token: z.string().min(1) })
const id = z.string().trim().toLowerCase().regex(ID, 'Choose from the list, or paste an id of 24 digits 0-9 and a-f.')
const text = z.string().trim()
const flag = z.boolean().default(false)

const copyFields = z.object({
  container: id.meta({ title: 'Container', description: 'Its whole disk is copied.', picker: 'containers' }),
  project: id.meta({ title: 'Target project', description: 'Where the copy will live.', picker: 'projects' }),
  // The vendor makes up a name when there is none. Without one a lost copy could not be found again.
  name: text.regex(NAME, NAME_RULE).meta({ title: 'Name of the copy', description: 'Must be new in the project.' }),
  server: id
    .optional()
    .meta({ title: 'Target server', description: 'Empty: that of the original.', picker: 'servers' }),
  snapshot: text
    .regex(/^[a-zA-Z0-9_-]+$/, 'Use the name of a snapshot: letters, digits, hyphens or underscores.')
    .optional()
    .meta({
      title: 'Snapshot',
      description: 'Left empty: the present state of the container.',
      picker: 'snapshots',
      dependsOn: ['container'],
    }),
  sshKey: text.max(3000, KEY_RULE).regex(KEY, KEY_RULE).optional().meta({
    title: 'SSH public key',
    description: 'The copy inherits none. Each key serves one container only.',
    multiline: true,
    personal: true,
  }),
  firewall: flag.meta({ title: 'Copy firewall rules', description: 'The original’s access list applies too.' }),
  network: flag.meta({ title: 'Copy network rules', description: 'The original’s network settings apply too.' }),
  // `kvm` is left out: it opens the host's hypervisor, which is for the vendor's console to grant.
})

const syncFields = z.object({
  container: id.meta({ title: 'Copy to update', description: 'Its source overwrites it.', picker: 'copies' }),
})

const ref = z.object({ id: z.string().regex(ID) })
type HoodyRef = z.infer<typeof ref>

const state = z.object({ id: text, status: text })
const listed = { name: text, project_alias: text.nullish(), source_container_id: text.nullish() }
const container = state.extend(listed)
type Container = z.infer<typeof container>
const project = z.object({ id: text, alias: text })
const snapshot = z.object({ name: text, alias: text.nullish(), created_at: text.nullish() })
const room = z.object({ used: z.number(), max: z.number() }).nullish()
const server = z.object({ name: text, city: text.nullish(), country: text.nullish(), container_capacity: room })
const rental = z.object({ server_id: text.nullish(), server: server.nullish() })
type StatusLog = z.infer<typeof statusLog>
const statusLog = z.object({
  to_status: z.string(),
  transition_time: z.string(),
  // Its keys are not documented; these are the ones worth showing.
  metadata: z.object({ reason: z.string(), error: z.string(), message: z.string() }).partial().nullish().catch(null),
})

const copy = defineOperation<z.infer<typeof copyFields>, HoodyRef>({
  title: 'Copy a container',
  fields: copyFields,
  ref,
  // Names are unique within a project. Whether by case is not documented, so the lock assumes the stricter.
  lock: (params) => `copy:${params.project}/${params.name.toLowerCase()}`,
  summary: (named) => ({
    from: maskIds(named.snapshot ? `${named.container}, snapshot ${named.snapshot}` : `${named.container}`),
    // The name is a person's own words, whatever they look like.
    to: `${named.name} in ${maskIds(`${named.project}${named.server ? ` on ${named.server}` : ''}`)}`,
  }),
  preview: ({ firewall, network }) => ({
    copied: sentence(
      'The whole disk with all data and secrets, environment variables, resource settings',
      firewall && 'firewall rules',
      network && 'network rules',
    ).concat(' Whoever may use the target project can read them.'),
    notCopied: sentence('SSH keys and addresses', !firewall && 'firewall rules', !network && 'network rules'),
  }),
  copiesData: true,
  deadlineMs: DEADLINE_MS,
  steps: [
    {
      id: 'copy',
      title: 'Copy the container',
      // A server that was slow enough to lose the answer may also be slow to list what it made.
      settleMs: 30_000,
      async run(api, params) {
        const json = {
          target_project_id: params.project,
          target_server_id: params.server,
          name: params.name,
          ssh_public_key: params.sshKey,
          source_snapshot: params.snapshot,
          copy_firewall_rules: params.firewall,
          copy_network_rules: params.network,
        }
        return await api.post(`/api/v1/containers/${params.container}/copy`, envelope(ref), { json })
      },
      // Whoever has the name already is nobody of ours.
      mark: async (api, params) => (await namesakes(api, params)).map(({ id }) => id).join(' '),
      async find(api, params, _before, { mark }) {
        const found = (await namesakes(api, params)).find(({ id }) => !mark.split(' ').includes(id))
        return found ? { id: found.id } : null
      },
      check,
    },
  ],
  remove: async (api, { id }) => void (await unlessNotFound(api.delete(`/api/v1/containers/${id}`, z.unknown()))),
})

const sync = defineOperation<z.infer<typeof syncFields>, HoodyRef>({
  title: 'Sync a copy',
  fields: syncFields,
  ref,
  // A copy's lock cannot name a container that does not exist yet, so a sync onto an unfinished copy is kept out
  // elsewhere: the picker leaves it out, and the vendor refuses a typed id with a 409.
  lock: (params) => `sync:${params.container}`,
  summary: (named) => ({ from: 'the container it was copied from', to: maskIds(`${named.container}`) }),
  preview: (_params, named) => ({
    copied: 'The present state of the source, as far as it differs.',
    notCopied: 'Firewall and network rules, SSH keys and addresses of the source.',
    warning: maskIds(
      `Everything changed in ${named.container} since it was copied will be overwritten. Take a snapshot of it first if any of that is needed.`,
    ),
  }),
  copiesData: true,
  deadlineMs: DEADLINE_MS,
  steps: [
    {
      id: 'sync',
      title: 'Sync the copy',
      settleMs: 30_000,
      async run(api, params) {
        await api.post(`/api/v1/containers/${params.container}/sync`, envelope(z.unknown()))
        return { id: params.container }
      },
      mark: (api, params) => newestCopying(api, params.container),
      async find(api, params, _before, { mark }) {
        const newest = await unlessNotFound(newestCopying(api, params.container))
        return newest && newest > mark ? { id: params.container } : null
      },
      check,
    },
  ],
})

export const hoody = defineProvider({
  id: 'hoody',
  name: 'Hoody',
  connection,
  client: ({ url, token }) => ({
    baseUrl: url,
    headers: { authorization: `Bearer ${token}` },
    errorMessage: (body) => {
      const message = z.object({ message: z.string() }).safeParse(body).data?.message
      return message && maskIds(message)
    },
  }),
  pickers: {
    async containers(api) {
      const containers = await listContainers(api)
      return containers
        .filter(({ status }) => !GONE.includes(status))
        .map((one) => describedOption(one.id, one.name, one.project_alias, one.status))
    },
    async copies(api) {
      const containers = await listContainers(api)
      return containers
        .filter((one) => one.source_container_id && ![...IN_PROGRESS, ...GONE].includes(one.status))
        .map((one) => {
          const source = containers.find(({ id }) => id === one.source_container_id)?.name
          const label = [one.name, one.project_alias].filter(Boolean).join(' in ')
          return describedOption(one.id, label, source && `copy of ${source}`, one.status)
        })
    },
    async projects(api) {
      const projects = await allItems(pages(api, '/api/v1/projects/', page('projects', project)))
      return projects.map(({ id, alias }) => ({ value: id, label: alias }))
    },
    async servers(api) {
      const rows = await api.get('/api/v1/servers', envelope(z.array(rental)))
      return rows.flatMap(({ server_id, server }) => {
        if (!server_id || !server) return []
        const { name, city, country, container_capacity: room } = server
        const used = room && `${room.used} of ${room.max} containers used`
        return [describedOption(server_id, name, [city, country].filter(Boolean).join(', '), used)]
      })
    },
    async snapshots(api, { container }) {
      if (!container || !ID.test(container)) return []
      const path = `/api/v1/containers/${container}/snapshots`
      const data = await api.get(path, envelope(z.object({ snapshots: z.array(snapshot) })))
      return data.snapshots.map(({ name, alias, created_at }) =>
        describedOption(name, alias || name, alias && name, created_at?.slice(0, 10)),
      )
    },
  },
  operations: { copy, sync },
})

/** Looks at the containers of all jobs together, whichever operation they came from. */
async function check(api: Api, refs: readonly HoodyRef[]): Promise<(Observation<HoodyRef> | Error)[]> {
  const missing = new Set(refs.map((ref) => ref.id))
  const statuses = new Map<string, string>()
  // What jobs wait for changed lately and so comes early. Once fewer containers are missing than pages are left, asking
  // for each is cheaper; a container that moves between two pages while they are read is found that way too.
  if (missing.size > 1) {
    const query = { sort_by: 'updated_at', sort_order: 'desc', include_deleting: true, include_expired: true }
    for await (const { items, left } of pages(api, '/api/v1/containers/', page('containers', state), query)) {
      for (const { id, status } of items) if (missing.delete(id)) statuses.set(id, status)
      if (missing.size <= left) break
    }
  }
  return await settleEach(refs, async ({ id }) => observe(api, id, statuses.get(id) ?? (await statusOf(api, id))))
}

async function observe(api: Api, id: string, status: string): Promise<Observation<HoodyRef>> {
  if (status === 'running') return { phase: 'done' }
  if (IDLE.includes(status)) return { phase: 'done', detail: `finished, but not running: the container is ${status}` }
  if (status === 'failed') return { phase: 'failed', detail: await failureReason(api, id) }
  if (GONE.includes(status)) return { phase: 'failed', detail: 'the container was deleted' }
  return { phase: 'working', detail: maskIds(status) }
}

async function failureReason(api: Api, id: string): Promise<string> {
  // A failure is news with or without its reason.
  const logs = await newestLogs(api, id).catch(() => [])
  const { reason, error, message } = logs.find((log) => log.to_status === 'failed')?.metadata ?? {}
  const words = maskIds(reason ?? error ?? message ?? 'the container failed, and Hoody gives no reason')
  return `${words.replace(/\.?$/, '.')} The container is still there.`
}

/** When a copy or a sync into this container last began, by the vendor's clock; empty where none ever did. */
async function newestCopying(api: Api, id: string): Promise<string> {
  return (await newestLogs(api, id)).find((log) => log.to_status === 'copying')?.transition_time ?? ''
}

async function newestLogs(api: Api, id: string): Promise<StatusLog[]> {
  const query = { limit: LIMIT, sort_by: 'transition_time', sort_order: 'desc' }
  return (await api.get(`/api/v1/containers/${id}/status-logs`, page('logs', statusLog), { query })).items
}

/** A container that cannot be found counts as deleted. */
async function statusOf(api: Api, id: string): Promise<string> {
  return (await unlessNotFound(api.get(`/api/v1/containers/${id}`, envelope(state))))?.status ?? 'deleted'
}

/** What has the name of this copy in its project, and may be one: this list can omit the source. */
async function namesakes(api: Api, { project, name, container }: z.infer<typeof copyFields>): Promise<Container[]> {
  const all = await listContainers(api, `/api/v1/projects/${project}/containers`)
  return all.filter((one) => one.name === name && (one.source_container_id ?? container) === container)
}

async function listContainers(api: Api, path = '/api/v1/containers/'): Promise<Container[]> {
  return await allItems(pages(api, path, page('containers', container), { sort_by: 'name', include_deleting: true }))
}

/** Page after page of a list, each with the number of pages left after it. */
function pages<T>(api: Api, path: string, schema: z.ZodType<Page<T>>, query: RequestOptions['query'] = {}) {
  return eachPage((page) => api.get(path, schema, { query: { ...query, page, limit: LIMIT } }))
}

/** The vendor's list shape, `{ [key]: [], pagination }`, as ours. */
function page<T>(key: string, item: z.ZodType<T>): z.ZodType<Page<T>> {
  const list = z.looseObject({ pagination: z.object({ totalPages: z.number() }) })
  const ours = z.object({ items: z.array(item), pages: z.number() })
  return envelope(list.transform((data) => ({ items: data[key], pages: data.pagination.totalPages })).pipe(ours))
}

/** Every answer of the vendor is `{ statusCode, message, data }`. */
function envelope<T>(data: z.ZodType<T>): z.ZodType<T> {
  return z.object({ data }).transform((body) => body.data)
}
