/** The run: jobs are asked for while bots die and everything else goes wrong; then all is healed, and the books are read. */
import { setTimeout as delay } from 'node:timers/promises'
import * as listed from '../../src/providers/index.js'
import { operationOf, type Provider } from '../../src/providers/provider.js'
import { type Judgement, judge } from './judge.js'
import { learnIds, type Submission, submit } from './people.js'
import { type Life, type Moment, planLives } from './plan.js'
import type { Exchange } from './proxy.js'
import { createRandom, type Random } from './random.js'
import type { Stall } from './stall.js'
import { type Trade, trades } from './trades.js'
import { startWorld, type World } from './world.js'

export interface Options {
  kills: number
  seed: number
  /** No more kills after so many minutes; what is under way then is still brought to its end. */
  minutes: number
  say(line: string): void
}

export interface Result extends Judgement {
  seed: number
  began: Date
  tookMs: number
  kills: number
  submissions: readonly Submission[]
  faults: Readonly<Record<string, number>>
  /** Every time a person was asked what became of a write, and whether the provider could not have told. */
  uncertain: readonly { job: string; step: string; isUnavoidable: boolean; detail: string }[]
  /** How each bot that was not killed ended, and what its log calls a bug. */
  falls: readonly string[]
  bugs: ReadonlyMap<string, number>
  /** Median of the milliseconds a bot took to be up. */
  startMs: number
  /** What is known of an offence: the job's events and its provider's book. */
  replay(submission: Submission, job: string | undefined): string
}

const jobsPerKill = 0.6
const jobsAhead = 8
const patienceMs = 60_000
/** The longest that a provider makes us wait for the fate of a lost write, and some more. */
const healedWithinMs = 8 * 60_000

export async function torture({ kills, seed, minutes, say }: Options): Promise<Result> {
  const began = new Date()
  const random = createRandom(seed)
  const lives = planLives(random, kills)
  const most = Math.ceil(kills * jobsPerKill) + jobsAhead
  const world = await startWorld(Math.ceil(most / trades.length) + 1)
  const submissions: Submission[] = []
  let killed = 0
  let isOver = false
  try {
    const [first] = world.stalls
    first.start()
    await first.ready()
    const asking = askInTurn()
    const deadline = performance.now() + minutes * 60_000
    for (const life of lives) {
      if (performance.now() > deadline) break
      await live(world, life)
      killed += 1
      if (killed % 25 === 0) say(`${killed} kills, ${submissions.length} forms, ${world.messages().length} messages`)
    }
    isOver = true
    world.heal()
    // Who waits for a bot that never comes up waits in vain.
    await Promise.race([asking, delay(patienceMs)])
    say(
      `All faults are lifted after ${killed} kills; ${submissions.filter((one) => one.isAcknowledged).length} jobs were taken.`,
    )
    await world.stalls[1].stop()
    await settle(world, say)
    const asker = world.workspace.as(world.workspace.people.ann.id)
    for (const trade of trades.filter(({ idField }) => idField)) {
      const known = submissions.filter((one) => one.trade === trade)
      await learnIds(asker, known)
    }
    return resultOf()
  } finally {
    await world.close()
  }

  /** Several people at once, each with one form at a time, no faster than the kills come. */
  async function askInTurn(): Promise<void> {
    const errands = planErrands(random, most, world)
    const { ann, bo } = world.workspace.people
    await Promise.all(
      [ann, bo].map(async ({ id }) => {
        while (!isOver) {
          if (submissions.length >= Math.min(most, killed * jobsPerKill + jobsAhead)) {
            await delay(100)
            continue
          }
          const next = errands[submissions.length]
          if (!next) return
          const submission = { ...next, who: id, number: submissions.length }
          submissions.push(submission)
          await submit(world.workspace.as(id), submission, () => world.stalls[0].ready())
        }
      }),
    )
  }

  function resultOf(): Result {
    const messages = world.messages()
    const books = Object.fromEntries([...world.lines].map(([of, { book }]) => [of, book]))
    const tables = Object.fromEntries(world.simulators.map((simulator) => [simulator.id, simulator.table().rows]))
    checkBooks(world)
    const starts = world.stalls.flatMap((stall) => stall.starts()).sort((one, other) => one - other)
    const events = world.rows<EventRow>('select * from events order by job_id, seq')
    return {
      ...judge({ submissions, messages, books, tables }),
      ...{ seed, began, kills: killed, submissions, tookMs: Date.now() - began.getTime() },
      faults: world.caused(),
      uncertain: uncertainOf(world),
      falls: world.stalls.flatMap((stall) => stall.falls()),
      bugs: new Map(world.stalls.flatMap((stall) => [...stall.bugs()])),
      startMs: Math.round(starts[Math.floor(starts.length / 2)] ?? 0),
      replay: ({ trade, errand, id }, job) => {
        const words = [errand.target, id, job].flatMap((word) => word ?? [])
        const book = relatedTo(books[trade.provider] ?? [], words)
        const posts = messages.filter(
          ({ text, blocks }) =>
            text.includes(errand.target) || (job && JSON.stringify(blocks).includes(`job \`${job}\``)),
        )
        return [
          ...events.filter((one) => one.job_id === job).map((one) => `  event ${JSON.stringify(one)}`),
          ...book.map((one) => `  book  ${lineOf(one)}`),
          ...posts.map(({ channel, ts, threadTs, text }) => `  slack ${channel} ${ts} in ${threadTs ?? '-'}: ${text}`),
        ].join('\n')
      },
    }
  }
}

interface EventRow {
  job_id: string
}

