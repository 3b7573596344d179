/** What a run has to say: in the terminal, and as a page of the docs. */
import type { Offence } from './judge.js'
import type { Result } from './torture.js'

const counts: readonly Offence['count'][] = ['jobs lost', 'writes made twice', 'ends told wrong', 'threads broken']
const meanings: Readonly<Record<Offence['count'], string>> = {
  'jobs lost': 'Jobs lost: Slack was told that the form was taken, and no thread or no end came of it',
  'writes made twice':
    'Provider writes made twice: a second clone, copy, sync, deployment, build or restart for one job',
  'ends told wrong': 'Told end differs from the provider’s truth',
  'threads broken':
    'Threads with the last reply missing or doubled, with two roots, or with a root that shows another end',
}

export function isClean({ offences, uncertain }: Result): boolean {
  return offences.length === 0 && uncertain.every(({ isUnavoidable }) => isUnavoidable)
}

/** One line for each fact, name and value. */
export function facts(result: Result): [string, string][] {
  const { submissions, findings, offences, uncertain, faults } = result
  const acknowledged = submissions.filter((one) => one.isAcknowledged).length
  const silent = findings.filter(({ submission, job }) => job && !submission.isAcknowledged).length
  const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0)
  return [
    ...counts.map((name): [string, string] => [
      meanings[name],
      `${offences.filter(({ count }) => count === name).length}`,
    ]),
    ['Seed', `${result.seed}`],
    ['Date', result.began.toISOString().slice(0, 16).replace('T', ' ')],
    ['Took', `${Math.round(result.tookMs / 60_000)} min`],
    ['Kills', `${result.kills}`],
    ['Jobs taken', `${acknowledged}, and ${silent} more of which Slack heard no answer`],
    [
      'Forms given up before they were sent, because of the faults',
      `${submissions.filter((one) => one.sent === 0).length}`,
    ],
    ['Roots and last replies that stand twice and say so', `${sum(findings.map((one) => one.explainedRepeats))}`],
    [
      'Asked a person what became of a write',
      `${uncertain.length}, ${uncertain.filter(({ isUnavoidable }) => !isUnavoidable).length} of them although the provider could tell`,
    ],
    ['Faults', `${sum(Object.values(faults))}`],
  ]
}

function jobsTable({ findings }: Result): string[] {
  const ends = ['done', 'failed', 'gave up', 'dismissed'] as const
  const names = [...new Set(findings.map(({ submission: { trade } }) => `${trade.provider} ${trade.operation}`))].sort()
  return [
    `| operation | ${ends.join(' | ')} |`,
    `|---|${ends.map(() => '--:').join('|')}|`,
    ...names.map((name) => {
      const mine = findings.filter(({ submission: { trade } }) => `${trade.provider} ${trade.operation}` === name)
      return `| ${name} | ${ends.map((end) => mine.filter((one) => one.end === end).length).join(' | ')} |`
    }),
  ]
}

function faultsTable({ faults }: Result): string[] {
  const rows = Object.entries(faults).sort(([one], [other]) => (one < other ? -1 : 1))
  return ['| fault | times |', '|---|--:|', ...rows.map(([name, times]) => `| ${name} | ${times} |`)]
}

export function page(result: Result): string {
  return `${[
    '# Torture run',
    '',
    '`npm run torture -- --kills 500` lets the built bot live between the sandbox’s Slack and all five simulated providers,',
    'for part of the time as two processes on one database, and kills it (SIGKILL) again and again: during its start, at any',
    'time after it, right after a provider carried out a write, right after Slack took a message. Two people ask for jobs of',
    'all eight operations meanwhile, and lines, providers, Slack, the disk, the database and the clock fail as the seed says.',
    'In the end all faults are lifted, everything may come to its end, and the providers’ own books and what stands in Slack',
    'are compared. `--seed` repeats a schedule, `--minutes` bounds it, `--report` writes this page.',
    '',
    '## The latest run',
    '',
    '| | |',
    '|---|--:|',
    ...facts(result).map(([name, value]) => `| ${name} | ${value} |`),
    '',
    ...jobsTable(result),
    '',
    ...faultsTable(result),
  ].join('\n')}\n`
}

/** The same for a terminal, with everything that is needed to see what went wrong. */
export function summary(result: Result): string {
  const { offences, uncertain, falls, bugs, replay } = result
  return [
    ...offences.map(({ count, submission, job, sentence }) => {
      const { number, trade, errand } = submission
      const title = `${count}: form ${number}, ${trade.provider} ${trade.operation} → ${errand.target}, job ${job ?? 'unknown'}, seed ${result.seed}. ${sentence}`
      return `${title}\n${replay(submission, job)}`
    }),
    ...uncertain
      .filter(({ isUnavoidable }) => !isUnavoidable)
      .map((one) => `uncertain without need: ${JSON.stringify(one)}`),
    ...[...bugs].map(([words, times]) => `${times}× in the log: ${words}`),
    ...falls.map((fall) => `A bot ended by itself: ${fall}`),
    ...jobsTable(result),
    ...faultsTable(result),
    `A bot took ${result.startMs} ms to be up.`,
    ...facts(result).map(([name, value]) => `${name}: ${value}`),
  ].join('\n')
}
