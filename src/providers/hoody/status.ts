/** What a container on Hoody is doing, and what became of a copy or a sync whose answer was lost. */
import { z } from 'zod'
import { unlessNotFound } from '../../errors.js'
import { type Api, findSurely, maskIds, type Observation, rows, settleEach } from '../provider.js'
import { type Entry, envelope, GONE, ID, IDLE, LIMIT, listProject, page, pages, status, text } from './lists.js'

export const ref = z.object({ id: z.string().regex(ID) })
export type HoodyRef = z.infer<typeof ref>

const state = z.object({ id: text, status })
const readable = z.string().optional().catch(undefined)
const statusLog = z
  .object({
    to_status: readable,
    transition_time: readable,
    // Its keys are not documented; these are the ones worth showing.
    metadata: z.object({ reason: z.string(), error: z.string(), message: z.string() }).partial().nullish().catch(null),
  })
  .catch({ to_status: undefined, transition_time: undefined })
type StatusLog = z.infer<typeof statusLog>

/** Looks at the containers of all jobs together, whichever operation they came from. */
export async function check(api: Api, refs: readonly HoodyRef[]): Promise<(Observation<HoodyRef> | Error)[]> {
  const missing = new Set(refs.map((ref) => ref.id))
  const statuses = new Map<string, string>()
  // What jobs wait for changed lately and so comes early. Once fewer containers are missing than pages are left, asking
  // for each is cheaper; a container that moves between two pages while they are read is found that way too.
  if (missing.size > 1) {
    const query = { sort_by: 'updated_at', sort_order: 'desc', include_deleting: true, include_expired: true }
    const containers = page('containers', rows(api, state))
    for await (const { items, left } of pages(api, '/api/v1/containers/', containers, query)) {
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
  return `${words.replace(/\.?$/, '.')} The unfinished copy is still there.`
}

/**
 * When a copy or a sync into this container last began, by the vendor's clock; empty where none ever did. A change that
 * cannot be read may have been one.
 */
export async function newestCopying(api: Api, id: string): Promise<string> {
  const logs = (await newestLogs(api, id)).filter(({ to_status = 'copying' }) => to_status === 'copying')
  return logs.find((log) => log.transition_time)?.transition_time ?? ''
}

/** Whether a copy or a sync into this container began after that time. False as well for a container that is gone. */
export async function hasCopyingSince(api: Api, id: string, baseline: string): Promise<boolean> {
  const logs = (await unlessNotFound(newestLogs(api, id))) ?? []
  const found = findSurely(logs, ({ to_status, transition_time }) => {
    if (to_status !== undefined && to_status !== 'copying') return false
    if (transition_time === undefined) return undefined
    return transition_time > baseline && (to_status === 'copying' || undefined)
  })
  return found !== null
}

async function newestLogs(api: Api, id: string): Promise<StatusLog[]> {
  const query = { limit: LIMIT, sort_by: 'transition_time', sort_order: 'desc' }
  return (await api.get(`/api/v1/containers/${id}/status-logs`, page('logs', z.array(statusLog)), { query })).items
}

/** A container that cannot be found counts as deleted. */
async function statusOf(api: Api, id: string): Promise<string> {
  return (await unlessNotFound(api.get(`/api/v1/containers/${id}`, envelope(state))))?.status ?? 'deleted'
}

interface Wanted {
  project: string
  name: string
  container: string
}

/** Whether a row is such a copy; undefined where that cannot be read. */
const isCopyOf = (row: Entry, { name, container }: Wanted): boolean | undefined => {
  if (row.name !== undefined && row.name !== name) return false
  if ((row.source_container_id ?? container) !== container) return false
  return row.name === undefined || row.id === undefined ? undefined : true
}

/** The ids of all that is, or may be, such a copy already. */
export async function namesakes(api: Api, wanted: Wanted): Promise<string> {
  const all = await listProject(api, wanted.project)
  return all.flatMap((row) => (isCopyOf(row, wanted) !== false && row.id) || []).join(' ')
}

/** The copy that was not there when `baseline` was noted. */
export async function findCopy(api: Api, wanted: Wanted, baseline: string): Promise<HoodyRef | null> {
  const earlier = baseline.split(' ')
  const all = await listProject(api, wanted.project)
  const found = findSurely(all, (row) => !earlier.includes(row.id ?? '?') && isCopyOf(row, wanted))
  return found?.id === undefined ? null : { id: found.id }
}
