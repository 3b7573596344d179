/** What a step on Cloud Foundry waits for: the ref, and the polls of packages, droplets, builds and bindings. */
import { z } from 'zod'
import { TemporaryError } from '../../errors.js'
import { type Api, type Observation, withPeriod } from '../provider.js'
import { item, link, listReadable } from './api.js'

const word = z.string().optional()
export const waitFor = z.enum(['package', 'droplet', 'build', 'binding', 'copy', 'instances'])
/**
 * `app` is the new one or the one that is overwritten. `waitFor` is what the step waits for, and `guid` that thing's; without
 * it there is nothing to wait for. `note` is the remark of a success, `left` a sentence on what a failure leaves behind.
 */
export const ref = z.object({
  app: z.string(),
  waitFor: waitFor.optional(),
  guid: word,
  droplet: word,
  route: word,
  /** Its own address, and its page where the operator has said how to find it. */
  url: word,
  page: word,
  /** The reserved address, which leads to the clone once it is mapped. */
  address: word,
  note: word,
  left: word,
  /** The space of a new app; older refs have none. */
  space: word,
  /** The failures to unbind a service that were there before the app was last to be deleted. */
  stuck: word,
})
export type CfRef = z.infer<typeof ref>

/** The lock of whatever writes to an app that is there, by its GUID. */
export function lockOf(app: string): string {
  return `app:${app}`
}

export type Result = Observation<CfRef> | Error

/** One kind of waiting: by which key of the ref its rows are asked for, and what the answer means for each ref. */
export interface Poll {
  by: 'guid' | 'app'
  read(api: Api, ids: string): Promise<(ref: CfRef) => Result>
}

// What says whose a row is must be there. The rest may be odd without failing the job.
export const optional = z.string().nullish().catch(undefined)
export const state = z.string().catch('in an unknown state')

export function unreadable(name: string): TemporaryError {
  return new TemporaryError(`Cloud Foundry listed the ${name} in an unexpected shape, or not at all.`, {
    mayHaveHappened: false,
  })
}

/** A failure, with what it leaves behind. */
export function failed({ left }: CfRef, reason: string): Observation<CfRef> {
  return { phase: 'failed', detail: left ? `${withPeriod(reason)} ${left}` : reason }
}

/** Nothing to wait for, or no longer. */
export function done({ note }: CfRef): Observation<CfRef> {
  return { phase: 'done', ...(note && { detail: note }) }
}

export function linksOf({ url, page }: CfRef): Pick<Observation, 'url' | 'consoleUrl'> {
  return { ...(url && { url }), ...(page && { consoleUrl: page }) }
}

// The states of packages, droplets, builds and bindings. An unlisted one counts as in progress.
const DONE = ['READY', 'STAGED', 'succeeded']
const FAILED = ['FAILED', 'EXPIRED', 'failed']

/** What packages, droplets, builds and bindings have in common. */
interface Resource {
  guid: string
  state: string
  reason: string | null | undefined
  /** Whose it is, where rows are asked for by app. */
  app?: string | undefined
  /** The droplet that it is, or has made. */
  droplet?: string | undefined
}

const stated = item.extend({ state, error: optional })
const packageRow = stated
  .extend({
    data: z.object({ error: optional }).nullish().catch(undefined),
    relationships: z.object({ app: link }).optional(),
  })
  .transform(({ guid, state, data, relationships }) => ({ guid, state, reason: data?.error, app: relationships?.app }))
const dropletRow = stated.transform(({ guid, state, error }) => ({ guid, state, reason: error, droplet: guid }))
const buildRow = stated
  .extend({ droplet: item.nullish().catch(undefined) })
  .transform(({ guid, state, error, droplet }) => ({ guid, state, reason: error, droplet: droplet?.guid }))
const bindingRow = item
  .extend({
    last_operation: z.object({ state, description: optional }).nullish(),
    relationships: z.object({ app: link }),
  })
  .transform(({ guid, last_operation, relationships }) => ({
    guid,
    state: last_operation?.state ?? 'succeeded',
    reason: last_operation?.description,
    app: relationships.app,
  }))

/** What has a state of its own; for instances see `instances.ts`. */
export const resources = {
  package: pollOf('package', '/v3/packages', packageRow, 'guid'),
  droplet: pollOf('droplet', '/v3/droplets', dropletRow, 'guid'),
  build: pollOf('build', '/v3/builds', buildRow, 'guid'),
  binding: pollOf('binding', '/v3/service_credential_bindings', bindingRow, 'app'),
  copy: pollOf('copy', '/v3/packages', packageRow, 'app', observeCopy),
}

function pollOf(name: string, path: string, row: z.ZodType<Resource>, by: Poll['by'], mean = observe): Poll {
  const filter = by === 'guid' ? 'guids' : 'app_guids'
  return {
    by,
    async read(api, ids) {
      const { found, isWhole } = await listReadable(api, path, row, { [filter]: ids, order_by: '-created_at' })
      return (ref) => {
        const own = found.filter((one) => one[by] === ref[by])
        return own.length === 0 && !isWhole ? unreadable(name) : mean(ref, own, name)
      }
    },
  }
}

function observe(ref: CfRef, own: readonly Resource[], name: string): Observation<CfRef> {
  if (own.length === 0) return { phase: 'failed', detail: `the ${name} was deleted, or can no longer be read` }
  const broken = own.find(({ state }) => FAILED.includes(state))
  if (broken) return failed(ref, broken.reason || `the ${name} is ${broken.state}, and Cloud Foundry gives no reason`)
  const pending = own.find(({ state }) => !DONE.includes(state))
  if (pending) return { phase: 'working', detail: `${name}: ${pending.state}` }
  const droplet = own[0]?.droplet
  return droplet ? { ...done(ref), ref: { ...ref, droplet } } : done(ref)
}

/**
 * The old API makes its package within the request but doesn't say which, and a job of it that is gone reads as finished.
 * So what counts is the first package after the one that was the newest before.
 */
function observeCopy(ref: CfRef, newestFirst: readonly Resource[]): Observation<CfRef> {
  const before = newestFirst.findIndex(({ guid }) => guid === ref.guid)
  const made = (before < 0 ? newestFirst : newestFirst.slice(0, before)).at(-1)
  if (!made) return { phase: 'failed', detail: 'Cloud Foundry took the copy, but the app has no new package' }
  return { ...observe(ref, [made], 'package'), ref: { ...ref, waitFor: 'package', guid: made.guid } }
}
