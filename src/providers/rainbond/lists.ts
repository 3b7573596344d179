/** Rainbond's lists: teams, regions and apps, of which one odd row hides no other. */
import { z } from 'zod'
import { UserError } from '../../errors.js'
import { type Api, allItems, eachPage, type Option, type Page, rows, settleEach } from '../provider.js'
import { path, TEAMS } from './status.js'

// The vendor's answers also hold a region's token and passwords of registries: nothing but these keys is read.
const id = z.string()
const word = z.string().nullish()
const readable = id.optional().catch(undefined)
const PAGE_SIZE = 100

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

function listOf<T>(api: Api, path: string, key: string, list: z.ZodType<T[]>): Promise<T[]> {
  const query = (page: number) => ({ page, page_size: PAGE_SIZE })
  return allItems(eachPage((number) => api.get(path, pageOf(key, list, number), { query: query(number) })))
}

const team = z.object({ tenant_name: id, tenant_alias: word })
const region = z.object({ region_name: id, region_alias: word, status: z.coerce.string() })
const app = z.object({ ID: z.number(), group_name: id })

/** The names of all teams that the token's user belongs to; undefined for one that cannot be read. */
export async function listTeamNames(api: Api): Promise<(string | undefined)[]> {
  const entry = z.object({ tenant_name: readable }).catch({ tenant_name: undefined })
  return (await listOf(api, TEAMS, 'tenants', z.array(entry))).map(({ tenant_name }) => tenant_name)
}

/** All regions of a team, as far as they can be read. */
export async function listRegions(api: Api, team: string) {
  const status = z
    .union([z.string(), z.number().transform(String)])
    .optional()
    .catch(undefined)
  const entry = z.object({ region_name: readable, status }).catch({ region_name: undefined, status: undefined })
  return await listOf(api, `${TEAMS}/${team}/regions`, 'regions', z.array(entry))
}

/** The apps of a team and region whose names contain this one, as far as they can be read. */
export async function listNamesakes(api: Api, place: string, name: string) {
  const entry = z
    .object({
      ID: z.number().optional().catch(undefined),
      group_name: readable,
      note: z.string().nullable().optional().catch(undefined),
    })
    .catch({ ID: undefined, group_name: undefined, note: undefined })
  return await api.get(`${path(place)}/apps`, z.array(entry), { query: { query: name } })
}

/** Every enabled region of every team that the token's user belongs to. */
export async function places(api: Api): Promise<Option[]> {
  const teams = await listOf(api, TEAMS, 'tenants', rows(api, team))
  return allOf(teams, async ({ tenant_name, tenant_alias }) => {
    const list = listOf(api, `${TEAMS}/${tenant_name}/regions`, 'regions', rows(api, region))
    const enabled = (await list.catch(noneIfRefused)).filter(({ status }) => status === '1')
    return enabled.map(({ region_name, region_alias }) => ({
      value: `${tenant_name}/${region_name}`,
      label: `${tenant_alias || tenant_name} / ${region_alias || region_name}`,
    }))
  })
}

/** Every app in these places. */
export async function appsOf(api: Api): Promise<Option[]> {
  return allOf(await places(api), async ({ value, label }) => {
    const apps = await api.get(`${path(value)}/apps`, rows(api, app)).catch(noneIfRefused)
    return apps.map((one) => ({ value: `${value}/${one.ID}`, label: `${label} / ${one.group_name}` }))
  })
}

/** What `work` lists for each item, in order, or the first error. */
async function allOf<T, R>(items: readonly T[], work: (item: T) => Promise<R[]>): Promise<R[]> {
  return (await settleEach(items, work)).flatMap((some) => {
    if (some instanceof Error) throw some
    return some
  })
}

/** One broken row makes the vendor refuse its list, which must not hide the others. */
const noneIfRefused = (error: unknown) => (error instanceof UserError ? [] : Promise.reject(error))
