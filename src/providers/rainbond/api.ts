/** Rainbond's API: its paths, its lists, its refusals, and what we read of its answers. */
import { z } from 'zod'
import { type Api, allItems, eachPage, type Page, type Verdict } from '../provider.js'

export const TEAMS = '/openapi/v1/teams'
export const MINUTE_MS = 60_000
/** Our own status for a component that is busy: Rainbond's 409 also means quotas and regions that aren't open. */
export const BUSY = 423
const PAGE_SIZE = 100

/** Rainbond's path of a place: `team/region` or `team/region/app`. */
export function pathOf(place: string): string {
  const [team, region, app] = place.split('/')
  return `${TEAMS}/${team}/regions/${region}${app ? `/apps/${app}` : ''}`
}

/** The console's address for links, from that of its API. A query or fragment that was copied with it may hold a secret. */
export function consoleUrlOf(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`.replace(/\/+$/, '')
}

// Answers also hold a region's token and passwords of registries: we read nothing but these keys.
const id = z.string()
const readable = id.optional().catch(undefined)
/** Beside its ID, whatever can't be read of a component must not hide it. */
export const readableWord = z.string().nullish().catch(null)

/** A page of `{ [key]: [], total }`. Consoles may leave out the total: then a full page is followed by another. */
function pageOf<T>(key: string, list: z.ZodType<T[]>, number: number): z.ZodType<Page<T>> {
  const ours = z.object({ items: list, pages: z.number() })
  const body = z.looseObject({ total: z.number().nullish().catch(null) })
  return body
    .transform(({ [key]: items, total }) => {
      const isFull = Array.isArray(items) && items.length >= PAGE_SIZE
      return { items, pages: typeof total === 'number' ? Math.ceil(total / PAGE_SIZE) : number + Number(isFull) }
    })
    .pipe(ours)
}

/** All rows under a key, page by page. */
export function listAll<T>(api: Api, path: string, key: string, list: z.ZodType<T[]>): Promise<T[]> {
  const query = (page: number) => ({ page, page_size: PAGE_SIZE })
  return allItems(eachPage((number) => api.get(path, pageOf(key, list, number), { query: query(number) })))
}

/** The names of all teams that the token's user belongs to; undefined for an unreadable one. */
export async function listTeamNames(api: Api): Promise<(string | undefined)[]> {
  const entry = z.object({ tenant_name: readable }).catch({ tenant_name: undefined })
  return (await listAll(api, TEAMS, 'tenants', z.array(entry))).map(({ tenant_name }) => tenant_name)
}

/** Every region of a team, readable or not. */
export async function listRegions(api: Api, team: string) {
  const status = z
    .union([z.string(), z.number().transform(String)])
    .optional()
    .catch(undefined)
  const entry = z.object({ region_name: readable, status }).catch({ region_name: undefined, status: undefined })
  return await listAll(api, `${TEAMS}/${team}/regions`, 'regions', z.array(entry))
}

/** Every app of a team and region whose name contains this one, readable or not. */
export async function listAppsNamed(api: Api, place: string, name: string) {
  const entry = z
    .object({
      ID: z.number().optional().catch(undefined),
      group_name: readable,
      note: z.string().nullable().optional().catch(undefined),
    })
    .catch({ ID: undefined, group_name: undefined, note: undefined })
  return await api.get(`${pathOf(place)}/apps`, z.array(entry), { query: { query: name } })
}

const component = z.object({
  service_id: id,
  service_cname: id.catch('a component without a name'),
  service_source: readableWord,
  create_status: readableWord,
  status: z.string().nullish().catch('unknown'),
})
export type Component = z.infer<typeof component>

/** All components of an app; null for one without a readable ID. */
export function listComponents(api: Api, app: string): Promise<(Component | null)[]> {
  return api.get(`${pathOf(app)}/services`, z.array(component.nullable().catch(null)))
}

export const namesOf = (components: readonly Component[]) =>
  components.map(({ service_cname }) => service_cname).join(', ')

const problem = z.object({ code: z.number(), msg: z.unknown(), error_type: z.unknown() }).partial().catch({})

/** Never `msg_show`: it is Chinese, or a stack trace. */
export function errorMessage(body: unknown): string | undefined {
  return z.string().safeParse(problem.parse(body).msg).data
}

// What an answer means, by its status, code and words, and as which status it counts where that is another. 404 is only
// for an app that is gone, which ends its job. Answers that match nothing here are sorted by their status alone.
const rules: [RegExp, Verdict['blame'], string, number?][] = [
  [/^401 10400 /, 'operator', 'The licence of the Rainbond cluster is wrong or has expired.'],
  [/^404 undefined/, 'operator', 'There is no Rainbond console at the address in dolly.yml.'],
  [/^404 \S+ "region no found/, 'user', "The region doesn't know that app or component.", 403],
  [/^404 .*(team|region)/, 'user', "The token's user isn't in that team, or the team isn't in that region.", 403],
  [/^500 10401 /, 'operator', "Rainbond failed on this request; its console's log says why."],
  [/^400 (10411 |.*"httpcode":101\b)/, 'nobody', "Rainbond couldn't reach the region."],
  [/^409 409 /, 'user', 'Another operation on that component is in progress.', BUSY],
  [/^409 2001 /, 'user', "The team hasn't opened that region. Choose another, or open it there."],
  [/^(412|409 20002) /, 'user', 'The target team or cluster has no room for the copy.', 412],
  [/^400 10106 /, 'user', 'An earlier attempt left components with these names in the region.'],
  [/^400 \S+ "app name exist/, 'user', 'There is already an app with this name. Choose another name.'],
]
const errorType = z.string().regex(/^\w{1,64}$/)

export function classify({ status, body }: { status: number; body: unknown }): Verdict | undefined {
  const { code, msg, error_type } = problem.parse(body)
  const answer = `${status} ${code} ${JSON.stringify(msg)}`
  const [, blame, sentence, meant = status] = rules.find(([pattern]) => pattern.test(answer)) ?? []
  if (!blame || !sentence) return undefined
  // Not `msg`: it quotes an exception, which may name hosts and accounts.
  const { data: type } = errorType.safeParse(code === 10401 ? error_type : undefined)
  return {
    blame,
    sentence: type ? `${sentence} Look there for ${type}.` : sentence,
    status: meant,
    retryAfterMs: MINUTE_MS / 2,
  }
}
