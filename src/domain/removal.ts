/** Pure: whether there is something to delete. */
import type { Job } from './job.js'

/** Whether what this job made can be deleted now, also what it left behind when it failed: only once, and only its own. */
export function canDelete({ removes, endedAt, ref, removalJob, removedAt }: Job): boolean {
  return removes === null && endedAt !== null && ref !== null && removalJob === null && removedAt === null
}
