/** The run: people ask for jobs while bots die and everything else fails; then the faults are lifted and the results compared. */
import { setTimeout as delay } from 'node:timers/promises'
import * as listed from '../../src/providers/index.js'
import { operationOf, type Provider } from '../../src/providers/provider.js'
import type { FirstPoll } from './bot-process.js'
import type { Course } from './course.js'
import { type DueTime, jobsOf, moveDueTimes } from './due-times.js'
import { type Judgement, judge } from './judge.js'
import type { Run } from './judge-steering.js'
import { courseOnOneFile } from './kills.js'
import { deployOnOneFile, type LockReport } from './one-file.js'
import { planFirstStarts, planKills } from './plan.js'
import { planReplicaKills, planSharedStarts } from './plan-replicas.js'
import type { Exchange } from './proxy.js'
import { createRandom } from './random.js'
import { waitForEnds } from './recovery.js'
import { courseOfReplicas } from './replica-kills.js'
import { deployReplicas, type SharingReport } from './replicas.js'
import { readTargetIds, type Submission } from './requester.js'
import { planSubmissions, submitAll, targetsPerScenario } from './requests.js'
import type { Scenario } from './scenarios.js'
import { steerAll } from './steering.js'
import { startWorld, type World } from './world.js'

export interface Options {
  kills: number
  seed: number
  /** No more kills after so many minutes; what is under way then is still brought to its end. */
  minutes: number
  /** So many processes on one Postgres. Default: none, but one or two on a SQLite file. */
  replicas?: number | undefined
  /** People ask for jobs at these only. Default: all. */
  providers?: readonly string[]
  say(line: string): void
}

export interface Result extends Judgement {
  seed: number
  began: Date
  tookMs: number
  /** Whether the bot could read Slack's channels, to find its own messages. */
  canReadHistory: boolean
  kills: number
  /** How often a process died at which time. */
  deaths: Readonly<Record<string, number>>
  /** First starts that were killed and after which no process came up. */
  failedStarts: readonly string[]
  submissions: readonly Submission[]
  /** How often each job was tried again. */
  retries: ReadonlyMap<string, number>
  runs: readonly Run[]
  faults: Readonly<Record<string, number>>
  /** Every time a person was asked what became of a write, and whether the provider couldn't be asked. */
  uncertain: readonly { job: string; step: string; isUnavoidable: boolean; detail: string }[]
  /** How each bot that was not killed ended, and what its log calls a bug. */
  ownExits: readonly string[]
  bugs: ReadonlyMap<string, number>
  /** Median of the milliseconds a bot took to be up. */
  startMs: number
  firstPolls: readonly FirstPoll[]
  /** Undefined for a SQLite file. */
  replicas: number | undefined
  lock: LockReport | undefined
  sharing: SharingReport | undefined
  /** Answers of 429 in which Slack meant it, and those of them after all faults were lifted. */
  rateLimited: { all: number; afterFaults: number }
  /** What is known of an offence: the job's events, its writes and its messages. */
  replay(submission: Submission, job: string | undefined): string
}

/** The bots, how they are killed, and what only one kind of deployment can tell. */
interface Stage {
  world: World
  course: Course
  lock: LockReport | undefined
  sharing(): SharingReport | undefined
}

const JOBS_PER_KILL = 0.6
const JOBS_AHEAD = 8
const PATIENCE_MS = 60_000

