/** The page of the docs: one part for each database, each written by a run of its own. */
import { facts, jobsTable, tableOf } from './report.js'
import type { Result } from './torture.js'

const INTRO = `# Torture run

\`npm run torture -- --kills 500\` runs the built bot between the sandbox's Slack and the simulated providers, and kills it
(SIGKILL) again and again. Meanwhile two people start jobs of every operation. At the end all faults stop, every job gets time to
end, and what Slack shows is compared with the providers' own records. \`--seed\` repeats a schedule, \`--minutes\` bounds it,
\`--report\` writes its part of this page.

With \`--database postgres --replicas 3\` several replicas share a Postgres and nothing else, each on a machine with a clock of its
own. Slack reaches them through a balancer that sends each request to the next replica whose \`/readyz\` says so, or over a socket of
each.

## What is tested

* Kills during the very first start on an empty database; during later starts; at any time after one; right after a provider
  carried out a write, Slack took a message, or the bot gave up waiting for an answer.
* HTTP and Socket Mode, with sockets that go silent, never say hello, or never answer the upgrade.
* On SQLite, half of the time, a second process on the same database file. It must not come up while the first one lives. It
  stops after 15 seconds with a sentence that names the first, or takes over when the first dies. It gets killed now and then, too.
* Providers and Slack behind proxies that drop requests, lose answers, cut them off, answer 429 (with and without
  Retry-After), 502, 503 or a page of HTML, and delay requests and answers: for 1.5 seconds, or for longer than the bot
  waits. A delayed request is still carried out.
* Providers and Slack that are down, and providers that fail the work itself.
* Slack refusing a message in a channel, root or reply, with errors of all kinds: the end of the job must reach the person in
  a direct message, and the message left behind must show it.
* Rainbond as it was before version 6.0.
* On SQLite, a database that another process has locked, for a moment or for up to twenty seconds, and a full disk: at any
  time, from a write or a message on, and during a start. It affects every write, even that of a checkpoint.
* A process that freezes for up to twenty seconds and then continues.
* On Postgres, replicas that start all at once on an empty database, are killed one by one while the others work, and freeze for
  longer than their lease. A Postgres that ends connections, that crashes and starts again at once, and that is away: for
  seconds, and for 14 s in the middle of a write that takes 50. Slack answers 429 to more messages and edits than it takes.
* A clock set ahead or back by up to five minutes, for a while or for good, and by up to three hours for a few seconds,
  while the bot runs and while it doesn't. Slack, the providers and the counts keep the true time. Each replica has a clock
  of its own, and that of the last one is 30 s ahead for good.
* Jobs on the target of an earlier one, right after it ended: a sync of a container that was just copied, a second sync of the
  same copy, a second copy of code onto the same app. Each job must make its own writes. What only sets a value, such as an
  app's size or that it runs, may be written twice. A second restart interrupts the app, so it counts.
* Two people who ask for one target at the same time: one gets the job, the other learns who was first.
* What people do with a job, by button or by command, half of the time with the same click twice at once: cancel it while it
  runs, try it again after it failed, delete what it made or left behind, and approve it. Two people must approve: each clicks
  twice at once, together or one after the other, the requester clicks too, and now and then the second one denies.
* Clones that expire and are deleted, and schedules that repeat a sync. The shortest expiry is an hour and the shortest schedule
  a quarter of one, so their times are written into the database, on SQLite while no bot runs. The warnings before an end are
  left out.

## What isn't tested

* A write that arrives after the bot has reason to believe that it never will: 30 to 120 seconds after it was first missed, as
  the provider's file says. Requests to Slack are never delayed for longer than the bot waits, only answers are.
* A clock that is hours off for a long time. If it is off by more than five minutes, a bot on SQLite refuses
  what Slack sends.
* A failover to another Postgres that hasn't received all commits.
* A power cut, a damaged file, a disk that is broken rather than full.
* The real Slack and the real providers.
`

const HEADINGS = ['## The latest run on SQLite', '## The latest run on Postgres'] as const

/** @param before the page as it was: the part of the other database stays. */
export function page(result: Result, before: string): string {
  const own = result.replicas === undefined ? HEADINGS[0] : HEADINGS[1]
  const parts = HEADINGS.map((heading) => (heading === own ? part(heading, result) : partIn(before, heading)))
  return `${[INTRO.trim(), ...parts.filter((one) => one !== '')].join('\n\n')}\n`
}

/** From a heading to the next one, or to the end. Empty where there's no such part. */
function partIn(text: string, heading: string): string {
  const [, rest] = text.split(`${heading}\n`)
  return rest === undefined ? '' : `${heading}\n${rest.split('\n## ')[0] ?? ''}`.trim()
}

function part(heading: string, result: Result): string {
  const tables = [jobsTable(result), tableOf('killed', result.deaths), tableOf('fault', result.faults)]
  return [
    heading,
    '',
    '| | |',
    '|---|--:|',
    ...facts(result).map(([name, value]) => `| ${name} | ${value} |`),
    ...tables.flatMap((table) => ['', ...table]),
  ].join('\n')
}
