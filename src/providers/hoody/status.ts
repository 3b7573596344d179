/** What a container on Hoody is doing. */
import { z } from 'zod'
import { unlessNotFound } from '../../errors.js'
import { type Api, maskIds, type Observation, rows, settleEach } from '../provider.js'
import { DELETED, envelope, ID, IDLE, listStatusLogs, page, pages, status } from './api.js'

export const ref = z.object({ id: z.string().regex(ID) })
export type HoodyRef = z.infer<typeof ref>

const state = z.object({ id: z.string().trim(), status })

/** Polls the containers of all jobs together, whichever operation they came from. */
export async function check(api: Api, refs: readonly HoodyRef[]): Promise<(Observation<HoodyRef> | Error)[]> {
  const missing = new Set(refs.map((ref) => ref.id))
  const statuses = new Map<string, string>()
  // Containers that jobs wait for changed recently, so they come first. Once fewer containers are missing than pages are
  // left, asking for each is cheaper; that also finds one that moved between two pages while we read them.
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

/** A container that can't be found counts as deleted. */
async function statusOf(api: Api, id: string): Promise<string> {
  return (await unlessNotFound(api.get(`/api/v1/containers/${id}`, envelope(state))))?.status ?? 'deleted'
}

async function observe(api: Api, id: string, status: string): Promise<Observation<HoodyRef>> {
  if (status === 'running') return { phase: 'done' }
  if (IDLE.includes(status)) return { phase: 'done', detail: `finished, but the container is ${status}` }
  if (status === 'failed') return { phase: 'failed', detail: await failureReason(api, id) }
  if (DELETED.includes(status)) return { phase: 'failed', detail: 'the container was deleted' }
  return { phase: 'working', detail: maskIds(status) }
}

async function failureReason(api: Api, id: string): Promise<string> {
  // Report the failure even when its reason can't be read.
  const logs = await listStatusLogs(api, id).catch(() => [])
  const { reason, error, message } = logs.find((log) => log.to_status === 'failed')?.metadata ?? {}
  const words = maskIds(reason ?? error ?? message ?? 'the container failed, and Hoody gives no reason')
  return `${words.replace(/\.?$/, '.')} The unfinished copy is still there.`
}