export async function torture({ kills, seed, minutes, replicas, providers, say }: Options): Promise<Result> {
  const began = new Date()
  const random = createRandom(seed)
  const canReadHistory = random.chance(0.5)
  const isAsked = ({ provider }: Scenario) => providers?.includes(provider) ?? true
  const dueTimes: DueTime[] = []
  const deaths: Record<string, number> = {}
  const failedStarts: string[] = []
  let planned: Submission[] = []
  let killed = 0
  let isOver = false
  let isSteered = false
  let healedAt = Number.POSITIVE_INFINITY
  const asked = () => planned.filter(({ progress }) => progress !== 'planned')
  const { world, course, lock, sharing } = await (replicas === undefined ? onOneFile() : onReplicas(replicas))
  const maxSubmissions = maxSubmissionsOf(course.kills.length)
  planned = planSubmissions(random, maxSubmissions, world, isAsked)
  const atStart = Object.fromEntries(world.simulators.map(({ id }) => [id, world.rowsOf(id)]))

  function count(killTime: string): void {
    killed += 1
    deaths[killTime] = (deaths[killTime] ?? 0) + 1
    if (killed % 25 === 0) say(`${killed} kills, ${asked().length} forms, ${world.messages().length} messages`)
  }

  try {
    for (const { title, run } of course.firstStarts) {
      const problem = await run()
      if (problem) failedStarts.push(problem)
      count(title)
    }
    await course.begin(failedStarts.length > 0)
    const allowed = () => Math.min(maxSubmissions, killed * JOBS_PER_KILL + JOBS_AHEAD)
    const asking = submitAll(world, planned, allowed, () => isOver)
    const steering = steerAll(world, planned, () => isSteered)
    const deadline = performance.now() + minutes * 60_000
    for (const kill of course.kills) {
      if (performance.now() > deadline) break
      count(await kill())
    }
    isOver = true
    await world.heal()
    healedAt = Date.now()
    // Bounded: a bot may never come up.
    await Promise.race([asking, delay(PATIENCE_MS)])
    const accepted = planned.filter(({ isAcknowledged }) => isAcknowledged).length
    say(`All faults are lifted after ${killed} kills; ${accepted} jobs were accepted.`)
    await course.settle()
    await waitForEnds(world, say)
    isSteered = true
    await steering
    // What was steered last.
    await waitForEnds(world, say)
    const asker = world.workspace.as(world.workspace.people.ann.id)
    const nameless = planned.filter(({ scenario, sentAt }) => scenario.idField && sentAt !== undefined)
    for (const scenario of new Set(nameless.map((one) => one.scenario))) {
      const known = nameless.filter((one) => one.scenario === scenario)
      await readTargetIds(asker, known)
    }
    return await resultOf()
  } finally {
    await world.close()
  }

  function maxSubmissionsOf(laterKills: number): number {
    return Math.ceil(laterKills * JOBS_PER_KILL) + JOBS_AHEAD
  }

  function worldOptions(laterKills: number, processes: number) {
    const count = targetsPerScenario(maxSubmissionsOf(laterKills), isAsked) + 1
    return { count, canReadHistory, processes, hasRateLimits: replicas !== undefined }
  }

  async function onOneFile(): Promise<Stage> {
    const firstStarts = planFirstStarts(random, kills)
    const plans = planKills(random, kills - firstStarts.length)
    const world = await startWorld(worldOptions(plans.length, 1), deployOnOneFile)
    const whileDead = () => moveDueTimes(world, asked(), dueTimes)
    return {
      world,
      course: courseOnOneFile(world, firstStarts, plans, whileDead),
      lock: world.lock,
      sharing: () => undefined,
    }
  }

  async function onReplicas(processes: number): Promise<Stage> {
    const starts = planSharedStarts(random, kills, processes)
    const plans = planReplicaKills(random, kills - starts.length, processes)
    const world = await startWorld(worldOptions(plans.length, processes), (site) => deployReplicas(processes, site))
    const afterKill = () => moveDueTimes(world, asked(), dueTimes)
    return {
      world,
      course: courseOfReplicas(world, starts, plans, afterKill),
      lock: undefined,
      sharing: () => world.sharing(),
    }
  }

  async function resultOf(): Promise<Result> {
    const messages = world.messages()
    const exchanges = Object.fromEntries([...world.proxies].map(([of, proxy]) => [of, proxy.exchanges]))
    const tables = Object.fromEntries(world.simulators.map(({ id }) => [id, world.rowsOf(id)]))
    const submissions = asked()
    compareRecords(world)
    const retried = `select job_id, count(*) as count from events where kind = 'tried_again' group by job_id`
    const tried = await world.rows<EventRow & { count: number }>(retried)
    const retries = new Map(tried.map((one) => [one.job_id, one.count]))
    const runs: Run[] = []
    for (const one of dueTimes) runs.push({ ...one, jobs: await jobsOf(world, one) })
    const starts = world.bots.flatMap((bot) => bot.starts()).sort((one, other) => one - other)
    const events = await world.rows<EventRow>('select * from events order by job_id, seq')
    return {
      ...judge({ submissions, messages, exchanges, tables, atStart, retries, runs }),
      ...{
        seed,
        began,
        canReadHistory,
        kills: killed,
        deaths,
        failedStarts,
        submissions,
        retries,
        runs,
        tookMs: Date.now() - began.getTime(),
      },
      faults: world.injected(),
      uncertain: await uncertainOf(world),
      ownExits: world.bots.flatMap((bot) => bot.ownExits()),
      bugs: new Map(world.bots.flatMap((bot) => [...bot.bugs()])),
      startMs: Math.round(starts[Math.floor(starts.length / 2)] ?? 0),
      firstPolls: world.bots.flatMap((bot) => bot.firstPolls()),
      ...{ replicas, lock, sharing: sharing(), rateLimited: rateLimitedIn(exchanges.slack ?? [], healedAt) },
      replay: ({ scenario, input, id, sentAt }, job) => {
        const words = [input.target, id, job].flatMap((word) => word ?? [])
        const related = relatedTo(exchanges[scenario.provider] ?? [], words)
        const posts = messages.filter(
          ({ text, blocks }) =>
            text.includes(input.target) || (job && JSON.stringify(blocks).includes(`job \`${job}\``)),
        )
        return [
          `  first sent ${sentAt === undefined ? 'never' : new Date(sentAt).toISOString()}`,
          ...events.filter((one) => one.job_id === job).map((one) => `  event ${JSON.stringify(one)}`),
          ...related.map((one) => `  write ${lineOf(one)}`),
          ...posts.map(({ channel, ts, threadTs, text }) => `  slack ${channel} ${ts} in ${threadTs ?? '-'}: ${text}`),
        ].join('\n')
      },
    }
  }
}

