/** The questions of Hoody's two forms, and the live lists behind them. */
import { z } from 'zod'
import { type Api, describedOption, type Option, placedOption, UNKNOWN_PLACE, type Values, yesNo } from '../provider.js'
import { DELETED, ID, IN_PROGRESS, listContainers, listProjects, listServers, listSnapshots } from './api.js'

const NAME = /^[a-zA-Z0-9_-]{3,100}$/
const NAME_RULE = 'Use 3 to 100 letters, digits, hyphens or underscores.'
const SNAPSHOT = /^[a-zA-Z0-9_-]+$/
const SSH_KEY = /^(ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/=]+( [^\r\n]*)?$/
const SSH_KEY_RULE = 'Paste one line of a public key, such as "ssh-ed25519 AAAA… you@laptop".'

const text = z.string().trim()
const id = text.toLowerCase().regex(ID, 'Choose from the list, or paste an ID (24 characters, 0-9 and a-f).')
export const copyFields = z.object({
  container: id.meta({ title: 'Container', description: 'Its whole disk is copied.', picker: 'containers' }),
  project: id.meta({ title: 'Target project', description: 'Where the copy goes.', picker: 'projects' }),
  // Optional for Hoody, which makes one up. Required here: without it we couldn't find a copy whose answer was lost.
  name: text
    .regex(NAME, NAME_RULE)
    .meta({ title: 'Name of the copy', suggestFrom: 'container', description: 'Must be unused in the project.' }),
  server: id.optional().meta({
    title: 'Target server',
    description: 'Leave empty to use the server of the source.',
    picker: 'servers',
  }),
  snapshot: text
    .regex(SNAPSHOT, 'Use the name of a snapshot: letters, digits, hyphens or underscores.')
    .optional()
    .meta({
      title: 'Snapshot',
      description: 'Leave empty to copy the current state.',
      picker: 'snapshots',
      dependsOn: ['container'],
    }),
  sshKey: text.max(3000, SSH_KEY_RULE).regex(SSH_KEY, SSH_KEY_RULE).optional().meta({
    title: 'SSH public key',
    description: "The source's keys aren't copied. Each key works for one container only.",
    multiline: true,
    personal: true,
  }),
  firewall: yesNo('Copy firewall rules', "The copy gets the source's access list."),
  network: yesNo('Copy network rules', "The copy gets the source's network settings."),
  // No `kvm`: it opens the host's hypervisor. Grant that in Hoody's console.
})
export type CopyParams = z.infer<typeof copyFields>

export const syncFields = z.object({
  container: id.meta({
    title: 'Copy to update',
    description: 'Its source overwrites it.',
    picker: 'copies',
  }),
})
export type SyncParams = z.infer<typeof syncFields>

export const pickers = { containers, copies, projects, servers, snapshots }

async function containers(api: Api): Promise<Option[]> {
  const all = await listContainers(api)
  return all
    .filter(({ status }) => !DELETED.includes(status))
    .map(({ id, name, project_alias: project, status }) => placedOption(id, name, project, status))
}

async function copies(api: Api): Promise<Option[]> {
  const all = await listContainers(api)
  return all
    .filter((one) => one.source_container_id && ![...IN_PROGRESS, ...DELETED].includes(one.status))
    .map(({ id, name, project_alias: project, status, source_container_id }) => {
      const source = all.find((one) => one.id === source_container_id)
      // A copy is overwritten, so rules and people know it by its label alone: the project belongs in it.
      const label = project ? `${name} in ${project}` : name
      const option = describedOption(id, label, source && `copy of ${source.name}`, status)
      return source ? { ...option, from: `${source.name} in ${source.project_alias || UNKNOWN_PLACE}` } : option
    })
}

async function projects(api: Api): Promise<Option[]> {
  return (await listProjects(api)).map(({ id, alias }) => ({ value: id, label: alias }))
}

async function servers(api: Api): Promise<Option[]> {
  return (await listServers(api)).map(({ id, name, city, country, container_capacity: capacity }) => {
    const used = capacity && `${capacity.used} of ${capacity.max} containers used`
    return describedOption(id, name, [city, country].filter(Boolean).join(', '), used)
  })
}

async function snapshots(api: Api, { container = '' }: Values): Promise<Option[]> {
  if (!ID.test(container)) return []
  return (await listSnapshots(api, container)).map(({ name, alias, created_at }) =>
    describedOption(name, alias || name, alias && name, created_at?.slice(0, 10)),
  )
}
