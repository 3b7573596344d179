/** What a clone on Coolify is doing: its newest deployment, or the thing itself where it starts without one. */
import { z } from 'zod'
import { unlessNotFound } from '../../errors.js'
import { type Api, lookUpEach, type Observation, rows, sinceLastPoll } from '../provider.js'
import { id, type Kind, pathOf, text, word } from './api.js'

/**
 * A service is called exited before its start, while its images are pulled, and after a start that failed. If it stays so for
 * longer, it has probably failed.
 */
const MAX_EXITED_MS = 10 * 60_000

/** `page` is its path in Coolify. `seen` is set once it was seen on its way up; `exitedMs` is how long it was not. */
export const ref = z.object({
  ...{ id, page: z.string(), seen: z.literal('up').optional() },
  ...{ polledAt: z.number().optional(), exitedMs: z.number().optional() },
})
export type CoolifyRef = z.infer<typeof ref>

/** A deployment, or a thing that starts without one. Its status may be a minute old. */
const watched = z.object({
  uuid: word,
  deployment_url: word,
  status: text.catch('unknown'),
  pull_request_id: z.number().catch(0),
})
type Watched = z.infer<typeof watched>

/** A clone has the previews of its source, which pull requests deploy. */
const isOwn = ({ pull_request_id }: Watched) => pull_request_id === 0
const newest = z.object({ deployments: z.array(watched) }).transform((all) => all.deployments.find(isOwn) ?? null)

/** The newest deployment, which may be that of a push, or the thing itself. Null if there is none. */
export function readLast(api: Api, kind: Kind, id: string): Promise<Watched | null> {
  return unlessNotFound(
    kind === 'application' ? api.get(`/deployments/applications/${id}`, newest) : api.get(pathOf(kind, id), watched),
  )
}

export function checkOf(kind: Kind) {
  const isBuilt = kind === 'application'
  return (api: Api, refs: readonly CoolifyRef[], now: number): Promise<(Observation<CoolifyRef> | Error)[]> => {
    // Coolify sorts its deployments, which may leave an object with numbers for keys.
    const list = z.preprocess((body) => Object.values(Object(body)), rows(api, watched))
    const lookup = {
      list: () => api.get(isBuilt ? '/deployments' : `/${kind}s`, list),
      id: (one: Watched) => (isOwn(one) && (isBuilt ? one.deployment_url?.split('/')[6] : one.uuid)) || '',
      one: (id: string) => readLast(api, kind, id),
    }
    return lookUpEach(
      refs,
      ({ id }) => id,
      lookup,
      (ref, found) => observe(api, ref, found, now),
    )
  }
}

/** Its page in Coolify, or that of its deployment. */
export function pageOf({ settings }: Api, { page }: Pick<CoolifyRef, 'page'>): string {
  return `${settings?.dashboard}${page}`
}

async function observe(
  api: Api,
  ref: CoolifyRef,
  found: Watched | null,
  now: number,
): Promise<Observation<CoolifyRef>> {
  if (!found) return { phase: 'failed', detail: 'Coolify no longer has the clone or its deployment.' }
  const consoleUrl = pageOf(api, { page: found.deployment_url ?? ref.page })
  const [state = ''] = found.status.split(':')
  if (state === 'running') return { phase: 'done', consoleUrl }
  if (['finished', 'failed', 'cancelled-by-user'].includes(state))
    return { ...(await afterDeployment(api, ref, state)), consoleUrl }
  if (state !== 'exited') {
    const isUp = state !== 'unknown'
    return { phase: 'working', detail: state, consoleUrl, ...(isUp && { ref: { ...ref, seen: 'up' } }) }
  }
  if (ref.seen) return { ...failedStart(state), consoleUrl }
  const exitedMs = (ref.exitedMs ?? 0) + sinceLastPoll(ref.polledAt, now)
  if (exitedMs >= MAX_EXITED_MS) return { ...failedStart('still exited after 10 minutes'), consoleUrl }
  return { phase: 'working', detail: state, consoleUrl, ref: { ...ref, polledAt: now, exitedMs } }
}

/** The newest deployment has ended. A push may have deployed the clone before, and then it runs whatever became of this one. */
async function afterDeployment(api: Api, { id }: CoolifyRef, state: string): Promise<Observation<CoolifyRef>> {
  const isFinished = state === 'finished'
  const clone = await unlessNotFound(
    api.get(pathOf('application', id), z.object({ fqdn: word, status: text.catch('') })),
  ).catch((error: unknown) => {
    // The address is a convenience; whether it runs after all decides.
    if (isFinished) return null
    throw error
  })
  if (!isFinished && !clone?.status.startsWith('running')) return failedStart(state)
  const url = clone?.fqdn?.split(',').find((one) => URL.canParse(one))
  const detail = `It runs, but its latest deployment didn't finish (${state}). The log in Coolify says why.`
  return { phase: 'done', ...(!isFinished && { detail }), ...(url !== undefined && { url }) }
}

const failedStart = (state: string) =>
  ({ phase: 'failed', detail: `The start failed (${state}). The log in Coolify says why.` }) as const
