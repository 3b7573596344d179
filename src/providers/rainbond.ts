/** Rainbond: copies an app's components into a new app, and starts the builds that the server dropped. */
import { z } from 'zod'
import { ConnectionError, TemporaryError, UserError, unlessNotFound } from '../errors.js'
import { defineOperation, defineProvider, describedOption, sentence, type Verdict } from './provider.js'
import { choose, completeOf, findNewApp, hasCopies, isUploaded, validateCopy } from './rainbond/checks.js'
import { appsOf, places } from './rainbond/lists.js'
import { check, consoleOf, forgotten, MINUTE, path, type RainbondRef, ref, START_AGAIN } from './rainbond/status.js'

const COPIED = 'with build source and its credentials, settings, ports, variables, config files and empty volumes'
const NOT_COPIED = 'Data in volumes, health checks, custom domains (public ports get new urls)'

/** What this provider calls an operation that is under way; the vendor's 409 means quota and closed regions, too. */
const BUSY = 423

// What an answer means, by its status, code and words, and as which status it counts where that is another: 404 is kept
// for an app that is gone, which ends its job. What fits none of these is sorted by its status alone.
const READINGS: [RegExp, Verdict['blame'], string, number?][] = [
  [/^401 10400 /, 'operator', 'The licence of the Rainbond cluster is wrong or has expired.'],
  [/^404 undefined/, 'operator', 'There is no Rainbond console at the address in dolly.yml.'],
  [/^404 \S+ "region no found/, 'user', 'The region does not know that app or component.', 403],
  [/^404 .*(team|region)/, 'user', "The token's user is not in that team, or the team not in that region.", 403],
  [/^500 10401 /, 'operator', 'Rainbond itself broke on this request; the log of its console says why.'],
  [/^400 (10411 |.*"httpcode":101\b)/, 'nobody', 'Rainbond could not reach the region.'],
  [/^409 409 /, 'user', 'Another operation of that component is under way.', BUSY],
  [/^409 2001 /, 'user', 'The team has not opened that region. Choose another, or open it there.'],
  [/^(412|409 20002) /, 'user', 'The target team or cluster has no room for the copy.', 412],
  [/^400 10106 /, 'user', 'An earlier try left components of these names behind in the region.'],
  [/^400 \S+ "app name exist/, 'user', 'There is already an app with this name. Choose another name.'],
]

const connection = z.object({ url: z.url({ protocol: /^https?$/ }), token: z.string().min(1) })
const text = z.string().trim()
const fields = z.object({
  app: text
    .regex(/^([\w-]{1,64}\/){2}\d{1,18}$/, 'Choose from the list, or type team/region/app number.')
    .meta({ title: 'App', description: 'Team, region and app to copy from.', picker: 'apps' }),
  components: z
    .array(text.regex(/^[0-9a-f]{32}$/, 'Choose from the list, or paste ids of 32 digits 0-9 and a-f.'))
    .default([])
    .meta({
      title: 'Components',
      description: 'Left empty: all that are fully created.',
      picker: 'components',
      dependsOn: ['app'],
    }),
  target: text
    .regex(/^[\w-]{1,64}\/[\w-]{1,64}$/, 'Choose from the list, or type team/region.')
    .meta({ title: 'Target team and region', description: 'Where the new app will live.', picker: 'targets' }),
  name: text
    .regex(/^[\w.\-\u4e00-\u9fa5]{1,128}$/, 'Use 1 to 128 letters, digits, Chinese characters or - _ . without spaces.')
    .meta({ title: 'Name of the new app', description: 'Must be new in the target team and region.' }),
})

const made = z.object({ ID: z.number() })
const errorType = z.string().regex(/^\w{1,64}$/)
const refusal = z.object({ code: z.number(), msg: z.unknown(), error_type: z.unknown() }).partial().catch({})

const DEADLINE = 60 * MINUTE
const copy = defineOperation<z.infer<typeof fields>, RainbondRef>({
  title: 'Copy an app',
  fields,
  ref,
  // The vendor tells capitals apart; the lock assumes the stricter.
  lock: ({ target, name }) => `copy:${target}/${name.toLowerCase()}`,
  summary: ({ app, target, name }) => ({ from: `${app}`, to: `${name} in ${target}` }),
  preview: ({ app, components, target }, named) => ({
    copied: sentence(components.length > 0 ? `Only ${named.components}` : 'All fully created components', COPIED),
    notCopied: sentence(NOT_COPIED, !app.startsWith(`${target}/`) && 'ties to components of the old team and region'),
  }),
  validate: validateCopy,
  copiesData: true,
  deadlineMs: DEADLINE,
  steps: [
    {
      id: 'create',
      title: 'Create the new app',
      absentAfterMs: 45_000,
      async run(api, params, _before, { job }) {
        const components = await choose(api, params)
        const json = { app_name: params.name, app_note: noteOf(job), k8s_app: `dolly-${job}` }
        const { ID } = await api.post(`${path(params.target)}/apps`, made, { json })
        return { app: `${params.target}/${ID}`, job, components, stage: 'created' }
      },
      async find(api, params, _before, { job }) {
        const number = await findNewApp(api, params, noteOf(job))
        if (number === null) return null
        const components = await choose(api, params).catch(leavingEmpty(params.name))
        return { app: `${params.target}/${number}`, job, components, stage: 'created' }
      },
      check,
    },
    {
      id: 'copy',
      title: 'Copy the components',
      // Sent twice it makes everything twice, and one that was rolled back leaves debris in the cluster. So nothing is
      // ever copied into an app that was tried before: `find` never lets it be sent again, and gives up before a person
      // is asked, who could start it over.
      absentAfterMs: Number.MAX_SAFE_INTEGER,
      async baseline(api, params, before) {
        // Before anything is begun, and not in `run`: a kill during this look would pass for one during the copy.
        if (!(await hasCopies(api, before, leavingEmpty(params.name)))) return ''
        throw new UserError(`Somebody else has put something into the new app ${params.name}. ${START_AGAIN}`)
      },
      async run(api, params, before, { tries }) {
        const leaving = leavingEmpty(params.name)
        if (tries > 1 && (await hasCopies(api, before, leaving))) return enter(before, 'copied')
        const services = before.components.split(',').map((service_id) => ({ service_id }))
        const [target_team_name, target_region_name, number] = before.app.split('/')
        const json = { services, target_team_name, target_region_name, target_app_id: Number(number) }
        // Its answer leaves components out and knows no status: what came of it is read in the new app.
        const timeoutMs = 2 * MINUTE + services.length * 10_000
        await api.post(`${path(params.app)}/copy`, z.unknown(), { json, timeoutMs }).catch(leaving)
        return enter(before, 'copied')
      },
      async find(api, params, before, { searchedForMs }) {
        // What cannot be looked up in six hours is put to a person; a look itself may take minutes.
        const isLong = searchedForMs >= 4 * 60 * MINUTE
        const isThere = await hasCopies(api, before, (error) => {
          if (!isLong) throw error
          throw new UserError(
            `Rainbond cannot be asked what became of the copy. If ${params.name} is empty: ${START_AGAIN}`,
          )
        })
        if (isThere) return enter(before, 'copied')
        // Three calls to the region for each component, of 35 seconds at worst.
        const worst = Math.max(3 * MINUTE, before.components.split(',').length * 105_000)
        if (searchedForMs < worst) return null
        throw new UserError(`Rainbond did not say what became of the copy, and ${params.name} is empty. ${START_AGAIN}`)
      },
      check,
    },
    {
      id: 'build',
      title: 'Build and start',
      // Safe to repeat: what has a build by now is left alone.
      async run(api, _params, before, { now }) {
        for (const { service_id, service_cname } of await forgotten(api, before, now)) {
          const build = api.post(`${path(before.app)}/services/${service_id}/build`, z.unknown(), { json: {} })
          await build.catch((error: unknown) => {
            if (!(error instanceof UserError)) throw error
            const later = { mayHaveHappened: false, retryAfterMs: MINUTE / 2 }
            if (error.status === BUSY) throw new TemporaryError(error.message, later)
            throw new UserError(`Copied, but the build of ${service_cname} cannot be started. ${error.message}`)
          })
        }
        return enter(before, 'built')
      },
      async find(api, _params, before, { now }) {
        return (await forgotten(api, before, now)).length > 0 ? null : enter(before, 'built')
      },
      check,
    },
  ],
  async remove(api, { app: made, job }) {
    const found = await unlessNotFound(api.get(path(made), z.object({ note: z.string().nullish() })))
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
    settings: { console: consoleOf(url) },
    timeoutMs: 40_000,
    // Never `msg_show`: it is Chinese, or a stack trace.
    errorMessage: (body) => z.string().safeParse(refusal.parse(body).msg).data,
    classify({ status, body }) {
      const { code, msg, error_type } = refusal.parse(body)
      const answer = `${status} ${code} ${JSON.stringify(msg)}`
      const [, blame, sentence, meant = status] = READINGS.find(([pattern]) => pattern.test(answer)) ?? []
      if (!blame || !sentence) return undefined
      // Not `msg`: it quotes an exception, which may name hosts and accounts.
      const { data: kind } = errorType.safeParse(code === 10401 ? error_type : undefined)
      const words = kind ? `${sentence} Look there for ${kind}.` : sentence
      return { blame, sentence: words, status: meant, retryAfterMs: MINUTE / 2 }
    },
  }),
  pickers: {
    apps: appsOf,
    async components(api, { app = '' }) {
      if (!fields.shape.app.safeParse(app).success) return []
      return (await completeOf(api, app)).map((one) =>
        describedOption(one.service_id, one.service_cname, isUploaded(one) ? 'uploaded, cannot be copied' : one.status),
      )
    },
    targets: places,
  },
  operations: { copy },
  // The console keeps everything in one SQLite file unless it was set up otherwise, and a copy is one long transaction.
  maxConcurrentWrites: 1,
})

/** Throws an error again; a refusal with what it leaves behind. */
function leavingEmpty(name: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof UserError || error instanceof ConnectionError)) throw error
    const Refusal = error instanceof UserError ? UserError : ConnectionError
    const status = error.status === undefined ? {} : { status: error.status }
    throw new Refusal(`${error.message} The new app ${name} is left, and it is empty. ${START_AGAIN}`, status)
  }
}

/** A write takes its time, so what it began counts from the first look. */
const enter = (ref: RainbondRef, stage: 'copied' | 'built'): RainbondRef => ({ ...ref, stage, since: undefined })
const noteOf = (job: string) => `Made by Dolly, job ${job}.`
