/** The three answers to "nobody knows": check again, start over, dismiss. */
import type { App, BlockButtonAction } from '@slack/bolt'
import { accepts, type Happening, type Job, next } from '../jobs/machine.js'
import { jobActions, mrkdwn } from '../slack/message.js'
import { readEvents } from '../store/events.js'
import { applyTransition, findJob } from '../store/jobs.js'
import { explain, type Services } from './services.js'

const answers = {
  [jobActions.checkAgain]: 'check_again',
  [jobActions.startOver]: 'start_over',
  [jobActions.dismiss]: 'dismiss',
} as const satisfies Record<string, Happening['kind']>

export function registerJobButtons(app: App, services: Services): void {
  for (const [actionId, kind] of Object.entries(answers)) {
    app.action<BlockButtonAction>(
      { type: 'block_actions', action_id: actionId },
      async ({ ack, action, body, respond }) => {
        await ack()
        const refusal = await answer(services, action.value ?? '', kind, body.user.id)
        if (refusal) await respond({ response_type: 'ephemeral', replace_original: false, text: refusal })
      },
    )
  }
  // A link button reports its click all the same.
  app.action(jobActions.open, async ({ ack }) => await ack())
}

const oneDayMs = 24 * 60 * 60 * 1000

/**
 * The button's value is only a hint: the job is read anew, and whether this person may answer and whether there still is
 * a question is decided on what the database says.
 */
async function answer(
  services: Services,
  jobId: string,
  kind: (typeof answers)[keyof typeof answers],
  actor: string,
): Promise<string | null> {
  try {
    const job = await findJob(services.db, jobId)
    if (!job) return 'I know of no such job.'
    const now = services.now()
    // Looking again changes nothing. The rest is for who asked, and for anyone once that person let a day go by.
    const isOpenToAll = kind === 'check_again' || now - job.createdAt > oneDayMs
    if (job.requester !== actor && !isOpenToAll) {
      return `Only <@${job.requester}>, who asked for job \`${job.id}\`, can answer this today.`
    }
    if (!accepts(job, kind)) return await alreadyAnswered(services, job)
    const changed = await applyTransition(services.db, job, next(job, { kind, actor }, { now, jitter: 0 }), now, null)
    if (!changed) return await alreadyAnswered(services, (await findJob(services.db, jobId)) ?? job)
    services.wake()
    return null
  } catch (error) {
    return mrkdwn(explain(services, error))
  }
}

async function alreadyAnswered(services: Services, job: Job): Promise<string> {
  const events = await readEvents(services.db, job.id)
  const last = events.findLast((event) => event.actor !== null)
  const by = last
    ? ` <@${last.actor}> answered <!date^${Math.floor(last.at / 1000)}^{date_short_pretty} at {time}|earlier>.`
    : ''
  return `Job \`${job.id}\` asks nothing any more: it is ${job.state.replace('_', ' ')}.${by}`
}
