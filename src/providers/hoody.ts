/** Hoody: copies a container, or overwrites an earlier copy with the current state of its source. */
import { z } from 'zod'
import { type Entry, envelope, errorMessage, listProject } from './hoody/api.js'
import { type CopyParams, copyFields, pickers, type SyncParams, syncFields } from './hoody/form.js'
import { removal } from './hoody/removal.js'
import { check, type HoodyRef, lastCopyingAt, lockOf, ref, wasCopyingSince } from './hoody/status.js'
import { validateCopy, validateSync } from './hoody/validate.js'
import { defineOperation, defineProvider, foundByName, maskIds, type Named, placed, sentence } from './provider.js'

const copy = defineOperation<CopyParams, HoodyRef>({
  title: 'Copy a container',
  fields: copyFields,
  ref,
  // Names are unique within a project. Hoody doesn't say whether case counts, so the lock ignores it.
  lock: ({ project, name }) => `copy:${project}/${name.toLowerCase()}`,
  summary: (named) => ({
    // The place comes last, where access rules expect it.
    from: maskIds(`${named.snapshot ? `snapshot ${named.snapshot} of ` : ''}${placed(named, 'container')}`),
    // The name isn't masked: the person typed it, even if it looks like an ID.
    to: `${named.name} in ${maskIds(`${named.project}${named.server ? ` on ${named.server}` : ''}`)}`,
  }),
  preview: ({ firewall, network }) => ({
    copied: sentence(
      'The whole disk with all data and secrets, environment variables, resource settings',
      firewall && 'firewall rules',
      network && 'network rules',
    ).concat(' Everyone with access to the target project can read them.'),
    notCopied: sentence('SSH keys and addresses', !firewall && 'firewall rules', !network && 'network rules'),
  }),
  validate: validateCopy,
  copiesData: true,
  deadlineMs: 30 * 60_000,
  steps: [
    {
      id: 'copy',
      title: 'Copy the container',
      doing: 'Copying the container',
      // A server slow enough to lose the answer may also be slow to list the copy.
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
      ...foundByName({
        list: (api, { project }: CopyParams) => listProject(api, project),
        id: ({ id }) => id,
        matches: isCopyOf,
        made: (id) => ({ id }),
      }),
      check,
    },
  ],
  removal,
})

const sync = defineOperation<SyncParams, HoodyRef>({
  title: 'Sync a copy',
  fields: syncFields,
  ref,
  // The lock of a copy can't name its container, which doesn't exist yet. So the picker leaves out unfinished copies,
  // and for a pasted ID Hoody answers 409.
  lock: ({ container }) => lockOf(container),
  summary: (named) => ({ from: sourceOf(named), to: maskIds(`${named.container}`) }),
  preview: (_params, named) => ({
    copied: `The current state of ${sourceOf(named)}, where it differs.`,
    notCopied: 'Firewall and network rules, SSH keys and addresses of the source.',
    overwrites: true,
    warning: maskIds(
      `Everything changed in ${named.container} since it was copied is overwritten. Take a snapshot of it first if you need any of that.`,
    ),
  }),
  validate: validateSync,
  copiesData: true,
  deadlineMs: 30 * 60_000,
  steps: [
    {
      id: 'sync',
      title: 'Sync the copy',
      doing: 'Syncing the copy',
      absentAfterMs: 30_000,
      async run(api, { container }) {
        await api.post(`/api/v1/containers/${container}/sync`, envelope(z.unknown()))
        return { id: container }
      },
      baseline: (api, { container }) => lastCopyingAt(api, container),
      async find(api, { container }, _before, { baseline }) {
        return (await wasCopyingSince(api, container, baseline)) ? { id: container } : null
      },
      check,
    },
  ],
})

export const hoody = defineProvider({
  id: 'hoody',
  name: 'Hoody',
  connection: z.object({
    url: z.url({ protocol: /^https?$/ }).default('https://api.hoody.com'),
    token: z.string().min(1),
  }),
  client: ({ url, token }) => ({ baseUrl: url, headers: { authorization: `Bearer ${token}` }, errorMessage }),
  pickers,
  operations: { copy, sync },
})

/** Whether a row is the copy these params ask for; undefined if it can't be read. */
function isCopyOf(row: Entry, { name, container }: CopyParams): boolean | undefined {
  if (row.name !== undefined && row.name !== name) return false
  if ((row.source_container_id ?? container) !== container) return false
  return row.name === undefined ? undefined : true
}

/** What a copy is synced with, as far as the picker knows. */
function sourceOf(named: Named): string {
  return maskIds(named['container.from'] ?? 'its source')
}
