/** Rainbond: copies an app's components into a new app, and starts the builds that the server dropped. */
import { z } from 'zod'
import { UserError, unlessNotFound } from '../errors.js'
import { type Api, defineOperation, defineProvider, describedOption, sentence, type Verdict } from './provider.js'
import {
  type Component,
  check,
  componentsOf,
  forgotten,
  MINUTE,
  path,
  type RainbondRef,
  ref,
  START_AGAIN,
  TEAMS,
} from './rainbond/watch.js'

const COPIED = 'with build source and its credentials, settings, ports, variables, config files and empty volumes'
const NOT_COPIED = 'Data in volumes, health checks, custom domains (public ports get new urls)'

// What an answer means, by its status, code and words. What fits none of these is sorted by its status alone.
const READINGS: [RegExp, Verdict['blame'], string][] = [
  [/^401 10400 /, 'operator', 'The licence of the Rainbond cluster is wrong or has expired.'],
  [/^404 undefined/, 'operator', 'There is no Rainbond console at the address in dolly.yml.'],
  [/^404 .*(team|region)/, 'user', "The token's user is not in that team, or the team not in that region."],
  [/^500 10401 /, 'operator', 'Rainbond itself broke on this request; the log of its console says why.'],
  [/^400 (10411 |.*"httpcode":101\b)/, 'nobody', 'Rainbond could not reach the region.'],
  [/^409 409 /, 'nobody', 'Another operation of that component is under way.'],
  [/^409 2001 /, 'user', 'The team has not opened that region. Choose another, or open it there.'],
  [/^(412|409 20002) /, 'user', 'The target team or cluster has no room for the copy.'],
  [/^400 10106 /, 'user', 'An earlier try left components behind. Start again: that makes another new app.'],
  [/^400 \S+ "app name exist/, 'user', 'An app of that name is there already. Choose another name.'],
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
const refusal = z.object({ code: z.number(), msg: z.unknown() }).partial().catch({})
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
      async run(api, params, _before, { job, now }) {
        const components = await choose(api, params)
        const json = { app_name: params.name, app_note: noteOf(job), k8s_app: `dolly-${job}` }
        const { ID } = await api.post(`${path(params.target)}/apps`, app.pick({ ID: true }), { json })
        return { app: `${params.target}/${ID}`, job, components, ...begin('created', now) }
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
      async run(api, params, before, { now }) {
        if ((await componentsOf(api, before.app)).length > 0) return { ...before, ...begin('copied', now) }
        const services = before.components.split(',').map((service_id) => ({ service_id }))
        const [target_team_name, target_region_name, number] = before.app.split('/')
        const json = { services, target_team_name, target_region_name, target_app_id: Number(number) }
        // Its answer leaves components out and knows no status: what came of it is read in the new app.
        const timeoutMs = 2 * MINUTE + services.length * 10_000
        await api.post(`${path(params.app)}/copy`, z.unknown(), { json, timeoutMs })
        return { ...before, ...begin('copied', now) }
      },
      async find(api, params, before, { since, begunAt, now }) {
        // One transaction makes all or none.
        if ((await componentsOf(api, before.app)).length > 0) return { ...before, ...begin('copied', since) }
        // Three calls to the region for each component, of 35 seconds at worst.
        const worst = Math.max(3 * MINUTE, before.components.split(',').length * 105_000)
        if (now - begunAt < worst) return null
        throw new UserError(`Rainbond did not say what became of the copy, and ${params.name} is empty. ${START_AGAIN}`)
      },
      check,
    },
    {
      title: 'Build and start',
      // Safe to repeat: what has a build by now is left alone.
      async run(api, _params, before, { now }) {
        for (const { service_id, service_cname } of await forgotten(api, before)) {
          const build = api.post(`${path(before.app)}/services/${service_id}/build`, z.unknown(), { json: {} })
          await build.catch((error: unknown) => {
            if (!(error instanceof UserError)) throw error
            throw new UserError(`Copied, but the build of ${service_cname} cannot be started. ${error.message}`)
          })
        }
        return { ...before, ...begin('built', now) }
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
    classify({ status, body }) {
      const { code, msg } = refusal.parse(body)
      const answer = `${status} ${code} ${JSON.stringify(msg)}`
      const [, blame, sentence] = READINGS.find(([pattern]) => pattern.test(answer)) ?? []
      // What is refused with 409 was not done.
      return blame && sentence ? { blame, sentence, isHarmless: status === 409, retryAfterMs: MINUTE / 2 } : undefined
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

/** Eight at a time, in order. */
async function gather<T, R>(all: readonly T[], work: (one: T) => Promise<R[]>): Promise<R[]> {
  const done: R[] = []
  for (let at = 0; at < all.length; at += 8) done.push(...(await Promise.all(all.slice(at, at + 8).map(work))).flat())
  return done
}

/** One broken row makes the vendor refuse its list, which must not hide the others. */
const noneIfRefused = (error: unknown) => (error instanceof UserError ? [] : Promise.reject(error))
const begin = (stage: 'created' | 'copied' | 'built', since: Date | number) => ({
  stage,
  since: new Date(since).toISOString(),
})
const noteOf = (job: string) => `Made by Dolly, job ${job}.`
const isUploaded = (one: Component) => one.service_source === 'package_build'
