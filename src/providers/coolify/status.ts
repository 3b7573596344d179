/** What a clone on Coolify is doing: its newest deployment, or the thing itself where it starts without one. */
import { z } from 'zod'
import { unlessNotFound } from '../../errors.js'
import { type Api, lookUpEach, type Observation, rows } from '../provider.js'
import { id, type Kind, pathOf, text, word } from './api.js'

/** `page` is its path in Coolify. `seen` is set once it was seen on its way up. */
export const ref = z.object({ id, page: z.string(), seen: z.literal('up').optional() })
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
  return (api: Api, refs: readonly CoolifyRef[]): Promise<(Observation<CoolifyRef> | Error)[]> => {
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
      (ref, found) => observe(api, ref, found),
    )
  }
}

async function observe(api: Api, ref: CoolifyRef, found: Watched | null): Promise<Observation<CoolifyRef>> {
  if (!found) return { phase: 'failed', detail: 'Coolify no longer has the clone or its deployment.' }
  const consoleUrl = `${api.settings?.dashboard}${found.deployment_url ?? ref.page}`
  const [state = ''] = found.status.split(':')
  if (state === 'running') return { phase: 'done', consoleUrl }
  if (state === 'finished') {
    const clone = await api.get(pathOf('application', ref.id), z.object({ fqdn: word })).catch(() => null)
    const url = clone?.fqdn?.split(',').find((one) => URL.canParse(one))
    return { phase: 'done', consoleUrl, ...(url !== undefined && { url }) }
  }
  // What was never started is called exited, too.
  if (['failed', 'cancelled-by-user'].includes(state) || (state === 'exited' && ref.seen))
    return { phase: 'failed', detail: `The start failed (${state}). The log in Coolify says why.`, consoleUrl }
  const isUp = !['exited', 'unknown'].includes(state)
  return { phase: 'working', detail: state, consoleUrl, ...(isUp && { ref: { ...ref, seen: 'up' } }) }
}
