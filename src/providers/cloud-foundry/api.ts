/** Cloud Foundry's API: its lists, its audit events, and what we read of its answers. */
import { z } from 'zod'
import { UnreadableListError } from '../../errors.js'
import { cut } from '../../lib/text.js'
import { type Api, eachPart, rows } from '../provider.js'

const ROWS_PER_PAGE = 500

/** What everything has, and all we read of what was just made. */
export const item = z.object({ guid: z.string() })
/** Names have up to 255 letters: cut, so that the rest of the sentence is still read. */
export const MAX_NAME_LENGTH = 80
/** A name that is only used in sentences. */
export const shownName = z.string().transform((name) => cut(name, MAX_NAME_LENGTH))
/** A relationship to one other thing: its guid. */
export const link = z
  .object({ data: item.nullish() })
  .nullish()
  .transform((one) => one?.data?.guid)

type Query = Readonly<Record<string, string>>

/** All rows of a list. An unreadable row fails it, so what isn't in it doesn't exist. */
export async function list<T>(api: Api, path: string, row: z.ZodType<T>, query: Query = {}): Promise<T[]> {
  return (await listWith(api, path, z.array(row), z.array(item), query)).rows
}

/**
 * All rows of a list, and by GUID what the query includes beside them. Read both with `rows` if an unreadable row may be left
 * out, with z.array if it must not.
 */
export async function listWith<T, O extends { guid: string }>(
  api: Api,
  path: string,
  resources: z.ZodType<T[]>,
  included: z.ZodType<O[]>,
  query: Query,
): Promise<{ rows: T[]; others: Map<string, O> }> {
  const page = z.object({
    pagination: z.object({ next: z.object({ href: z.string() }).nullish() }),
    resources,
    included: z.record(z.string(), included).default({}),
  })
  const found: T[] = []
  const others = new Map<string, O>()
  const parts = eachPart(path, async (at: string) => {
    const options = at === path ? { query: { per_page: ROWS_PER_PAGE, ...query } } : {}
    const { resources, included, pagination } = await api.get(at, page, options)
    // An absolute address of the same list. It may name another host or a proxy's prefix, so we only take its query.
    const href = pagination.next?.href ?? '/'
    if (!URL.canParse(href, 'https://api')) throw new UnreadableListError("The list's next page has no valid address.")
    const { search } = new URL(href, 'https://api')
    return {
      items: resources,
      beside: Object.values(included).flat(),
      next: pagination.next ? path + search : undefined,
    }
  })
  for await (const { items, beside } of parts) {
    found.push(...items)
    for (const one of beside) others.set(one.guid, one)
  }
  return { rows: found, others }
}

export interface Listed<T> {
  found: T[]
  /** Whether all rows could be read, so that what wasn't found doesn't exist. */
  isWhole: boolean
}

/** The readable rows of a list, where an unreadable one must not count as absent. */
export async function listReadable<T>(api: Api, path: string, row: z.ZodType<T>, query: Query): Promise<Listed<T>> {
  let isWhole = true
  const counting: Pick<Api, 'reportSkipped'> = {
    reportSkipped(count, example) {
      isWhole = false
      api.reportSkipped?.(count, example)
    },
  }
  const { rows: found } = await listWith(api, path, rows(counting, row), z.array(item), query)
  return { found, isWhole }
}

/** All rows of a list, the newest first. */
export async function newestOf<T>(api: Api, path: string, row: z.ZodType<T>, query: Query): Promise<T[]> {
  return await list(api, path, row, { order_by: '-created_at', ...query })
}

const EVENTS = '/v3/audit_events'
export const dated = item.extend({ created_at: z.string() })
type Dated = z.infer<typeof dated>

/** The newest events of a kind about an app: their second and GUIDs, to tell later ones from them. Empty without any. */
export async function eventsBaseline(api: Api, target_guids: string, types: string): Promise<string> {
  const query = { target_guids, types, order_by: '-created_at', per_page: 50 }
  const { resources } = await api.get(EVENTS, z.object({ resources: z.array(dated) }), { query })
  const [newest] = resources
  const last = resources.filter(({ created_at }) => created_at === newest?.created_at)
  return newest ? [newest.created_at, ...last.map(({ guid }) => guid)].join(' ') : ''
}

/** The events of that kind that came after the baseline, the newest first. */
export async function eventsAfter<T extends Dated>(
  api: Api,
  baseline: string,
  row: z.ZodType<T>,
  target_guids: string,
  types: string,
): Promise<T[]> {
  const [second = '', ...known] = baseline.split(' ')
  const later: Query = second === '' ? {} : { 'created_ats[gt]': secondOf(Date.parse(second) - 1000) }
  const events = await newestOf(api, EVENTS, row, { target_guids, types, ...later })
  return events.filter(({ guid, created_at }) => created_at >= second && !known.includes(guid))
}

/** As Cloud Foundry writes times: whole seconds, which sort as text. */
export function secondOf(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+/, '')
}
