/** What went wrong: compares the providers' writes and lists with what Slack shows. */
import type { Message } from '../slack/protocol.js'
import {
  approvalProblem,
  deletionProblems,
  type Run,
  repeatedWrites,
  runProblems,
  writeAfterCancel,
} from './judge-steering.js'
import type { Exchange } from './proxy.js'
import type { Submission } from './requester.js'

export interface Evidence {
  submissions: readonly Submission[]
  messages: readonly Message[]
  /** By provider: the writes that were carried out, and the list of what exists. */
  exchanges: Readonly<Record<string, readonly Exchange[]>>
  tables: Readonly<Record<string, readonly (readonly string[])[]>>
  /** The lists before anybody asked for anything. */
  atStart?: Readonly<Record<string, readonly (readonly string[])[]>>
  /** How often each job was tried again, by its id, as its events say. */
  retries?: ReadonlyMap<string, number>
  /** The due times of schedules. */
  runs?: readonly Run[]
}

export type End = 'done' | 'failed' | 'timed out' | 'dismissed' | 'denied' | 'deleted'

/** One broken promise. */
export interface Offence {
  count:
    | 'lost jobs'
    | 'duplicate writes'
    | 'wrong results'
    | 'broken threads'
    | 'target conflicts'
    | 'unasked deletions'
    | 'second deletions'
    | 'approvals'
    | 'due times'
    | 'false sentences'
  /** Undefined for what belongs to no job. */
  submission: Submission | undefined
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

/** What a form says when it was sent and made no job. */
const NOTHING_STARTED = /nothing was started/i
/** How Dolly says that a message may appear twice. */
const MAY_APPEAR_TWICE = /^Slack didn't confirm this message, so it may appear twice\. /
const EARLIER_ROOT =
  / An earlier message about this job may appear (?:in this channel|here or in <#\w+>)\. This one is kept up to date\.$/
/** How a root says that its thread moved. */
const MOVED = /(Updates continue in a direct message to|The details are in a direct message to) <@\w+>/
/** How a root says that what its job made is gone, or about to be. */
const DELETED = /^\S+ (was|is being) deleted\b/
const ENDS: readonly (readonly [End, RegExp, root: RegExp])[] = [
  ['done', /^(<@\w+> )?\S+ is (running|ready|up to date) after /, /^\S+ is (running|ready|up to date) \(/],
  ['failed', /^(<@\w+> )?\S+ failed after /, /^\S+ failed \(/],
  ['timed out', /^(<@\w+> )?\S+ timed out after /, /^\S+ timed out \(/],
  ['dismissed', /^<@\w+> \S+ was ended by <@\w+>\. /, /^\S+ was cancelled\./],
  ['denied', /^<@\w+> \S+ was denied by <@\w+>\. /, /^\S+ was denied\./],
  // No reply: the deletion has a message of its own in the same thread.
  ['deleted', /^(?!)/, DELETED],
]

export function judge({
  submissions,
  messages,
  exchanges,
  tables,
  atStart = {},
  retries = new Map(),
  runs = [],
}: Evidence): Judgement {
  const offences: Offence[] = []
  const edited = editedIn(exchanges.slack ?? [])
  const findings = submissions.map((submission): Finding => {
    const { scenario, input, id, isAcknowledged, steering } = submission
    const rowsThen = submission.rowsThen ?? steering?.rowsThen
    const asked = { target: input.target, id }
    const { job: known } = threadOf(submission, messages)
    const retried = retries.get(known ?? '') ?? 0
    const thread = threadOf(submission, messages, edited, retried)
    const { job, end: shown } = thread
    const isDeleted = shown === 'deleted'
    const end = steering?.endThen ?? shown
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

    if (thread.roots.length > 0 && NOTHING_STARTED.test(submission.problem ?? ''))
      report('false sentences', `The form says that nothing was started, and there is a job: ${submission.problem}`)

    const own = ownWrites(submission, submissions, exchanges[scenario.provider] ?? [])
    const writes = Object.entries(scenario.writes(asked, own))
    for (const sentence of repeatedWrites(submission, asked, own, retried)) report('duplicate writes', sentence)
    const unapproved = approvalProblem(submission, asked, own, end)
    if (unapproved) report('approvals', unapproved)
    const late = end === 'dismissed' && writeAfterCancel(submission, asked, own, exchanges.slack ?? [])
    if (late) report('wrong results', late)

    const isLive = scenario.isLive(asked, rowsThen ?? tables[scenario.provider] ?? [], own)
    if (isDeleted && scenario.isLive(asked, tables[scenario.provider] ?? [], own))
      report('wrong results', 'The thread says that it was deleted, but it is live.')
    if (isDeleted && steering?.act !== 'delete' && steering?.act !== 'expire')
      report('unasked deletions', 'The thread says that it was deleted, and nobody asked for that.')
    if (end === 'done' && writes.length === 0)
      report('wrong results', 'The thread says Done, but nothing was written for it.')
    else if (end === 'done' && !isLive) report('wrong results', 'The thread says Done, but it is not live.')
    if ((end === 'failed' || end === 'timed out') && isLive)
      report('wrong results', `The thread says ${end}, but it is live.`)
    for (const sentence of thread.faults) report('broken threads', sentence)
    return { submission, job, end: shown, explainedRepeats: thread.explainedRepeats }
  })
  const others = [...deletionProblems(submissions, exchanges, atStart, tables), ...runProblems(runs, exchanges)]
  for (const one of others) {
    offences.push({ ...one, job: findings.find(({ submission }) => submission === one.submission)?.job })
  }
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
  { scenario, input, sentAt = 0, steering }: Submission,
  submissions: readonly Submission[],
  exchanges: readonly Exchange[],
): Exchange[] {
  const others = submissions.filter(
    (one) => one.scenario.title === scenario.title && one.input.target === input.target && !one.rival,
  )
  // What a schedule runs are jobs of their own.
  const repeatedAt = steering?.act === 'schedule' ? steering.tries[0] : undefined
  const next = others.find((one) => (one.sentAt ?? 0) > sentAt)?.sentAt ?? repeatedAt ?? Number.POSITIVE_INFINITY
  return exchanges.filter(({ at }) => at >= sentAt && at < next)
}

export interface Thread {
  roots: readonly Message[]
  /** The one that goes on. */
  root: Message | undefined
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
 * @param retries how often the job was tried again: it ends as often, and once more.
 */
export function threadOf(
  { scenario, input, who }: Submission,
  messages: readonly Message[],
  edited: ReadonlySet<string> = new Set(),
  retries = 0,
): Thread {
  const target = new RegExp(`→ ${input.target}(?![\\w-]).* on ${scenario.provider} .*, requested by <@${who}>[.,]`)
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
  const inRoot = current && ENDS.find(([, , words]) => words.test(current.text))?.[0]
  const isDeleted = inRoot === 'deleted'
  const end = isDeleted || retries > 0 ? inRoot : (lasts.at(-1)?.end ?? inRoot)
  const unexplained = lasts.filter(({ isExplained }) => !isExplained).length
  if (unexplained > retries + 1) faults.push(`${unexplained} final replies, and they don't say so.`)
  if (retries === 0 && new Set(lasts.map((one) => one.end)).size > 1)
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
    root: current,
    job: /job `(\w+)`/.exec(JSON.stringify(roots.at(-1)?.blocks ?? []))?.[1],
    end,
    faults,
    explainedRepeats: Math.max(roots.length - 1, 0) + Math.max(lasts.length - 1 - retries, 0),
  }
}
