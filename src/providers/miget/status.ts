/** What a clone on Miget is doing, from the states of the app and of its newest deployment. */
import { z } from 'zod'
import { unlessNotFound } from '../../errors.js'
import { type Api, type Observation, settleEach, sinceLastPoll } from '../provider.js'
import { type App, app, list, listDeployments, readApp, UUID } from './api.js'

/** Slack refuses a message for one bad address, and anything beyond a host may hold a secret. */
const PLAIN_ADDRESS = /^https:\/\/[\w-]+(\.[\w-]+)+\/?$/
/** Miget documents no address of an app's own page. */
const DASHBOARD = 'https://app.miget.com'

// An app's states besides `running` and `stopped`: Miget's own mixed with those of Kubernetes. `cloning`,
// `stop_scheduled` and every unlisted one count as in progress, bounded by the deadline.
export const STARTING = ['start_scheduled', 'started', 'deploying', 'restart_scheduled']
const PENDING = ['pending', 'assigned']
const FAILED = ['failed', 'problem', 'blocked']
const ADDON_READY = ['healthy', 'bound', 'running', 'active', 'degraded', 'degradated']
const ADDON_FAILED = ['failed', 'failing', 'lost', 'crashloopbackoff']
/** A pending app may be about to start, or stay so for ever: we wait this long. */
const MAX_PENDING_MS = 10 * 60_000
/** States are up to ten seconds old. One from before the deployment only counts if it outlives this. */
const STALE_MS = 20_000

export const ref = z.object({
  id: z.string().regex(UUID),
  /** With the server's suffix. */
  name: z.string(),
  /** Whether a deployment will follow, was asked for, or won't happen. */
  next: z.enum(['deployment', 'deployed', 'not deployed', 'not deployed: it has no source yet']),
  /** The states of app and deployment at the last poll, and how long they had been the same, in milliseconds. */
  state: z.string().optional(),
  unchangedMs: z.number().optional(),
  polledAt: z.number().optional(),
})
export type MigetRef = z.infer<typeof ref>

/** A clone at this poll, the state of its newest deployment where that matters, and for how long both were the same. */
type Clone = App & { name: string; deployment: string | undefined; unchangedMs: number }

/** One list answers for all jobs. An app that isn't in it is asked for once more before it counts as deleted. */
export async function check(
  api: Api,
  refs: readonly MigetRef[],
  now: number,
): Promise<(Observation<MigetRef> | Error)[]> {
  const apps = refs.length > 0 ? await list(api, '/apps', app) : []
  const byId = new Map(apps.map((one) => [one.uuid, one]))
  return await settleEach(refs, async (ref) => {
    const found = byId.get(ref.id) ?? (await unlessNotFound(readApp(api, ref.id)))
    if (!found) return { phase: 'failed', detail: `${ref.name} was deleted, or this token can no longer see it` }
    const isIdle = ['stopped', ...PENDING, ...FAILED].includes(found.state)
    const deployment = ref.next === 'deployed' && isIdle ? (await listDeployments(api, ref.id))[0]?.state : undefined
    const state = [found.state, deployment].join(' ')
    const unchangedMs = state === ref.state ? (ref.unchangedMs ?? 0) + sinceLastPoll(ref.polledAt, now) : 0
    const clone = { ...found, name: found.name ?? ref.name, deployment, unchangedMs }
    return { ...observe(clone, ref.next), consoleUrl: DASHBOARD, ref: { ...ref, state, unchangedMs, polledAt: now } }
  })
}

function observe(clone: Clone, next: MigetRef['next']): Observation {
  if (next === 'deployed') return afterDeployment(clone)
  const { state, unchangedMs } = clone
  if (FAILED.includes(state)) return failed(clone, unexplained(clone))
  // Before it is idle, Miget takes no deploy call for it.
  const isIdle = ['running', 'stopped'].includes(state) || (PENDING.includes(state) && unchangedMs >= MAX_PENDING_MS)
  if (!isIdle) return working(clone, state)
  const waiting = whileAddonsStart(clone)
  if (waiting) return waiting
  if (next === 'deployment') return { phase: 'done', detail: `cloned as ${clone.name}` }
  if (state === 'running') return live(clone)
  return { phase: 'done', detail: `cloned as ${clone.name}, ${next}; it is ${stateOf(clone)}` }
}

/** The deployment ends some seconds before the app's state shows it. */
function afterDeployment(clone: Clone): Observation {
  const { state, deployment = '', unchangedMs } = clone
  if (state === 'running') return whileAddonsStart(clone) ?? live(clone)
  if (unchangedMs < STALE_MS) return working(clone, state)
  if (['failed', 'cancelled'].includes(deployment)) {
    const verb = deployment === 'failed' ? 'failed' : 'was cancelled'
    return failed(clone, `its deployment ${verb}; its log is in Miget`)
  }
  const isOver = deployment === 'completed' && (!PENDING.includes(state) || unchangedMs >= MAX_PENDING_MS)
  return isOver ? failed(clone, unexplained(clone)) : working(clone, state)
}

function whileAddonsStart(clone: Clone): Observation | null {
  const addon = clone.addons?.find((one) => !ADDON_READY.includes(one.state))
  if (!addon) return null
  const words = `its add-on ${addon.name ?? 'without a name'} is "${addon.state}"`
  return ADDON_FAILED.includes(addon.state) ? failed(clone, words) : working(clone, words)
}

function live({ name, public_url, private_access }: Clone): Observation {
  const isPublic = public_url && !private_access && PLAIN_ADDRESS.test(public_url)
  return { phase: 'done', detail: `live as ${name}`, ...(isPublic && { url: public_url }) }
}

const working = ({ name }: Clone, what: string) => ({ phase: 'working', detail: `${name}: ${what}` }) as const
const failed = ({ name }: Clone, why: string) => ({ phase: 'failed', detail: `cloned as ${name}, but ${why}` }) as const
const stateOf = ({ state }: Clone) => (PENDING.includes(state) ? `still "${state}" after 10 minutes` : `"${state}"`)
const unexplained = (clone: Clone) => `it is ${stateOf(clone)}, and Miget gives no reason`
