/** How code gets into an app and runs there: what the steps of a clone and of a copy have in common. */
import { z } from 'zod'
import { ConnectionError, TemporaryError, UserError } from '../../errors.js'
import type { Api, Attempt, Step } from '../provider.js'
import {
  APP_BUSY_MS,
  adding,
  dated,
  eventsAfter,
  eventsBaseline,
  item,
  link,
  list,
  newestOf,
  shownName,
} from './client.js'
import { type CfRef, check, ref } from './status.js'

/** Writes may take their time, for the vendor does more within the request than others. */
const WRITE_MS = 60_000
/** A write may take that long to be lost, and some more to be carried out all the same. */
const SETTLE_MS = 90_000
const LABEL = 'dolly-job'

export const DEADLINE_MS = 30 * 60_000
/** In small letters, as the API has them: two spellings of one guid are one lock. */
export const guid = z.guid('Choose from the list, or paste a guid.').toLowerCase()
export const appField = (title: string, description: string) => guid.meta({ title, description, picker: 'apps' })
export const yesField = (title: string, description: string) => z.boolean().default(true).meta({ title, description })

/** What is new in the ref. */
export type Made = Partial<CfRef>
type Do<P, Before, R> = (api: Api, params: P, before: Before, attempt: Attempt) => Promise<R>
/** A write, and the look for what it left behind. */
interface Deed<P, Before> {
  write: Do<P, Before, Made>
  baseline?(api: Api, params: P, before: Before): Promise<string>
  find: Do<P, Before, Made | false | undefined>
  /** A step that sets a value. Repeating it is harmless, so what is not found is done again at once. */
  isRepeatable?: boolean
}

/** The first step of an operation, in a space or an app of this path. */
export function firstStep<P>(
  id: string,
  title: string,
  homeOf: (params: P) => string,
  deed: Deed<P, null>,
): Step<P, null, CfRef> {
  return stepOf(id, title, homeOf, deed)
}

/** A later step, in the app that the first one made or overwrote. */
export function step<P>(
  id: string,
  title: string,
  deed: Deed<P, CfRef>,
  when?: (params: P) => boolean,
): Step<P, CfRef, CfRef> {
  return { ...stepOf(id, title, (_, { app }) => `/v3/apps/${app}`, deed), ...(when && { when }) }
}

function stepOf<P, Before extends CfRef | null>(
  id: string,
  title: string,
  homeOf: (params: P, before: Before) => string,
  { write, baseline, find, isRepeatable = false }: Deed<P, Before>,
): Step<P, Before, CfRef> {
  const next = (before: Before, made: Made) => ref.parse({ ...before, look: undefined, ...made })
  return {
    id,
    title,
    absentAfterMs: isRepeatable ? 0 : SETTLE_MS,
    check,
    ...(baseline && { baseline }),
    async run(api, params, before, attempt) {
      try {
        return next(before, await write(patient(api), params, before, attempt))
      } catch (error) {
        throw before?.left ? adding(before.left, error) : error
      }
    },
    async find(api, params, before, attempt) {
      const found = await find(api, params, before, attempt)
      if (found) return next(before, found)
      // Lists leave out what may no longer be read, and so look as if nothing had been done.
      await api.get(homeOf(params, before), item)
      return null
    },
  }
}

function patient(api: Api): Api {
  return { ...api, post: (path, schema, options) => api.post(path, schema, { timeoutMs: WRITE_MS, ...options }) }
}

/** The relationships of something new, and our label where it can carry one. */
export function owned(owners: Readonly<Record<string, string>>, job?: string) {
  const relationships = Object.fromEntries(Object.entries(owners).map(([key, guid]) => [key, { data: { guid } }]))
  return { relationships, ...(job !== undefined && { metadata: { labels: { [LABEL]: job } } }) }
}

/** What carries our label, so that it is surely of this job. */
export async function labelled<T>(
  api: Api,
  path: string,
  row: z.ZodType<T>,
  space: string,
  job: string,
): Promise<T | undefined> {
  return (await list(api, path, row, { space_guids: space, label_selector: `${LABEL}=${job}` }))[0]
}

export const space = item.extend({
  name: shownName,
  suspended: z.boolean().nullish(),
  relationships: z.object({ organization: link, quota: link }),
})
export type Space = z.infer<typeof space>

/** The operator's template of a link, filled in; undefined without one. */
export function consoleLink(api: Api, { guid, relationships }: Space, app: string): string | undefined {
  return api.settings?.appUrl
    ?.replaceAll('{organization}', relationships.organization ?? '')
    .replaceAll('{space}', guid)
    .replaceAll('{app}', app)
}

/** A write that takes the role in all of these spaces; a refusal for want of it names them. */
export async function withRole<T>(api: Api, spaces: readonly (string | undefined)[], write: Promise<T>): Promise<T> {
  try {
    return await write
  } catch (error) {
    if (!(error instanceof ConnectionError && error.status === 403)) throw error
    const guids = [...new Set(spaces)].filter((guid) => guid !== undefined)
    // What was refused is no less refused when nobody can tell where.
    const known = await list(api, '/v3/spaces', space, { guids: guids.join(',') }).catch(() => [])
    const names = known.map(({ name }) => name).join(' and ')
    throw names ? adding(`It is about ${names}.`, error) : error
  }
}

