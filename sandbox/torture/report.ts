/** What a run found: as facts, and for the terminal. */
import type { Offence } from './judge.js'
import type { LockReport } from './one-file.js'
import type { SharingReport } from './replicas.js'
import type { SteeringAct } from './steering.js'
import type { Result } from './torture.js'

const COUNTS: readonly Offence['count'][] = [
  'lost jobs',
  'duplicate writes',
  'target conflicts',
  'wrong results',
  'broken threads',
  'unasked deletions',
  'second deletions',
  'approvals',
  'due times',
]
/** With several replicas these too. */
const SHARED_COUNTS: readonly Offence['count'][] = [...COUNTS, 'false sentences']
const meanings: Readonly<Record<Offence['count'], string>> = {
  'lost jobs': 'Lost jobs: the form was accepted, but the job has no thread or no end',
  'duplicate writes': 'Duplicate writes: a second clone, copy, sync, deployment, build or restart for one job',
  'target conflicts': 'Two jobs at once on one target, or a form that names the wrong person as first',
  'wrong results': 'Threads that show a different result than the provider',
  'broken threads': 'Threads with a missing or second final reply, two roots, or a root that shows a different result',
  'unasked deletions': 'Deleted what Dolly did not make, or what nobody asked to delete',
  'second deletions': 'Deleted twice',
  approvals: 'Approval counted twice: a job that began before two different people had agreed, or after one denied it',
  'due times': 'Due times of schedules that were run twice or never',
  'false sentences': 'Forms that say that nothing was started, and there is a job',
}

export function isClean(result: Result): boolean {
  const { offences, failedStarts, lock, uncertain, sharing, rateLimited, ownExits, faults } = result
  const timesOf = (kind: string) =>
    Object.entries(faults).reduce((sum, [name, times]) => sum + (name.startsWith(kind) ? times : 0), 0)
  // A full disk may hit nothing; several that do show that the statements are no longer caught.
  const hasFullDisks = timesOf('database: disk full') < 5 || timesOf('disk full at') > 0
  const isFair = sharing === undefined || (sharing.tooManyWrites.length === 0 && ownExits.length === 0)
  return (
    hasFullDisks &&
    offences.length === 0 &&
    failedStarts.length === 0 &&
    (lock?.bothUp ?? 0) === 0 &&
    isFair &&
    rateLimited.afterFaults === 0 &&
    uncertain.every(({ isUnavoidable }) => isUnavoidable)
  )
}

/** One line for each fact, name and value. */
export function facts(result: Result): [string, string][] {
  const { submissions, findings, offences, failedStarts, lock, sharing, uncertain, faults } = result
  const acknowledged = submissions.filter((one) => one.isAcknowledged).length
  const silent = findings.filter(({ submission, job }) => job && !submission.isAcknowledged).length
  const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0)
  return [
    ...(sharing ? SHARED_COUNTS : COUNTS).map((name): [string, string] => [
      meanings[name],
      `${offences.filter(({ count }) => count === name).length}`,
    ]),
    ['Databases on which Dolly no longer started after a kill during the first start', `${failedStarts.length}`],
    ...(lock ? [['Two processes up on one database', `${lock.bothUp}`] as [string, string]] : []),
    ...(sharing ? sharingFacts(result, sharing) : firstPollFacts(result)),
    ['Seed', `${result.seed}`],
    ['Date', result.began.toISOString().slice(0, 16).replace('T', ' ')],
    ['Took', `${Math.round(result.tookMs / 60_000)} min`],
    ['Could read its own messages in Slack (half of all seeds)', result.canReadHistory ? 'yes' : 'no'],
    ['Kills', `${result.kills}`],
    ['Jobs accepted', `${acknowledged}, and ${silent} more without an answer to Slack`],
    [
      'Jobs on the target of an earlier one',
      `${findings.filter(({ submission, job }) => job && submission.after).length}`,
    ],
    ...steeringFacts(result),
    ...(lock ? lockFacts(lock) : []),
    [
      'Targets that two people asked for at the same time',
      `${submissions.filter(({ rival, sentAt }) => rival?.sentAt !== undefined && sentAt !== undefined).length / 2}, ${submissions.filter(({ first }) => first).length} times one learned that the other was first`,
    ],
    [
      'Forms abandoned before they were sent, because of the faults',
      `${submissions.filter(({ sentAt }) => sentAt === undefined).length}`,
    ],
    ['Repeated roots and final replies that say so', `${sum(findings.map((one) => one.explainedRepeats))}`],
    [
      'Questions to a person about what became of a write',
      `${uncertain.length}, ${uncertain.filter(({ isUnavoidable }) => !isUnavoidable).length} of them although the provider could be asked`,
    ],
    ['Faults', `${sum(Object.values(faults))}`],
  ]
}

