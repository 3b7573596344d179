/** Hoody's answers: their envelope, their pages, and what is read of a container. */
import { z } from 'zod'
import { type Api, allItems, eachPage, type Page, placedSource, type RequestOptions, rows } from '../provider.js'

export const ID = /^[0-9a-f]{24}$/
export const LIMIT = 100

// Nine states with `running` and `failed`. One that is missing counts as in progress, and the deadline bounds it.
export const IN_PROGRESS = ['copying', 'creating', 'claiming']
export const IDLE = ['stopped', 'paused']
export const GONE = ['deleting', 'deleted']

export const text = z.string().trim()
/** An unreadable state counts as an unknown one. */
export const status = text.catch('unknown')
const listed = { name: text, project_alias: text.nullish(), source_container_id: text.nullish() }
const container = z.object({ id: text, status: text, ...listed })
export type Container = z.infer<typeof container>

/** Every answer of the vendor is `{ statusCode, message, data }`. */
export function envelope<T>(data: z.ZodType<T>): z.ZodType<T> {
  return z.object({ data }).transform((body) => body.data)
}

/** The vendor's list shape, `{ [key]: [], pagination }`, as ours. */
export function page<T>(key: string, list: z.ZodType<T[]>): z.ZodType<Page<T>> {
  const data = z.looseObject({ pagination: z.object({ totalPages: z.number() }) })
  const ours = z.object({ items: list, pages: z.number() })
  return envelope(data.transform((data) => ({ items: data[key], pages: data.pagination.totalPages })).pipe(ours))
}

/** Page after page of a list, each with the number of pages left after it. */
export function pages<T>(api: Api, path: string, schema: z.ZodType<Page<T>>, query: RequestOptions['query'] = {}) {
  return eachPage((page) => api.get(path, schema, { query: { ...query, page, limit: LIMIT } }))
}

const byName = { sort_by: 'name', include_deleting: true }

/** All containers that can be read. */
export async function listContainers(api: Api): Promise<Container[]> {
  return await allItems(pages(api, '/api/v1/containers/', page('containers', rows(api, container)), byName))
}

/** A container's name with its project, for people. */
export function placeOf({ name, project_alias }: Pick<Container, 'name' | 'project_alias'>): string {
  return [name, project_alias].filter(Boolean).join(' in ')
}

/** The same of what is copied: one whose project is not told may be in any. */
export function sourceName({ name, project_alias }: Pick<Container, 'name' | 'project_alias'>): string {
  return placedSource(name, project_alias)
}

/** What can be read of any row: a list in which nothing may be overlooked leaves none out. */
const readable = text.optional().catch(undefined)
const entry = z
  .object({ id: readable, name: readable, status, source_container_id: text.nullish().catch(undefined) })
  .catch({ id: undefined, name: undefined, status: 'unknown' })
export type Entry = z.infer<typeof entry>

/** Everything in a project, as far as it can be read. This list can omit the source. */
export async function listProject(api: Api, project: string): Promise<Entry[]> {
  const path = `/api/v1/projects/${project}/containers`
  return await allItems(pages(api, path, page('containers', z.array(entry)), byName))
}

const project = z.object({ id: text, alias: text, max_containers: z.number().nullish().catch(null) })

export async function listProjects(api: Api): Promise<z.infer<typeof project>[]> {
  return await allItems(pages(api, '/api/v1/projects/', page('projects', rows(api, project))))
}

const room = z.object({ used: z.number(), max: z.number() }).nullish()
const server = z.object({ name: text, city: text.nullish(), country: text.nullish(), container_capacity: room })
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

const snapshotWords = snapshot
  .transform(({ name, alias }) => [name, alias ?? name])
  .optional()
  .catch(undefined)

/** Name and alias of each snapshot of a container; undefined for one that cannot be read. */
export async function snapshotNames(api: Api, container: string): Promise<(string[] | undefined)[]> {
  return await snapshotsOf(api, container, z.array(snapshotWords))
}

async function snapshotsOf<T>(api: Api, container: string, list: z.ZodType<T[]>): Promise<T[]> {
  const path = `/api/v1/containers/${container}/snapshots`
  return (await api.get(path, envelope(z.object({ snapshots: list })))).snapshots
}
