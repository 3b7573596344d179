/** What a clone on Miget is doing, from the state of the app and of its newest deployment. */
import { z } from 'zod'
import { unlessNotFound } from '../../errors.js'
import { type Api, type Observation, rows, settleEach } from '../provider.js'

export const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** Whatever else an address may hold is not safe to post. */
const PLAIN_ADDRESS = /^https:\/\/[\w-]+(\.[\w-]+)+\/?$/
/** The vendor tells no address of an app's own page. */
const DASHBOARD = 'https://app.miget.com'

// The states of an app beside `running` and `stopped`: a mixture of the platform's own and whatever Kubernetes says.
// `cloning`, `stop_scheduled` and every word that is missing here count as in progress, and the deadline bounds them.
export const STARTING = ['start_scheduled', 'started', 'deploying', 'restart_scheduled']
const PARKED = ['pending', 'assigned']
const FAILED = ['failed', 'problem', 'blocked']
const ADDON_READY = ['healthy', 'bound', 'running', 'active', 'degraded', 'degradated']
const ADDON_FAILED = ['failed', 'failing', 'lost', 'crashloopbackoff']
/** A parked app may be about to move, or have nothing that moves it. */
const PARKED_MS = 10 * 60_000
/** States are up to ten seconds old: one that may be from before the deployment is believed when it outlives this. */
const STALE_MS = 20_000

export const ref = z.object({
  id: z.string().regex(UUID),
  /** With the server's suffix. */
  name: z.string(),
  /** Whether a deployment is to come, was asked for, or will not be. */
  next: z.enum(['deployment', 'deployed', 'not deployed', 'not deployed: it has no source yet']),
  /** The states of app and deployment as last seen, and since when by our own clock. */
  state: z.string().optional(),
  since: z.string().optional(),
})
export type MigetRef = z.infer<typeof ref>

export const text = z.string().nullish()
/** An odd value beside the id must not hide what a job waits for: an unreadable property counts as missing. */
const readable = text.catch(null)
const stateWord = readable.transform((word) => word ?? 'unknown')
export const size = z.number().nullish()
/** Anything that has an id and some sort of name. */
export const thing = z.object({ uuid: z.string(), name: text, label: text, type: text, state: text })
const addon = z.object({ name: readable, state: stateWord }).catch({ name: null, state: 'unknown' })
export const app = z.object({
  uuid: z.string(),
  name: readable,
  label: readable,
  state: stateWord,
  public_url: readable,
  // An address is shown only once it is surely public.
  private_access: z.boolean().nullish().catch(true),
  quota: z.object({ ram_size: size, disk_size: size }).nullish().catch(null),
  addons: z
    .array(addon)
    .nullish()
    .catch([{ name: null, state: 'unknown' }]),
})

/** Any app, as far as it can be read: for telling that a name is free, or that nothing came of a write. */
const entry = z
  .object({
    uuid: z.string().regex(UUID).nullish().catch(null),
    ...{ name: readable, label: readable, service_name: readable, project_id: readable },
  })
  .catch({ uuid: null, name: null, label: null, service_name: null, project_id: null })
export type Entry = z.infer<typeof entry>
export const allApps = (api: Api) => api.get('/apps', unwrapped(z.array(entry)))

const deployment = z
  .object({
    state: stateWord,
    // One without a time is the oldest; one whose time cannot be read may be the newest.
    created_at: z.union([z.null().transform(() => 0), z.string().transform((text) => Date.parse(text) || Infinity)]),
  })
  .catch({ state: 'unknown', created_at: Infinity })
export type Deployment = z.infer<typeof deployment>

/** What one look saw of a clone and, where that matters, of its newest deployment, and for how long both were so. */
type Sight = z.infer<typeof app> & { name: string; deployment: string | undefined; heldMs: number }

