/** What the components of a copy on Rainbond are doing, and how all copies are looked at together. */
import { z } from 'zod'
import { TemporaryError, unlessNotFound } from '../../errors.js'
import { type Api, type Observation, rows, settleEach } from '../provider.js'

export const TEAMS = '/openapi/v1/teams'
export const MINUTE = 60_000
export const START_AGAIN = 'Start again with another name; this app can be deleted.'

// States of a component. Whether one that is not built ever will be, only its events tell. What is missing here counts
// as in progress, and the deadline bounds it.
const LIVE = ['running', 'succeeded']
const UNBUILT = ['undeploy', 'closed']
const TROUBLED = ['abnormal', 'some_abnormal', 'unusual']
const UNSEEN = ['unknow', 'unKnow', 'failure', null]
// An extension that the vendor puts before a build.
const SCAN = 'source-scan'

const id = z.string()
const word = z.string().nullish()
/** Beside its id, what cannot be read of a thing must not keep it from being seen. */
const readable = word.catch(null)
const service = z.object({
  service_id: id,
  service_cname: id.catch('a component without a name'),
  service_source: readable,
  create_status: readable,
  status: word.catch('unknown'),
})
const recent = z.object({
  opt_type: id.min(1),
  ...{ status: readable, final_status: readable, message: readable, end_time: readable },
})
type Event = z.infer<typeof recent>
/** As consoles spell it before 6.0. */
const older = z
  .object({
    OptType: id.min(1),
    ...{ Status: readable, FinalStatus: readable, Message: readable, EndTime: readable },
  })
  .transform(
    ({ OptType, Status, FinalStatus, Message, EndTime }): Event => ({
      ...{ opt_type: OptType, status: Status, final_status: FinalStatus, message: Message, end_time: EndTime },
    }),
  )
/** Null for one that is spelt otherwise. */
const event = z.union([recent, older]).nullable().catch(null)
const log = z.object({ events: z.array(event) })
const domain = z.object({ domain_name: id, domain_path: word, certificate_id: z.unknown() })
export type Component = z.infer<typeof service>

/** `app` is the new one as team/region/number, `components` are the ids to copy, `since` is the first look at the stage. */
export const ref = z.object({
  ...{ app: id, job: id, components: id, stage: z.enum(['created', 'copied', 'built']) },
  ...{ since: id.optional(), troubledSince: id.optional() },
})
export type RainbondRef = z.infer<typeof ref>

/** Looks at the apps of all jobs with one request each: the vendor has no wider list of components. */
export function check(
  api: Api,
  refs: readonly RainbondRef[],
  now: number,
): Promise<(Observation<RainbondRef> | Error)[]> {
  return settleEach(refs, async (one) => {
    const url = pageOf(api, one)
    if (one.stage === 'created') return { phase: 'done', url }
    const all = await unlessNotFound(componentsOf(api, one.app))
    if (!all) return { phase: 'failed', detail: 'the new app is gone' }
    const ref = { ...one, since: one.since ?? new Date(now).toISOString() }
    return { url, ref, ...(await observe(api, ref, all, now)) }
  })
}

type Seen = RainbondRef & { since: string }

async function observe(api: Api, ref: Seen, all: (Component | null)[], now: number): Promise<Observation<RainbondRef>> {
  const fail = (detail: string) => ({ phase: 'failed', detail }) as const
  const there = all.filter((one) => one !== null)
  const own = there.filter(isOwn)
  const asked = ref.components.split(',').length
  if (all.length < asked) return fail(`only ${all.length} of ${asked} components are there. ${START_AGAIN}`)
  if (there.length < asked) return { phase: 'working', detail: 'Rainbond’s list of the components cannot be read' }
  if (own.some(isIn(UNSEEN))) return { phase: 'working', detail: 'the region does not answer at the moment' }
  if (ref.stage === 'copied') {
    const isWaiting = await isWaitingForBuilds(api, ref, own, now)
    return isWaiting ? { phase: 'working', detail: 'waiting for the builds to begin' } : { phase: 'done' }
  }
  // At first it is no news that a component does not run, and its events are not worth a request.
  for (const one of ageOf(ref.since, now) < MINUTE / 3 ? [] : own.filter(isIn(UNBUILT))) {
    const build = await buildOf(api, ref, one, now)
    // Another end, `timeout`, only says that another operation came in between.
    if (build?.final_status !== 'complete' || build.status !== 'failure') continue
    return fail(`copied, but the build of ${one.service_cname} failed: ${build.message || 'Rainbond gives no reason.'}`)
  }
  const troubled = own.filter(isIn(TROUBLED))
  const pending = own.filter((one) => !isIn(LIVE)(one))
  const { troubledSince = new Date(now).toISOString(), ...calm } = ref
  // Pods restart, so what is abnormal often heals.
  const isLost = troubled.length > 0 && ageOf(troubledSince, now) >= 5 * MINUTE
  if (isLost) return fail(`copied, but not well for five minutes: ${inWords(troubled)}`)
  if (pending.length === 0) return { phase: 'done', ...(await publicUrl(api, ref)) }
  const detail = `${own.length - pending.length} of ${own.length} running; ${inWords(pending)}`
  return { phase: 'working', detail, ref: troubled.length > 0 ? { ...calm, troubledSince } : calm }
}

