/** How far the clones on Coolify are. */
import { z } from 'zod'
import { unlessNotFound } from '../../errors.js'
import { type Api, findSurely, lookUpEach, type Observation, rows } from '../provider.js'

export const text = z.string().trim()
export const id = text.regex(/^[a-z0-9]{24}$/, 'Choose from the list, or paste an ID (24 characters, a-z and 0-9).')
const word = text.nullish().catch(null)
/** What can be read of anything. `destination` is not documented: Coolify loads it to tell whether the server is well. */
export const thing = z.object({
  ...{ uuid: word, name: word, status: text.catch('unknown'), fqdn: word, ports_mappings: word, started_at: word },
  ...{ deployment_uuid: word, deployment_url: word, environment_id: z.number().nullish().catch(null) },
  destination: z
    .object({ uuid: word, server: z.object({ name: word }).nullish().catch(null) })
    .nullish()
    .catch(null),
})
export type Thing = z.infer<typeof thing>

export const ref = z.object({
  ...{ kind: z.string(), id, page: z.string() },
  /** The deployment asked for. Without one: `none`, and `up` once it was seen on its way up. Absent before the start. */
  deployment: z.string().optional(),
  /** Until when the lost request that made it may still be copying, in milliseconds since 1970. */
  copyingUntil: z.string().optional(),
})
export type CoolifyRef = z.infer<typeof ref>
type Seen = Observation<CoolifyRef>

const isBuilt = ({ kind, deployment }: CoolifyRef) => kind === 'applications' && deployment !== undefined
export const read = (api: Api, path: string) => unlessNotFound(api.get(path, thing))

/** The latest deployment of an application; null where it never had one. */
async function newestDeployment(api: Api, { id }: CoolifyRef): Promise<Thing | null> {
  const page = z.object({ deployments: z.array(thing) })
  const all = await unlessNotFound(api.get(`/deployments/applications/${id}`, page, { query: { take: 1 } }))
  return all?.deployments[0] ?? null
}

/** What started a clone: it is new, so that nothing else did. A time of the first start is kept for databases only. */
export async function findStart(api: Api, ref: CoolifyRef): Promise<CoolifyRef | null> {
  if (ref.kind === 'applications') {
    const newest = await newestDeployment(api, ref)
    return newest && { ...ref, deployment: newest.deployment_uuid ?? 'none' }
  }
  const clone = await read(api, `/${ref.kind}/${ref.id}`)
  const isStarted = ({ status, started_at }: Thing) =>
    status.startsWith('unknown') ? undefined : Boolean(started_at) || !status.startsWith('exited')
  return clone && findSurely([clone], isStarted) && { ...ref, deployment: 'none' }
}

/** One list of all deployments under way, and one of each kind that starts without. Ended ones are read one by one. */
export async function check(api: Api, refs: readonly CoolifyRef[], now: number): Promise<(Seen | Error)[]> {
  const listOf = (ref: CoolifyRef) => (isBuilt(ref) ? '/deployments' : `/${ref.kind}`)
  const pathOf = (ref: CoolifyRef) => `${listOf(ref)}/${isBuilt(ref) ? ref.deployment : ref.id}`
  // Coolify sorts its deployments, which may leave an object with numbers for keys.
  const list = z.preprocess((body) => Object.values(Object(body)), rows(api, thing))
  const at = (path: string) => (one: Thing) => ({ ...one, path })
  const all = async () => {
    const lists = [...new Set(refs.map(listOf))].map(async (path) =>
      (await api.get(path, list)).map((one) => at(`${path}/${one.deployment_uuid ?? one.uuid}`)(one)),
    )
    return (await Promise.all(lists)).flat()
  }
  const one = async (path: string) => await unlessNotFound(api.get(path, thing.transform(at(path))))
  return await lookUpEach(refs, pathOf, { list: all, one, id: ({ path }) => path }, async (ref, found) => {
    const seen = isBuilt(ref) ? await observeBuild(api, ref, found) : observeStatus(ref, found, now)
    return { ...seen, consoleUrl: `${api.settings?.dashboard}${found?.deployment_url ?? ref.page}` }
  })
}

async function observeBuild(api: Api, ref: CoolifyRef, asked: Thing | null): Promise<Seen> {
  // While one is queued already, the answer has an id that nothing is stored under: the one in the queue is meant.
  const found = asked ?? (await newestDeployment(api, ref))
  if (!found)
    return { phase: 'failed', detail: 'Coolify has no deployment of the clone. The clone may have been deleted.' }
  const { status: detail, deployment_uuid } = found
  if (detail === 'failed') return { phase: 'failed', detail: 'The deployment failed. Its log in Coolify says why.' }
  if (detail === 'cancelled-by-user') return { phase: 'failed', detail: 'Someone cancelled the deployment.' }
  if (detail !== 'finished') return { phase: 'working', detail, ref: { ...ref, deployment: deployment_uuid ?? 'none' } }
  // Its own status follows within a minute. The address is worth a try.
  const { fqdn } = (await read(api, `/applications/${ref.id}`).catch(() => null)) ?? {}
  const url = fqdn?.split(',').find((one) => URL.canParse(one))
  return { phase: 'done', ...(url !== undefined && { url }) }
}

/** What starts without a deployment shows no more than its status, up to a minute late. */
function observeStatus(ref: CoolifyRef, found: Thing | null, now: number): Seen {
  if (!found) return { phase: 'failed', detail: 'The clone was deleted.' }
  if (Number(ref.copyingUntil) > now) return { phase: 'working', detail: 'Coolify may still be copying' }
  const [state = ''] = found.status.split(':')
  if (ref.deployment === undefined || state === 'running') return { phase: 'done' }
  const isUp = ['starting', 'restarting', 'degraded'].includes(state)
  if (state !== 'exited') return { phase: 'working', detail: state, ...(isUp && { ref: { ...ref, deployment: 'up' } }) }
  // What was never started is called exited as well.
  if (ref.deployment === 'none') return { phase: 'working', detail: 'not started yet' }
  return { phase: 'failed', detail: 'It started, then stopped. Its log in Coolify says why.' }
}
