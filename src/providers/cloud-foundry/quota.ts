/** What a clone needs of the memory that its space and organization may use. */
import { z } from 'zod'
import { type Api, allOf, refusal } from '../provider.js'
import { link, shownName } from './api.js'
import type { App } from './code.js'
import type { CloneParams } from './form.js'
import { type Process, processesOf } from './settings.js'
import type { Space } from './step.js'

/** What a new app has, unless the operators set another default. With less, staging checks no quota. */
const DEFAULT_MB = 1024

const quota = z.object({
  apps: z.object({ total_memory_in_mb: z.number().nullish(), per_process_memory_in_mb: z.number().nullish() }),
})
const usage = z.object({ usage_summary: z.object({ memory_in_mb: z.number() }) })
const organization = z.object({ name: shownName, relationships: z.object({ quota: link }) })

/** @throws UserError on the space where its quota or that of its organization is too small for the clone. */
export async function refuseFull(api: Api, params: CloneParams, target: Space): Promise<void> {
  // Without the size a clone gets the operators' default, which the API doesn't tell.
  if (!params.size) return
  const guid = target.relationships.organization
  const [processes, org] = await Promise.all([
    processesOf(api, params.app),
    api.get(`/v3/organizations/${guid}`, organization),
  ])
  const checks = [
    refuseOver(api, 'space', target.guid, target, params, processes),
    refuseOver(api, 'organization', guid, org, params, processes),
  ]
  await allOf(checks)
}

async function refuseOver(
  api: Api,
  kind: 'space' | 'organization',
  guid: string | undefined,
  { name, relationships }: z.infer<typeof organization>,
  params: CloneParams,
  processes: readonly Process[],
): Promise<void> {
  if (!relationships.quota) return
  const { apps } = await api.get(`/v3/${kind}_quotas/${relationships.quota}`, quota)
  const { total_memory_in_mb: total, per_process_memory_in_mb: each } = apps
  const largest = Math.max(...processes.map(({ memory_in_mb = 0 }) => memory_in_mb))
  if (typeof each === 'number' && largest > each) {
    throw refusal(
      'space',
      `${name} allows each process ${each} MB of memory, and the clone needs ${largest} MB. Choose another space.`,
    )
  }
  if (typeof total !== 'number') return
  // Not all versions report usage. Then we only know that what exceeds an empty space is refused.
  const used = await api.get(`/v3/${kind}s/${guid}/usage_summary`, usage).then(
    ({ usage_summary }) => usage_summary.memory_in_mb,
    () => 0,
  )
  const left = Math.max(total - used, 0)
  const needed = neededMb(params, processes)
  if (needed <= left) return
  throw refusal(
    'space',
    `${name} has ${left} of its ${total} MB of memory left, and the clone needs ${needed} MB. Choose another space, or make room.`,
  )
}

/** The most that a clone uses at once: while its code is staged, or while it runs. */
function neededMb({ fastPath, start }: CloneParams, processes: readonly Process[]): number {
  const web = processes.find(({ type }) => type === 'web')?.memory_in_mb ?? DEFAULT_MB
  const staging = fastPath || web < DEFAULT_MB ? 0 : web
  const running = processes.reduce((sum, { instances = 1, memory_in_mb = 0 }) => sum + instances * memory_in_mb, 0)
  return Math.max(staging, start ? running : 0)
}

/** A warning for a large app that is cloned without its size; empty if that does not matter. */
export async function sizeWarnings(api: Api, params: CloneParams, name: string): Promise<string[]> {
  if (params.size) return []
  const web = await webMb(api, params.app)
  if (web <= DEFAULT_MB) return []
  return [
    `${name} has ${web} MB of memory. Without "Copy the size" the clone gets the default, usually ${DEFAULT_MB} MB, which may be too little to stage or run it.`,
  ]
}

/** A warning for the code of a large app in a smaller one; empty if that does not matter. */
export async function fitWarnings(api: Api, from: App, to: App): Promise<string[]> {
  const [large, small] = await Promise.all([webMb(api, from.guid), webMb(api, to.guid)])
  if (large <= DEFAULT_MB || small >= large) return []
  return [
    `${from.name} has ${large} MB of memory and ${to.name} has ${small} MB, which may be too little to stage or run this code.`,
  ]
}

/** The memory of an app's "web"; 0 where it has none. */
async function webMb(api: Api, app: string): Promise<number> {
  return (await processesOf(api, app)).find(({ type }) => type === 'web')?.memory_in_mb ?? 0
}
