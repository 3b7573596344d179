/** What a container on Hoody is doing. */
import { z } from 'zod'
import { unlessNotFound } from '../../errors.js'
import { type Api, lookUpEach, maskIds, type Observation, rows } from '../provider.js'
import { DELETED, envelope, ID, IDLE, listStatusLogs, page, pages, status } from './api.js'

export const ref = z.object({ id: z.string().regex(ID) })
export type HoodyRef = z.infer<typeof ref>

const state = z.object({ id: z.string().trim(), status })
type State = z.infer<typeof state>

/** Polls the containers of all jobs together, whichever operation they came from. One that is nowhere was deleted. */
export function check(api: Api, refs: readonly HoodyRef[]): Promise<(Observation<HoodyRef> | Error)[]> {
  // Containers that jobs wait for changed recently, so they come first.
  const query = { sort_by: 'updated_at', sort_order: 'desc', include_deleting: true, include_expired: true }
  const containers = {
    list: () => pages(api, '/api/v1/containers/', page('containers', rows(api, state)), query),
    id: ({ id }: State) => id,
    one: (id: string) => unlessNotFound(api.get(`/api/v1/containers/${id}`, envelope(state))),
  }
  return lookUpEach(
    refs,
    ({ id }) => id,
    containers,
    ({ id }, found) => observe(api, id, found?.status ?? 'deleted'),
  )
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
