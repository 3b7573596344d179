/** What a clone on Qovery is doing, and how all of them are looked at together. */
import { z } from 'zod'
import { TemporaryError, UserError, unlessNotFound } from '../../errors.js'
import { type Api, type Observation, rows, settleEach } from '../provider.js'

/** The kinds of services that can be cloned, as paths spell them. There are others, and there will be more. */
export const KINDS = ['application', 'container', 'database', 'helm', 'job', 'terraform']

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

/** Slack refuses a whole message for one address it cannot read, and whatever else one may hold is not safe to post. */
const PLAIN_ADDRESS = /^https:\/\/[\w-]+(\.[\w-]+)+(\/[\w.~/-]{0,200})?$/

const text = z.string()
/**
 * `environment` is the one the clone is in, or is. The deploy step makes `asked` of `due`, and notes as `previous` the end
 * that an earlier deployment had already come to.
 */
export const ref = z.object({
  ...{ kind: text, id: text, environment: text, console: text, deployment: z.enum(['none', 'due', 'asked']) },
  previous: text.optional(),
})
export type QoveryRef = z.infer<typeof ref>

/** Every list of the vendor is `{ results: [] }`. */
export const results = <T>(list: z.ZodType<T[]>) => z.object({ results: list }).transform((body) => body.results)
export const made = z.object({ id: text })
const link = z.object({ service_id: text, url: text, is_default: z.boolean().nullish() })
/** The state of what is there, but cannot be read otherwise. */
const UNREADABLE = 'unknown'
const status = made.extend({ state: text, last_deployment_date: text.nullish() })
type Status = z.infer<typeof status>
const row = z
  .union([status, made.transform(({ id }): Status => ({ id, state: UNREADABLE }))])
  .nullable()
  .catch(null)
const kinds = Object.fromEntries(KINDS.map((kind) => [`${kind}s`, z.array(row).catch([null])]))
/** An environment and all that is in it, by id, and whether a row is missing there because it cannot be read. */
const statuses = z.object({ ...kinds, environment: row }).transform((all) => {
  const rows = [...Object.values(all)].flat()
  return { byId: new Map(rows.flatMap((one) => (one ? [[one.id, one]] : []))), hasGaps: rows.includes(null) }
})
type Statuses = z.infer<typeof statuses>

const statusesOf = (api: Api, id: string) => api.get(`/environment/${id}/statuses`, statuses)
const unreadable = () => new TemporaryError('Its status cannot be read.', { mayHaveHappened: false })
/** What tells the end of one deployment from that of another; undefined while there is none. */
const endOf = ({ state, last_deployment_date }: Status) =>
  ENDED.includes(state) ? `${state} ${last_deployment_date ?? ''}` : undefined

/** Whether a deployment of the clone is under way; if not, when the last one ended, in milliseconds, and its end. */
export async function lookAtClone(api: Api, { environment, id }: QoveryRef) {
  const { byId, hasGaps } = await statusesOf(api, environment)
  const now = byId.get(id)
  if (now?.state === UNREADABLE || (!now && hasGaps)) throw unreadable()
  if (!now) throw new UserError('The clone was deleted before it was deployed.')
  const end = endOf(now)
  const endedAt = end === undefined ? Number.NaN : Date.parse(now.last_deployment_date ?? '')
  // Without a date no later end could be told from this one.
  const previous = Number.isNaN(endedAt) ? undefined : end
  return { isUnderWay: now.state !== RESTING && end === undefined, endedAt, previous }
}

/** Looks at each environment once, however many jobs of either operation have their clones there. */
export async function check(api: Api, refs: readonly QoveryRef[]): Promise<(Observation<QoveryRef> | Error)[]> {
  const asked = refs.filter((ref) => ref.deployment === 'asked')
  const environments = [...new Set(asked.map((ref) => ref.environment))]
  const found = await settleEach(environments, async (id) => {
    const { byId, hasGaps } = (await unlessNotFound(statusesOf(api, id))) ?? nothing
    const isEnd = asked.some((ref) => ref.environment === id && observe(ref, byId).phase === 'done')
    // A list of links must not hold up the end of a job.
    const links = isEnd ? await api.get(`/environment/${id}/link`, results(rows(api, link))).catch(() => []) : []
    // A missing row may be the one that cannot be read.
    return (ref: QoveryRef) => (hasGaps && !byId.has(ref.id) ? unreadable() : observe(ref, byId, links))
  })
  const sights = new Map(environments.map((id, at) => [id, found[at]]))
  return refs.map((ref) => {
    // The answer to the clone call is the finished thing; only a deployment takes time.
    if (ref.deployment === 'due') return { phase: 'done', url: ref.console }
    if (ref.deployment === 'none') return { phase: 'done', url: ref.console, detail: 'cloned, not deployed' }
    const sight = sights.get(ref.environment)
    return typeof sight === 'function' ? sight(ref) : (sight ?? new Error('It was not looked at.'))
  })
}

const nothing: Statuses = { byId: new Map(), hasGaps: false }

function observe(ref: QoveryRef, all: Statuses['byId'], links: z.infer<typeof link>[] = []): Observation<QoveryRef> {
  const url = ref.console
  const seen = all.get(ref.id)
  if (!seen) return { phase: 'failed', url, detail: 'the clone was deleted' }
  const { state } = seen
  const end = endOf(seen)
  // The state from before our deploy call lingers for some seconds. Every other end counts, whoever asked for it.
  if (state === RESTING || (end !== undefined && end === ref.previous)) {
    return { phase: 'working', url, detail: 'waiting for the deployment to begin' }
  }
  const words = state.toLowerCase().replaceAll('_', ' ')
  if (end === undefined) return { phase: 'working', url, detail: UNDER_WAY.includes(state) ? words : state }
  if (!LIVE.includes(state)) return { phase: 'failed', url, detail: `cloned, but not live: ${words}` }
  // People go to the public address if there is one. The console shows all others.
  const ours = links.filter((one) => one.service_id === ref.id || (ref.kind === 'environment' && one.is_default))
  const [first] = ours
    .filter((one) => PLAIN_ADDRESS.test(one.url))
    .sort((a, b) => Number(b.is_default) - Number(a.is_default))
  return first ? { phase: 'done', url: first.url, consoleUrl: url } : { phase: 'done', url }
}
