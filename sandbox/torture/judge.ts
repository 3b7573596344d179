/** What went wrong: compares the providers' writes and lists with what Slack shows. */
import type { Message } from '../slack/protocol.js'
import type { Exchange } from './proxy.js'
import type { Submission } from './requester.js'

export interface Evidence {
  submissions: readonly Submission[]
  messages: readonly Message[]
  /** By provider: the writes that were carried out, and the list of what exists. */
  exchanges: Readonly<Record<string, readonly Exchange[]>>
  tables: Readonly<Record<string, readonly (readonly string[])[]>>
}

type End = 'done' | 'failed' | 'timed out' | 'dismissed'

/** One broken promise. */
export interface Offence {
  count: 'lost jobs' | 'duplicate writes' | 'wrong results' | 'broken threads' | 'target conflicts'
  submission: Submission
  /** As the thread says, where there is one. */
  job: string | undefined
  sentence: string
}

export interface Finding {
  submission: Submission
  job: string | undefined
  end: End | undefined
  /** Roots and final replies beyond the first that say that they may appear twice. */
  explainedRepeats: number
}

export interface Judgement {
  offences: readonly Offence[]
  findings: readonly Finding[]
}

/** How Dolly says that a message may appear twice. */
const MAY_APPEAR_TWICE = /^Slack didn't confirm this message, so it may appear twice\. /
const EARLIER_ROOT =
  / An earlier message about this job may appear (?:in this channel|here or in <#\w+>)\. This one is kept up to date\.$/
/** How a root says that its thread moved. */
const MOVED = /(Updates continue in a direct message to|The details are in a direct message to) <@\w+>/
const ENDS: readonly (readonly [End, RegExp, root: RegExp])[] = [
  ['done', /^(<@\w+> )?\S+ is (running|ready|up to date) after /, /^\S+ is (running|ready|up to date) \(/],
  ['failed', /^(<@\w+> )?\S+ failed after /, /^\S+ failed \(/],
  ['timed out', /^(<@\w+> )?\S+ timed out after /, /^\S+ timed out \(/],
  ['dismissed', /^<@\w+> <@\w+> ended /, /^\S+ was cancelled\./],
]

export function judge({ submissions, messages, exchanges, tables }: Evidence): Judgement {
  const offences: Offence[] = []
  const edited = editedIn(exchanges.slack ?? [])
  const findings = submissions.map((submission): Finding => {
    const { scenario, input, id, isAcknowledged, rowsThen } = submission
    const asked = { target: input.target, id }
    const thread = threadOf(submission, messages, edited)
    const { job, end } = thread
    const report = (count: Offence['count'], sentence: string) => offences.push({ count, submission, job, sentence })

    if (submission.rival) {
      const sentence = contestProblem(submission, submission.rival, messages)
      if (sentence) report('target conflicts', sentence)
      // The writes on the target belong to the other job.
      if (thread.roots.length === 0 && !isAcknowledged) return { submission, job, end, explainedRepeats: 0 }
    }
    if (isAcknowledged && thread.roots.length === 0)
      report('lost jobs', 'The form was accepted, but there is no thread.')
    if (thread.roots.length > 0 && end === undefined) report('lost jobs', 'Its thread has no end.')

    const own = ownWrites(submission, submissions, exchanges[scenario.provider] ?? [])
    const writes = Object.entries(scenario.writes(asked, own))
    for (const [what, times] of writes) {
      if (times > 1) report('duplicate writes', `${what}: ${times} times.`)
    }

    const isLive = scenario.isLive(asked, rowsThen ?? tables[scenario.provider] ?? [], own)
    if (end === 'done' && writes.length === 0)
      report('wrong results', 'The thread says Done, but nothing was written for it.')
    else if (end === 'done' && !isLive) report('wrong results', 'The thread says Done, but it is not live.')
    if ((end === 'failed' || end === 'timed out') && isLive)
      report('wrong results', `The thread says ${end}, but it is live.`)
    for (const sentence of thread.faults) report('broken threads', sentence)
    return { submission, job, end, explainedRepeats: thread.explainedRepeats }
  })
  return { offences, findings }
}

/** Of two people who asked for one target at the same time, one has a job and the other learned who was first. */
function contestProblem(mine: Submission, rival: Submission, messages: readonly Message[]): string | undefined {
  const hasJob = (one: Submission) => threadOf(one, messages).roots.length > 0
  if (mine.number < rival.number && hasJob(mine) && hasJob(rival)) return 'Two people have a job on it.'
  if (mine.first === undefined) return undefined
  if (mine.first !== rival.who) return `The form names ${mine.first} as first, who did not ask for it.`
  return hasJob(rival) ? undefined : 'The form names the other person as first, who has no job.'
}

/**
 * What was written from when this form was sent until the same was asked for again on this target. That is done only when
 * the first has ended, so that all that comes later is the second one's, or one too many.
 */
function ownWrites(
  { scenario, input, sentAt = 0 }: Submission,
  submissions: readonly Submission[],
  exchanges: readonly Exchange[],
): Exchange[] {
  const others = submissions.filter(
    (one) => one.scenario.title === scenario.title && one.input.target === input.target && !one.rival,
  )
  const next = others.find((one) => (one.sentAt ?? 0) > sentAt)?.sentAt ?? Number.POSITIVE_INFINITY
  return exchanges.filter(({ at }) => at >= sentAt && at < next)
}

export interface Thread {
  roots: readonly Message[]
  job: string | undefined
  end: End | undefined
  faults: readonly string[]
  explainedRepeats: number
}

/** Messages that Dolly edited, and so knows of, as "channel ts". */
function editedIn(exchanges: readonly Exchange[]): ReadonlySet<string> {
  const edits = exchanges.filter(({ path }) => path.endsWith('/chat.update'))
  return new Set(
    edits.map(({ body }) => {
      const given = new URLSearchParams(String(body))
      return `${given.get('channel')} ${given.get('ts')}`
    }),
  )
}

/**
 * What Slack shows of one job. Another job on the same target has another requester.
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
    isBot && !isEphemeral && (threadTs ?? ts) === ts && text.includes(` ${scenario.title}: `) && target.test(text)
  const roots = messages.filter(isRoot)
  const isReply = ({ channel, threadTs, ts }: Message) =>
    threadTs !== ts && roots.some((root) => root.channel === channel && root.ts === threadTs)
  const replies = messages.filter(isReply)
  const lasts = replies.flatMap(({ text }) => {
    const [end] = ENDS.find(([, words]) => words.test(text.replace(MAY_APPEAR_TWICE, ''))) ?? []
    return end ? [{ end, isExplained: MAY_APPEAR_TWICE.test(text) }] : []
  })
  const faults: string[] = []
  // A thread that was begun twice goes on in its last root.
  const hasReply = ({ channel, ts }: Message) => replies.some((one) => one.channel === channel && one.threadTs === ts)
  const current = roots.findLast(hasReply) ?? roots.at(-1)
  // Most ends have no reply: the root shows them.
  const end = lasts.at(-1)?.end ?? (current && ENDS.find(([, , words]) => words.test(current.text))?.[0])
  const unexplained = lasts.filter(({ isExplained }) => !isExplained).length
  if (unexplained > 1) faults.push(`${unexplained} final replies, and they don't say so.`)
  if (new Set(lasts.map((one) => one.end)).size > 1)
    faults.push(`It ends in two ways: ${lasts.map((one) => one.end).join(', ')}.`)
  const rootsExplained = roots.some(({ text }) => EARLIER_ROOT.test(text) || MOVED.test(text))
  if (roots.length > 1 && !rootsExplained) faults.push(`${roots.length} roots, and none says so.`)
  const shown = ENDS.find(([name]) => name === end)?.[2]
  if (shown && current && !shown.test(current.text))
    faults.push(`The root does not show the result, but: ${current.text}`)
  const abandoned = roots.filter((root) => root !== current && edited.has(`${root.channel} ${root.ts}`))
  const inProgress = abandoned.find(({ text }) => !ENDS.some(([, , words]) => words.test(text)))
  if (end && inProgress) faults.push(`An abandoned root does not show the result: ${inProgress.text}`)
  return {
    roots,
    job: /job `(\w+)`/.exec(JSON.stringify(roots.at(-1)?.blocks ?? []))?.[1],
    end,
    faults,
    explainedRepeats: Math.max(roots.length - 1, 0) + Math.max(lasts.length - 1, 0),
  }
}
