/** What a container on Hoody is doing, and when something was last copied into it. */
import { z } from 'zod'
import { unlessNotFound } from '../../errors.js'
import {
  type Api,
  findSurely,
  type Lookup,
  lookUpEach,
  maskIds,
  type Observation,
  rows,
  withPeriod,
} from '../provider.js'
import { DELETED, envelope, ID, IDLE, listStatusLogs, page, pages, status } from './api.js'

export const ref = z.object({ id: z.string().regex(ID) })
export type HoodyRef = z.infer<typeof ref>

/** The lock of whatever writes to a container that is there. */
export function lockOf(id: string): string {
  return `container:${id}`
}

const state = z.object({ id: z.string().trim(), status })
export type State = z.infer<typeof state>

/** Containers by the list of the account, then one by one. Null for one that is nowhere. */
export function lookUpContainers(api: Api): Lookup<State> {
  // Containers that jobs wait for changed recently, so they come first.
  const query = { sort_by: 'updated_at', sort_order: 'desc', include_deleting: true, include_expired: true }
  return {
    list: () => pages(api, '/api/v1/containers/', page('containers', rows(api, state)), query),
    id: ({ id }) => id,
    one: (id) => unlessNotFound(api.get(`/api/v1/containers/${id}`, envelope(state))),
  }
}

/** Polls the containers of all jobs together, whichever operation they came from. One that is nowhere was deleted. */
export function check(api: Api, refs: readonly HoodyRef[]): Promise<(Observation<HoodyRef> | Error)[]> {
  return lookUpEach(
    refs,
    ({ id }) => id,
    lookUpContainers(api),
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
  return withPeriod(words)
}

/** When a copy or a sync into this container last began, by Hoody's clock; empty if never. An unreadable status may be one. */
export async function lastCopyingAt(api: Api, id: string): Promise<string> {
  const logs = (await listStatusLogs(api, id)).filter(({ to_status = 'copying' }) => to_status === 'copying')
  return logs.find((log) => log.transition_time)?.transition_time ?? ''
}

/** Whether a copy or a sync into this container began after that time. False if the container is gone. */
export async function wasCopyingSince(api: Api, id: string, baseline: string): Promise<boolean> {
  const logs = (await unlessNotFound(listStatusLogs(api, id))) ?? []
  const found = findSurely(logs, ({ to_status, transition_time }) => {
    if (to_status !== undefined && to_status !== 'copying') return false
    if (transition_time === undefined) return undefined
    return transition_time > baseline && (to_status === 'copying' || undefined)
  })
  return found !== null
}