function steeringFacts({ findings, retries, runs, submissions }: Result): [string, string][] {
  const endsOf = (act: SteeringAct) =>
    findings.flatMap(({ submission, end }) => (submission.steering?.act === act && end ? [end] : []))
  const count = <T>(all: readonly T[], wanted: T) => all.filter((one) => one === wanted).length
  const clicks = submissions.flatMap(({ steering }) => steering?.approvals ?? []).length
  return [
    ['Jobs cancelled while they ran', `${count(endsOf('cancel'), 'dismissed')}`],
    ['Jobs tried again', `${retries.size}, ${[...retries.values()].reduce((sum, one) => sum + one, 0)} times`],
    ['Deleted from their threads', `${count(endsOf('delete'), 'deleted')}`],
    ['Deleted because they expired', `${count(endsOf('expire'), 'deleted')}`],
    [
      'Jobs that two people had to approve',
      `${count(endsOf('approve'), 'denied')} denied, ${endsOf('approve').length} in all, with ${clicks} clicks on Approve`,
    ],
    ['Due times of schedules', `${runs.length}`],
  ]
}

function lockFacts({ takeovers, keptOut, namedHolder }: LockReport): [string, string][] {
  return [
    ['Second processes that took over when the first died', `${takeovers}`],
    ['Second processes that stopped after 15 s', `${keptOut}, and ${namedHolder} of them named the first`],
  ]
}

function sharingFacts(
  { ownExits, rateLimited, replicas }: Result,
  { tooManyWrites, takeovers }: SharingReport,
): [string, string][] {
  const slowest = (isExcused: boolean) => {
    const all = takeovers.filter((one) => one.isExcused === isExcused).map(({ ms }) => ms)
    return all.length === 0 ? 'no job' : `${Math.max(...all)} ms, of ${all.length} jobs`
  }
  return [
    ['Exits of their own: replicas that ended without being killed', `${ownExits.length}`],
    ['More writes at once than allowed', `${tooManyWrites.length}`],
    [
      'Answers of 429 from Slack after the faults',
      `${rateLimited.afterFaults}, and ${rateLimited.all - rateLimited.afterFaults} among the faults`,
    ],
    ['Slowest from a kill to another replica at work on its jobs', slowest(false)],
    ['The same with Postgres away, or no other replica up for 12 s', slowest(true)],
    ['Replicas', `${replicas}`],
  ]
}

/** How long people wait for a restart, where only the bot decides. */
function firstPollFacts({ firstPolls }: Result): [string, string][] {
  const slowest = (isExcused: boolean) => {
    const all = firstPolls.filter((one) => one.isExcused === isExcused).map(({ ms }) => ms)
    return all.length === 0 ? 'no start' : `${Math.max(...all)} ms, of ${all.length} starts`
  }
  return [
    ['Slowest from a start to the first poll of every running job', slowest(false)],
    ['The same with the database locked, the disk full or the process frozen', slowest(true)],
  ]
}

export function jobsTable({ findings }: Result): string[] {
  const ends = ['done', 'deleted', 'failed', 'timed out', 'dismissed', 'denied'] as const
  const names = [
    ...new Set(findings.map(({ submission: { scenario } }) => `${scenario.provider} ${scenario.operation}`)),
  ].sort()
  return [
    `| operation | ${ends.join(' | ')} |`,
    `|---|${ends.map(() => '--:').join('|')}|`,
    ...names.map((name) => {
      const mine = findings.filter(
        ({ submission: { scenario } }) => `${scenario.provider} ${scenario.operation}` === name,
      )
      return `| ${name} | ${ends.map((end) => mine.filter((one) => one.end === end).length).join(' | ')} |`
    }),
  ]
}

export function tableOf(title: string, counts: Readonly<Record<string, number>>): string[] {
  const rows = Object.entries(counts).sort(([one], [other]) => (one < other ? -1 : 1))
  return [`| ${title} | times |`, '|---|--:|', ...rows.map(([name, times]) => `| ${name} | ${times} |`)]
}

/** The same for a terminal, with everything that is needed to see what went wrong. */
export function summary(result: Result): string {
  const { offences, failedStarts, uncertain, ownExits, bugs, replay } = result
  return [
    ...offences.map(({ count, submission, job, sentence }) => {
      if (!submission) return `${count}: ${sentence} Seed ${result.seed}.`
      const { number, scenario, input } = submission
      const title = `${count}: form ${number}, ${scenario.provider} ${scenario.operation} → ${input.target}, job ${job ?? 'unknown'}, seed ${result.seed}. ${sentence}`
      return `${title}\n${replay(submission, job)}`
    }),
    ...(result.sharing?.tooManyWrites ?? []).map((words) => `too many writes: ${words}`),
    ...failedStarts.map((firstStart) => `no start: ${firstStart}, seed ${result.seed}`),
    ...uncertain
      .filter(({ isUnavoidable }) => !isUnavoidable)
      .map((one) => `uncertain without need: ${JSON.stringify(one)}`),
    ...[...bugs].map(([words, times]) => `${times}× in the log: ${words}`),
    ...[...new Set(ownExits)].map(
      (ownExit) => `A bot ended by itself: ${ownExit} (${ownExits.filter((one) => one === ownExit).length}×)`,
    ),
    ...jobsTable(result),
    ...tableOf('killed', result.deaths),
    ...tableOf('fault', result.faults),
    `Median from start to up: ${result.startMs} ms.`,
    ...facts(result).map(([name, value]) => `${name}: ${value}`),
  ].join('\n')
}
