/** Asks whether to delete what a job made: the verb and the button that open the page. */
import type { WebClient } from '@slack/web-api'
import type { Asker } from '../../access/rules.js'
import { removalPage } from '../../slack/form/removal-page.js'
import type { Answer } from '../answer.js'
import { approvalNotice, assertEnoughApprovers } from '../approvals/request.js'
import { saveOpeningChannel } from '../authorize.js'
import type { JobButton } from '../job-button.js'
import { whichJob } from '../jobs/access.js'
import type { Services } from '../services.js'
import type { Verb } from '../verb.js'
import { findDeletable } from './check.js'

export const deleteVerb: Verb = {
  words: ['delete', 'remove', 'destroy'],
  usage: 'delete <job>',
  does: 'deletes what a job made, after asking you',
  group: 'steer',
  needs: ['delete', 'start'],
  async run({ services, client, asker, words: [id], triggerId }) {
    if (id === undefined) throw whichJob('delete')
    return await openRemoval({ services, client, asker, jobId: id, triggerId })
  },
}

export const deleteButton: JobButton = { word: 'delete', press: async (request) => await openRemoval(request) }

/**
 * Opens the page, or answers why there's nothing to delete.
 *
 * @param isForRetry whether the job should be tried again when what it left is gone.
 */
export async function openRemoval(
  request: { services: Services; client: WebClient; asker: Asker; jobId: string; triggerId: string },
  isForRetry = false,
): Promise<Answer | null> {
  const { services, client, asker, jobId, triggerId: trigger_id } = request
  const found = await findDeletable(services, asker, jobId, isForRetry)
  if ('refusal' in found) return found.refusal
  const { job, connection, removal, approval } = found
  assertEnoughApprovers(services, asker, approval)
  const opening = asker.channel === null ? '' : await saveOpeningChannel(services, asker.id, asker.channel)
  const notes = approval ? [approvalNotice(approval)] : []
  const view = removalPage(job, connection, { loses: removal.loses, notes, opening, isForRetry })
  await client.views.open({ trigger_id, view })
  return null
}
