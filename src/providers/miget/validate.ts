/** What Miget would refuse, and what people must know before the job starts. Reads only. */
import { z } from 'zod'
import { type Api, findSurely, readFor, refusal, runChecks, type Validation } from '../provider.js'
import {
  type App,
  type Entry,
  listDeployments,
  listEntries,
  readApp,
  resource,
  text,
  unwrapped,
  whyUnusable,
} from './api.js'
import type { CloneParams } from './form.js'

export function validateClone(api: Api, params: CloneParams): Promise<Validation> {
  const source = readFor('app', readApp(api, params.app))
  const { app, addons, addonsWithData, cronjobs } = params
  return runChecks(
    [
      source,
      refuseTakenName(api, params),
      refuseMissing(api, '/projects', 'project', [params.project], 'project'),
      refuseUnusableResource(api, params, source),
      refuseMissing(api, `/apps/${app}/addons`, 'addons', addons, 'add-on'),
      refuseMissing(api, `/apps/${app}/addons`, 'addonsWithData', addonsWithData, 'add-on'),
      refuseMissing(api, `/apps/${app}/cronjobs`, 'cronjobs', cronjobs, 'cron job'),
    ],
    params.use_parent_image ? [warnOfNoImage(api, app, source)] : [],
  )
}

/** Whether an app has this name, which is unique in the whole workspace; undefined if that can't be read. */
export function hasName({ service_name, name }: Entry, wanted: string): boolean | undefined {
  if (service_name) return service_name === wanted
  return name && !name.startsWith(`${wanted}-`) ? false : undefined
}

async function refuseTakenName(api: Api, { name }: CloneParams): Promise<void> {
  if (!(await listEntries(api)).some((one) => hasName(one, name))) return
  throw refusal('name', `The workspace already has an app called ${name}. Choose another name.`)
}

async function refuseUnusableResource(api: Api, { project, resource: id }: CloneParams, source: Promise<App>) {
  const all = await api.get('/resources', unwrapped(z.array(resource.nullable().catch(null))))
  const found = findSurely(all, (one) => (one ? one.uuid === id : undefined))
  if (!found) throw refusal('resource', missing('resource'))
  const why = whyUnusable(found, project, (await source).quota)
  if (why) throw refusal('resource', why)
}

const identified = z.object({ uuid: text, id: text }).catch({ uuid: null, id: null })
const missing = (what: string) => `There is no such ${what}, or this connection's token can't see it.`

/** Refuses IDs that a list surely doesn't have. */
async function refuseMissing(api: Api, path: string, field: string, ids: readonly string[], what: string) {
  const all = ids.length > 0 ? await api.get(path, unwrapped(z.array(identified))) : []
  for (const id of ids) {
    const found = findSurely(all, ({ uuid, id: other }) => (uuid || other ? id === (uuid ?? other) : undefined))
    if (!found) throw refusal(field, missing(what))
  }
}

async function warnOfNoImage(api: Api, id: string, source: Promise<App>): Promise<string[]> {
  const [deployments, { label, name }] = await Promise.all([listDeployments(api, id), source])
  if (deployments.some(({ state }) => ['completed', 'unknown'].includes(state))) return []
  return [
    `No deployment of ${label || name || 'the source app'} ever succeeded, so the clone may have no image to run.`,
  ]
}