interface EventRow {
  job_id: string
}

/** Writes that name one of these words, or something that such a write made. */
function relatedTo(exchanges: readonly Exchange[], words: readonly string[]): Exchange[] {
  const names = (one: Exchange, some: readonly string[]) => some.some((word) => JSON.stringify(one).includes(word))
  const made = exchanges
    .filter((one) => names(one, words))
    .flatMap(({ answer }) => /"(?:uuid|guid|id|ID)":"?([\w-]+)/.exec(JSON.stringify(answer))?.[1] ?? [])
    .map((id) => (/^\d+$/.test(id) ? `/apps/${id}/` : id))
  return exchanges.filter((one) => names(one, [...words, ...made]))
}

function lineOf({ at, method, path, status, mishap, body }: Exchange): string {
  return `${new Date(at).toISOString()} ${method} ${path} → ${status}${mishap ? ` (${mishap})` : ''} ${JSON.stringify(body)}`
}

/** What the proxy answered itself isn't among these. */
function rateLimitedIn(slack: readonly Exchange[], healedAt: number): Result['rateLimited'] {
  const refused = slack.filter(({ status }) => status === 429)
  return { all: refused.length, afterFaults: refused.filter(({ at }) => at > healedAt).length }
}

/** The proxies and the providers must have seen the same, or the counts mean nothing. */
function compareRecords({ simulators, proxies }: World): void {
  for (const simulator of simulators) {
    const [theirs, ours] = [simulator.writes().length, proxies.get(simulator.id)?.exchanges.length]
    if (theirs !== ours) throw new Error(`${simulator.name} recorded ${theirs} writes, the proxy before it ${ours}.`)
  }
}

async function uncertainOf(world: World): Promise<Result['uncertain']> {
  const sql = `select job_id, events.step, connection, operation, events.detail from events join jobs on jobs.id = job_id where kind = 'uncertain'`
  const rows = await world.rows<{
    job_id: string
    step: string
    connection: string
    operation: string
    detail: string
  }>(sql)
  return rows.map(({ job_id, step: id, connection, operation, detail }) => {
    const provider = Object.values<Provider>(listed).find((one) => one.id === connection)
    const step = operationOf(provider, operation)?.steps.find((one) => one.id === id)
    // A step with `find` can ask the provider, so no person is needed.
    return {
      job: job_id,
      step: step?.title ?? id,
      isUnavoidable: step !== undefined && step.find === undefined,
      detail,
    }
  })
}