export const app = item.extend({
  name: shownName,
  lifecycle: z.looseObject({ type: z.string() }),
  relationships: z.object({ space: link, current_droplet: link }),
})
export type App = z.infer<typeof app>

const sourcePackage = item.extend({ state: z.string().catch('in an unknown state') })

/** The package to copy, or the droplet. `isNewest` unless newer packages are of no use. */
export interface Code {
  guid: string
  isNewest: boolean
}

/** @throws UserError when there is none. */
export async function codeOf(api: Api, from: App, fastPath: boolean): Promise<Code> {
  if (fastPath) {
    // The vendor makes nothing out of such a droplet, and calls that a success.
    if (from.lifecycle.type === 'cnb') {
      throw new UserError('A build by Cloud Native Buildpacks cannot be copied; have it staged again.', {
        field: 'fastPath',
      })
    }
    const guid = from.relationships.current_droplet
    if (!guid) throw new UserError(`${from.name} has no staged build. Have it staged again.`, { field: 'fastPath' })
    return { guid, isNewest: true }
  }
  const rows = await list(api, '/v3/packages', sourcePackage, { app_guids: from.guid, order_by: '-created_at' })
  const ready = rows.find(({ state }) => state === 'READY')
  if (ready) return { guid: ready.guid, isNewest: ready === rows[0] }
  const instead = rows[0] ? `its newest upload is ${rows[0].state}` : 'nothing was ever uploaded'
  throw new UserError(`${from.name} has no code to copy: ${instead}.`, { field: 'app' })
}

/** Makes a package or a droplet of an app out of that of another. */
export async function copyInto(api: Api, look: 'package' | 'droplet', source_guid: string, to: string): Promise<Made> {
  const made = z.object({ guid: z.string().nullable() })
  const { guid } = await api.post(`/v3/${look}s`, made, { query: { source_guid }, json: owned({ app: to }) })
  if (guid === null) throw new UserError(`Cloud Foundry made no copy of this ${look}.`)
  return { look, guid }
}

const build = item.extend({ state: z.string() })

export const stage = step('stage', 'Stage the code', {
  async write(api, _params, { guid = '' }) {
    // Whoever staged it: there can be only one build at a time, and of the same package it comes to the same.
    const under = (await buildsOf(api, guid)).find(({ state }) => state !== 'FAILED')
    const { guid: made } = under ?? (await api.post('/v3/builds', item, { json: { package: { guid } } }))
    return { look: 'build', guid: made }
  },
  // The package was made by the step before, so that a build of it is ours.
  async find(api, _params, { guid = '' }) {
    const [made] = await buildsOf(api, guid)
    return made && { look: 'build', guid: made.guid }
  },
})

async function buildsOf(api: Api, package_guids: string): Promise<z.infer<typeof build>[]> {
  return await newestOf(api, '/v3/builds', build, { package_guids })
}

/** As `stage`, on an app that others work with: what is being deployed there goes first. */
export const stageOver: typeof stage = {
  ...stage,
  async run(api, params, before, attempt) {
    if (await isDeploying(api, before.app)) {
      const message = 'The app has a deployment in progress, which has to end first.'
      throw new TemporaryError(message, { mayHaveHappened: false, retryAfterMs: APP_BUSY_MS })
    }
    return await stage.run(api, params, before, attempt)
  },
}

/** Whether an app is being deployed, which keeps it from taking a droplet. */
export async function isDeploying(api: Api, app_guids: string): Promise<boolean> {
  const query = { app_guids, status_values: 'ACTIVE', per_page: 1 }
  const { resources } = await api.get('/v3/deployments', z.object({ resources: z.array(z.unknown()) }), { query })
  return resources.length > 0
}

export const assign = step('assign', 'Deploy the staged code', {
  isRepeatable: true,
  async write(api, _params, ref) {
    const json = { data: { guid: ref.droplet } }
    await api.patch(`/v3/apps/${ref.app}/relationships/current_droplet`, z.unknown(), { json })
    return {}
  },
  async find(api, _params, ref) {
    return (await api.get(`/v3/apps/${ref.app}`, app)).relationships.current_droplet === ref.droplet && {}
  },
})

export const launch = (title: string, action: 'start' | 'restart') =>
  step<Record<string, unknown>>(
    action,
    title,
    {
      // A second restart is a second interruption; to start what is started changes nothing.
      isRepeatable: action === 'start',
      async write(api, _params, ref) {
        await api.post(`/v3/apps/${ref.app}/actions/${action}`, z.unknown())
        return { look: 'instances' }
      },
      // Noted when the new code is in: an earlier one, by whomever, does not run it.
      baseline: (api, _params, ref) => eventsBaseline(api, ref.app, `audit.app.${action}`),
      async find(api, _params, ref, { baseline }) {
        const events = await eventsAfter(api, baseline, dated, ref.app, `audit.app.${action}`)
        return events.length > 0 && { look: 'instances' }
      },
    },
    (params) => params[action] === true,
  )
