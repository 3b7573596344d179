/** What a person's Home tab shows now. */
import type { Asker } from '../../access/rules.js'
import type { Job } from '../../domain/job.js'
import { type HomeList, type HomeModel, MAX_SHOWN } from '../../slack/message/home.js'
import { mrkdwn } from '../../slack/text.js'
import { listJobs } from '../../store/job-lists.js'
import { requestsFor } from '../approvals/answer.js'
import { allowedConnections } from '../authorize.js'
import { idsOf } from '../jobs/access.js'
import { withLinks } from '../jobs/list.js'
import type { Services } from '../services.js'

/** Newest jobs that are looked through. */
const MAX_OWN = 100
/** What expires later than this isn't shown yet, in milliseconds. */
const EXPIRES_SOON_MS = 7 * 24 * 60 * 60_000

/** What other features have for a Home tab. */
export type HomeParts = Pick<HomeModel, 'help' | 'presets' | 'schedules'>

/** Read again each time, with what the rules say now. */
export async function readHomeModel(services: Services, asker: Asker, parts: HomeParts): Promise<HomeModel> {
  const now = services.now()
  // What is a stranger's by id may be somebody else's: ids are those of a workspace.
  const requesters = asker.membership === 'stranger' ? [] : idsOf(asker)
  const own = await listJobs(services.db, { requesters, which: 'all' }, MAX_OWN, now)
  const isSoon = ({ expiresAt, removedAt }: Job) =>
    expiresAt !== null && removedAt === null && expiresAt <= now + EXPIRES_SOON_MS
  const uncertain = own.filter(({ state }) => state === 'uncertain')
  const needsYou = [...(await requestsFor(services, asker)), ...uncertain]
  const listed = async (jobs: readonly Job[]): Promise<HomeList> => ({
    jobs: await withLinks(services, jobs.slice(0, MAX_SHOWN)),
    more: Math.max(0, jobs.length - MAX_SHOWN),
  })
  const mayUse = allowedConnections(services, asker).size > 0
  return {
    ...parts,
    closed:
      mayUse || own.length > 0 || needsYou.length > 0
        ? null
        : `You can't use Dolly yet. Ask ${mrkdwn(services.access.owner)} for access.`,
    needsYou: await listed(needsYou),
    running: await listed(own.filter(({ endedAt, state }) => endedAt === null && state !== 'uncertain')),
    expiring: await listed(own.filter(isSoon).sort((one, other) => (one.expiresAt ?? 0) - (other.expiresAt ?? 0))),
    recent: await listed(own.filter((job) => job.endedAt !== null && !isSoon(job))),
    now,
  }
}
