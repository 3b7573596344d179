/** How Cloud Foundry speaks: its rows, its lists and its refusals. */
import { z } from 'zod'
import { type Api, maskIds, type Verdict } from '../provider.js'

const ROWS_PER_PAGE = 500
const STAGING_BUSY_MS = 30_000
const HINTS: Readonly<Record<string, string>> = {
  'CF-NotAuthorized': 'It takes the role Space Developer in the spaces of both apps.',
  'CF-UniquenessError': 'Choose another name.',
}
const SUSPENDED = ['CF-OrgSuspended', 'CF-SpaceSuspended']

const some = z.string().nullish()
const flag = z.boolean().nullish()
export const item = z.object({ guid: z.string() })
const link = z.object({ data: item.nullish() }).transform(({ data }) => data?.guid)
export const size = z
  .object({ instances: z.number(), memory_in_mb: z.number(), disk_in_mb: z.number() })
  .extend({ log_rate_limit_in_bytes_per_second: z.number() })
  .partial()
/** What is read of a row, whatever it is one of. */
export const row = item.extend({
  ...{ ...size.shape, created_at: z.string().default(''), name: z.string().default(''), type: some, state: some },
  ...{ error: some, url: some, protocol: some, suspended: flag, internal: flag, droplet: item.nullish() },
  lifecycle: z.looseObject({ type: z.string() }).optional(),
  health_check: z.object({ type: z.string(), data: z.record(z.string(), z.unknown()) }).optional(),
  last_operation: z.object({ state: z.string(), description: some }).nullish(),
  data: z
    .object({ error: some, package_guid: some, source_guid: some, request: z.object({ source_package_guid: some }) })
    .partial()
    .nullish(),
  metadata: z
    .object({ labels: z.record(z.string(), some) })
    .partial()
    .nullish(),
  relationships: z.record(z.string(), link.nullish().catch(null)).default({}),
})
export type Row = z.infer<typeof row>
const page = z.object({
  pagination: z.object({ next: z.object({ href: z.string() }).nullish() }),
  resources: z.array(row),
  included: z.record(z.string(), z.array(row)).default({}),
})
export const job = z.object({
  entity: z.object({ guid: z.string(), status: z.string(), error_details: z.object({ description: some }).optional() }),
})
export const root = z.object({
  links: z.object({ login: z.object({ href: z.url() }), cloud_controller_v2: z.unknown().optional() }),
})
const problem = z.object({ title: z.string(), detail: z.string() })

/** All rows of a list to its end, and what was included beside them, by guid. */
export async function list(api: Api, path: string, query: Readonly<Record<string, string>> = {}) {
  const rows: Row[] = []
  const others = new Map<string, Row>()
  let options: { query?: Record<string, string | number> } = { query: { per_page: ROWS_PER_PAGE, ...query } }
  for (let next: string | undefined = path; next; options = {}) {
    const { resources, included, pagination }: z.infer<typeof page> = await api.get(next, page, options)
    rows.push(...resources)
    for (const other of Object.values(included).flat()) others.set(other.guid, other)
    // A whole address. Whatever host it names, only this connection's own is asked.
    const { pathname, search } = new URL(pagination.next?.href ?? '/', 'https://api')
    next = pagination.next ? pathname + search : undefined
  }
  return { rows, others }
}

/** The newest first. */
export async function madeSince(api: Api, path: string, query: Readonly<Record<string, string>>, since: Date) {
  const before = secondOf(new Date(since.getTime() - 1000))
  return (await list(api, path, { order_by: '-created_at', 'created_ats[gt]': before, ...query })).rows
}

/** Cloud Foundry's times are whole seconds. */
export function secondOf(time: Date): string {
  return time.toISOString().replace(/\.\d+/, '')
}

/** A value for a filter, which is a list of values: each is decoded once more than the query as a whole. */
export function filterOf(...values: string[]): string {
  return values.map(encodeURIComponent).join(',')
}

/** The vendor's three ways to say what is wrong: of the API, of the old API, of the login. */
export function problemOf(body: unknown): z.infer<typeof problem> | undefined {
  const fields = z.record(z.string(), z.unknown()).safeParse(body).data ?? {}
  const [first] = Array.isArray(fields.errors) ? fields.errors : []
  const old = { title: fields.error_code ?? fields.error, detail: fields.description ?? fields.error_description }
  return problem.safeParse(first ?? old).data
}

/** Its sentence, with a word on what helps. */
export function messageOf(body: unknown): string | undefined {
  const { title, detail } = problemOf(body) ?? {}
  const hint = HINTS[title ?? '']
  return detail && maskIds(hint ? `${detail.replace(/\.?$/, '.')} ${hint}` : detail)
}

/** What the status alone would sort wrongly. */
export function classify({ status, body }: { status: number; body: unknown }): Verdict | undefined {
  const { title = '', detail = '' } = problemOf(body) ?? {}
  if (status === 404 && body === null) {
    // Of a proxy in front of the API. The API's own are JSON.
    return { blame: 'operator', sentence: 'There is nothing at this address. Is url in dolly.yml the root of the API?' }
  }
  if (status === 403 && SUSPENDED.includes(title)) {
    return { blame: 'user', sentence: `${detail.replace(/\.?$/, '.')} Choose another space.` }
  }
  if (title === 'CF-StagingInProgress') {
    const sentence = 'Another build of this app is being staged.'
    return { blame: 'nobody', sentence, isHarmless: true, retryAfterMs: STAGING_BUSY_MS }
  }
  return undefined
}
