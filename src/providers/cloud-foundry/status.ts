/** What a step of Cloud Foundry is waiting for, and how all of them are looked at together. */
import { z } from 'zod'
import { TemporaryError, UserError } from '../../errors.js'
import { type Api, maskIds, type Observation, rows, settleEach } from '../provider.js'
import { closed, item, link, listWith } from './client.js'

/** Makes an address of four kilobytes, half of what proxies usually take. */
const IDS_PER_CALL = 100

// The states of packages, droplets, builds and bindings. One that is missing here counts as in progress.
const DONE = ['READY', 'STAGED', 'succeeded']
const FAILED = ['FAILED', 'EXPIRED', 'failed']
// The states of instances that do not come up, for reasons that only the stats know.
const DARK = ['DOWN', 'CRASHED']

const word = z.string().optional()
const kind = z.enum(['package', 'droplet', 'build', 'binding', 'copy', 'instances'])
/**
 * `app` is the new one or the one that is overwritten. `guid` is what `look` looks at; without a look there is nothing to
 * wait for. `note` is the remark of a success, `left` a sentence on what a failure leaves behind.
 */
export const ref = z.object({
  app: z.string(),
  look: kind.optional(),
  guid: word,
  droplet: word,
  route: word,
  url: word,
  note: word,
  left: word,
})
export type CfRef = z.infer<typeof ref>

type Seen = Observation<CfRef> | Error

/** One kind of waiting: what its rows are asked for by, and what an answer means for each ref. */
interface Look {
  by: 'guid' | 'app'
  read(api: Api, ids: string): Promise<(ref: CfRef) => Seen>
}

/** A package, droplet, build or binding, as far as all of them are alike. */
interface Work {
  guid: string
  state: string
  reason: string | null | undefined
  /** Whose it is, where that is asked. */
  app?: string | undefined
  /** The droplet it is or has made. */
  droplet?: string | undefined
}

// What is needed to tell whose a row is must be there. The rest may be odd without failing the job.
const some = z.string().nullish().catch(undefined)
const state = z.string().catch('in an unknown state')
const stated = item.extend({ state, error: some })
const packageRow = stated
  .extend({
    data: z.object({ error: some }).nullish().catch(undefined),
    relationships: z.object({ app: link }).optional(),
  })
  .transform(({ guid, state, data, relationships }) => ({ guid, state, reason: data?.error, app: relationships?.app }))
const dropletRow = stated.transform(({ guid, state, error }) => ({ guid, state, reason: error, droplet: guid }))
const buildRow = stated
  .extend({ droplet: item.nullish().catch(undefined) })
  .transform(({ guid, state, error, droplet }) => ({ guid, state, reason: error, droplet: droplet?.guid }))
const bindingRow = item
  .extend({
    last_operation: z.object({ state, description: some }).nullish(),
    relationships: z.object({ app: link }),
  })
  .transform(({ guid, last_operation, relationships }) => ({
    guid,
    state: last_operation?.state ?? 'succeeded',
    reason: last_operation?.description,
    app: relationships.app,
  }))
const processRow = item.extend({
  type: z.string().catch('a process'),
  instances: z.number().catch(1),
  process_instances: z.array(z.object({ state })).optional().catch(undefined),
  relationships: z.object({ app: link }),
})
const stats = z.object({ resources: z.array(z.object({ state, details: some })) })
type Process = z.infer<typeof processRow>
type Stats = z.infer<typeof stats>

// Instances come last: it is not the API itself that counts them, and where it cannot, nothing else shall wait.
const LOOKS: Readonly<Record<z.infer<typeof kind>, Look>> = {
  package: worksOf('package', '/v3/packages', packageRow, 'guid'),
  droplet: worksOf('droplet', '/v3/droplets', dropletRow, 'guid'),
  build: worksOf('build', '/v3/builds', buildRow, 'guid'),
  binding: worksOf('binding', '/v3/service_credential_bindings', bindingRow, 'app'),
  copy: worksOf('copy', '/v3/packages', packageRow, 'app', observeCopy),
  instances: {
    by: 'app',
    async read(api, ids) {
      const { found, isWhole } = await processesOf(api, ids)
      const dark = found.filter(isDark)
      const counts = await settleEach(dark, ({ guid }) => api.get(`/v3/processes/${guid}/stats`, stats))
      const countOf = new Map(dark.map(({ guid }, index) => [guid, counts[index]]))
      return (ref) => {
        const mine = found.filter(({ relationships }) => relationships.app === ref.app)
        return mine.length === 0 && !isWhole ? unreadable('process') : observeProcesses(ref, mine, countOf)
      }
    },
  },
}

/** Looks at all jobs together, whatever each is waiting for: one call for every hundred that wait for the same kind. */
export async function check(api: Api, refs: readonly CfRef[]): Promise<Seen[]> {
  const calls = Object.entries(LOOKS).flatMap(([name, look]) => {
    const ids = [...new Set(refs.filter((ref) => ref.look === name).map((ref) => ref[look.by] ?? ''))]
    return hundreds(ids).map((some) => ({ name, look, ids: some }))
  })
  const answers = await settleEach(calls, ({ look, ids }) => look.read(api, ids.join(',')))
  const answerOf = new Map(calls.flatMap(({ name, ids }, at) => ids.map((id) => [`${name} ${id}`, answers[at]])))
  return refs.map((ref) => {
    if (ref.look === undefined) return told(ref, doneOf(ref))
    const answer = answerOf.get(`${ref.look} ${ref[LOOKS[ref.look].by] ?? ''}`)
    return answer instanceof Error ? answer : told(ref, answer?.(ref) ?? { phase: 'working' })
  })
}

