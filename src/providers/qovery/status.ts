/** What a clone on Qovery is doing, read once per environment. */
import { z } from 'zod'
import { TemporaryError, UserError, unlessNotFound } from '../../errors.js'
import { type Api, type Observation, rows, settleEach } from '../provider.js'
import { item, KINDS, results } from './api.js'

// Qovery has 29 states. An unlisted one counts as under way, as do two that aren't documented, RECAP and UNAVAILABLE.
// The deadline bounds them.
const NEVER_DEPLOYED = 'READY'
const UNDER_WAY = [
  ...['QUEUED', 'DEPLOYMENT_QUEUED', 'BUILDING', 'DEPLOYING', 'EXECUTING', 'WAITING_RUNNING', 'CANCELING', 'RECAP'],
  ...['RESTART_QUEUED', 'RESTARTING', 'WAITING_RESTARTING', 'STOP_QUEUED', 'STOPPING', 'WAITING_STOPPING'],
  ...['DELETE_QUEUED', 'DELETING', 'WAITING_DELETING', 'UNAVAILABLE'],
]
const LIVE = ['DEPLOYED', 'RESTARTED']
const failures: Readonly<Record<string, string>> = {
  BUILD_ERROR: 'the build failed',
  DEPLOYMENT_ERROR: 'the deployment failed',
  RESTART_ERROR: 'the restart failed',
  STOP_ERROR: 'stopping it failed',
  DELETE_ERROR: 'deleting it failed',
  CANCELED: 'the deployment was cancelled',
  STOPPED: 'it was stopped',
  DELETED: 'it was deleted',
}
const ENDED = [...LIVE, ...Object.keys(failures)]
/** Stands for a state that can't be read, of something that exists. */
const UNREADABLE = 'unknown'

/** Slack refuses a message for one bad address, and a query may hold a secret. */
const PLAIN_ADDRESS = /^https:\/\/[\w-]+(\.[\w-]+)+(\/[\w.~/-]{0,200})?$/

const text = z.string()
/**
 * `environment` is the one that the clone is in, or is itself. `previous` is how an earlier deployment had ended when ours was
 * requested.
 */
export const ref = z.object({ kind: text, id: text, environment: text, console: text, previous: text.optional() })
export type QoveryRef = z.infer<typeof ref>

const link = z.object({ service_id: text, url: text, is_default: z.boolean().nullish() })
const status = item.extend({ state: text, last_deployment_date: text.nullish() })
export type Status = z.infer<typeof status>
const row = z
  .union([status, item.transform(({ id }): Status => ({ id, state: UNREADABLE }))])
  .nullable()
  .catch(null)
const kinds = Object.fromEntries(KINDS.map((kind) => [`${kind}s`, z.array(row).catch([null])]))
/** An environment and all services in it, by ID, and whether some rows couldn't be read. */
const statuses = z.object({ ...kinds, environment: row }).transform((all) => {
  const rows = [...Object.values(all)].flat()
  return { byId: new Map(rows.flatMap((one) => (one ? [[one.id, one]] : []))), hasGaps: rows.includes(null) }
})
export type Statuses = z.infer<typeof statuses>

export const readStatuses = (api: Api, id: string) => api.get(`/environment/${id}/statuses`, statuses)
export const unreadable = () =>
  new TemporaryError("Qovery's status of the clone can't be read.", { mayHaveHappened: false })
/** Tells the end of one deployment from that of another; undefined while it hasn't ended. */
export const endOf = ({ state, last_deployment_date }: Status) =>
  ENDED.includes(state) ? `${state} ${last_deployment_date ?? ''}` : undefined

/** Whether a deployment of the clone is under way; if not, when the last one ended, in milliseconds, and that end. */
export async function readDeployment(api: Api, { environment, id }: QoveryRef) {
  const { byId, hasGaps } = await readStatuses(api, environment)
  const status = byId.get(id)
  if (status?.state === UNREADABLE || (!status && hasGaps)) throw unreadable()
  if (!status) throw new UserError('The clone was deleted before it was deployed.')
  const end = endOf(status)
  const endedAt = end === undefined ? Number.NaN : Date.parse(status.last_deployment_date ?? '')
  // Without a date, a later end couldn't be told from this one.
  const previous = Number.isNaN(endedAt) ? undefined : end
  return { isUnderWay: status.state !== NEVER_DEPLOYED && end === undefined, endedAt, previous }
}

/** Polls deployments. Reads each environment once, however many jobs of either operation have their clones there. */
export async function check(api: Api, refs: readonly QoveryRef[]): Promise<(Observation<QoveryRef> | Error)[]> {
  const environments = [...new Set(refs.map((ref) => ref.environment))]
  const answers = await settleEach(environments, async (id) => {
    const { byId, hasGaps } = (await unlessNotFound(readStatuses(api, id))) ?? nothing
    const hasEnded = refs.some((ref) => ref.environment === id && observe(ref, byId).phase === 'done')
    // Jobs end even if the links can't be read.
    const links = hasEnded ? await api.get(`/environment/${id}/link`, results(rows(api, link))).catch(() => []) : []
    // A missing row may be one that can't be read.
    return (ref: QoveryRef) => (hasGaps && !byId.has(ref.id) ? unreadable() : observe(ref, byId, links))
  })
  const byEnvironment = new Map(environments.map((id, at) => [id, answers[at]]))
  return refs.map((ref) => {
    const answer = byEnvironment.get(ref.environment)
    return typeof answer === 'function' ? answer(ref) : (answer ?? unreadable())
  })
}

const nothing: Statuses = { byId: new Map(), hasGaps: false }

function observe(ref: QoveryRef, all: Statuses['byId'], links: z.infer<typeof link>[] = []): Observation<QoveryRef> {
  const consoleUrl = ref.console
  const status = all.get(ref.id)
  if (!status) return { phase: 'failed', consoleUrl, detail: 'the clone was deleted' }
  const { state } = status
  const end = endOf(status)
  // The state from before our deploy call stays for some seconds. Any other end counts, even of a deployment that someone else started.
  if (state === NEVER_DEPLOYED || (end !== undefined && end === ref.previous)) {
    return { phase: 'working', consoleUrl, detail: 'waiting for the deployment to start' }
  }
  if (end === undefined) {
    return {
      phase: 'working',
      consoleUrl,
      detail: UNDER_WAY.includes(state) ? state.toLowerCase().replaceAll('_', ' ') : state,
    }
  }
  if (!LIVE.includes(state)) return { phase: 'failed', consoleUrl, detail: `cloned, but ${failures[state]}` }
  const [first] = links
    .filter((one) => one.service_id === ref.id || (ref.kind === 'environment' && one.is_default))
    .filter((one) => PLAIN_ADDRESS.test(one.url))
    .sort((a, b) => Number(b.is_default) - Number(a.is_default))
  return { phase: 'done', consoleUrl, ...(first && { url: first.url }) }
}
