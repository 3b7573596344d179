/** Miget's API: its optional envelope, its lists, and what we read of its answers. */
import { z } from 'zod'
import { type Api, rows } from '../provider.js'

export const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export const text = z.string().nullish()
/** An unreadable property counts as missing: it must not hide the app that a job waits for. */
const readable = text.catch(null)
const state = readable.transform((word) => word ?? 'unknown')
const bytes = z.number().nullish()

/** Answers come bare or in an envelope. */
const envelope = z.looseObject({ data: z.unknown() })
export const unwrapped = <T>(schema: z.ZodType<T>) =>
  z.preprocess((body) => envelope.safeParse(body).data?.data ?? body, schema)

/** The readable rows of a list. */
export function list<T>(api: Api, path: string, item: z.ZodType<T>): Promise<T[]> {
  return api.get(path, unwrapped(rows(api, item)))
}

/** Anything with an ID and some sort of name. */
export const item = z.object({ uuid: z.string(), name: text, label: text, type: text, state: text })

const addon = z.object({ name: readable, state }).catch({ name: null, state: 'unknown' })
export const app = z.object({
  uuid: z.string(),
  name: readable,
  label: readable,
  state,
  public_url: readable,
  // Unless this says that the app is public, we don't show its address.
  private_access: z.boolean().nullish().catch(true),
  quota: z.object({ ram_size: bytes, disk_size: bytes }).nullish().catch(null),
  addons: z
    .array(addon)
    .nullish()
    .catch([{ name: null, state: 'unknown' }]),
})
export type App = z.infer<typeof app>

export function readApp(api: Api, id: string): Promise<App> {
  return api.get(`/apps/${id}`, unwrapped(app))
}

const entry = z
  .object({
    uuid: z.string().regex(UUID).nullish().catch(null),
    ...{ name: readable, label: readable, service_name: readable, project_id: readable },
  })
  .catch({ uuid: null, name: null, label: null, service_name: null, project_id: null })
export type Entry = z.infer<typeof entry>

/** Every app of the workspace, readable or not: to prove that a name is unused, or that nothing came of a write. */
export function listEntries(api: Api): Promise<Entry[]> {
  return api.get('/apps', unwrapped(z.array(entry)))
}

const deployment = z
  .object({
    state,
    // Without a time it's the oldest; if its time can't be read, it may be the newest.
    created_at: z.union([z.null().transform(() => 0), z.string().transform((text) => Date.parse(text) || Infinity)]),
  })
  .catch({ state: 'unknown', created_at: Infinity })

/** All deployments of an app, newest first. */
export async function listDeployments(api: Api, id: string): Promise<z.infer<typeof deployment>[]> {
  const all = await api.get(`/apps/${id}/deployments?period=all`, unwrapped(z.array(deployment)))
  return all.sort((a, b) => (b.created_at > a.created_at ? 1 : -1))
}

/** Offered even if it doesn't report its free space: Miget decides, and there may be no other resource. */
const free = bytes.transform((bytes) => bytes ?? Infinity)
export const resource = item.extend({
  assigned: z.boolean().nullish(),
  project_ids: z.array(z.string()).nullish(),
  available_ram_size: free,
  available_disk_size: free,
})

export const inGiB = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`

/** Why a clone of an app with this quota can't run on a resource; undefined if it can. */
export function whyUnusable(
  { assigned, project_ids, available_ram_size: ram, available_disk_size: disk }: z.infer<typeof resource>,
  project: string,
  quota: App['quota'],
): string | undefined {
  if (assigned && !project_ids?.includes(project)) return 'This resource belongs to other projects. Choose another one.'
  const [needsRam, needsDisk] = [quota?.ram_size ?? 0, quota?.disk_size ?? 0]
  const tooSmall = (what: string, free: number, needed: number) =>
    `This resource has ${inGiB(free)} of ${what} free, and the clone needs ${inGiB(needed)}. Choose another one.`
  if (ram < needsRam) return tooSmall('RAM', ram, needsRam)
  return disk < needsDisk ? tooSmall('disk', disk, needsDisk) : undefined
}

/** Several validation errors come as one string, joined by commas. */
export function errorMessage(body: unknown): string | undefined {
  const { error, errors } = z.object({ error: text, errors: text }).safeParse(body).data ?? {}
  const words = error || errors || ''
  if (/codename|taken/i.test(words))
    return `${words}. Names are unique across all projects of the workspace. Choose another name.`
  return /not found/i.test(words) ? `${words}, or this token can't see it.` : words || undefined
}
