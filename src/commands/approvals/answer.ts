/** An answer to a request for approval: who can give it, what it does, and what a second click is told. */
import { type Asker, decide, isApprover, type Person } from '../../access/rules.js'
import type { Job } from '../../domain/job.js'
import { next } from '../../domain/machine.js'
import { UserError } from '../../errors.js'
import { closest } from '../../lib/closest.js'
import { within } from '../../lib/within.js'
import { sentence } from '../../slack/blocks.js'
import { approverNames, brief } from '../../slack/text.js'
import { type Answered, answerRequest, findAwaitingJobs, readApprovals } from '../../store/approvals.js'
import { readEvents } from '../../store/events.js'
import { applyTransition, findJob } from '../../store/jobs.js'
import { AFTER_ACK_TIMEOUT_MS, accessDenied, actOn } from '../authorize.js'
import { idsOf, isRequester, may, typedJobId } from '../jobs/access.js'
import type { Services } from '../services.js'

export type Decision = 'approve' | 'deny'

/**
 * Gives a person's answer, if it is theirs to give now. Being named by the request is the right to answer it, and nothing
 * replaces that; only where the rule that asks names nobody, they also need a rule that lets them `approve` it.
 *
 * @param typed the id of the job. Only a hint: the job is read and everything is checked here.
 * @returns the job and how many more must approve it, or as mrkdwn why nothing was counted.
 * @throws UserError when there's no such job, or this person can't answer its request.
 */
export async function giveAnswer(
  services: Services,
  asker: Asker,
  typed: string,
  decision: Decision,
): Promise<{ job: Job; missing: number } | { refusal: string }> {
  const { db } = services
  const job = await findJob(db, typedJobId(typed))
  if (!job) throw await noSuchJob(services, asker, typed, decision)
  const { id, approval } = job
  if (approval === null) throw new UserError(`Job ${id} doesn't need approval.`)
  if (isRequester(asker, job)) return { refusal: ownRequest(job, approval.by, decision) }
  if (!(await canAnswer(services, asker, job))) throw accessDenied(services, asker, `${decision} job ${id}`)

  if (decision === 'approve' && job.state === 'awaiting_approval' && !(await canStillAsk(services, job))) {
    const reason = "The person who asked can't run this any more."
    const input = { kind: 'deny', reason } as const
    const now = services.now()
    const denied = await applyTransition(db, job, next(job, input, { now, jitter: 0 }), now, null)
    services.wake()
    if (denied)
      return { refusal: `Job \`${id}\` is denied: the rules don't let <@${job.requester}> run this any more.` }
  }
  const person = [asker.id, ...(asker.otherIds ?? [])] as const
  const answer = { jobId: id, decision, person, channel: asker.channel }
  const answered = await answerRequest(db, answer, services.now())
  if (answered?.kind !== 'counted')
    return { refusal: await whyNotCounted(services, asker, answered ?? { kind: 'closed', job }) }
  services.log.info({ job: id, user: asker.id, decision, missing: answered.missing }, 'a request was answered')
  services.wake()
  return answered
}

async function canAnswer(services: Services, asker: Asker, job: Job): Promise<boolean> {
  const { by, needsRule = false } = job.approval ?? { by: [] }
  return isApprover(by, asker) && (!needsRule || (await may(services, asker, job, 'approve')))
}

function ownRequest({ id }: Job, by: readonly string[], decision: Decision): string {
  return decision === 'approve'
    ? `You asked for job \`${id}\` yourself, so someone else must approve it: ${approverNames(by)}.`
    : `You asked for job \`${id}\` yourself. To take it back, type \`/clone-app cancel ${id}\`.`
}

/**
 * Whether the rules still let the person who asked do this, who may have left or lost it since.
 *
 * @throws UserError when Slack can't say who they are.
 */
async function canStillAsk(services: Services, job: Job): Promise<boolean> {
  const person = await findRequester(services, job)
  const asker = { ...person, channel: job.askedIn }
  if (job.removes !== null) {
    const made = await findJob(services.db, job.removes)
    return made !== null && (await may(services, asker, made, 'delete'))
  }
  return decide(services.access.rules, asker, actOn(services, job, job.operation)).isAllowed
}

