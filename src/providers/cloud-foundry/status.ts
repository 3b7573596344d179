/** What the steps on Cloud Foundry are waiting for, polled together for all jobs. */
import { z } from 'zod'
import { type Api, maskIds, type Observation, settleEach } from '../provider.js'
import { item, link } from './api.js'
import { instances } from './instances.js'
import {
  type CfRef,
  failed,
  listReadable,
  optional,
  type Poll,
  type Result,
  state,
  unreadable,
  type waitFor,
} from './poll.js'

/** Makes an address of four kilobytes, half of what proxies usually take. */
const MAX_IDS_PER_CALL = 100

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

// Instances come last: another server counts them, and if it's down, nothing else should wait for it.
const polls: Readonly<Record<z.infer<typeof waitFor>, Poll>> = {
  package: pollOf('package', '/v3/packages', packageRow, 'guid'),
  droplet: pollOf('droplet', '/v3/droplets', dropletRow, 'guid'),
  build: pollOf('build', '/v3/builds', buildRow, 'guid'),
  binding: pollOf('binding', '/v3/service_credential_bindings', bindingRow, 'app'),
  copy: pollOf('copy', '/v3/packages', packageRow, 'app', observeCopy),
  instances,
}

/** Polls all jobs together, whatever each waits for: one call for every hundred that wait for the same kind. */
export async function check(api: Api, refs: readonly CfRef[]): Promise<Result[]> {
  const calls = Object.entries(polls).flatMap(([name, poll]) => {
    const ids = [...new Set(refs.filter((ref) => ref.waitFor === name).map((ref) => ref[poll.by] ?? ''))]
    return inBatches(ids).map((batch) => ({ name, poll, ids: batch }))
  })
  const answers = await settleEach(calls, ({ poll, ids }) => poll.read(api, ids.join(',')))
  const byId = new Map(calls.flatMap(({ name, ids }, at) => ids.map((id) => [`${name} ${id}`, answers[at]])))
  return refs.map((ref) => {
    if (ref.waitFor === undefined) return readable(ref, done(ref))
    const answer = byId.get(`${ref.waitFor} ${ref[polls[ref.waitFor].by] ?? ''}`)
    return answer instanceof Error ? answer : readable(ref, answer?.(ref) ?? { phase: 'working' })
  })
}

function inBatches(ids: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(ids.length / MAX_IDS_PER_CALL) }, (_, at) =>
    ids.slice(at * MAX_IDS_PER_CALL, (at + 1) * MAX_IDS_PER_CALL),
  )
}

/** For people: without whole GUIDs, and with the link. */
function readable({ url }: CfRef, result: Result): Result {
  if (result instanceof Error) return result
  return { ...result, ...(result.detail && { detail: maskIds(result.detail) }), ...(url && { url }) }
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

function done({ note }: CfRef): Observation<CfRef> {
  return { phase: 'done', ...(note && { detail: note }) }
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