/** One list answers for all jobs; what it does not show is asked for once more before it counts as gone. */
export async function check(
  api: Api,
  refs: readonly MigetRef[],
  now: number,
): Promise<(Observation<MigetRef> | Error)[]> {
  const apps = refs.length > 0 ? await list(api, '/apps', app) : []
  const byId = new Map(apps.map((one) => [one.uuid, one]))
  return await settleEach(refs, async (ref) => {
    const seen = byId.get(ref.id) ?? (await unlessNotFound(api.get(`/apps/${ref.id}`, unwrapped(app))))
    if (!seen) return { phase: 'failed', detail: `${ref.name} was deleted, or this token may no longer see it` }
    const isAtRest = ['stopped', ...PARKED, ...FAILED].includes(seen.state)
    const deployment = ref.next === 'deployed' && isAtRest ? (await deploymentsOf(api, ref.id))[0]?.state : undefined
    const state = [seen.state, deployment].join(' ')
    const since = state === ref.state && ref.since ? ref.since : new Date(now).toISOString()
    const sight = { ...seen, name: seen.name ?? ref.name, deployment, heldMs: now - Date.parse(since) }
    return { ...judge(sight, ref.next), ref: { ...ref, state, since } }
  })
}

function judge(sight: Sight, next: MigetRef['next']): Observation {
  if (next === 'deployed') return afterDeployment(sight)
  return whileCloning(sight) ?? (next === 'deployment' ? beforeDeployment(sight) : withoutDeployment(sight, next))
}

/** Null once the clone is at rest, or was parked for too long to wait any further: before that it takes no deploy call. */
function whileCloning(sight: Sight): Observation | null {
  const { state, heldMs } = sight
  if (FAILED.includes(state)) return failed(sight, unexplained(sight))
  const isMade = ['running', 'stopped'].includes(state) || (PARKED.includes(state) && heldMs >= PARKED_MS)
  return isMade ? whileAddonsStart(sight) : working(sight, state)
}

function whileAddonsStart(sight: Sight): Observation | null {
  const addon = sight.addons?.find((one) => !ADDON_READY.includes(one.state))
  const tell = addon && ADDON_FAILED.includes(addon.state) ? failed : working
  return addon ? tell(sight, `its add-on ${addon.name ?? 'of no name'} is "${addon.state}"`) : null
}

const beforeDeployment = ({ name }: Sight) => ({ phase: 'done', detail: `cloned as ${name}` }) as const

function withoutDeployment(sight: Sight, next: string): Observation {
  const detail = `cloned as ${sight.name}, ${next}; it is ${wordOf(sight)}`
  return sight.state === 'running' ? live(sight) : { phase: 'done', detail, url: DASHBOARD }
}

/** The end of a deployment is told sooner than what it made of the app. */
function afterDeployment(sight: Sight): Observation {
  const { state, deployment = '', heldMs } = sight
  if (state === 'running') return whileAddonsStart(sight) ?? live(sight)
  if (heldMs < STALE_MS) return working(sight, state)
  if (['failed', 'cancelled'].includes(deployment))
    return failed(sight, `its deployment ${deployment}; Miget keeps the log`)
  const isOver = deployment === 'completed' && (!PARKED.includes(state) || heldMs >= PARKED_MS)
  return isOver ? failed(sight, unexplained(sight)) : working(sight, state)
}

function live({ name, public_url, private_access }: Sight): Observation {
  const isOpen = public_url && !private_access && PLAIN_ADDRESS.test(public_url)
  return { phase: 'done', detail: `live as ${name}`, url: isOpen ? public_url : DASHBOARD }
}

const working = ({ name }: Sight, what: string) => ({ phase: 'working', detail: `${name}: ${what}` }) as const
const failed = ({ name }: Sight, why: string) => ({ phase: 'failed', detail: `cloned as ${name}, but ${why}` }) as const
const wordOf = ({ state }: Sight) => (PARKED.includes(state) ? `still "${state}" after ten minutes` : `"${state}"`)
const unexplained = (sight: Sight) => `it is ${wordOf(sight)}, and Miget gives no reason`

/** All of an app's, latest first. */
export const deploymentsOf = async (api: Api, id: string): Promise<Deployment[]> => {
  const all = await api.get(`/apps/${id}/deployments?period=all`, unwrapped(z.array(deployment)))
  return all.sort((a, b) => (b.created_at > a.created_at ? 1 : -1))
}
/** The rows of a list that can be read. */
export const list = <T>(api: Api, path: string, item: z.ZodType<T>) => api.get(path, unwrapped(rows(api, item)))
/** Every answer comes as it is, or in an envelope. */
const envelope = z.looseObject({ data: z.unknown() })
export const unwrapped = <T>(schema: z.ZodType<T>) =>
  z.preprocess((body) => envelope.safeParse(body).data?.data ?? body, schema)