async function findRequester({ people, log }: Services, { requester }: Job): Promise<Person> {
  const person = await within(AFTER_ACK_TIMEOUT_MS, people.lookUp(requester)).catch((error: unknown) => {
    log.error({ err: error, user: requester }, 'could not look up a person at Slack')
    return undefined
  })
  if (person) return person
  throw new UserError(
    "I couldn't ask Slack about the person who asked for this, so I did nothing. Try again in a moment.",
  )
}

/** As mrkdwn: what became of the request before, and who did it. */
async function whyNotCounted(
  { db }: Services,
  { id: asker, otherIds = [] }: Asker,
  answered: Exclude<Answered, { kind: 'counted' }>,
): Promise<string> {
  const { job } = answered
  const name = `job \`${job.id}\``
  const isTheirs = (person: string | null) => person !== null && [asker, ...otherIds].includes(person)
  if (answered.kind === 'repeated')
    return `You already approved ${name}, ${when(answered.at)}. ${needed(answered.missing)}`
  if (job.state === 'awaiting_approval')
    return `Too late: ${name} had to be approved by ${when(job.approval?.expiresAt ?? 0)}.`
  const events = await readEvents(db, job.id)
  const last = (...kinds: readonly string[]) => events.findLast(({ kind }) => kinds.includes(kind))
  const end = last('approved') ?? last('denied', 'expired', 'cancelled')
  if (!end) return `No approval is needed for ${name} any more.`
  const at = when(end.at)
  if (end.kind === 'expired') return `Too late: nobody approved ${name} in time, and the request expired ${at}.`
  if (end.kind === 'cancelled') return `<@${end.actor}> took ${name} back, ${at}.`
  if (end.kind === 'denied' && end.actor === null)
    return `Too late: ${name} was denied ${at}. ${sentence(end.detail)}`.trim()
  if (end.kind === 'denied')
    return isTheirs(end.actor) ? `You already denied ${name}, ${at}.` : `<@${end.actor}> denied ${name}, ${at}.`
  const approvals = await readApprovals(db, job.id)
  const isApprovedByThem = approvals.some(({ person }) => isTheirs(person))
  return `${isApprovedByThem ? `You already approved ${name}` : `Too late: ${name} was approved`}, and it started ${at}.`
}

/** "1 more person must approve it." */
export function needed(missing: number): string {
  return missing === 1 ? '1 more person must approve it.' : `${missing} more people must approve it.`
}

/** In the reader's own time zone. `ms` since 1970. */
export function when(ms: number): string {
  return `<!date^${Math.floor(ms / 1000)}^{date_short_pretty} at {time}|${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC>`
}

/** More than wait at the same time, except in a flood. */
const MAX_AWAITING = 100

/** The requests that wait for this person's answer, the first to expire first. */
export async function requestsFor(services: Services, asker: Asker): Promise<Job[]> {
  const { db } = services
  const others = (await findAwaitingJobs(db, MAX_AWAITING)).filter((job) => !isRequester(asker, job))
  const ids = idsOf(asker)
  const areMine = await Promise.all(
    others.map(async (job) => {
      if (!(await canAnswer(services, asker, job))) return false
      return !(await readApprovals(db, job.id)).some(({ person }) => ids.includes(person))
    }),
  )
  return others.filter((_job, at) => areMine[at])
}

async function noSuchJob(services: Services, asker: Asker, typed: string, word: Decision): Promise<UserError> {
  const waiting = (await requestsFor(services, asker)).map(({ id }) => id)
  const near = closest(typedJobId(typed), waiting)
  const advice = near === undefined ? 'Waiting for your approval:' : 'Did you mean:'
  const instead = `/clone-app ${word}${near === undefined ? '' : ` ${near}`}`
  return new UserError(`There's no job "${brief(typed)}". ${advice}`, { instead })
}