/** What names one of these words, and what names something that was made by it. */
function relatedTo(book: readonly Exchange[], words: readonly string[]): Exchange[] {
  const names = (one: Exchange, some: readonly string[]) => some.some((word) => JSON.stringify(one).includes(word))
  const made = book
    .filter((one) => names(one, words))
    .flatMap(({ answer }) => /"(?:uuid|guid|id|ID)":"?([\w-]+)/.exec(JSON.stringify(answer))?.[1] ?? [])
    .map((id) => (/^\d+$/.test(id) ? `/apps/${id}/` : id))
  return book.filter((one) => names(one, [...words, ...made]))
}

function lineOf({ at, method, path, status, mishap, body }: Exchange): string {
  return `${new Date(at).toISOString()} ${method} ${path} → ${status}${mishap ? ` (${mishap})` : ''} ${JSON.stringify(body)}`
}

/** All eight operations in ever new order, each time with a target of its own. */
function planErrands(random: Random, most: number, { workspace }: World): Omit<Submission, 'who' | 'number'>[] {
  const { platform, deploys, random: elsewhere } = workspace.channels
  const rounds = Array.from({ length: Math.ceil(most / trades.length) }, (_, round) =>
    random.shuffled<Trade>(trades).map((trade) => {
      // Dolly is no member of the last one, so those threads begin in a direct conversation.
      const channel = random.pick([platform.id, platform.id, deploys.id, deploys.id, elsewhere.id])
      return { trade, errand: trade.errand(round), channel, sent: 0, isAcknowledged: false }
    }),
  )
  return rounds.flat()
}

async function live(world: World, { processes, victim, moment, faults }: Life): Promise<void> {
  const [, second] = world.stalls
  if (processes === 2) second.start()
  if (processes === 1 && second.isRunning()) await second.stop()
  for (const fault of faults) world.cause(fault)
  const stall = world.stalls[victim]
  await comeTo(world, moment, stall)
  stall.start()
}

/** Waits for the moment and kills in it: in the same turn of the loop, before the answer goes out. */
async function comeTo({ lines }: World, moment: Moment, stall: Stall): Promise<void> {
  if (moment.at === 'start') {
    await delay(moment.afterMs)
    return await stall.kill()
  }
  await Promise.race([stall.ready(), delay(15_000)])
  if (moment.at === 'ready') {
    await delay(moment.afterMs)
    return await stall.kill()
  }
  const watched = [...lines].filter(([of]) => (of === 'slack') === (moment.at === 'post')).map(([, line]) => line)
  const patience = new AbortController()
  await new Promise<void>((resolve) => {
    const forget = watched.map((line) => line.onWrite(strike))
    function strike(): void {
      for (const stop of forget) stop()
      patience.abort()
      resolve(stall.kill())
    }
    delay(3_000, undefined, { signal: patience.signal }).then(strike, () => undefined)
  })
}

/** Until every job has ended and everything is told; a person answers what only a person can. */
async function settle(world: World, say: (line: string) => void): Promise<void> {
  const deadline = performance.now() + healedWithinMs
  const asked = new Set<string>()
  let sayAt = 0
  while (performance.now() < deadline) {
    await delay(500)
    const jobs = world.rows<{ id: string; state: string; requester: string }>(
      'select id, state, requester from jobs where ended_at is null',
    )
    const [untold] = world.rows<{ count: number }>('select count(*) as count from events where told_at is null')
    if (jobs.length === 0 && untold?.count === 0) return
    if (performance.now() > sayAt) {
      say(`${jobs.length} jobs to end, ${untold?.count} events to tell`)
      sayAt = performance.now() + 15_000
    }
    for (const job of jobs.filter(({ state }) => state === 'uncertain')) await answerFor(world, job, asked)
  }
  say(`Not all came to an end within ${healedWithinMs / 60_000} minutes.`)
}

/** Looks once more first; when that does not help either, the person lets it be. */
async function answerFor(
  { workspace, messages }: World,
  job: { id: string; requester: string },
  asked: Set<string>,
): Promise<void> {
  const root = messages().findLast(({ blocks }) => JSON.stringify(blocks).includes(`job \`${job.id}\``))
  if (!root) return
  const action = asked.has(job.id) ? 'job:dismiss' : 'job:check_again'
  await workspace
    .as(job.requester)
    .click(root, action)
    .then(
      () => asked.add(job.id),
      () => undefined,
    )
}

/** The lines and the providers must have seen the same, or the counts mean nothing. */
function checkBooks({ simulators, lines }: World): void {
  for (const simulator of simulators) {
    const [theirs, ours] = [simulator.writes().length, lines.get(simulator.id)?.book.length]
    if (theirs !== ours) throw new Error(`${simulator.name} has ${theirs} writes in its book, the line to it ${ours}.`)
  }
}

function uncertainOf(world: World): Result['uncertain'] {
  const sql = `select job_id, events.step, connection, operation, events.detail from events join jobs on jobs.id = job_id where kind = 'uncertain'`
  const rows = world.rows<{ job_id: string; step: number; connection: string; operation: string; detail: string }>(sql)
  return rows.map(({ job_id, step: index, connection, operation, detail }) => {
    const provider = Object.values<Provider>(listed).find(({ id }) => id === connection)
    const step = operationOf(provider, operation)?.steps[index]
    // Where there is a way to look it up, nobody needs to be asked.
    return {
      job: job_id,
      step: step?.title ?? `${index}`,
      isUnavoidable: step !== undefined && step.find === undefined,
      detail,
    }
  })
}