/** With its build a component leaves `undeploy`. If that takes longer, and no scan comes before it, the next step acts. */
async function isWaitingForBuilds(api: Api, ref: Seen, own: Component[], now: number): Promise<boolean> {
  const unbuilt = own.filter(isIn(['undeploy']))
  if (ageOf(ref.since, now) < MINUTE / 2) return unbuilt.length > 0
  for (const one of unbuilt) {
    const build = await buildOf(api, ref, one, now)
    if (build?.opt_type === SCAN && build.status !== 'failure') return true
  }
  return false
}

/** The link is an extra: that the copy runs is news without it. */
async function publicUrl(api: Api, { app }: RainbondRef): Promise<{ url?: string }> {
  const domains = await api.get(`${path(app)}/httpdomains`, rows(api, domain)).catch(() => [])
  const urls = domains.map((one) => `http${one.certificate_id ? 's' : ''}://${one.domain_name}${one.domain_path ?? ''}`)
  const url = urls.find((address) => /^https?:\/\/[\w.-]+(\/\S*)?$/.test(address))
  return url ? { url } : {}
}

/** Components without any sign of a build. */
export async function forgotten(api: Api, ref: RainbondRef, now: number): Promise<Component[]> {
  const own = (await componentsOf(api, ref.app)).filter((one) => one !== null).filter(isOwn)
  if (own.some(isIn(UNSEEN))) throw new TemporaryError('The region does not answer.', { mayHaveHappened: false })
  const unbuilt: Component[] = []
  for (const one of own.filter(isIn(['undeploy']))) if (!(await buildOf(api, ref, one, now))) unbuilt.push(one)
  return unbuilt
}

/** A possible build: an event that cannot be read. */
const UNREADABLE: Event = { opt_type: 'unknown' }

/**
 * The newest sign of a build: a scan of the source is one until half a minute after it ended well. An event that cannot be
 * read may be one, so that no build is started beside another.
 */
async function buildOf(api: Api, { app }: RainbondRef, { service_id }: Component, now: number) {
  const query = { page_size: 20 }
  const { events } = await api.get(`${path(app)}/services/${service_id}/events`, log, { query })
  const unread = events.filter((one) => one === null).length
  if (unread > 0) api.reportSkipped?.(unread, 'events: neither opt_type nor OptType')
  const doubt = unread > 0 ? UNREADABLE : undefined
  const newest = events.find((one) => one?.opt_type === 'build-service' || one?.opt_type === SCAN) ?? undefined
  const isScanned = newest?.opt_type === SCAN && newest.final_status === 'complete' && newest.status === 'success'
  return isScanned && !(ageOf(newest.end_time ?? '', now) < MINUTE / 2) ? doubt : (newest ?? doubt)
}

/** `team/region` or `team/region/app` as the vendor's path. */
export function path(place: string): string {
  const [team, region, app] = place.split('/')
  return `${TEAMS}/${team}/regions/${region}${app ? `/apps/${app}` : ''}`
}

/** The console's address for links, from that of its API: whatever else was copied with it stays out of the thread. */
export function consoleOf(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`.replace(/\/+$/, '')
}

/** The new app in the console, as its pages are reached unless it was built to do without the `#`. Only after a login. */
function pageOf({ settings }: Api, { app }: RainbondRef): string {
  const [team, region, number] = app.split('/')
  return `${settings?.console}/#/team/${team}/region/${region}/apps/${number}/overview`
}

/** All components of an app; null for one without a readable id. */
export const componentsOf = (api: Api, app: string) =>
  api.get(`${path(app)}/services`, z.array(service.nullable().catch(null)))
const ageOf = (time: string, now: number) => now - Date.parse(time)
const isIn = (states: (string | null)[]) => (one: Component) => states.includes(one.status ?? null)
const isOwn = (one: Component) => one.service_source !== 'third_party'
const inWords = (some: Component[]) => some.map((one) => `${one.service_cname} (${one.status})`).join(', ')
