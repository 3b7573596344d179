/** What a clone on Qovery is doing, and how all of them are looked at together. */
import { z } from 'zod'
import { ConnectionError, isNotFound, UserError } from '../../errors.js'
import { type Api, type Observation, settleEach } from '../provider.js'

/** The kinds of services that can be cloned, as paths spell them. There are others, and there will be more. */
export const KINDS = ['application', 'container', 'database', 'helm', 'job', 'terraform']
export const HIDDEN = 'Qovery knows no such thing, or gives the token of this connection no access to it (403).'

// All 29 states. One that is missing here counts as under way, as do two whose meaning is not documented: RECAP and
// UNAVAILABLE. The deadline bounds them.
const RESTING = 'READY'
const UNDER_WAY = [
  ...['QUEUED', 'DEPLOYMENT_QUEUED', 'BUILDING', 'DEPLOYING', 'EXECUTING', 'WAITING_RUNNING', 'CANCELING', 'RECAP'],
  ...['RESTART_QUEUED', 'RESTARTING', 'WAITING_RESTARTING', 'STOP_QUEUED', 'STOPPING', 'WAITING_STOPPING'],
  ...['DELETE_QUEUED', 'DELETING', 'WAITING_DELETING', 'UNAVAILABLE'],
]
const LIVE = ['DEPLOYED', 'RESTARTED']
const BROKEN = ['BUILD_ERROR', 'DEPLOYMENT_ERROR', 'RESTART_ERROR', 'STOP_ERROR', 'DELETE_ERROR']
const ENDED = [...LIVE, ...BROKEN, 'CANCELED', 'STOPPED', 'DELETED']

const text = z.string()
/** `environment` is the one the clone is in, or is. The deploy step makes `asked` of `due`, and notes what it can. */
export const ref = z.object({
  ...{ kind: text, id: text, environment: text, console: text, deployment: z.enum(['none', 'due', 'asked']) },
  /** The deployment's id, and when the clone was last deployed before it, as far as the vendor tells. */
  ...{ request: text.optional(), previous: text.optional() },
})
export type QoveryRef = z.infer<typeof ref>

export const results = <T>(item: z.ZodType<T>) => z.object({ results: z.array(item) }).transform((body) => body.results)
export const made = z.object({ id: text })
const link = z.object({ service_id: text, url: text, is_default: z.boolean().nullish() })
export const status = made.extend({
  state: text,
  last_deployment_date: text.nullish(),
  deployment_request_id: text.nullish(),
})
/** An environment and all that is in it, by id. */
const statuses = z
  .object({ ...Object.fromEntries(KINDS.map((kind) => [`${kind}s`, z.array(status)])), environment: status })
  .transform((all) => new Map([...Object.values(all)].flat().map((one) => [one.id, one])))
type Statuses = z.infer<typeof statuses>

/** Whether a deployment of ours has begun, and when the clone was deployed before it. */
export async function lookAtClone(api: Api, { environment, id }: QoveryRef, since: Date) {
  const now = (await statusesOf(api, environment)).get(id)
  if (!now) throw new UserError('The clone was deleted before it was deployed.')
  const { state, last_deployment_date: previous } = now
  const isOld = ENDED.includes(state) && !(Date.parse(previous ?? '') >= since.getTime())
  return { previous, hasBegun: state === RESTING ? Boolean(now.deployment_request_id) : !isOld }
}

/** Looks at each environment once, however many jobs of either operation have their clones there. */
export async function check(api: Api, refs: readonly QoveryRef[]): Promise<(Observation<QoveryRef> | Error)[]> {
  const asked = refs.filter((ref) => ref.deployment === 'asked')
  const environments = [...new Set(asked.map((ref) => ref.environment))]
  const found = await settleEach(environments, async (id) => {
    const all = await statusesOf(api, id).catch((error) => (isNotFound(error) ? new Map() : ifHidden(error)))
    const isEnd = asked.some((ref) => ref.environment === id && observe(ref, all).phase === 'done')
    // A list of links must not hold up the end of a job.
    const links = isEnd ? await api.get(`/environment/${id}/link`, results(link)).catch(() => []) : []
    return { all, links }
  })
  const seen = new Map(environments.map((id, at) => [id, found[at]]))
  return refs.map((ref) => {
    // The answer to the clone call is the finished thing; only a deployment takes time.
    if (ref.deployment === 'due') return { phase: 'done', url: ref.console }
    if (ref.deployment === 'none') return { phase: 'done', url: ref.console, detail: 'cloned, not deployed' }
    const place = seen.get(ref.environment)
    return place instanceof Error ? place : observe(ref, place?.all, place?.links)
  })
}

const statusesOf = (api: Api, id: string) => api.get(`/environment/${id}/statuses`, statuses)

function observe(ref: QoveryRef, all?: Statuses, links: z.infer<typeof link>[] = []): Observation<QoveryRef> {
  const url = ref.console
  // The environment may be gone, but the token may also have lost its role.
  if (!all) return { phase: 'working', url, detail: HIDDEN }
  const seen = all.get(ref.id)
  if (!seen) return { phase: 'failed', url, detail: 'the clone was deleted' }
  const { state, deployment_request_id: request, last_deployment_date: date } = seen
  const words = state.toLowerCase().replaceAll('_', ' ')
  // The end of an earlier deployment lingers for some seconds after a new one was asked for.
  const isOld = ref.previous && !(Date.parse(date ?? '') > Date.parse(ref.previous))
  const isOther = ref.request && request && ref.request !== request
  if (state === RESTING || (ENDED.includes(state) && (isOld || isOther))) {
    return { phase: 'working', url, detail: 'waiting for the deployment to begin' }
  }
  if (!ENDED.includes(state)) return { phase: 'working', url, detail: UNDER_WAY.includes(state) ? words : state }
  if (!LIVE.includes(state)) return { phase: 'failed', url, detail: `cloned, but not live: ${words}` }
  // People go to the public address if there is one.
  const ours = links.filter((one) => one.service_id === ref.id || (ref.kind === 'environment' && one.is_default))
  const [first, ...others] = ours
    .filter((one) => /^https?:/.test(one.url))
    .sort((a, b) => Number(b.is_default) - Number(a.is_default))
  const more = [url, ...others.map((one) => one.url)].slice(0, 5).join(' ')
  return { phase: 'done', url: first?.url ?? url, ...(first && { detail: `see also ${more}` }) }
}

/** A handler of errors: undefined for what is not there, or not for us: the vendor's 403 may mean either. */
export function ifHidden(error: unknown): undefined {
  if (![403, 404].includes(statusOf(error) ?? 0)) throw error
}

export const statusOf = (error: unknown) =>
  error instanceof UserError || error instanceof ConnectionError ? error.status : undefined
