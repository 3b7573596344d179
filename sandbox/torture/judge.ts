/** What went wrong, by the providers' own books and lists and by what Slack shows. */
import type { Message } from '../slack/protocol.js'
import type { Exchange } from './proxy.js'
import type { Submission } from './requester.js'

export interface Evidence {
  submissions: readonly Submission[]
  messages: readonly Message[]
  /** By provider: the writes that were carried out, and the list of what exists. */
  books: Readonly<Record<string, readonly Exchange[]>>
  tables: Readonly<Record<string, readonly (readonly string[])[]>>
}

export type End = 'done' | 'failed' | 'gave up' | 'dismissed'

/** One thing that must not be. */
export interface Offence {
  count: 'jobs lost' | 'writes made twice' | 'ends told wrong' | 'threads broken' | 'targets taken twice'
  submission: Submission
  /** As the thread says, where there is one. */
  job: string | undefined
  sentence: string
}

export interface Finding {
  submission: Submission
  job: string | undefined
  end: End | undefined
  /** Roots and last replies beyond the first that say themselves that they may stand twice. */
  explainedRepeats: number
}

export interface Judgement {
  offences: readonly Offence[]
  findings: readonly Finding[]
}

/** The words with which Dolly says that a message may stand twice. */
const MAY_STAND_TWICE = /^Slack didn't confirm this message, so it may appear twice\. /
const EARLIER_ROOT =
  / An earlier message about this job may appear (?:in this channel|here or in <#\w+>)\. This one is kept up to date\.$/
/** The words with which a root says that its thread moved. */
const MOVED = /(Updates continue in a direct message to|The details are in a direct message to) <@\w+>/
const ENDS: readonly (readonly [End, RegExp, root: RegExp])[] = [
  ['done', /^(<@\w+> )?Done in /, /^Done[.:]/],
  ['failed', /^<@\w+> Failed after /, /^Failed[.:]/],
  ['gave up', /^<@\w+> Timed out after /, /^Timed out after /],
  ['dismissed', /^\S+ (dismissed|cancelled) this job/, /^(Dismissed|Cancelled)\./],
]

export function judge({ submissions, messages, books, tables }: Evidence): Judgement {
  const offences: Offence[] = []
  const edited = editedIn(books.slack ?? [])
  const findings = submissions.map((submission): Finding => {
    const { scenario, input, id, isAcknowledged, rowsThen } = submission
    const asked = { target: input.target, id }
    const thread = threadOf(submission, messages, edited)
    const { job, end } = thread
    const report = (count: Offence['count'], sentence: string) => offences.push({ count, submission, job, sentence })

    if (submission.rival) {
      const sentence = contestProblem(submission, submission.rival, messages)
      if (sentence) report('targets taken twice', sentence)
      // The writes on the target belong to the other job.
      if (thread.roots.length === 0 && !isAcknowledged) return { submission, job, end, explainedRepeats: 0 }
    }
    if (isAcknowledged && thread.roots.length === 0)
      report('jobs lost', 'Slack was told that it was taken, and nothing came of it.')
    if (thread.roots.length > 0 && end === undefined) report('jobs lost', 'Its thread has no end.')

    const book = ownWrites(submission, submissions, books[scenario.provider] ?? [])
    const writes = Object.entries(scenario.writes(asked, book))
    for (const [what, times] of writes) {
      if (times > 1) report('writes made twice', `${what}: ${times} times.`)
    }

    const isLive = scenario.isLive(asked, rowsThen ?? tables[scenario.provider] ?? [], book)
    if (end === 'done' && writes.length === 0)
      report('ends told wrong', 'The thread says Done, and nothing was written for it.')
    else if (end === 'done' && !isLive) report('ends told wrong', 'The thread says Done, and it is not live.')
    if ((end === 'failed' || end === 'gave up') && isLive)
      report('ends told wrong', `The thread says ${end}, and it is live.`)
    for (const sentence of thread.faults) report('threads broken', sentence)
    return { submission, job, end, explainedRepeats: thread.explainedRepeats }
  })
  return { offences, findings }
}

/** Of two people who asked for one target at the same time, one has a job and the other was told who is first. */
function contestProblem(mine: Submission, rival: Submission, messages: readonly Message[]): string | undefined {
  const hasJob = (one: Submission) => threadOf(one, messages).roots.length > 0
  if (mine.number < rival.number && hasJob(mine) && hasJob(rival)) return 'Two people have a job on it.'
  if (mine.first === undefined) return undefined
  if (mine.first !== rival.who) return `Told that ${mine.first} is first, who did not ask for it.`
  return hasJob(rival) ? undefined : 'Told that the other person is first, who has no job.'
}

/**
 * What was written from when this form was sent until the same was asked for again on this target. That is done only when
 * the first has ended, so that all that comes later is the second one's, or one too many.
 */
function ownWrites(
  { scenario, input, sentAt = 0 }: Submission,
  submissions: readonly Submission[],
  book: readonly Exchange[],
): Exchange[] {
  const others = submissions.filter(
    (one) => one.scenario.title === scenario.title && one.input.target === input.target && !one.rival,
  )
  const next = others.find((one) => (one.sentAt ?? 0) > sentAt)?.sentAt ?? Number.POSITIVE_INFINITY
  return book.filter(({ at }) => at >= sentAt && at < next)
}

export interface Thread {
  roots: readonly Message[]
  job: string | undefined
  end: End | undefined
  faults: readonly string[]
  explainedRepeats: number
}

/** Messages that Dolly edited, and so knows of, as "channel ts". */
function editedIn(book: readonly Exchange[]): ReadonlySet<string> {
  const edits = book.filter(({ path }) => path.endsWith('/chat.update'))
  return new Set(
    edits.map(({ body }) => {
      const given = new URLSearchParams(String(body))
      return `${given.get('channel')} ${given.get('ts')}`
    }),
  )
}

/**
 * What Slack shows of one job. Another one on the same target was asked for by somebody else.
 *
 * @param edited messages that Dolly edited. One that it never did may be one it knows nothing of, since its answer was lost.
 */
export function threadOf(
  { scenario, input, who }: Submission,
  messages: readonly Message[],
  edited: ReadonlySet<string> = new Set(),
): Thread {
  const target = new RegExp(`→ ${input.target}(?![\\w-]).* on ${scenario.provider} .*, asked for by <@${who}>\\.`)
  const isRoot = ({ text, threadTs, ts, isBot, isEphemeral }: Message) =>
    isBot && !isEphemeral && (threadTs ?? ts) === ts && text.startsWith(`${scenario.title}: `) && target.test(text)
  const roots = messages.filter(isRoot)
  const isReply = ({ channel, threadTs, ts }: Message) =>
    threadTs !== ts && roots.some((root) => root.channel === channel && root.ts === threadTs)
  const replies = messages.filter(isReply)
  const lasts = replies.flatMap(({ text }) => {
    const [end] = ENDS.find(([, words]) => words.test(text.replace(MAY_STAND_TWICE, ''))) ?? []
    return end ? [{ end, isExplained: MAY_STAND_TWICE.test(text) }] : []
  })
  const faults: string[] = []
  const end = lasts.at(-1)?.end
  const unexplained = lasts.filter(({ isExplained }) => !isExplained).length
  if (unexplained > 1) faults.push(`${unexplained} last replies without a word about it.`)
  if (new Set(lasts.map((one) => one.end)).size > 1)
    faults.push(`It ends in two ways: ${lasts.map((one) => one.end).join(', ')}.`)
  const rootsExplained = roots.some(({ text }) => EARLIER_ROOT.test(text) || MOVED.test(text))
  if (roots.length > 1 && !rootsExplained) faults.push(`${roots.length} roots without a word about it.`)
  const shown = ENDS.find(([name]) => name === end)?.[2]
  // A thread that was begun twice goes on in its last root.
  const current = roots.findLast(({ channel, ts }) =>
    replies.some((one) => one.channel === channel && one.threadTs === ts),
  )
  if (shown && current && !shown.test(outcomeOf(current.text)))
    faults.push(`The root does not show the end, but: ${current.text}`)
  const leftBehind = roots.filter((root) => root !== current && edited.has(`${root.channel} ${root.ts}`))
  const inProgress = leftBehind.find(({ text }) => !ENDS.some(([, , words]) => words.test(outcomeOf(text))))
  if (end && inProgress) faults.push(`A root that was left behind does not show how it ended: ${inProgress.text}`)
  return {
    roots,
    job: /job `(\w+)`/.exec(JSON.stringify(roots.at(-1)?.blocks ?? []))?.[1],
    end,
    faults,
    explainedRepeats: Math.max(roots.length - 1, 0) + Math.max(lasts.length - 1, 0),
  }
}

function outcomeOf(rootText: string): string {
  return rootText.split(/asked for by <@\w+>\. /).at(-1) ?? ''
}
