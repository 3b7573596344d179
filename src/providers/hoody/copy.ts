/** The copy of a container into a new one. */
import { z } from 'zod'
import { unlessNotFound } from '../../errors.js'
import { type Api, defineOperation, foundByName, maskIds, placed, sentence } from '../provider.js'
import { type Entry, envelope, listProject } from './api.js'
import { type CopyParams, copyFields } from './fields.js'
import { check, type HoodyRef, ref } from './status.js'
import { validateCopy } from './validate.js'

export const copy = defineOperation<CopyParams, HoodyRef>({
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
  remove,
})

/** Whether a row is the copy these params ask for; undefined if it can't be read. */
function isCopyOf(row: Entry, { name, container }: CopyParams): boolean | undefined {
  if (row.name !== undefined && row.name !== name) return false
  if ((row.source_container_id ?? container) !== container) return false
  return row.name === undefined ? undefined : true
}

async function remove(api: Api, { id }: HoodyRef): Promise<void> {
  await unlessNotFound(api.delete(`/api/v1/containers/${id}`, z.unknown()))
}
