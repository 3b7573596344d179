/** `status`: where one job stands, with the buttons of its thread. */
import { statusMessage } from '../../slack/message/list.js'
import { findLatestLiveJob, listJobs } from '../../store/job-lists.js'
import { readThread } from '../../store/messages.js'
import { threadLink } from '../clone/start-job.js'
import type { Verb } from '../verb.js'
import { findJobFor, idsOf } from './access.js'

export const statusVerb: Verb = {
  words: ['status'],
  usage: 'status [job]',
  does: 'where a job stands: the one you name, or your latest',
  group: 'follow',
  async run({ services, asker, words: [id] }) {
    const { db } = services
    const requesters = idsOf(asker)
    const [latest] = await listJobs(db, { requesters, which: 'all' }, 1, services.now())
    const own = (await findLatestLiveJob(db, requesters)) ?? latest
    if (id === undefined && !own) return "You haven't started a job yet. Type `/clone-app` to start one."
    const job = await findJobFor(services, asker, id ?? own?.id ?? '', { verb: 'status', act: 'see' })
    const thread = await readThread(db, job.id)
    const view = { ...(await services.describe(job)), thread: { channel: job.channel, ts: thread?.ts ?? null } }
    return statusMessage(view, threadLink(services, thread))
  },
}
