/** What went wrong with cancelling, trying again, deleting, approving and due times. */
import type { RunRow } from './due-times.js'
import type { Offence } from './judge.js'
import type { Exchange } from './proxy.js'
import type { Submission } from './requester.js'
import type { Asked, Scenario } from './scenarios.js'
import { APPROVERS_NEEDED } from './steering.js'

/** What a due time of a schedule came to. */
export interface Run {
  submission: Submission
  due: number
  jobs: readonly RunRow[]
}

type Exchanges = Readonly<Record<string, readonly Exchange[]>>
type Tables = Readonly<Record<string, readonly (readonly string[])[]>>
type Problem = Pick<Offence, 'count' | 'sentence'>

const isTaken = ({ status }: Exchange) => status < 300

/**
 * Writes that were made more often than the job was tried. What Try again repeats is the step that failed, and nothing before
 * it: of all kinds of writes as many may be made in two tries as there were tries, and each at most once within a try.
 *
 * @param retries how often the job was tried again, as its events say.
 */
export function repeatedWrites(
  { scenario, steering, sentAt = 0 }: Submission,
  asked: Asked,
  own: readonly Exchange[],
  retries: number,
): string[] {
  const total = Object.entries(scenario.writes(asked, own)).filter(([, times]) => times > 1)
  if (retries === 0) return total.map(([what, times]) => `${what}: ${times} times.`)
  const begins = [sentAt, ...(steering?.tries ?? [])]
  // All are needed to tell what a later one was written to.
  const countUntil = (end: number) =>
    scenario.writes(
      asked,
      own.filter(({ at }) => at < end),
    )
  const counts = [...begins.slice(1).map(countUntil), scenario.writes(asked, own)]
  const spans = counts.map((count, at) =>
    Object.entries(count).map(([what, times]) => ({ what, times: times - (counts[at - 1]?.[what] ?? 0) })),
  )
  const within = spans.flat().filter(({ times }) => times > 1)
  const kinds = spans.map((span) => new Set(span.flatMap(({ what, times }) => (times > 0 ? [kindOf(what)] : []))))
  const again = kinds.flatMap((kind, at) =>
    [...kind].filter((one) => kinds.slice(0, at).some((earlier) => earlier.has(one))),
  )
  return [
    ...within.map(({ what, times }) => `${what}: ${times} times within one try.`),
    ...(again.length > retries
      ? [`${again.join(', ')} again, although it was tried again only ${retries} times.`]
      : []),
  ]
}

/** "build of gr1234" is a build. */
const kindOf = (what: string) => what.split(' ')[0] ?? what

/** When the first of its writes was carried out. */
function firstWriteAt(scenario: Scenario, asked: Asked, own: readonly Exchange[]): number | undefined {
  const begun = own.findIndex((_, at) => Object.keys(scenario.writes(asked, own.slice(0, at + 1))).length > 0)
  return own[begun]?.at
}

/** A job that began before enough different people had agreed, or that was denied. The requester doesn't count. */
export function approvalProblem(
  { scenario, steering, who }: Submission,
  asked: Asked,
  own: readonly Exchange[],
  end: string | undefined,
): string | undefined {
  if (steering?.act !== 'approve') return undefined
  const at = firstWriteAt(scenario, asked, own)
  if (at === undefined) return undefined
  if (end === 'denied') return 'It was denied, and something was written.'
  const people = new Set(
    steering.approvals.filter((one) => one.person !== who && one.at <= at).map(({ person }) => person),
  )
  return people.size < APPROVERS_NEEDED ? `It began when ${people.size} people had approved.` : undefined
}

/** A write after Slack showed that the job was cancelled. */
export function writeAfterCancel(
  { scenario, input }: Submission,
  asked: Asked,
  own: readonly Exchange[],
  slack: readonly Exchange[],
): string | undefined {
  const shown = slack.find(({ body, status }) => {
    const text = new URLSearchParams(String(body)).get('text') ?? ''
    return status === 200 && text.startsWith(`${input.target} was cancelled.`)
  })
  if (!shown) return undefined
  // What was sent before may be held up on its way.
  const inTime = own.filter(({ at, mishap }) => at < shown.at || mishap?.endsWith('late request'))
  const [before, all] = [scenario.writes(asked, inTime), scenario.writes(asked, own)]
  const late = Object.keys(all).filter((what) => (all[what] ?? 0) > (before[what] ?? 0))
  return late.length > 0 ? `It was cancelled, and then came: ${late.join(', ')}.` : undefined
}

