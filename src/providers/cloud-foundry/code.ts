/** The code of an app: which of it can be copied, how it is staged, and the steps that copy, stage, deploy and start it. */
import { z } from 'zod'
import { TemporaryError, UserError } from '../../errors.js'
import { type Api, refusal } from '../provider.js'
import { dated, eventsAfter, eventsBaseline, item, link, list, newestOf, shownName } from './api.js'
import { APP_BUSY_MS } from './errors.js'
import { owned, type RefUpdate, step } from './step.js'

export const app = item.extend({
  name: shownName,
  lifecycle: z.looseObject({ type: z.string() }),
  relationships: z.object({ space: link, current_droplet: link }),
})
export type App = z.infer<typeof app>

type Lifecycle = App['lifecycle']

/** How the clone is staged: like its original. */
export async function lifecycleOf(api: Api, app: string, fastPath: boolean): Promise<Lifecycle> {
  const shape = z.object({ lifecycle: z.looseObject({ type: z.string(), data: z.looseObject({}).optional() }) })
  const { lifecycle } = await api.get(`/v3/apps/${app}`, shape, { isVerbatim: true })
  // What is staged already needs no buildpack, and one with blanked credentials is refused.
  if (!fastPath || !hasSecrets(lifecycle)) return lifecycle
  return { type: lifecycle.type, data: { stack: lifecycle.data?.stack } }
}

/** Whether Cloud Foundry blanked credentials in it, of an address or of a registry. It takes no blanks back. */
export function hasSecrets(lifecycle: Lifecycle): boolean {
  return /:\/\/\*\*\*|"\*\*\*"/.test(JSON.stringify(lifecycle))
}

const sourcePackage = item.extend({ state: z.string().catch('in an unknown state') })

/** The package or droplet to copy. `isNewest` unless newer packages can't be used. */
export interface Code {
  guid: string
  isNewest: boolean
}

const RESTAGE = 'Untick "Copy the staged build".'

/** @throws UserError when there is none. */
export async function codeOf(api: Api, from: App, fastPath: boolean): Promise<Code> {
  if (fastPath) {
    // Cloud Foundry makes nothing out of such a droplet, and reports success.
    if (from.lifecycle.type === 'cnb') {
      throw refusal('fastPath', `A build by Cloud Native Buildpacks can't be copied. ${RESTAGE}`)
    }
    const guid = from.relationships.current_droplet
    if (!guid) throw refusal('fastPath', `${from.name} has no staged build. ${RESTAGE}`)
    return { guid, isNewest: true }
  }
  const rows = await list(api, '/v3/packages', sourcePackage, { app_guids: from.guid, order_by: '-created_at' })
  const ready = rows.find(({ state }) => state === 'READY')
  if (ready) return { guid: ready.guid, isNewest: ready === rows[0] }
  const instead = rows[0] ? `its newest upload is ${rows[0].state}` : 'nothing was ever uploaded'
  throw refusal('app', `${from.name} has no code to copy: ${instead}.`)
}

/** Copies another app's package or droplet into an app. */
export async function copyInto(
  api: Api,
  kind: 'package' | 'droplet',
  source_guid: string,
  to: string,
): Promise<RefUpdate> {
  const made = z.object({ guid: z.string().nullable() })
  const { guid } = await api.post(`/v3/${kind}s`, made, { query: { source_guid }, json: owned({ app: to }) })
  if (guid === null) throw new UserError(`Cloud Foundry made no copy of this ${kind}.`)
  return { waitFor: kind, guid }
}

const build = item.extend({ state: z.string() })

export const stage = step({
  id: 'stage',
  title: 'Stage the code',
  doing: 'Staging the code',
  async write(api, _params, { guid = '' }) {
    // Even if someone else started it: an app has one build at a time, and another build of this package would be the same.
    const current = (await buildsOf(api, guid)).find(({ state }) => state !== 'FAILED')
    const { guid: made } = current ?? (await api.post('/v3/builds', item, { json: { package: { guid } } }))
    return { waitFor: 'build', guid: made }
  },
  // The step before made this package, so a build of it is ours.
  async find(api, _params, { guid = '' }) {
    const [made] = await buildsOf(api, guid)
    return made && { waitFor: 'build', guid: made.guid }
  },
})

async function buildsOf(api: Api, package_guids: string): Promise<z.infer<typeof build>[]> {
  return await newestOf(api, '/v3/builds', build, { package_guids })
}

/** `stage` for an app that others work with: a deployment in progress goes first. */
export const stageExisting: typeof stage = {
  ...stage,
  async run(api, params, before, attempt) {
    if (await isDeploying(api, before.app)) {
      const message = 'The app has a deployment in progress, which must end first.'
      throw new TemporaryError(message, { mayHaveHappened: false, retryAfterMs: APP_BUSY_MS })
    }
    return await stage.run(api, params, before, attempt)
  },
}

/** Whether an app is being deployed: until that ends, it can't be given a droplet. */
export async function isDeploying(api: Api, app_guids: string): Promise<boolean> {
  const query = { app_guids, status_values: 'ACTIVE', per_page: 1 }
  const { resources } = await api.get('/v3/deployments', z.object({ resources: z.array(z.unknown()) }), { query })
  return resources.length > 0
}

export const assign = step({
  id: 'assign',
  title: 'Deploy the staged code',
  doing: 'Deploying the staged code',
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

export const launch = (action: 'start' | 'restart', title: string, doing: string) =>
  step<Record<string, unknown>>({
    id: action,
    title,
    doing,
    when: (params) => params[action] === true,
    // A second restart is a second interruption; starting a started app changes nothing.
    isRepeatable: action === 'start',
    async write(api, _params, ref) {
      await api.post(`/v3/apps/${ref.app}/actions/${action}`, z.unknown())
      return { waitFor: 'instances' }
    },
    // Read once the new code is in: an earlier start, by anyone, doesn't run it.
    baseline: (api, _params, ref) => eventsBaseline(api, ref.app, `audit.app.${action}`),
    async find(api, _params, ref, { baseline }) {
      const events = await eventsAfter(api, baseline, dated, ref.app, `audit.app.${action}`)
      return events.length > 0 && { waitFor: 'instances' }
    },
  })
