/** Hoody's API: its envelope, its pages, and what we read of its answers. */
import { z } from 'zod'
import { type Api, allItems, eachPage, maskIds, type Page, type RequestOptions, rows } from '../provider.js'

export const ID = /^[0-9a-f]{24}$/
const PAGE_SIZE = 100

// Hoody has nine statuses: these, `running` and `failed`. An unknown one counts as in progress, bounded by the deadline.
export const IN_PROGRESS = ['copying', 'creating', 'claiming']
export const IDLE = ['stopped', 'paused']
export const DELETED = ['deleting', 'deleted']

const text = z.string().trim()
/** An unreadable status counts as an unknown one. */
export const status = text.catch('unknown')
/** For lists that must keep every row: they prove that something is absent. */
const readable = text.optional().catch(undefined)

/** Every answer is `{ statusCode, message, data }`. */
export function envelope<T>(data: z.ZodType<T>): z.ZodType<T> {
  return z.object({ data }).transform((body) => body.data)
}

export function errorMessage(body: unknown): string | undefined {
  const message = z.object({ message: z.string() }).safeParse(body).data?.message
  return message && maskIds(message)
}

/** Lists come as `{ [key]: [], pagination }`. */
export function page<T>(key: string, list: z.ZodType<T[]>): z.ZodType<Page<T>> {
  const data = z.looseObject({ pagination: z.object({ totalPages: z.number() }) })
  const ours = z.object({ items: list, pages: z.number() })
  return envelope(data.transform((data) => ({ items: data[key], pages: data.pagination.totalPages })).pipe(ours))
}

/** Page after page of a list, each with the number of pages left after it. */
export function pages<T>(api: Api, path: string, schema: z.ZodType<Page<T>>, query: RequestOptions['query'] = {}) {
  return eachPage((page) => api.get(path, schema, { query: { ...query, page, limit: PAGE_SIZE } }))
}

const byName = { sort_by: 'name', include_deleting: true }
const container = z.object({
  id: text,
  status: text,
  name: text,
  project_alias: text.nullish(),
  source_container_id: text.nullish(),
})
export type Container = z.infer<typeof container>

/** All readable containers of the account. */
export async function listContainers(api: Api): Promise<Container[]> {
  return await allItems(pages(api, '/api/v1/containers/', page('containers', rows(api, container)), byName))
}

const entry = z
  .object({ id: readable, name: readable, status, source_container_id: text.nullish().catch(undefined) })
  .catch({ id: undefined, name: undefined, status: 'unknown' })
export type Entry = z.infer<typeof entry>

/** Every container of a project, readable or not. Hoody may leave out the source of a copy here. */
export async function listProject(api: Api, project: string): Promise<Entry[]> {
  const path = `/api/v1/projects/${project}/containers`
  return await allItems(pages(api, path, page('containers', z.array(entry)), byName))
}

const project = z.object({ id: text, alias: text, max_containers: z.number().nullish().catch(null) })

export async function listProjects(api: Api): Promise<z.infer<typeof project>[]> {
  return await allItems(pages(api, '/api/v1/projects/', page('projects', rows(api, project))))
}

const capacity = z.object({ used: z.number(), max: z.number() }).nullish()
const server = z.object({
  name: text,
  city: text.nullish(),
  country: text.nullish(),
  container_capacity: capacity,
})
const rental = z.object({ server_id: text.nullish(), server: server.nullish() })

/** The servers that can be chosen. */
export async function listServers(api: Api): Promise<({ id: string } & z.infer<typeof server>)[]> {
  const rentals = await api.get('/api/v1/servers', envelope(rows(api, rental)))
  return rentals.flatMap(({ server_id, server }) => (server_id && server ? [{ id: server_id, ...server }] : []))
}

const snapshot = z.object({ name: text, alias: text.nullish(), created_at: text.nullish() })

export async function listSnapshots(api: Api, container: string): Promise<z.infer<typeof snapshot>[]> {
  return await snapshotsOf(api, container, rows(api, snapshot))
}

const snapshotNames = snapshot
  .transform(({ name, alias }) => [name, alias ?? name])
  .optional()
  .catch(undefined)

/** Name and alias of each snapshot of a container; undefined for an unreadable one. */
export async function listSnapshotNames(api: Api, container: string): Promise<(string[] | undefined)[]> {
  return await snapshotsOf(api, container, z.array(snapshotNames))
}

async function snapshotsOf<T>(api: Api, container: string, list: z.ZodType<T[]>): Promise<T[]> {
  const path = `/api/v1/containers/${container}/snapshots`
  return (await api.get(path, envelope(z.object({ snapshots: list })))).snapshots
}

const statusLog = z
  .object({
    to_status: readable,
    transition_time: readable,
    // Its keys aren't documented; these are the ones worth showing.
    metadata: z.object({ reason: z.string(), error: z.string(), message: z.string() }).partial().nullish().catch(null),
  })
  .catch({ to_status: undefined, transition_time: undefined })

/** A container's latest status changes, newest first. */
export async function listStatusLogs(api: Api, id: string): Promise<z.infer<typeof statusLog>[]> {
  const query = { limit: PAGE_SIZE, sort_by: 'transition_time', sort_order: 'desc' }
  return (await api.get(`/api/v1/containers/${id}/status-logs`, page('logs', z.array(statusLog)), { query })).items
}
