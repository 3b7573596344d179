/** The sync of a copy: its source overwrites it. */
import { z } from 'zod'
import { unlessNotFound } from '../../errors.js'
import { type Api, defineOperation, findSurely, maskIds, type Named } from '../provider.js'
import { envelope, listStatusLogs } from './api.js'
import { type SyncParams, syncFields } from './fields.js'
import { check, type HoodyRef, ref } from './status.js'
import { validateSync } from './validate.js'

export const sync = defineOperation<SyncParams, HoodyRef>({
  title: 'Sync a copy',
  fields: syncFields,
  ref,
  // The lock of a copy can't name its container, which doesn't exist yet. So the picker leaves out unfinished copies,
  // and for a pasted ID Hoody answers 409.
  lock: ({ container }) => `sync:${container}`,
  summary: (named) => ({ from: sourceOf(named), to: maskIds(`${named.container}`) }),
  preview: (_params, named) => ({
    copied: `The current state of ${sourceOf(named)}, where it differs.`,
    notCopied: 'Firewall and network rules, SSH keys and addresses of the source.',
    overwrites: true,
    warning: maskIds(
      `Everything changed in ${named.container} since it was copied is lost. Take a snapshot of it first if you need any of that.`,
    ),
  }),
  validate: validateSync,
  copiesData: true,
  deadlineMs: 30 * 60_000,
  steps: [
    {
      id: 'sync',
      title: 'Sync the copy',
      absentAfterMs: 30_000,
      async run(api, { container }) {
        await api.post(`/api/v1/containers/${container}/sync`, envelope(z.unknown()))
        return { id: container }
      },
      baseline: lastCopyingAt,
      async find(api, { container }, _before, { baseline }) {
        return (await wasCopyingSince(api, container, baseline)) ? { id: container } : null
      },
      check,
    },
  ],
})

/** What a copy is synced with, as far as the picker knows. */
function sourceOf(named: Named): string {
  return maskIds(named['container.from'] ?? 'its source')
}

/** When a copy or a sync into this container last began, by Hoody's clock; empty if never. An unreadable status may be one. */
async function lastCopyingAt(api: Api, { container }: SyncParams): Promise<string> {
  const logs = (await listStatusLogs(api, container)).filter(({ to_status = 'copying' }) => to_status === 'copying')
  return logs.find((log) => log.transition_time)?.transition_time ?? ''
}

/** Whether a copy or a sync into this container began after that time. False if the container is gone. */
async function wasCopyingSince(api: Api, id: string, baseline: string): Promise<boolean> {
  const logs = (await unlessNotFound(listStatusLogs(api, id))) ?? []
  const found = findSurely(logs, ({ to_status, transition_time }) => {
    if (to_status !== undefined && to_status !== 'copying') return false
    if (transition_time === undefined) return undefined
    return transition_time > baseline && (to_status === 'copying' || undefined)
  })
  return found !== null
}
