/** The simulated Miget's request bodies, refusals and switches. */
import { z } from 'zod'
import { ODD_ROWS } from './odd-rows.js'
import type { SwitchState } from './simulator.js'

export const SWITCHES: readonly Omit<SwitchState, 'on'>[] = [
  { id: 'fail-next', label: 'Let the next clone fail', once: true },
  { id: 'fail-deploy', label: 'Let the next deployment fail', once: true },
  { id: 'fail-addons', label: 'Let the add-ons of the next clone crash', once: true },
  { id: 'pending-first', label: 'Show new clones "pending" before they are cloned', once: false },
  { id: 'stuck-pending', label: 'Leave new clones "pending" forever', once: false },
  { id: 'stuck-deploy', label: 'Leave deployed apps "pending"', once: false },
  { id: 'auto-start', label: 'Deploy clones with an image without being asked', once: false },
  { id: 'one-broken', label: 'Answer 500 to the list of deployments of the next clone', once: true },
  { id: 'envelope', label: 'Wrap every answer in { "data": … }', once: false },
  { id: 'no-permission', label: 'Forbid the lists of apps, projects and resources', once: false },
  { id: 'unknown-status', label: 'Report work in progress as "hibernating"', once: false },
  ODD_ROWS,
]

export const cloneBody = z.strictObject({
  label: z.string(),
  name: z.string(),
  project_id: z.string(),
  resource_id: z.string(),
  use_parent_image: z.boolean().default(false),
  parent_image_auto_sync: z.boolean().default(false),
  clone_variables: z.boolean().default(false),
  clone_secret_files: z.boolean().default(false),
  clone_scaling_settings: z.boolean().default(false),
  clone_health_checks: z.boolean().default(false),
  clone_security: z.boolean().default(false),
  addons: z.array(z.strictObject({ uuid: z.string(), clone_data: z.boolean().default(false) })).default([]),
  cronjobs: z.array(z.string()).default([]),
})
export const deployBody = z.strictObject({
  custom_tag: z.string().optional(),
  commit_sha: z.string().optional(),
  branch: z.string().optional(),
})

/** Thrown by a handler. Validation errors are one string, joined by commas, under a key of their own. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly key: 'error' | 'errors' = 'error',
  ) {
    super(message)
  }
}

/** All problems of a clone's body that can be seen without other data. */
export function faultsOf({ label, name, addons, ...wanted }: z.infer<typeof cloneBody>): string[] {
  const uuids = addons.map(({ uuid }) => uuid)
  const faults = [
    label.trim() === '' && "Label can't be blank",
    label.length > 40 && 'Label is too long (maximum is 40 characters)',
    !/^[a-z0-9-]+$/.test(name) && 'Name is invalid',
    name.length + 6 > 40 && 'Name is too long (maximum is 40 characters)',
    wanted.parent_image_auto_sync && !wanted.use_parent_image && 'Parent image auto sync needs the parent image',
    new Set(uuids).size < uuids.length && 'Addons contain one twice',
  ]
  return faults.filter((one) => one !== false)
}
