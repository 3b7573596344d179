/** Rainbond: copies an app's components into a new app, and starts the builds that the server dropped. */
import { z } from 'zod'
import { ConnectionError, TemporaryError, UserError, unlessNotFound } from '../errors.js'
import { type Api, defineOperation, defineProvider, describedOption, type Observation, sentence } from './provider.js'

const TEAMS = '/openapi/v1/teams'
const MINUTE = 60_000
const COPIED = 'with build source and its credentials, settings, ports, variables, config files and empty volumes'
const NOT_COPIED = 'Data in volumes, health checks, custom domains (public ports get new urls)'
const START_AGAIN = 'Start again with another name; this app can be deleted.'

// States of a component. Whether one that is not built ever will be, only its events tell. What is missing here counts
// as in progress, and the deadline bounds it.
const LIVE = ['running', 'succeeded']
const UNBUILT = ['undeploy', 'closed']
const TROUBLED = ['abnormal', 'some_abnormal', 'unusual']
const UNSEEN = ['unknow', 'unKnow', 'failure', null]

// What an answer means, by its status, code and words. What fits none of these is sorted by its status alone.
const READINGS: [RegExp, typeof UserError | typeof ConnectionError | typeof TemporaryError, string][] = [
  [/^401 10400 /, ConnectionError, 'The licence of the Rainbond cluster is wrong or has expired.'],
  [/^404 undefined/, ConnectionError, 'There is no Rainbond console at the address in dolly.yml.'],
  [/^404 .*(team|region)/, UserError, "The token's user is not in that team, or the team not in that region."],
  [/^500 10401 /, ConnectionError, 'Rainbond itself broke on this request; the log of its console says why.'],
  [/^400 (10411 |.*"httpcode":101\b)/, TemporaryError, 'Rainbond could not reach the region.'],
  [/^409 409 /, TemporaryError, 'Another operation of that component is under way.'],
  [/^409 2001 /, UserError, 'The team has not opened that region. Choose another, or open it there.'],
  [/^(412|409 20002) /, UserError, 'The target team or cluster has no room for the copy.'],
  [/^400 10106 /, UserError, 'An earlier try left components behind. Start again: that makes another new app.'],
  [/^400 \S+ "app name exist/, UserError, 'An app of that name is there already. Choose another name.'],
]

const connection = z.object({ url: z.url({ protocol: /^https?$/ }), token: z.string().min(1) })
const text = z.string().trim()
const fields = z.object({
  app: text
    .regex(/^([\w-]{1,64}\/){2}\d{1,18}$/, 'Choose from the list, or type team/region/app number.')
    .meta({ title: 'App', description: 'Team, region and app to copy from.', picker: 'apps' }),
  components: z
    .array(text)
    .default([])
    .meta({ title: 'Components', description: 'Left empty: all complete.', picker: 'components', dependsOn: ['app'] }),
  target: text
    .regex(/^[\w-]{1,64}\/[\w-]{1,64}$/, 'Choose from the list, or type team/region.')
    .meta({ title: 'Target team and region', description: 'Where the new app will live.', picker: 'targets' }),
  name: text
    .regex(/^[\w.\-\u4e00-\u9fa5]{1,128}$/, 'Use 1 to 128 letters, digits, Chinese characters or - _ . without spaces.')
    .meta({ title: 'Name of the new app', description: 'Not yet taken in the target team and region.' }),
})

// The vendor's answers also hold a region's token and passwords of registries: nothing but these keys is read.
const id = z.string()
const word = z.string().nullish()
const teamPage = z.object({ tenants: z.array(z.object({ tenant_name: id, tenant_alias: word })), total: z.number() })
const region = z.object({ region_name: id, region_alias: word, status: z.coerce.string() })
const regionPage = z.object({ regions: z.array(region) }).transform(({ regions }) => regions)
const app = z.object({ ID: z.number(), group_name: id, note: word })
const service = z.object({ service_id: id, service_cname: id, service_source: word, create_status: word, status: word })
const log = z.object({ events: z.array(z.object({ opt_type: word, status: word, final_status: word, message: word })) })
const domain = z.object({ domain_name: id, domain_path: word, certificate_id: z.unknown() })
const refusal = z.object({ code: z.number(), msg: z.unknown() }).partial().catch({})
type Component = z.infer<typeof service>

/** `app` is the new one as team/region/number, `components` are the ids to copy, `since` is when the stage began. */
const ref = z.object({ app: id, job: id, components: id, stage: id, since: id, troubledSince: id.optional() })
type RainbondRef = z.infer<typeof ref>

const copy = defineOperation<z.infer<typeof fields>, RainbondRef>({
  title: 'Copy an app',
  fields,
  ref,
  // The vendor tells capitals apart; the lock assumes the stricter.
  lock: ({ target, name }) => `copy:${target}/${name.toLowerCase()}`,
  summary: ({ app, target, name }) => ({ from: `${app}`, to: `${name} in ${target}` }),
  preview: ({ app, components, target }, named) => ({
    copied: sentence(components.length > 0 ? `Only ${named.components}` : 'All complete components', COPIED),
    notCopied: sentence(NOT_COPIED, !app.startsWith(`${target}/`) && 'ties to components of the old team and region'),
  }),
  deadlineMs: 60 * MINUTE,
  steps: [
    {
      title: 'Create the new app',
      settleMs: 45_000,
      async run(api, params, _before, { job }) {
        const components = await choose(api, params)
        const json = { app_name: params.name, app_note: noteOf(job), k8s_app: `dolly-${job}` }
        const { ID } = await api.post(`${path(params.target)}/apps`, app.pick({ ID: true }), { json })
        return { app: `${params.target}/${ID}`, job, components, ...begin('created') }
      },
      async find(api, params, _before, { job, since }) {
        const apps = await api.get(`${path(params.target)}/apps`, z.array(app), { query: { query: params.name } })
        const found = apps.find(({ group_name, note }) => group_name === params.name && note === noteOf(job))
        if (!found) return null
        const components = await choose(api, params)
        return { app: `${params.target}/${found.ID}`, job, components, ...begin('created', since) }
      },
      check,
    },
    {
      title: 'Copy the components',
      // Sent twice it makes everything twice, and one that was rolled back leaves debris in the cluster. So nothing is
      // ever copied into an app that was tried before, and it is `find` that gives up.
      settleMs: Number.MAX_SAFE_INTEGER,
      async run(api, params, before) {
        if ((await componentsOf(api, before.app)).length > 0) return { ...before, ...begin('copied') }
        const services = before.components.split(',').map((service_id) => ({ service_id }))
        const [target_team_name, target_region_name, number] = before.app.split('/')
        const json = { services, target_team_name, target_region_name, target_app_id: Number(number) }
        // Its answer leaves components out and knows no status: what came of it is read in the new app.
        const timeoutMs = 2 * MINUTE + services.length * 10_000
        await api.post(`${path(params.app)}/copy`, z.unknown(), { json, timeoutMs })
        return { ...before, ...begin('copied') }
      },
      async find(api, params, before, { since }) {
        // One transaction makes all or none.
        if ((await componentsOf(api, before.app)).length > 0) return { ...before, ...begin('copied', since) }
        // Three calls to the region for each component, of 35 seconds at worst; and `since` is a minute early.
        const worst = MINUTE + Math.max(3 * MINUTE, before.components.split(',').length * 105_000)
        if (ageOf(since) < worst) return null
        throw new UserError(`Rainbond did not say what became of the copy, and ${params.name} is empty. ${START_AGAIN}`)
      },
      check,
    },
    {
      title: 'Build and start',
      // Safe to repeat: what has a build by now is left alone.
      async run(api, _params, before) {
        for (const { service_id, service_cname } of await forgotten(api, before)) {
          const build = api.post(`${path(before.app)}/services/${service_id}/build`, z.unknown(), { json: {} })
          await build.catch((error: unknown) => {
            if (!(error instanceof UserError)) throw error
            throw new UserError(`Copied, but the build of ${service_cname} cannot be started. ${error.message}`)
          })
        }
        return { ...before, ...begin('built') }
      },
      async find(api, _params, before, { since }) {
        return (await forgotten(api, before)).length > 0 ? null : { ...before, ...begin('built', since) }
      },
      check,
    },
  ],
  async remove(api, { app: made, job }) {
    const found = await unlessNotFound(api.get(path(made), app.pick({ note: true })))
    // What follows deletes whatever app it names, running or not, and asks for no right to do so.
    if (found && found.note !== noteOf(job)) throw new UserError('The note of the app does not say that Dolly made it.')
    if (found) await api.delete(`${path(made).replace('/apps/', '/app/')}/delete`, z.unknown(), { timeoutMs: 120_000 })
  },
})

export const rainbond = defineProvider({
  id: 'rainbond',
  name: 'Rainbond',
  connection,
  client: ({ url, token }) => ({
    baseUrl: url,
    // The bare token: with a scheme before it, it is refused.
    headers: { authorization: token },
    timeoutMs: 40_000,
    // Never `msg_show`: it is Chinese, or a stack trace.
    errorMessage: (body) => z.string().safeParse(refusal.parse(body).msg).data,
    classify({ status, body, isWrite }) {
      const { code, msg } = refusal.parse(body)
      const reading = READINGS.find(([pattern]) => pattern.test(`${status} ${code} ${JSON.stringify(msg)}`))
      // What is refused with 409 was not done.
      const details = { status, mayHaveHappened: isWrite && status !== 409, retryAfterMs: MINUTE / 2 }
      return reading && new reading[1](reading[2], details)
    },
  }),
  pickers: {
    async apps(api) {
      return gather(await places(api), async ({ value, label }) => {
        const apps = await api.get(`${path(value)}/apps`, z.array(app)).catch(noneIfRefused)
        return apps.map((one) => ({ value: `${value}/${one.ID}`, label: `${label} / ${one.group_name}` }))
      })
    },
    async components(api, { app = '' }) {
      if (!fields.shape.app.safeParse(app).success) return []
      return (await completeOf(api, app)).map((one) =>
        describedOption(one.service_id, one.service_cname, isUploaded(one) ? 'uploaded, cannot be copied' : one.status),
      )
    },
    targets: places,
  },
  operations: { copy },
})

/** Looks at the apps of all jobs with one request each: the vendor has no wider list of components. */
function check(api: Api, refs: readonly RainbondRef[], now: number): Promise<Observation<RainbondRef>[]> {
  return gather(refs, async (one) => {
    if (one.stage === 'created') return [{ phase: 'done' }]
    const all = await unlessNotFound(componentsOf(api, one.app))
    return [all ? await observe(api, one, all, now) : { phase: 'failed', detail: 'the new app is gone' }]
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

/** Ids of what shall be copied, always all of them: without any, the server trips over an incomplete component. */
async function choose(api: Api, { app, components, target }: z.infer<typeof fields>): Promise<string> {
  const complete = await completeOf(api, app, target)
  const chosen = complete.filter(({ service_id }) => components.length === 0 || components.includes(service_id))
  const uploaded = chosen.filter(isUploaded).map(({ service_cname }) => service_cname)
  if (uploaded.length > 0) throw new UserError(`Built from uploaded files, not to be copied: ${uploaded.join(', ')}.`)
  if (chosen.length >= Math.max(components.length, 1)) return chosen.map(({ service_id }) => service_id).join(',')
  throw new UserError('Not all of the components to copy are in the app and complete.')
}

/** Any token reads and copies the apps of all teams, so it is for us to keep strangers out of `app` and `target`. */
async function completeOf(api: Api, app: string, target = app): Promise<Component[]> {
  const teams = (await teamsOf(api)).map(({ tenant_name }) => tenant_name)
  const [stranger] = [app, target].filter((place) => !teams.includes(`${place.split('/')[0]}`))
  if (stranger) throw new UserError(`The user of Dolly's token is not in the team of ${stranger}.`, { status: 404 })
  return (await componentsOf(api, app)).filter(({ create_status }) => create_status === 'complete')
}

/** Components without any sign of a build. */
async function forgotten(api: Api, ref: RainbondRef): Promise<Component[]> {
  const own = (await componentsOf(api, ref.app)).filter(isOwn)
  if (own.some(isIn(UNSEEN))) throw new TemporaryError('The region does not answer.', { mayHaveHappened: false })
  return gather(own.filter(isIn(['undeploy'])), async (one) => ((await buildOf(api, ref, one)) ? [] : [one]))
}

/** Every enabled region of every team that the token's user belongs to. */
async function places(api: Api) {
  return gather(await teamsOf(api), async ({ tenant_name, tenant_alias }) => {
    const regions = await api.get(`${TEAMS}/${tenant_name}/regions?page_size=100`, regionPage).catch(noneIfRefused)
    const enabled = regions.filter(({ status }) => status === '1')
    return enabled.map(({ region_name, region_alias }) => ({
      value: `${tenant_name}/${region_name}`,
      label: `${tenant_alias || tenant_name} / ${region_alias || region_name}`,
    }))
  })
}

async function teamsOf(api: Api, page = 1): Promise<z.infer<typeof teamPage>['tenants']> {
  const { tenants, total } = await api.get(TEAMS, teamPage, { query: { page, page_size: 100 } })
  return page * 100 < total ? [...tenants, ...(await teamsOf(api, page + 1))] : tenants
}

/** The newest sign of a build. */
async function buildOf(api: Api, { app }: RainbondRef, { service_id }: Component) {
  const { events } = await api.get(`${path(app)}/services/${service_id}/events?page_size=20`, log)
  return events.find(({ opt_type }) => opt_type === 'build-service' || opt_type === 'source-scan')
}

/** Eight at a time, in order. */
async function gather<T, R>(all: readonly T[], work: (one: T) => Promise<R[]>): Promise<R[]> {
  const done: R[] = []
  for (let at = 0; at < all.length; at += 8) done.push(...(await Promise.all(all.slice(at, at + 8).map(work))).flat())
  return done
}

/** One broken row makes the vendor refuse its list, which must not hide the others. */
const noneIfRefused = (error: unknown) => (error instanceof UserError ? [] : Promise.reject(error))
/** `team/region` or `team/region/app` as the vendor's path. */
const path = (place: string, [team, region, app] = place.split('/')) =>
  `${TEAMS}/${team}/regions/${region}${app ? `/apps/${app}` : ''}`
const componentsOf = (api: Api, app: string) => api.get(`${path(app)}/services`, z.array(service))
const begin = (stage: 'created' | 'copied' | 'built', since = new Date()) => ({ stage, since: since.toISOString() })
const ageOf = (time: Date | string, now = Date.now()) => now - new Date(time).getTime()
const noteOf = (job: string) => `Made by Dolly, job ${job}.`
const isIn = (states: (string | null)[]) => (one: Component) => states.includes(one.status ?? null)
const isOwn = (one: Component) => one.service_source !== 'third_party'
const isUploaded = (one: Component) => one.service_source === 'package_build'
const inWords = (some: Component[]) => some.map((one) => `${one.service_cname} (${one.status})`).join(', ')