function hundreds(ids: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(ids.length / IDS_PER_CALL) }, (_, at) =>
    ids.slice(at * IDS_PER_CALL, (at + 1) * IDS_PER_CALL),
  )
}

function told(ref: CfRef, seen: Seen): Seen {
  if (seen instanceof Error) return seen
  return { ...seen, ...(seen.detail && { detail: maskIds(seen.detail) }), ...(ref.url && { url: ref.url }) }
}

function worksOf(name: string, path: string, row: z.ZodType<Work>, by: Look['by'], mean = observe): Look {
  const filter = by === 'guid' ? 'guids' : 'app_guids'
  return {
    by,
    async read(api, ids) {
      const { found, isWhole } = await readable(api, path, row, { [filter]: ids, order_by: '-created_at' })
      return (ref) => {
        const mine = found.filter((one) => one[by] === ref[by])
        return mine.length === 0 && !isWhole ? unreadable(name) : mean(ref, mine, name)
      }
    },
  }
}

interface Readable<T> {
  found: T[]
  /** Whether all rows could be read, so that what was not found is not there. */
  isWhole: boolean
}

/** The rows of a list whose owner can be told. */
async function readable<T>(
  api: Api,
  path: string,
  row: z.ZodType<T>,
  query: Readonly<Record<string, string>>,
): Promise<Readable<T>> {
  let isWhole = true
  const counting: Pick<Api, 'reportSkipped'> = {
    reportSkipped(count, example) {
      isWhole = false
      api.reportSkipped?.(count, example)
    },
  }
  const { rows: found } = await listWith(api, path, rows(counting, row), z.array(item), query)
  return { found, isWhole }
}

function unreadable(name: string): TemporaryError {
  return new TemporaryError(`Cloud Foundry listed the ${name} in an unexpected shape, or not at all.`, {
    mayHaveHappened: false,
  })
}

function doneOf(ref: CfRef): Observation<CfRef> {
  return { phase: 'done', ...(ref.note && { detail: ref.note }) }
}

function ended({ left }: CfRef, reason: string): string {
  return left ? `${closed(reason)} ${left}` : reason
}

function observe(ref: CfRef, works: readonly Work[], name: string): Observation<CfRef> {
  if (works.length === 0) return { phase: 'failed', detail: `the ${name} was deleted, or may no longer be read` }
  const failed = works.find(({ state }) => FAILED.includes(state))
  if (failed) {
    const unsaid = `the ${name} is ${failed.state}, and Cloud Foundry says no more`
    return { phase: 'failed', detail: ended(ref, failed.reason || unsaid) }
  }
  const open = works.find(({ state }) => !DONE.includes(state))
  if (open) return { phase: 'working', detail: `${name}: ${open.state}` }
  const droplet = works[0]?.droplet
  return droplet ? { ...doneOf(ref), ref: { ...ref, droplet } } : doneOf(ref)
}

/**
 * The old API makes its package within the request and does not tell which, and a job of it that is lost reads as
 * finished. So what counts is the first package that came after the one that was the newest before.
 */
function observeCopy(ref: CfRef, newestFirst: readonly Work[]): Observation<CfRef> {
  const before = newestFirst.findIndex(({ guid }) => guid === ref.guid)
  const made = (before < 0 ? newestFirst : newestFirst.slice(0, before)).at(-1)
  if (!made) return { phase: 'failed', detail: 'Cloud Foundry took the copy, but the app has no new package' }
  return { ...observe(ref, [made], 'package'), ref: { ...ref, look: 'package', guid: made.guid } }
}

/** With their instances, where the API knows how: since its version 3.212. */
async function processesOf(api: Api, app_guids: string): Promise<Readable<Process>> {
  try {
    return await readable(api, '/v3/processes', processRow, { app_guids, embed: 'process_instances' })
  } catch (error) {
    if (!(error instanceof UserError && error.status === 400)) throw error
    return await readable(api, '/v3/processes', processRow, { app_guids })
  }
}

function isDark({ instances, process_instances = [] }: Process): boolean {
  return instances !== 0 && process_instances.every(({ state }) => DARK.includes(state))
}

/** An app runs when each of its processes that shall has an instance that does. */
function observeProcesses(
  ref: CfRef,
  processes: readonly Process[],
  counts: ReadonlyMap<string, Stats | Error | undefined>,
): Seen {
  if (processes.length === 0) return { phase: 'failed', detail: 'the app was deleted, or may no longer be read' }
  const wanted = processes.filter(({ instances }) => instances !== 0)
  for (const { guid, type, process_instances = [] } of wanted) {
    const counted = counts.get(guid)
    if (counted instanceof Error) return counted
    const states = (counted?.resources ?? process_instances).map(({ state }) => state)
    if (states.includes('RUNNING')) continue
    const details = counted?.resources.find((one) => one.details)?.details
    const detail = `${type}: ${states.join(', ') || 'no instance to be seen yet'}${details ? ` (${details})` : ''}`
    const isLost = states.length > 0 && states.every((state) => state === 'CRASHED')
    return isLost ? { phase: 'failed', detail: ended(ref, detail) } : { phase: 'working', detail }
  }
  return wanted.length > 0 ? { phase: 'done' } : { phase: 'done', detail: 'started, but set to run no instance' }
}
