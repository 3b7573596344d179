/** Whether what a job made can be deleted, and by whom. */
import { type Approval, type Asker, approvalOf } from '../../access/rules.js'
import { accepts } from '../../domain/acts.js'
import type { Job } from '../../domain/job.js'
import { canDelete } from '../../domain/removal.js'
import { type Connection, type Operation, operationOf, type Removal } from '../../providers/provider.js'
import { stateInWords } from '../../slack/message/job.js'
import { dateAndTime, mrkdwn } from '../../slack/text.js'
import { findJob } from '../../store/jobs.js'
import { readThread } from '../../store/messages.js'
import { accessDenied, actOn } from '../authorize.js'
import { threadLink } from '../clone/start-job.js'
import { findJobFor, may, permissionFor } from '../jobs/access.js'
import type { Services } from '../services.js'

/** Something that can be deleted now, or as mrkdwn why it can't. */
export type Deletable =
  | { job: Job; connection: Connection; operation: Operation; removal: Removal; approval: Approval | undefined }
  | { refusal: string }

/**
 * Reads the job, because whatever named it is only a hint.
 *
 * @param isForRetry whether it should be tried again afterwards.
 * @throws UserError when there's no such job, or this person can't delete what it made, or can't try it again.
 */
export async function findDeletable(
  services: Services,
  asker: Asker,
  jobId: string,
  isForRetry: boolean,
): Promise<Deletable> {
  const job = await findJobFor(services, asker, jobId, { verb: 'delete', act: 'delete the result of' }, 'delete')
  if (isForRetry && !(await may(services, asker, job, 'retry')))
    throw accessDenied(services, asker, `retry job ${job.id}`)
  const connection = services.connections.get(job.connection)
  const operation = operationOf(connection?.provider, job.operation)
  const removal = operation?.removal
  if (!canDelete(job)) return { refusal: await whyNot(services, job) }
  if (!connection)
    return { refusal: `I no longer know the connection ${mrkdwn(job.connection)}, so I can't delete it.` }
  if (!removal) {
    const what = `Job \`${job.id}\` made nothing of its own: it wrote to *${mrkdwn(job.target)}*, which I leave as it is.`
    return { refusal: `There's nothing to delete. ${what}` }
  }
  if (isForRetry && !accepts(job, 'try_again'))
    return { refusal: `Job \`${job.id}\` ${stateInWords(job)}, and can't be tried again as it was.` }
  const permission = await permissionFor(services, asker, job, 'delete')
  const approval = approvalOf(services.access.rules, permission?.rule, actOn(services, job, 'delete'))
  return { job, connection, operation, removal, approval }
}

async function whyNot(services: Services, job: Job): Promise<string> {
  const { id, removes, endedAt, removedAt, removalJob } = job
  if (removes !== null) return `There's nothing to delete: job \`${id}\` is itself a deletion.`
  if (removedAt !== null) return `It's already gone: it was deleted ${dateAndTime(removedAt)}.`
  if (removalJob !== null) {
    const removal = await findJob(services.db, removalJob)
    const link = threadLink(services, await readThread(services.db, removalJob))
    const who = removal ? `<@${removal.requester}> asked for that ${dateAndTime(removal.createdAt)}.` : ''
    return `It's already being deleted. ${who}${link === null ? '' : ` <${link}|See how far along it is.>`}`
  }
  if (endedAt === null) return `Job \`${id}\` ${stateInWords(job)}. Cancel it first, or wait until it ends.`
  return `There's nothing to delete: as far as I know, job \`${id}\` made nothing.`
}
