/** What people do to a job that exists: one place for buttons and typed verbs. */
import type { Asker, Verb } from '../../access/rules.js'
import { accepts } from '../../domain/acts.js'
import type { Act, Job } from '../../domain/job.js'
import { next } from '../../domain/machine.js'
import { mustDeleteFirst, operationOf, stepsOf } from '../../providers/provider.js'
import { stateInWords } from '../../slack/message/job.js'
import { mrkdwn } from '../../slack/text.js'
import { readEvents } from '../../store/events.js'
import { applyTransition, findHolder, findJob } from '../../store/jobs.js'
import { holderWords } from '../clone/start-job.js'
import type { Services } from '../services.js'
import { findJobFor } from './access.js'

/** The rule that each act needs, and how "You can't …" goes on. */
export const acts = {
  check_again: { verb: 'retry', act: 'check' },
  start_over: { verb: 'retry', act: 'start over' },
  try_again: { verb: 'retry', act: 'retry' },
  dismiss: { verb: 'cancel', act: 'stop watching' },
  cancel: { verb: 'cancel', act: 'cancel' },
  mute: { verb: 'cancel', act: 'mute' },
  unmute: { verb: 'cancel', act: 'unmute' },
} as const satisfies Record<Act, { verb: Verb; act: string }>

/**
 * Does it, if this person can and the job accepts it now. The job is read here, because whatever named it is only a hint.
 *
 * @param word what was typed before the job; absent for a click.
 * @returns the job as it is afterwards, or as mrkdwn why it isn't possible now, or whose result the page of a deletion must ask about.
 * @throws UserError when there's no such job, or this person can't do it.
 */
export async function performAct(
  services: Services,
  asker: Asker,
  jobId: string,
  act: Act,
  word?: string,
): Promise<{ job: Job } | { refusal: string } | { deletes: string; isForRetry: boolean }> {
  const job = await findJobFor(services, asker, jobId, acts[act], word)
  const now = services.now()
  if (!accepts(job, act)) return await notPossible(services, job)
  const operation = operationOf(services.connections.get(job.connection)?.provider, job.operation)
  // A deletion isn't tried again as it was: its right, its approval and its expiry may be others by now.
  if (act === 'try_again' && job.removes !== null) return { deletes: job.removes, isForRetry: job.retryFrom !== null }
  if (act === 'try_again' && operation && mustDeleteFirst(operation, job)) return { deletes: job.id, isForRetry: true }
  if (act === 'cancel' && isOutOfReach(services, job)) return { refusal: tooLate(services, job) }
  const input = { kind: act, actor: asker.id } as const
  const { set, event } = next(job, input, { now, jitter: 0 })
  const noted = { set, event: event && { ...event, channel: asker.channel } }
  const changed = await applyTransition(services.db, job, noted, now, null)
  if (changed) {
    services.wake()
    return { job: changed }
  }
  const holder = job.endedAt === null ? null : await findHolder(services.db, job.connection, job.lock)
  if (holder) return { refusal: await holderWords(services, holder, asker.id) }
  return await notPossible(services, (await findJob(services.db, job.id)) ?? job)
}

/** Whether its last request is with the provider already: then nothing more is sent, and there is nothing to cancel. */
function isOutOfReach({ connections }: Services, job: Job): boolean {
  const operation = operationOf(connections.get(job.connection)?.provider, job.operation)
  return job.state === 'working' && operation !== undefined && stepsOf(operation, job).at(-1)?.id === job.step
}

function tooLate({ connections }: Services, { id, connection }: Job): string {
  const by = mrkdwn(connections.get(connection)?.provider.name ?? connection)
  return `${by} already has the last request of job \`${id}\`, and I can't call it back. To stop watching it, type \`/clone-app stop ${id}\`.`
}

async function notPossible(services: Services, job: Job): Promise<{ refusal: string }> {
  const events = await readEvents(services.db, job.id)
  const last = events.findLast((event) => event.actor !== null)
  const when = last && `<!date^${Math.floor(last.at / 1000)}^{date_short_pretty} at {time}|earlier>`
  const by = last ? ` <@${last.actor}> was the last to change it, ${when}.` : ''
  return { refusal: `That's not possible any more: job \`${job.id}\` ${stateInWords(job)}.${by}` }
}
