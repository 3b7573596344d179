/** What a run has to say: in the terminal, and as a page of the docs. */
import type { Offence } from './judge.js'
import type { Result } from './torture.js'

const COUNTS: readonly Offence['count'][] = ['jobs lost', 'writes made twice', 'ends told wrong', 'threads broken']
const meanings: Readonly<Record<Offence['count'], string>> = {
  'jobs lost': 'Jobs lost: Slack was told that the form was taken, and no thread or no end came of it',
  'writes made twice':
    'Provider writes made twice: a second clone, copy, sync, deployment, build or restart for one job',
  'ends told wrong': 'Told end differs from the provider’s truth',
  'threads broken':
    'Threads with the last reply missing or doubled, with two roots, or with a root that shows another end',
}

export function isClean({ offences, stillborn, uncertain }: Result): boolean {
  return offences.length === 0 && stillborn.length === 0 && uncertain.every(({ isUnavoidable }) => isUnavoidable)
}

/** One line for each fact, name and value. */
export function facts(result: Result): [string, string][] {
  const { submissions, findings, offences, stillborn, uncertain, faults } = result
  const acknowledged = submissions.filter((one) => one.isAcknowledged).length
  const silent = findings.filter(({ submission, job }) => job && !submission.isAcknowledged).length
  const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0)
  return [
    ...COUNTS.map((name): [string, string] => [
      meanings[name],
      `${offences.filter(({ count }) => count === name).length}`,
    ]),
    ['Databases on which Dolly did not come up again after a kill at its first start', `${stillborn.length}`],
    ['Seed', `${result.seed}`],
    ['Date', result.began.toISOString().slice(0, 16).replace('T', ' ')],
    ['Took', `${Math.round(result.tookMs / 60_000)} min`],
    ['Right to look for its own messages in Slack, had by every other seed', result.mayLookBack ? 'yes' : 'no'],
    ['Kills', `${result.kills}`],
    ['Jobs taken', `${acknowledged}, and ${silent} more of which Slack heard no answer`],
    [
      'Jobs on the target of an earlier one',
      `${findings.filter(({ submission, job }) => job && submission.after).length}`,
    ],
    [
      'Forms given up before they were sent, because of the faults',
      `${submissions.filter(({ sentAt }) => sentAt === undefined).length}`,
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

function tableOf(title: string, counts: Readonly<Record<string, number>>): string[] {
  const rows = Object.entries(counts).sort(([one], [other]) => (one < other ? -1 : 1))
  return [`| ${title} | times |`, '|---|--:|', ...rows.map(([name, times]) => `| ${name} | ${times} |`)]
}

const INTRO = `# Torture run

\`npm run torture -- --kills 500\` lets the built bot live between the sandbox’s Slack and all five simulated providers,
for part of the time as two processes on one database, and kills it (SIGKILL) again and again. Two people ask for jobs of
all eight operations meanwhile, and for some again on the same target as soon as the first has ended. In the end all faults
are lifted, everything may come to its end, and the providers’ own books and what stands in Slack are compared. \`--seed\`
repeats a schedule, \`--minutes\` bounds it, \`--report\` writes this page.

## What is tried

* Deaths during the very first start on an empty database, also of two processes that start at once; during later starts,
  at any time after one, right after a provider carried out a write, right after Slack took a message, and right after the
  bot gave up waiting for an answer.
* Lines to providers and to Slack that drop requests, lose answers, break them off, answer 429 (with and without a word on
  when to come again), 502, 503 or a page of HTML, and hold up requests and answers: for 1.5 seconds, or for longer than the
  bot waits. What is held up is carried out all the same.
* Providers and Slack that are down, and providers that fail the work itself.
* Slack refusing a message in a channel, root or reply, with words of all kinds: the job's end must be told in a direct
  message, and a root that was left behind must show it.
* Socket Mode for a third of the lives, with sockets that go mute, never say hello, or whose upgrade is never answered.
* Rainbond as it was before version 6.0.
* A database that somebody else has locked, for a moment or for up to twenty seconds, and a full disk: at any moment, from a
  write or a message on, and while the bot starts. It hits every write, that of a checkpoint too.
* A process that stands still for up to twenty seconds and then goes on, while another one may have taken its work over.
* A clock that is set ahead or back by up to five minutes, for a while or for good, and by up to three hours for seconds,
  while the bot lives and while it is dead. Slack, the providers and the counts keep the true time.
* Jobs on the target of an earlier one, right after it: a sync of a container that was just copied, a second sync of the same
  copy, a second copy of code onto the same app. Each job is held to its own writes. What only sets a value, such as an app's
  size or that it is to run, may be written twice; a second restart interrupts the app and counts.

## What is not

* A write that arrives after the bot has reason to believe that it never will: 30 seconds to 90 after it was first missed, as the
  provider’s file says. Requests to Slack are never held beyond the bot’s patience for them, only answers are.
* A clock that is hours off for long. From one that is more than five minutes off the bot refuses what Slack sends.
* Two machines, each with a clock of its own.
* A power cut, a damaged file, a disk that is broken and not full.
* Two processes over Socket Mode, and two people who ask for the same target at once.
* The real Slack and the real providers.
`

export function page(result: Result): string {
  const tables = [jobsTable(result), tableOf('died', result.deaths), tableOf('fault', result.faults)]
  return [
    INTRO,
    '## The latest run',
    '',
    '| | |',
    '|---|--:|',
    ...facts(result).map(([name, value]) => `| ${name} | ${value} |`),
    ...tables.flatMap((table) => ['', ...table]),
    '',
  ].join('\n')
}

/** The same for a terminal, with everything that is needed to see what went wrong. */
export function summary(result: Result): string {
  const { offences, stillborn, uncertain, falls, bugs, replay } = result
  return [
    ...offences.map(({ count, submission, job, sentence }) => {
      const { number, trade, errand } = submission
      const title = `${count}: form ${number}, ${trade.provider} ${trade.operation} → ${errand.target}, job ${job ?? 'unknown'}, seed ${result.seed}. ${sentence}`
      return `${title}\n${replay(submission, job)}`
    }),
    ...stillborn.map((birth) => `no start: ${birth}, seed ${result.seed}`),
    ...uncertain
      .filter(({ isUnavoidable }) => !isUnavoidable)
      .map((one) => `uncertain without need: ${JSON.stringify(one)}`),
    ...[...bugs].map(([words, times]) => `${times}× in the log: ${words}`),
    ...[...new Set(falls)].map(
      (fall) => `A bot ended by itself: ${fall} (${falls.filter((one) => one === fall).length}×)`,
    ),
    ...jobsTable(result),
    ...tableOf('died', result.deaths),
    ...tableOf('fault', result.faults),
    `A bot took ${result.startMs} ms to be up.`,
    ...facts(result).map(([name, value]) => `${name}: ${value}`),
  ].join('\n')
}
