/** The copy of one app's code over that of another, which keeps everything else. */
import { z } from 'zod'
import { ConnectionError } from '../../errors.js'
import { cut } from '../../lib/text.js'
import { type Api, defineOperation, maskIds } from '../provider.js'
import { publicAddressOf } from './address.js'
import { dated, eventsAfter, eventsBaseline, item, MAX_NAME_LENGTH, newestOf } from './api.js'
import { type App, app, assign, copyInto, launch, stageExisting } from './code.js'
import { type CopyParams, copyFields } from './form.js'
import { root } from './login.js'
import { type CfRef, lockOf, ref } from './status.js'
import { consoleLink, DEADLINE_MS, firstStep, type RefUpdate, space, withRole } from './step.js'
import { refuseMismatch, validateCopy } from './validate.js'

const COPIED = 'audit.app.package.create,audit.app.copy-bits'
const event = dated.extend({
  data: z
    .object({
      package_guid: z.string().nullish(),
      source_guid: z.string().nullish(),
      request: z.object({ source_package_guid: z.string().nullish() }).nullish(),
    })
    .nullish(),
})

const overwrite = firstStep<CopyParams>(({ target }) => `/v3/apps/${target}`, {
  id: 'copy',
  title: 'Copy the code',
  doing: 'Copying the code',
  async write(api, params) {
    const [from, to] = [await api.get(`/v3/apps/${params.app}`, app), await api.get(`/v3/apps/${params.target}`, app)]
    const code = await refuseMismatch(api, from, to)
    const known = await overwritten(api, to, params.restart)
    const spaces = [from.relationships.space, to.relationships.space]
    // The old API copies the newest package in whatever state. The root says whether it is there.
    if (code.isNewest && (await api.get('/', root)).links.cloud_controller_v2) {
      const [before] = await packagesOf(api, to.guid)
      try {
        const json = { source_app_guid: from.guid }
        await withRole(api, spaces, api.post(`/v2/apps/${to.guid}/copy_bits`, z.unknown(), { json }))
        return { ...known, waitFor: 'copy', guid: before?.guid }
      } catch (error) {
        // Announced but blocked: a plain 404 from the proxy in front of it.
        if (!(error instanceof ConnectionError && error.status === 404)) throw error
      }
    }
    return { ...known, ...(await withRole(api, spaces, copyInto(api, 'package', code.guid, to.guid))) }
  },
  baseline: (api, params) => eventsBaseline(api, params.target, COPIED),
  async find(api, params, _, { baseline }) {
    const events = await eventsAfter(api, baseline, event, params.target, COPIED)
    const sources = events.length > 0 ? await packagesOf(api, params.app) : []
    // A source without code may as well be one that we may no longer read.
    if (events.length > 0 && sources.length === 0) await api.get(`/v3/apps/${params.app}`, item)
    // Somebody else's upload has no source.
    const mine = events.find(
      ({ data }) =>
        data?.source_guid === params.app || sources.some(({ guid }) => guid === data?.request?.source_package_guid),
    )
    // The event of the old API doesn't name its package, which is made just before the event.
    const guid = mine && (mine.data?.package_guid ?? (await packageAt(api, params.target, mine.created_at)))
    if (!guid) return undefined
    const known = await overwritten(api, await api.get(`/v3/apps/${params.target}`, app), params.restart)
    return { ...known, waitFor: 'package', guid }
  },
})

/** The newest first. */
async function packagesOf(api: Api, app_guids: string): Promise<z.infer<typeof dated>[]> {
  return await newestOf(api, '/v3/packages', dated, { app_guids })
}

async function packageAt(api: Api, target: string, time: string): Promise<string | undefined> {
  return (await packagesOf(api, target)).find(({ created_at }) => created_at <= time)?.guid
}

/** An app that is overwritten: its links, and the remark if it isn't restarted. */
async function overwritten(api: Api, to: App, restart: boolean): Promise<RefUpdate> {
  return {
    app: to.guid,
    url: await publicAddressOf(api, to.guid),
    page: api.settings?.appUrl ? await consoleOf(api, to) : undefined,
    note: restart ? undefined : 'copied, but its old code runs until it is staged and restarted',
  }
}

async function consoleOf(api: Api, { guid, relationships }: App): Promise<string | undefined> {
  return consoleLink(api, await api.get(`/v3/spaces/${relationships.space}`, space), guid)
}

export const copyBits = defineOperation<CopyParams, CfRef>({
  title: 'Copy code to an app',
  fields: copyFields,
  ref,
  lock: ({ target }) => lockOf(target),
  summary: ({ app = '', 'app.from': source = app, target = '' }) => ({ from: maskIds(source), to: maskIds(target) }),
  preview: ({ restart }, { target = 'the target' }) => ({
    copied: 'The newest uploaded code.',
    notCopied: 'Environment variables, size, services, addresses, registry passwords of Docker images.',
    overwrites: true,
    // Cut, so that the sentence after a long label is still read.
    warning: maskIds(`The code of ${cut(target, MAX_NAME_LENGTH)} is overwritten.`),
    ...(restart && { downtime: maskIds(`${cut(target, MAX_NAME_LENGTH)} restarts, with a short interruption.`) }),
  }),
  validate: validateCopy,
  copiesData: false,
  deadlineMs: DEADLINE_MS,
  steps: [
    overwrite,
    { ...stageExisting, when: ({ restart }) => restart },
    { ...assign, when: ({ restart }) => restart },
    launch('restart', 'Restart the app', 'Restarting the app'),
  ],
})
