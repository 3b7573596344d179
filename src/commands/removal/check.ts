/** Whether what a job made can be deleted, and by whom. */
import type { ApprovalRule, Asker } from '../../access/rules.js'
import type { Job } from '../../domain/job.js'
import { canDelete } from '../../domain/removal.js'
import { type Connection, operationOf, type Removal } from '../../providers/provider.js'
import { stateInWords } from '../../slack/message/job.js'
import { dateAndTime, mrkdwn } from '../../slack/text.js'
import { findJob } from '../../store/jobs.js'
import { readThread } from '../../store/messages.js'
import { threadLink } from '../clone/start-job.js'
import { findJobFor, permissionFor } from '../jobs/access.js'
import type { Services } from '../services.js'

/** Something that can be deleted now, or as mrkdwn why it can't. */
export type Deletable =
  | { job: Job; connection: Connection; removal: Removal; approval: ApprovalRule | undefined }
  | { refusal: string }

/**
 * Reads the job, because whatever named it is only a hint.
 *
 * @throws UserError when there's no such job, or this person can't delete what it made.
 */
export async function findDeletable(services: Services, asker: Asker, jobId: string): Promise<Deletable> {
  const job = await findJobFor(services, asker, jobId, { verb: 'delete', act: 'delete the result of' })
  const connection = services.connections.get(job.connection)
  const removal = operationOf(connection?.provider, job.operation)?.removal
  if (!canDelete(job)) return { refusal: await whyNot(services, job) }
  if (!connection)
    return { refusal: `I no longer know the connection ${mrkdwn(job.connection)}, so I can't delete it.` }
  if (!removal) {
    const what = `Job \`${job.id}\` made nothing of its own: it wrote to *${mrkdwn(job.target)}*, which I leave as it is.`
    return { refusal: `There's nothing to delete. ${what}` }
  }
  const permission = await permissionFor(services, asker, job, 'delete')
  return { job, connection, removal, approval: permission?.rule?.approval }
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
