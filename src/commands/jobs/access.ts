/** Which jobs a person can see, and what they can do to them. */
import { type Asker, type Decision, decide, type Verb } from '../../access/rules.js'
import type { Job } from '../../domain/job.js'
import { UserError } from '../../errors.js'
import { closest } from '../../lib/closest.js'
import { comparable } from '../../lib/text.js'
import { operationOf } from '../../providers/provider.js'
import { brief } from '../../slack/text.js'
import { findRecentJobs } from '../../store/job-reads.js'
import { findJob } from '../../store/jobs.js'
import { readThread } from '../../store/messages.js'
import { accessDenied, actOn } from '../authorize.js'
import type { Services } from '../services.js'

/** Whether a person can do this to a job. */
export async function may(services: Services, asker: Asker, job: Job, verb: Verb): Promise<boolean> {
  return (await permissionFor(services, asker, job, verb)) !== null
}

/**
 * The decision that lets a person do this to a job; null if none does. The requester can do it wherever the thread had to go,
 * provided they could still start this job where they did. Others need a rule for the verb; one for a channel fits only in
 * the job's own. Where several rules let them, the first that asks for no approval counts. What requesters can do because they
 * could start the job again needs an approval only if that rule names the verb too.
 */
export async function permissionFor(services: Services, asker: Asker, job: Job, verb: Verb): Promise<Decision | null> {
  const decideOn = (what: string, channel: string | null) =>
    decide(services.access.rules, { ...asker, channel }, actOn(services, job, what))
  const operation = operationOf(services.connections.get(job.connection)?.provider, job.operation)
  // No rule can allow what is no longer offered, and ending it reaches no provider.
  const isLeftOver = operation === undefined && verb === 'cancel' && asker.membership !== 'stranger'
  const isOwn = isRequester(asker, job)
  // The person who asked for it already knows about it.
  if (isOwn && (isLeftOver || (verb === 'status' && asker.membership !== 'stranger'))) return { isAllowed: true }
  const asRequester = isOwn ? [forVerb(decideOn(job.operation, job.askedIn), verb)] : []
  const anywhere = [...asRequester, decideOn(verb, null)]
  const best = easiest(anywhere)
  if (asker.channel === null || (best && best.rule?.approval === undefined)) return best
  const thread = await readThread(services.db, job.id)
  const isHere = thread?.ts != null && thread.channel === asker.channel
  return isHere ? easiest([...anywhere, decideOn(verb, asker.channel)]) : best
}

/** A decision on an operation, for what its requester does to the job later. */
function forVerb({ isAllowed, rule }: Decision, verb: Verb): Decision {
  const isNamed = rule?.may.some((word) => word === verb || word === '*')
  return rule && isNamed ? { isAllowed, rule } : { isAllowed }
}

function easiest(decisions: readonly Decision[]): Decision | null {
  const allowed = decisions.filter(({ isAllowed }) => isAllowed)
  return allowed.find(({ rule }) => rule?.approval === undefined) ?? allowed[0] ?? null
}

/** In an organization with several workspaces people have two ids. */
export function idsOf({ id, otherIds = [] }: Asker): string[] {
  return [id, ...otherIds]
}

export function isRequester(asker: Asker, { requester }: Job): boolean {
  return idsOf(asker).includes(requester)
}

/**
 * The job that a person means, if they can do this to it. `act` continues "You can't …".
 *
 * @param word what was typed before the job, such as `retry`; absent for a click.
 * @throws UserError when there's no such job, with the nearest of their own, or when they can't.
 */
export async function findJobFor(
  services: Services,
  asker: Asker,
  typed: string,
  { verb, act }: { verb: Verb; act: string },
  word = 'status',
): Promise<Job> {
  const id = typedJobId(typed)
  const job = await findJob(services.db, id)
  if (!job) {
    const recent = await findRecentJobs(services.db, asker.id, MAX_SUGGESTED)
    const near = closest(
      id,
      recent.map((one) => one.id),
    )
    const advice = near === undefined ? 'Your jobs:' : 'Did you mean:'
    const instead = near === undefined ? '/clone-app list' : `/clone-app ${word} ${near}`
    throw new UserError(`There's no job "${brief(typed)}". ${advice}`, { instead })
  }
  if (!(await may(services, asker, job, verb))) throw accessDenied(services, asker, `${act} job ${job.id}`)
  return job
}

/** For a verb that came without a job. */
export function whichJob(word: string): UserError {
  const advice = `Which job? Type "${word}" and the job's ID from its thread. Your jobs:`
  return new UserError(advice, { instead: '/clone-app list' })
}

/** The id of a job that somebody typed, with whatever they copied around it. */
export function typedJobId(typed: string): string {
  return comparable(typed).replaceAll(/[^a-z0-9]/g, '')
}

/** Enough to find the one that was meant. */
const MAX_SUGGESTED = 100
