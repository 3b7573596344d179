/** What all steps on Cloud Foundry have in common. */
import { z } from 'zod'
import { ConnectionError } from '../../errors.js'
import { type Api, type Attempt, type Step, type Written, withSentence } from '../provider.js'
import { item, link, list, shownName } from './api.js'
import { check } from './poll.js'
import { type CfRef, linksOf, ref } from './status.js'

/** Cloud Foundry does more within one request than other providers. */
export const WRITE_TIMEOUT_MS = 60_000
/** The timeout of a lost write, and some more in which it may still be carried out. */
export const ABSENT_AFTER_MS = 90_000
const LABEL = 'dolly-job'

export const DEADLINE_MS = 30 * 60_000

/** What a write changes in the ref. */
export type RefUpdate = Partial<CfRef>
type Action<P, Before, R> = (api: Api, params: P, before: Before, attempt: Attempt) => Promise<R>
/** What a step is called, when it's needed, its write, and how to find what that left behind. */
interface StepParts<P, Before> extends Pick<Step<P, Before, CfRef>, 'id' | 'title' | 'doing' | 'when' | 'baseline'> {
  write: Action<P, Before, RefUpdate>
  find: Action<P, Before, RefUpdate | false | undefined>
  /** The write sets a value: repeating it is harmless, so what isn't found is done again at once. */
  isRepeatable?: boolean
}

/** The first step of an operation, in a space or an app of this path. */
export function firstStep<P>(pathOf: (params: P) => string, parts: StepParts<P, null>): Step<P, null, CfRef> {
  return stepOf(pathOf, parts)
}

/** A later step, in the app that the first one made or overwrote. */
export function step<P>(parts: StepParts<P, CfRef>): Step<P, CfRef, CfRef> {
  return stepOf((_, { app }) => `/v3/apps/${app}`, parts)
}

function stepOf<P, Before extends CfRef | null>(
  pathOf: (params: P, before: Before) => string,
  { write, find, isRepeatable = false, ...parts }: StepParts<P, Before>,
): Step<P, Before, CfRef> {
  const next = (before: Before, update: RefUpdate): Written<CfRef> => {
    const made = ref.parse({ ...before, waitFor: undefined, ...update })
    if (made.waitFor) return made
    return { ref: made, ended: 'done', ...(made.note && { detail: made.note }), ...linksOf(made) }
  }
  return {
    ...parts,
    absentAfterMs: isRepeatable ? 0 : ABSENT_AFTER_MS,
    check,
    async run(api, params, before, attempt) {
      try {
        return next(before, await write(withTimeout(api), params, before, attempt))
      } catch (error) {
        throw before?.left ? withSentence(before.left, error) : error
      }
    },
    async find(api, params, before, attempt) {
      const found = await find(api, params, before, attempt)
      if (found) return next(before, found)
      // Lists leave out what we may no longer read, which would look like nothing was done.
      await api.get(pathOf(params, before), item)
      return null
    },
  }
}

function withTimeout(api: Api): Api {
  return {
    ...api,
    post: (path, schema, options) => api.post(path, schema, { timeoutMs: WRITE_TIMEOUT_MS, ...options }),
  }
}

/** The relationships of something new, and our label if it can have one. */
export function owned(owners: Readonly<Record<string, string>>, job?: string) {
  const relationships = Object.fromEntries(Object.entries(owners).map(([key, guid]) => [key, { data: { guid } }]))
  return { relationships, ...(job !== undefined && { metadata: { labels: { [LABEL]: job } } }) }
}

/** What has the label of this job. */
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

/** The operator's link template, filled in; undefined without one. */
export function consoleLink(api: Api, { guid, relationships }: Space, app: string): string | undefined {
  return api.settings?.appUrl
    ?.replaceAll('{organization}', relationships.organization ?? '')
    .replaceAll('{space}', guid)
    .replaceAll('{app}', app)
}

/** A write that needs the role in all of these spaces; if it's refused, the error names them. */
export async function withRole<T>(api: Api, spaces: readonly (string | undefined)[], write: Promise<T>): Promise<T> {
  try {
    return await write
  } catch (error) {
    if (!(error instanceof ConnectionError && error.status === 403)) throw error
    const guids = [...new Set(spaces)].filter((guid) => guid !== undefined)
    // Without the names, the refusal itself is enough.
    const known = await list(api, '/v3/spaces', space, { guids: guids.join(',') }).catch(() => [])
    const names = known.map(({ name }) => name).join(' and ')
    throw names ? withSentence(`This concerns ${names}.`, error) : error
  }
}
