/** What the components of a copy on Rainbond are doing, and how all copies are looked at together. */
import { z } from 'zod'
import { TemporaryError, unlessNotFound } from '../../errors.js'
import { type Api, type Observation, settleEach } from '../provider.js'

export const TEAMS = '/openapi/v1/teams'
export const MINUTE = 60_000
export const START_AGAIN = 'Start again with another name; this app can be deleted.'

// States of a component. Whether one that is not built ever will be, only its events tell. What is missing here counts
// as in progress, and the deadline bounds it.
const LIVE = ['running', 'succeeded']
const UNBUILT = ['undeploy', 'closed']
const TROUBLED = ['abnormal', 'some_abnormal', 'unusual']
const UNSEEN = ['unknow', 'unKnow', 'failure', null]

const id = z.string()
const word = z.string().nullish()
export const service = z.object({
  service_id: id,
  service_cname: id,
  service_source: word,
  create_status: word,
  status: word,
})
const log = z.object({ events: z.array(z.object({ opt_type: word, status: word, final_status: word, message: word })) })
const domain = z.object({ domain_name: id, domain_path: word, certificate_id: z.unknown() })
export type Component = z.infer<typeof service>

/** `app` is the new one as team/region/number, `components` are the ids to copy, `since` is when the stage began. */
export const ref = z.object({ app: id, job: id, components: id, stage: id, since: id, troubledSince: id.optional() })
export type RainbondRef = z.infer<typeof ref>

/** Looks at the apps of all jobs with one request each: the vendor has no wider list of components. */
export function check(
  api: Api,
  refs: readonly RainbondRef[],
  now: number,
): Promise<(Observation<RainbondRef> | Error)[]> {
  return settleEach(refs, async (one) => {
    if (one.stage === 'created') return { phase: 'done' }
    const all = await unlessNotFound(componentsOf(api, one.app))
    return all ? await observe(api, one, all, now) : { phase: 'failed', detail: 'the new app is gone' }
  })
}

async function observe(api: Api, ref: RainbondRef, all: Component[], now: number): Promise<Observation<RainbondRef>> {
  const fail = (detail: string) => ({ phase: 'failed', detail }) as const
  const own = all.filter(isOwn)
  const asked = ref.components.split(',').length
  if (all.length < asked) return fail(`only ${all.length} of ${asked} components are there. ${START_AGAIN}`)
  if (own.some(isIn(UNSEEN))) return { phase: 'working', detail: 'the region does not answer at the moment' }
  // With its build a component leaves `undeploy`. If that takes longer, the next step looks why.
  const isWaiting = own.some(isIn(['undeploy'])) && ageOf(ref.since, now) < MINUTE / 2
  if (ref.stage === 'copied' && isWaiting) return { phase: 'working', detail: 'waiting for the builds to begin' }
  if (ref.stage === 'copied') return { phase: 'done' }
  // At first it is no news that a component does not run, and its events are not worth a request.
  for (const one of ageOf(ref.since, now) < MINUTE / 3 ? [] : own.filter(isIn(UNBUILT))) {
    const build = await buildOf(api, ref, one)
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

/** The link is an extra: that the copy runs is news without it. */
async function publicUrl(api: Api, { app }: RainbondRef): Promise<{ url?: string }> {
  const domains = await api.get(`${path(app)}/httpdomains`, z.array(domain)).catch(() => [])
  const urls = domains.map((one) => `http${one.certificate_id ? 's' : ''}://${one.domain_name}${one.domain_path ?? ''}`)
  const url = urls.find((address) => /^https?:\/\/[\w.-]+(\/\S*)?$/.test(address))
  return url ? { url } : {}
}

/** Components without any sign of a build. */
export async function forgotten(api: Api, ref: RainbondRef): Promise<Component[]> {
  const own = (await componentsOf(api, ref.app)).filter(isOwn)
  if (own.some(isIn(UNSEEN))) throw new TemporaryError('The region does not answer.', { mayHaveHappened: false })
  const unbuilt: Component[] = []
  for (const one of own.filter(isIn(['undeploy']))) if (!(await buildOf(api, ref, one))) unbuilt.push(one)
  return unbuilt
}

/** The newest sign of a build. */
async function buildOf(api: Api, { app }: RainbondRef, { service_id }: Component) {
  const { events } = await api.get(`${path(app)}/services/${service_id}/events?page_size=20`, log)
  return events.find(({ opt_type }) => opt_type === 'build-service' || opt_type === 'source-scan')
}

/** `team/region` or `team/region/app` as the vendor's path. */
export const path = (place: string, [team, region, app] = place.split('/')) =>
  `${TEAMS}/${team}/regions/${region}${app ? `/apps/${app}` : ''}`
export const componentsOf = (api: Api, app: string) => api.get(`${path(app)}/services`, z.array(service))
const ageOf = (time: Date | string, now: number) => now - new Date(time).getTime()
const isIn = (states: (string | null)[]) => (one: Component) => states.includes(one.status ?? null)
const isOwn = (one: Component) => one.service_source !== 'third_party'
const inWords = (some: Component[]) => some.map((one) => `${one.service_cname} (${one.status})`).join(', ')
