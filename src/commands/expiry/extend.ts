/** Keeps what a job made for longer, or with no expiry where the operator allows that. */
import type { Asker } from '../../access/rules.js'
import { afterExtension, canExtend, MAX_KEEP_MS, MIN_KEEP_MS, NO_EXPIRY } from '../../domain/expiry.js'
import type { Job } from '../../domain/job.js'
import { UserError } from '../../errors.js'
import { durationInWords, parseDuration } from '../../lib/duration.js'
import { subjectOf } from '../../slack/message/outcome.js'
import { brief, dateAndTime, mrkdwn } from '../../slack/text.js'
import { applyTransition, findJob } from '../../store/jobs.js'
import type { JobButton } from '../job-button.js'
import { findJobFor, whichJob } from '../jobs/access.js'
import type { Services } from '../services.js'
import type { Verb } from '../verb.js'

const DAY_MS = 24 * 3_600_000
/** Other changes of the same job may come in between. */
const MAX_TRIES = 3

export const extendVerb: Verb = {
  words: ['extend', 'prolong'],
  usage: 'extend <job> [3d]',
  does: 'keeps what a job made for longer',
  group: 'steer',
  needs: ['extend', 'start'],
  async run({ services, asker, words: [id, ...rest] }) {
    if (id === undefined) throw whichJob('extend')
    const typed = rest.join(' ')
    return await extend(services, asker, id, typed === '' ? undefined : readExtension(typed))
  },
}

export const extendButton: JobButton = {
  word: 'extend',
  press: async ({ services, asker, jobId, drawnFor }) => await extend(services, asker, jobId, undefined, drawnFor),
}

/**
 * How much longer, in milliseconds; null for no end.
 *
 * @throws UserError for anything else.
 */
function readExtension(typed: string): number | null {
  if (/^(off|none|never|forever)$/i.test(typed)) return null
  const ms = parseDuration(typed)
  if (ms !== null && ms >= MIN_KEEP_MS && ms <= MAX_KEEP_MS) return ms
  throw new UserError(`I can't extend it by "${brief(typed)}". Write a time from 1h to 90d, such as 12h or 3d, or off.`)
}

/**
 * @param byMs how much longer; null for no end, undefined for the connection's default.
 * @param shownEnd the end that the button was shown with: nothing changes if it has moved since. Absent for a typed command.
 * @returns as mrkdwn what this person alone reads. The thread says it to the others.
 */
async function extend(
  services: Services,
  asker: Asker,
  jobId: string,
  byMs: number | null | undefined,
  shownEnd?: string,
): Promise<string> {
  const job = await findJobFor(services, asker, jobId, { verb: 'extend', act: 'extend' }, 'extend')
  const { defaultMs, maxMs } = services.connections.get(job.connection)?.expiry ?? NO_EXPIRY
  if (byMs === null && maxMs !== null)
    return `Clones on ${mrkdwn(job.connection)} always expire: they can be kept for at most ${durationInWords(maxMs)}.`
  const by = byMs === undefined ? (defaultMs ?? job.keepForMs ?? DAY_MS) : byMs
  for (let tries = 0, present: Job | null = job; present !== null && tries < MAX_TRIES; tries += 1) {
    if (!canExtend(present)) return whyNot(present)
    if (shownEnd !== undefined && shownEnd !== `${present.expiresAt}`)
      return `${subjectOf(present)} is already kept ${until(present)}. To keep it longer, press Extend at the top of its thread.`
    const now = services.now()
    const transition = afterExtension(present, { byMs: by, maxMs, actor: asker.id }, now)
    if (transition === null) return `It's already kept as long as possible: ${until(present)}.`
    const { set, event } = transition
    const noted = { set, event: event && { ...event, channel: asker.channel } }
    const changed = await applyTransition(services.db, present, noted, now, null)
    if (changed) {
      services.wake()
      return `${subjectOf(changed)} is kept ${until(changed)}.`
    }
    present = await findJob(services.db, job.id)
  }
  return `Job \`${job.id}\` is changing right now. Try again in a moment.`
}

function until({ expiresAt }: Job): string {
  return expiresAt === null ? 'with no expiry' : `until ${dateAndTime(expiresAt)}`
}

function whyNot({ id, removedAt, removalJob, endedAt }: Job): string {
  if (removedAt !== null) return `It's too late: what job \`${id}\` made was deleted ${dateAndTime(removedAt)}.`
  if (removalJob !== null) return `It's too late: what job \`${id}\` made is being deleted.`
  if (endedAt === null) return `Job \`${id}\` hasn't ended, so nothing expires yet.`
  return `What job \`${id}\` made has no expiry, so there's nothing to extend.`
}
