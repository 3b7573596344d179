/** Hoody: copies a container, or overwrites an earlier copy with the present state of its source. */
import { z } from 'zod'
import { unlessNotFound } from '../errors.js'
import { validateCopy, validateSync } from './hoody/checks.js'
import {
  envelope,
  GONE,
  ID,
  IN_PROGRESS,
  listContainers,
  listProjects,
  listServers,
  listSnapshots,
  placeOf,
  sourceName,
  text,
} from './hoody/lists.js'
import { check, findCopy, type HoodyRef, hasCopyingSince, namesakes, newestCopying, ref } from './hoody/status.js'
import { defineOperation, defineProvider, describedOption, maskIds, type Named, sentence } from './provider.js'

const NAME = /^[a-zA-Z0-9_-]{3,100}$/
const NAME_RULE = 'Use 3 to 100 letters, digits, hyphens or underscores.'
const KEY = /^(ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/=]+( [^\r\n]*)?$/
const KEY_RULE = 'Paste one line of a public key, such as "ssh-ed25519 AAAA… you@laptop".'
const DEADLINE_MS = 30 * 60_000

const url = z.url({ protocol: /^https?$/ }).default('https://api.hoody.com')
const connection = z.object({ url, token: z.string().min(1) })
const id = z.string().trim().toLowerCase().regex(ID, 'Choose from the list, or paste an id of 24 digits 0-9 and a-f.')
const flag = z.boolean().default(false)

const copyFields = z.object({
  container: id.meta({ title: 'Container', description: 'Its whole disk is copied.', picker: 'containers' }),
  project: id.meta({ title: 'Target project', description: 'Where the copy will live.', picker: 'projects' }),
  // The vendor makes up a name when there is none. Without one a lost copy could not be found again.
  name: text.regex(NAME, NAME_RULE).meta({ title: 'Name of the copy', description: 'Must be new in the project.' }),
  server: id
    .optional()
    .meta({ title: 'Target server', description: 'Left empty: that of the original.', picker: 'servers' }),
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

const copy = defineOperation<z.infer<typeof copyFields>, HoodyRef>({
  title: 'Copy a container',
  fields: copyFields,
  ref,
  // Names are unique within a project. Whether by case is not documented, so the lock assumes the stricter.
  lock: (params) => `copy:${params.project}/${params.name.toLowerCase()}`,
  summary: (named) => ({
    from: maskIds(
      // The place comes last, where rules look for it.
      `${named.snapshot ? `snapshot ${named.snapshot} of ` : ''}${named['container.from'] ?? named.container}`,
    ),
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
  validate: validateCopy,
  copiesData: true,
  deadlineMs: DEADLINE_MS,
  steps: [
    {
      id: 'copy',
      title: 'Copy the container',
      // A server that was slow enough to lose the answer may also be slow to list what it made.
      absentAfterMs: 30_000,
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
      // Containers that already have this name are not ours.
      baseline: namesakes,
      find: (api, params, _before, { baseline }) => findCopy(api, params, baseline),
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
  summary: (named) => ({ from: sourceOf(named), to: maskIds(`${named.container}`) }),
  preview: (_params, named) => ({
    copied: `The current state of ${sourceOf(named)}, where it differs.`,
    notCopied: 'Firewall and network rules, SSH keys and addresses of the source.',
    overwrites: true,
    warning: maskIds(
      `Everything changed in ${named.container} since it was copied will be overwritten. Take a snapshot of it first if any of that is needed.`,
    ),
  }),
  validate: validateSync,
  copiesData: true,
  deadlineMs: DEADLINE_MS,
  steps: [
    {
      id: 'sync',
      title: 'Sync the copy',
      absentAfterMs: 30_000,
      async run(api, params) {
        await api.post(`/api/v1/containers/${params.container}/sync`, envelope(z.unknown()))
        return { id: params.container }
      },
      baseline: (api, params) => newestCopying(api, params.container),
      async find(api, params, _before, { baseline }) {
        return (await hasCopyingSince(api, params.container, baseline)) ? { id: params.container } : null
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
        .map((one) => ({
          ...describedOption(one.id, one.name, one.project_alias, one.status),
          from: sourceName(one),
        }))
    },
    async copies(api) {
      const containers = await listContainers(api)
      return containers
        .filter((one) => one.source_container_id && ![...IN_PROGRESS, ...GONE].includes(one.status))
        .map((one) => {
          const source = containers.find(({ id }) => id === one.source_container_id)
          const option = describedOption(one.id, placeOf(one), source && `copy of ${source.name}`, one.status)
          return { ...option, ...(source && { from: sourceName(source) }) }
        })
    },
    projects: async (api) => (await listProjects(api)).map(({ id, alias }) => ({ value: id, label: alias })),
    async servers(api) {
      return (await listServers(api)).map(({ id, name, city, country, container_capacity: room }) => {
        const used = room && `${room.used} of ${room.max} containers used`
        return describedOption(id, name, [city, country].filter(Boolean).join(', '), used)
      })
    },
    async snapshots(api, { container }) {
      if (!container || !ID.test(container)) return []
      return (await listSnapshots(api, container)).map(({ name, alias, created_at }) =>
        describedOption(name, alias || name, alias && name, created_at?.slice(0, 10)),
      )
    },
  },
  operations: { copy, sync },
})

/** What a copy is synced with, as far as the list of copies says. */
function sourceOf(named: Named): string {
  return maskIds(named['container.from'] ?? 'its source')
}