/** What was deleted twice, or was not to be deleted. `atStart` is what the providers had before anybody asked for anything. */
export function deletionProblems(
  submissions: readonly Submission[],
  exchanges: Exchanges,
  atStart: Tables,
  tables: Tables,
): (Problem & { submission: Submission | undefined })[] {
  const problems: (Problem & { submission: Submission | undefined })[] = []
  for (const [provider, all] of Object.entries(exchanges)) {
    const mine = submissions.filter(({ scenario }) => scenario.provider === provider)
    const deletions = all.filter((one) => one.method === 'DELETE' && isTaken(one))
    const deleted = new Map<Exchange, number>()
    for (const deletion of deletions) {
      const path = pathOf(deletion)
      const maker = makerOf(deletion, all, mine) ?? halfMaker(deletion, all, mine, deleted)
      const submission = maker && mine.find((one) => JSON.stringify(maker.body).includes(targetOf(one)))
      const times = maker ? (deleted.get(maker) ?? 0) + 1 : 1
      if (maker) deleted.set(maker, times)
      if (times > 1)
        problems.push({ count: 'second deletions', submission, sentence: `DELETE ${path} ${times} times.` })
      if (!submission)
        problems.push({ count: 'unasked deletions', submission, sentence: `DELETE ${path}, which no job made.` })
      else if (!isToBeDeleted(submission))
        problems.push({ count: 'unasked deletions', submission, sentence: `DELETE ${path}, which nobody asked for.` })
    }
    for (const [name = '', place = ''] of atStart[provider] ?? []) {
      if (!tables[provider]?.some((row) => row[0] === name && row[1] === place))
        problems.push({
          count: 'unasked deletions',
          submission: undefined,
          sentence: `${provider} has no ${name} any more.`,
        })
    }
  }
  return problems
}

/** Trying again deletes first what the failed try left. */
function isToBeDeleted({ steering }: Submission): boolean {
  const acts: (string | undefined)[] = ['delete', 'expire', 'try again']
  return acts.includes(steering?.act) && (steering?.tries.length ?? 0) > 0
}

const pathOf = ({ path }: Exchange) => path.split('?')[0] ?? ''

const targetOf = ({ input }: Submission) => `"${input.target}"`

/**
 * The write that made what a deletion names by its id: the last one before it, because Rainbond uses its numbers again. It names
 * what it makes; others may be answered with that id too.
 */
function makerOf(
  deletion: Exchange,
  exchanges: readonly Exchange[],
  submissions: readonly Submission[],
): Exchange | undefined {
  const id =
    pathOf(deletion)
      .replace(/\/delete$/, '')
      .split('/')
      .at(-1) ?? ''
  const names = new RegExp(`"(?:id|uuid|guid|ID)":"?${id}\\b`)
  const makes = ({ method, at, answer, body }: Exchange) =>
    method === 'POST' &&
    at <= deletion.at &&
    names.test(JSON.stringify(answer)) &&
    submissions.some((submission) => JSON.stringify(body).includes(targetOf(submission)))
  return exchanges.findLast((one) => isTaken(one) && makes(one))
}

/** A write that broke in the middle and was not answered with an id, for something that was to be deleted and is not yet. */
function halfMaker(
  deletion: Exchange,
  exchanges: readonly Exchange[],
  submissions: readonly Submission[],
  deleted: ReadonlyMap<Exchange, number>,
): Exchange | undefined {
  const targets = submissions.filter(isToBeDeleted).map(targetOf)
  return exchanges.find(
    (one) =>
      one.method === 'POST' &&
      one.status === 500 &&
      one.at <= deletion.at &&
      !deleted.has(one) &&
      targets.some((target) => JSON.stringify(one.body).includes(target)),
  )
}

/** Each due time makes one job, and each of these that succeeded wrote once. */
export function runProblems(runs: readonly Run[], exchanges: Exchanges): (Problem & { submission: Submission })[] {
  const problems = runs.flatMap(({ submission, due, jobs }) => {
    const at = new Date(due).toISOString()
    if (jobs.length === 0) return [{ submission, sentence: `The run of ${at} never came.` }]
    return jobs.length > 1 ? [{ submission, sentence: `The run of ${at} came ${jobs.length} times.` }] : []
  })
  const written = [...new Set(runs.map(({ submission }) => submission))].flatMap((submission) => {
    const { scenario, input, id, steering } = submission
    const jobs = runs.filter((run) => run.submission === submission).flatMap((run) => run.jobs)
    const since = steering?.tries[0] ?? 0
    const later = (exchanges[scenario.provider] ?? []).filter(({ at }) => at >= since)
    const times = Math.max(0, ...Object.values(scenario.writes({ target: input.target, id }, later)))
    const [begun, done] = [jobs.filter(({ step }) => step !== ''), jobs.filter(({ state }) => state === 'succeeded')]
    if (times > begun.length) return [{ submission, sentence: `${begun.length} runs wrote ${times} times.` }]
    return times < done.length ? [{ submission, sentence: `${done.length} runs succeeded, and ${times} wrote.` }] : []
  })
  return [...problems, ...written].map((one) => ({ count: 'due times', ...one }))
}
