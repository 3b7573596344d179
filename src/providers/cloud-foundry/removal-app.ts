/** The deletion of a cloned app on Cloud Foundry. Its address stays; see `removal.ts`. */
import { z } from 'zod'
import { ConnectionError, unlessNotFound } from '../../errors.js'
import { type Api, type Lookup, lookUpEach, maskIds, removalStep, withPeriod } from '../provider.js'
import { item, link, listReadable } from './api.js'
import { inBatches } from './poll.js'
import { type CfRef, optional, type Result } from './status.js'
import { ABSENT_AFTER_MS, WRITE_TIMEOUT_MS, withRole } from './step.js'

const row = item.extend({ relationships: z.object({ space: link }) })
const binding = item.extend({
  last_operation: z
    .object({ type: optional, state: optional, description: optional, updated_at: optional })
    .nullish()
    .catch(undefined),
  relationships: z.object({ app: link }),
})

/** An app, and what keeps it from being deleted: failures to unbind a service, by what tells each from all others. */
interface App {
  guid: string
  space: string | undefined
  failures: ReadonlyMap<string, string>
}

export const removeApp = removalStep<CfRef, App>({
  noun: 'app',
  absentAfterMs: ABSENT_AFTER_MS,
  read: async (api, ref) => (await lookUpApps(api, [ref]).one(ref.app)) ?? (await refuseHidden(api, ref)),
  // Another app may have the name by now, but never the GUID.
  isOurs: ({ guid }, ref) => guid === ref.app,
  // Only a header names the job that deletes it. If that is lost, a second one changes nothing.
  isDeleting: () => false,
  async send(api, ref, { space }) {
    const sent = api.delete(`/v3/apps/${ref.app}`, z.unknown(), { timeoutMs: WRITE_TIMEOUT_MS })
    await withRole(api, [space], sent)
  },
  keep: (ref, { space, failures }) => ({ ...ref, space, stuck: [...failures.keys()].join(' ') }),
  check: (api, refs) =>
    lookUpEach(
      refs,
      ({ app }) => app,
      lookUpApps(api, refs),
      async (ref, app): Promise<Exclude<Result, Error>> => {
        if (app) return observe(ref, app)
        await refuseHidden(api, ref)
        return { phase: 'done' }
      },
    ),
})

function observe({ stuck = '' }: CfRef, { failures }: App): Exclude<Result, Error> {
  const known = stuck.split(' ')
  const reason = [...failures].find(([failure]) => !known.includes(failure))?.[1]
  if (reason === undefined) return { phase: 'working', detail: 'still there' }
  return {
    phase: 'failed',
    detail: `The app is still there, because a service couldn't be unbound from it. ${withPeriod(maskIds(reason))}`,
  }
}

function lookUpApps(api: Api, refs: readonly CfRef[]): Lookup<App> {
  return {
    async *list() {
      for (const guids of inBatches(refs.map(({ app }) => app))) {
        const { found } = await listReadable(api, '/v3/apps', row, { guids: guids.join(',') })
        yield { items: await withFailures(api, found), left: 0 }
      }
    },
    id: ({ guid }) => guid,
    async one(guid) {
      const found = await unlessNotFound(api.get(`/v3/apps/${guid}`, row))
      return found && ((await withFailures(api, [found]))[0] ?? null)
    },
  }
}

async function withFailures(api: Api, apps: readonly z.infer<typeof row>[]): Promise<App[]> {
  if (apps.length === 0) return []
  const query = { app_guids: apps.map(({ guid }) => guid).join(','), type: 'app' }
  const { found } = await listReadable(api, '/v3/service_credential_bindings', binding, query)
  const failed = found.filter(({ last_operation: last }) => last?.type === 'delete' && last.state === 'failed')
  return apps.map(({ guid, relationships }) => {
    const own = failed.filter((one) => one.relationships.app === guid)
    const failures = own.map(({ guid, last_operation: last }): [string, string] => [
      `${guid}@${last?.updated_at}`,
      last?.description || 'Cloud Foundry gives no reason.',
    ])
    return { guid, space: relationships.space, failures: new Map(failures) }
  })
}

/** Cloud Foundry also answers 404 for what we may not see. If we can see the space, we would see the app. */
async function refuseHidden(api: Api, { space }: CfRef): Promise<null> {
  if (space !== undefined && !(await unlessNotFound(api.get(`/v3/spaces/${space}`, item)))) {
    throw new ConnectionError(
      'Cloud Foundry shows neither the app nor its space. The connection needs the role Space Developer there to tell whether the app is gone.',
    )
  }
  return null
}
