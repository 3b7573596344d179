/** What the components of a copy on Rainbond are doing. */
import { z } from 'zod'
import { unlessNotFound } from '../../errors.js'
import { type Api, type Observation, rows, settleEach, sinceLastPoll } from '../provider.js'
import { type Component, listComponents, MINUTE_MS, pathOf } from './api.js'
import { isOwn, isUnknown, readBuild, SCAN } from './builds.js'

// A component's states. An unlisted one counts as in progress, bounded by the deadline.
const LIVE = ['running', 'succeeded']
/** Building, or never built: only the component's events tell. */
const NOT_STARTED = ['undeploy', 'closed']
const UNHEALTHY = ['abnormal', 'some_abnormal', 'unusual']
const MAX_UNHEALTHY_MS = 5 * MINUTE_MS

const id = z.string()
/** `app` is the new one as team/region/number, `components` are the IDs to copy, `stageMs` is how long the stage has been polled. */
export const ref = z.object({
  ...{ app: id, job: id, components: id, stage: z.enum(['created', 'copied', 'built']) },
  ...{ polledAt: z.number().optional(), stageMs: z.number().optional(), unhealthyMs: z.number().optional() },
})
export type RainbondRef = z.infer<typeof ref>

/** Polls the apps of all jobs, with one request each: Rainbond has no wider list of components. */
export function check(
  api: Api,
  refs: readonly RainbondRef[],
  now: number,
): Promise<(Observation<RainbondRef> | Error)[]> {
  return settleEach(refs, async (one) => {
    const all = await unlessNotFound(listComponents(api, one.app))
    if (!all) return { phase: 'failed', detail: 'the new app is gone' }
    const passedMs = sinceLastPoll(one.polledAt, now)
    const ref = { ...one, polledAt: now, stageMs: (one.stageMs ?? 0) + passedMs }
    return { consoleUrl: consolePageOf(api, one.app), ref, ...(await observe(api, ref, all, passedMs, now)) }
  })
}

async function observe(
  api: Api,
  ref: RainbondRef & { stageMs: number },
  all: (Component | null)[],
  passedMs: number,
  now: number,
): Promise<Observation<RainbondRef>> {
  const readable = all.filter((one) => one !== null)
  const own = readable.filter(isOwn)
  const expected = ref.components.split(',').length
  if (all.length < expected) return failed(`only ${all.length} of ${expected} components are there.`)
  if (readable.length < expected) return working("Rainbond's list of the components can't be read")
  if (own.some(isUnknown)) return working("the region doesn't answer at the moment")
  if (ref.stage === 'copied') {
    const isWaiting = await isWaitingForBuilds(api, ref, own, now)
    return isWaiting ? working('waiting for the builds to start') : { phase: 'done' }
  }
  // Components don't run at first, so their events aren't worth a request yet.
  for (const one of ref.stageMs < MINUTE_MS / 3 ? [] : own.filter(isIn(NOT_STARTED))) {
    const build = await readBuild(api, ref.app, one, now)
    // Another end, `timeout`, only says that another operation came in between.
    if (build?.final_status !== 'complete' || build.status !== 'failure') continue
    return failed(
      `copied, but the build of ${one.service_cname} failed: ${build.message || 'Rainbond gives no reason.'}`,
    )
  }
  const unhealthy = own.filter(isIn(UNHEALTHY))
  const pending = own.filter((one) => !isIn(LIVE)(one))
  const { unhealthyMs: before, ...healthy } = ref
  const unhealthyMs = before === undefined ? 0 : before + passedMs
  // Pods restart, so unhealthy components often recover.
  if (unhealthy.length > 0 && unhealthyMs >= MAX_UNHEALTHY_MS)
    return failed(`copied, but unhealthy for 5 minutes: ${statesOf(unhealthy)}`)
  if (pending.length === 0) return { phase: 'done', ...(await publicUrl(api, ref)) }
  const detail = `${own.length - pending.length} of ${own.length} running; ${statesOf(pending)}`
  return { ...working(detail), ref: unhealthy.length > 0 ? { ...healthy, unhealthyMs } : healthy }
}

/** A component leaves `undeploy` when its build starts. If that takes too long without a scan, the next step starts it. */
async function isWaitingForBuilds(
  api: Api,
  { app, stageMs }: { app: string; stageMs: number },
  own: Component[],
  now: number,
) {
  const unbuilt = own.filter(isIn(['undeploy']))
  if (stageMs < MINUTE_MS / 2) return unbuilt.length > 0
  for (const one of unbuilt) {
    const build = await readBuild(api, app, one, now)
    if (build?.opt_type === SCAN && build.status !== 'failure') return true
  }
  return false
}

const domain = z.object({ domain_name: id, domain_path: id.nullish(), certificate_id: z.unknown() })

/** The copy runs, with or without a link to it. */
async function publicUrl(api: Api, { app }: RainbondRef): Promise<{ url?: string }> {
  const domains = await api.get(`${pathOf(app)}/httpdomains`, rows(api, domain)).catch(() => [])
  const urls = domains.map((one) => `http${one.certificate_id ? 's' : ''}://${one.domain_name}${one.domain_path ?? ''}`)
  const url = urls.find((address) => /^https?:\/\/[\w.-]+(\/\S*)?$/.test(address))
  return url ? { url } : {}
}

/** The new app's page in the console, as most consoles are built: with the `#`. It takes a login. */
export function consolePageOf({ settings }: Api, app: string): string {
  const [team, region, number] = app.split('/')
  return `${settings?.console}/#/team/${team}/region/${region}/apps/${number}/overview`
}

const working = (detail: string) => ({ phase: 'working', detail }) as const
const failed = (detail: string) => ({ phase: 'failed', detail }) as const
const isIn = (states: string[]) => (one: Component) => states.includes(one.status ?? '')
const statesOf = (some: Component[]) => some.map((one) => `${one.service_cname} (${one.status})`).join(', ')
