/** The report of a run: for the terminal, and as a page of the docs. */
import type { Offence } from './judge.js'
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
}

export function isClean({ offences, failedStarts, lock, uncertain }: Result): boolean {
  return (
    offences.length === 0 &&
    failedStarts.length === 0 &&
    lock.bothUp === 0 &&
    uncertain.every(({ isUnavoidable }) => isUnavoidable)
  )
}

/** One line for each fact, name and value. */
export function facts(result: Result): [string, string][] {
  const { submissions, findings, offences, failedStarts, lock, uncertain, faults } = result
  const acknowledged = submissions.filter((one) => one.isAcknowledged).length
  const silent = findings.filter(({ submission, job }) => job && !submission.isAcknowledged).length
  const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0)
  return [
    ...COUNTS.map((name): [string, string] => [
      meanings[name],
      `${offences.filter(({ count }) => count === name).length}`,
    ]),
    ['Databases on which Dolly no longer started after a kill during the first start', `${failedStarts.length}`],
    ['Two processes up on one database', `${lock.bothUp}`],
    ...firstPollFacts(result),
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
    ['Second processes that took over when the first died', `${lock.takeovers}`],
    ['Second processes that stopped after 15 s', `${lock.keptOut}, and ${lock.namedHolder} of them named the first`],
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

function jobsTable({ findings }: Result): string[] {
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

function tableOf(title: string, counts: Readonly<Record<string, number>>): string[] {
  const rows = Object.entries(counts).sort(([one], [other]) => (one < other ? -1 : 1))
  return [`| ${title} | times |`, '|---|--:|', ...rows.map(([name, times]) => `| ${name} | ${times} |`)]
}

const INTRO = `# Torture run

\`npm run torture -- --kills 500\` runs the built bot between the sandbox's Slack and the simulated providers, and kills it
(SIGKILL) again and again. Meanwhile two people start jobs of every operation. At the end all faults stop, every job gets time to
end, and what Slack shows is compared with the providers' own records. \`--seed\` repeats a schedule, \`--minutes\` bounds it,
\`--report\` writes this page.

## What is tested

* Kills during the very first start on an empty database; during later starts; at any time after one; right after a provider
  carried out a write, Slack took a message, or the bot gave up waiting for an answer.
* HTTP and Socket Mode, with sockets that go silent, never say hello, or never answer the upgrade.
* Half of the time, a second process on the same database file. It must not come up while the first one lives. It stops after
  15 seconds with a sentence that names the first, or takes over when the first dies. It gets killed now and then, too.
* Providers and Slack behind proxies that drop requests, lose answers, cut them off, answer 429 (with and without
  Retry-After), 502, 503 or a page of HTML, and delay requests and answers: for 1.5 seconds, or for longer than the bot
  waits. A delayed request is still carried out.
* Providers and Slack that are down, and providers that fail the work itself.
* Slack refusing a message in a channel, root or reply, with errors of all kinds: the end of the job must reach the person in
  a direct message, and the message left behind must show it.
* Rainbond as it was before version 6.0.
* A database that another process has locked, for a moment or for up to twenty seconds, and a full disk: at any time, from a
  write or a message on, and during a start. It affects every write, even that of a checkpoint.
* A process that freezes for up to twenty seconds and then continues.
* A clock set ahead or back by up to five minutes, for a while or for good, and by up to three hours for a few seconds,
  while the bot runs and while it doesn't. Slack, the providers and the counts keep the true time.
* Jobs on the target of an earlier one, right after it ended: a sync of a container that was just copied, a second sync of the
  same copy, a second copy of code onto the same app. Each job must make its own writes. What only sets a value, such as an
  app's size or that it runs, may be written twice. A second restart interrupts the app, so it counts.
* Two people who ask for one target at the same time: one gets the job, the other learns who was first.
* What people do with a job, by button or by command, half of the time with the same click twice at once: cancel it while it
  runs, try it again after it failed, delete what it made or left behind, and approve it. Two people must approve: each clicks
  twice at once, together or one after the other, the requester clicks too, and now and then the second one denies.
* Clones that expire and are deleted, and schedules that repeat a sync. The shortest expiry is an hour and the shortest schedule
  a quarter of one, so their times are written into the database while no bot runs. The warnings before an end are left out.

## What isn't tested

* A write that arrives after the bot has reason to believe that it never will: 30 to 120 seconds after it was first missed, as
  the provider's file says. Requests to Slack are never delayed for longer than the bot waits, only answers are.
* A clock that is hours off for a long time. If it is off by more than five minutes, the bot refuses what Slack sends.
* Two machines, each with a clock of its own.
* A power cut, a damaged file, a disk that is broken rather than full.
* The real Slack and the real providers.
`

export function page(result: Result): string {
  const tables = [jobsTable(result), tableOf('killed', result.deaths), tableOf('fault', result.faults)]
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
  const { offences, failedStarts, uncertain, ownExits, bugs, replay } = result
  return [
    ...offences.map(({ count, submission, job, sentence }) => {
      if (!submission) return `${count}: ${sentence} Seed ${result.seed}.`
      const { number, scenario, input } = submission
      const title = `${count}: form ${number}, ${scenario.provider} ${scenario.operation} → ${input.target}, job ${job ?? 'unknown'}, seed ${result.seed}. ${sentence}`
      return `${title}\n${replay(submission, job)}`
    }),
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
