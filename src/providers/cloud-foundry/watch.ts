/** What a step of Cloud Foundry is waiting for, and how all of them are looked at together. */
import { z } from 'zod'
import { isNotFound, TemporaryError } from '../../errors.js'
import { type Api, maskIds, type Observation, settleEach } from '../provider.js'
import { job, list, type Row } from './api.js'

/** Makes an address of four kilobytes, half of what proxies usually take. */
const IDS_PER_CALL = 100

// The states of packages, droplets, builds and bindings. One that is missing here counts as in progress.
const DONE = ['READY', 'STAGED', 'succeeded']
const FAILED = ['FAILED', 'EXPIRED', 'failed']

const word = z.string().optional()
/** How a step is watched: in which list, and by whose guid its rows are found there. */
const LOOKS: Readonly<Record<string, readonly [path: string, by: 'guids' | 'app_guids']>> = {
  package: ['/v3/packages', 'guids'],
  droplet: ['/v3/droplets', 'guids'],
  build: ['/v3/builds', 'guids'],
  binding: ['/v3/service_credential_bindings', 'app_guids'],
  instances: ['/v3/processes', 'app_guids'],
  // A job of the old API reads as finished when it is lost, too, so the package it makes is what counts.
  job: ['/v3/packages', 'app_guids'],
}
/** `guid` is what `look` looks at, `since` when a job began. Without a look there is nothing to wait for. */
export const ref = z
  .object({ app: z.string(), look: word, guid: word, since: word })
  .extend({ droplet: word, route: word, url: word, note: word })
export type CfRef = z.infer<typeof ref>

const stats = z.object({ resources: z.array(z.object({ state: z.string(), details: z.string().nullish() })) })

/** Looks at all jobs together, whatever each is waiting for. */
export async function check(api: Api, refs: readonly CfRef[]): Promise<(Observation<CfRef> | Error)[]> {
  const found = new Map<string, Row[]>()
  const placeOf = ({ look = '', app, guid }: CfRef) => `${look} ${LOOKS[look]?.[1] === 'guids' ? guid : app}`
  for (const [look, [path, by]] of Object.entries(LOOKS)) {
    const waiting = refs.filter((ref) => ref.look === look)
    const ids = [...new Set(waiting.map(({ app, guid = '' }) => (by === 'guids' ? guid : app)))]
    for (let at = 0; at < ids.length; at += IDS_PER_CALL) {
      const query = { order_by: '-created_at', [by]: ids.slice(at, at + IDS_PER_CALL).join(',') }
      for (const row of (await list(api, path, query)).rows) {
        const place = `${look} ${by === 'guids' ? row.guid : row.relationships.app}`
        found.set(place, [...(found.get(place) ?? []), row])
      }
    }
  }
  return await settleEach(refs, async (ref) => {
    const seen = await observe(api, ref, found.get(placeOf(ref)) ?? [])
    const detail = seen.detail && { detail: maskIds(seen.detail) }
    return { ...seen, ...detail, ...(ref.url && { url: ref.url }) }
  })
}

async function observe(api: Api, ref: CfRef, rows: Row[]): Promise<Observation<CfRef>> {
  const done = { phase: 'done' as const, ...(ref.note && { detail: ref.note }) }
  if (ref.look === undefined) return done
  if (ref.look === 'instances') return await observeInstances(api, rows)
  if (ref.look === 'job') {
    const made = rows.find(({ created_at }) => created_at >= (ref.since ?? ''))
    if (!made) return await observeJob(api, ref)
    return {
      ...(await observe(api, { ...ref, look: 'package' }, [made])),
      ref: { ...ref, look: 'package', guid: made.guid },
    }
  }
  if (rows.length === 0) return { phase: 'failed', detail: `the ${ref.look} was deleted` }
  const stateOf = ({ state, last_operation }: Row) => state ?? last_operation?.state ?? 'succeeded'
  const failed = rows.find((row) => FAILED.includes(stateOf(row)))
  if (failed) {
    const reason = failed.error || failed.data?.error || failed.last_operation?.description
    return {
      phase: 'failed',
      detail: reason || `the ${ref.look} is ${stateOf(failed)}, and Cloud Foundry says no more`,
    }
  }
  const open = rows.find((row) => !DONE.includes(stateOf(row)))
  if (open) return { phase: 'working', detail: `${ref.look}: ${stateOf(open)}` }
  const droplet = ref.look === 'droplet' ? ref.guid : rows[0]?.droplet?.guid
  return droplet ? { ...done, ref: { ...ref, droplet } } : done
}

/** An app runs when each of its processes that shall has an instance that does. */
async function observeInstances(api: Api, processes: Row[]): Promise<Observation<CfRef>> {
  if (processes.length === 0) return { phase: 'failed', detail: 'the app was deleted' }
  const wanted = processes.filter(({ instances }) => instances !== 0)
  for (const { guid, type } of wanted) {
    // Instances cannot always be counted.
    const counted = await api.get(`/v3/processes/${guid}/stats`, stats).catch((error: unknown) => {
      if (error instanceof TemporaryError || isNotFound(error)) return { resources: [] }
      throw error
    })
    const states = counted.resources.map(({ state }) => state)
    if (states.includes('RUNNING')) continue
    const details = counted.resources.find((one) => one.details)?.details
    const detail = `${type}: ${states.join(', ') || 'no instance to be seen yet'}${details ? ` (${details})` : ''}`
    const isLost = states.length > 0 && states.every((state) => state === 'CRASHED')
    return { phase: isLost ? 'failed' : 'working', detail }
  }
  return wanted.length > 0 ? { phase: 'done' } : { phase: 'done', detail: 'started, but set to run no instance' }
}

/** A job that made no package. One that is unknown reads as finished. */
async function observeJob(api: Api, { guid }: CfRef): Promise<Observation<CfRef>> {
  const { status, error_details } = (await api.get(`/v2/jobs/${guid}`, job)).entity
  if (status === 'failed')
    return { phase: 'failed', detail: error_details?.description ?? 'the copy failed, without a reason' }
  if (status !== 'finished') return { phase: 'working', detail: status }
  return { phase: 'failed', detail: 'the copy is said to be finished, but the app has no new package' }
}
