/** The builds of a copy's components, read from their events. */
import { z } from 'zod'
import { TemporaryError } from '../../errors.js'
import type { Api } from '../provider.js'
import { type Component, listComponents, MINUTE_MS, pathOf, readableWord } from './api.js'

/** An extension of Rainbond that runs before a build. */
export const SCAN = 'source-scan'
const BUILD = 'build-service'

const optType = z.string().min(1)
const current = z.object({
  opt_type: optType,
  ...{ status: readableWord, final_status: readableWord, message: readableWord, end_time: readableWord },
})
type Event = z.infer<typeof current>
/** As consoles before 6.0 spell it. */
const older = z
  .object({
    OptType: optType,
    ...{ Status: readableWord, FinalStatus: readableWord, Message: readableWord, EndTime: readableWord },
  })
  .transform(
    ({ OptType, Status, FinalStatus, Message, EndTime }): Event => ({
      ...{ opt_type: OptType, status: Status, final_status: FinalStatus, message: Message, end_time: EndTime },
    }),
  )
/** Null for one that is spelt otherwise. */
const event = z.union([current, older]).nullable().catch(null)
const log = z.object({ events: z.array(event) })

/**
 * The newest event of a component's build. A scan of its source is one until half a minute after it ended well. So is an
 * unreadable event, so that we don't start a second build.
 */
export async function readBuild(api: Api, app: string, { service_id }: Component, now: number) {
  const query = { page_size: 20 }
  const { events } = await api.get(`${pathOf(app)}/services/${service_id}/events`, log, { query })
  const unread = events.filter((one) => one === null).length
  if (unread > 0) api.reportSkipped?.(unread, 'events: neither opt_type nor OptType')
  const possible: Event | undefined = unread > 0 ? { opt_type: 'unknown' } : undefined
  const newest = events.find((one) => one?.opt_type === BUILD || one?.opt_type === SCAN) ?? undefined
  const isScanned = newest?.opt_type === SCAN && newest.final_status === 'complete' && newest.status === 'success'
  const isOver = isScanned && !(now - Date.parse(newest.end_time ?? '') < MINUTE_MS / 2)
  return isOver ? possible : (newest ?? possible)
}

/** The components that should be built, but have no event of a build. */
export async function listUnbuilt(api: Api, app: string, now: number): Promise<Component[]> {
  const components = (await listComponents(api, app)).filter((one) => one !== null).filter(isOwn)
  if (components.some(isUnknown)) throw new TemporaryError("The region doesn't answer.", { mayHaveHappened: false })
  const unbuilt: Component[] = []
  for (const one of components) {
    if (one.status === 'undeploy' && !(await readBuild(api, app, one, now))) unbuilt.push(one)
  }
  return unbuilt
}

/** Third-party components run elsewhere, and are never built. */
export const isOwn = (one: Component) => one.service_source !== 'third_party'
/** What Rainbond reports while the region doesn't answer. */
export const isUnknown = ({ status }: Component) => ['unknow', 'unKnow', 'failure', null].includes(status ?? null)
