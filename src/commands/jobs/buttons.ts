/** The three answers to an unknown outcome: check again, start over, dismiss. */
import type { App, BlockButtonAction } from '@slack/bolt'
import { decide, type Verb } from '../../access/rules.js'
import type { Job, JobInput } from '../../domain/job.js'
import { accepts, next } from '../../domain/machine.js'
import { operationOf } from '../../providers/provider.js'
import { jobActions } from '../../slack/message/buttons.js'
import { mrkdwn } from '../../slack/text.js'
import { readEvents } from '../../store/events.js'
import { applyTransition, findJob } from '../../store/jobs.js'
import { readThread } from '../../store/messages.js'
import { answerPrivately } from '../answer.js'
import { AFTER_ACK_TIMEOUT_MS, accessDenied, identifyAsker, knownSource, type Origin } from '../authorize.js'
import { explain, type Services } from '../services.js'

const answers = {
  [jobActions.checkAgain]: { kind: 'check_again', verb: 'check-again' },
  [jobActions.startOver]: { kind: 'start_over', verb: 'start-over' },
  [jobActions.dismiss]: { kind: 'dismiss', verb: 'dismiss' },
} as const satisfies Record<string, { kind: JobInput['kind']; verb: Verb }>

export function registerJobButtons(app: App, services: Services): void {
  for (const [actionId, chosen] of Object.entries(answers)) {
    app.action<BlockButtonAction>(
      { type: 'block_actions', action_id: actionId },
      async ({ ack, action, body, respond }) => {
        await ack()
        const refusal = await answer(services, String(action.value), chosen, body)
        if (refusal) await answerPrivately(services, respond, refusal)
      },
    )
  }
  // A link button reports its click all the same.
  for (const link of [jobActions.open, jobActions.openConsole]) app.action(link, async ({ ack }) => await ack())
}

/**
 * The button's value is only a hint: the job is read again, and the database decides whether this person may answer and
 * whether there is still a question.
 */
async function answer(
  services: Services,
  jobId: string,
  { kind, verb }: (typeof answers)[keyof typeof answers],
  origin: Origin,
): Promise<string | null> {
  try {
    const asker = await identifyAsker(services, origin, AFTER_ACK_TIMEOUT_MS)
    const job = await findJob(services.db, jobId)
    if (!job) return "There's no such job."
    const now = services.now()
    const actor = asker.id
    const operation = operationOf(services.connections.get(job.connection)?.provider, job.operation)
    const source = knownSource(operation, job.source)
    const may = (what: string, channel: string | null) => {
      const act = { connection: job.connection, what, target: job.target, source }
      return decide(services.access.rules, { ...asker, channel }, act).isAllowed
    }
    // The requester may answer wherever the thread had to go, as long as they could still ask for this job. Others answer
    // in the thread: a button pressed anywhere else isn't the one that was shown for this job.
    const isRequester = [actor, ...(asker.otherIds ?? [])].includes(job.requester)
    // No rule can allow what is no longer offered, and dismissing it reaches no provider.
    const isLeftOver = operation === undefined && kind === 'dismiss' && asker.membership !== 'stranger'
    const isTheirs = isRequester && (isLeftOver || may(job.operation, job.askedIn))
    const thread = await readThread(services.db, job.id)
    const isThere = asker.channel !== null && thread !== null && thread.ts !== null && asker.channel === thread.channel
    if (!isTheirs && !(isThere && may(verb, asker.channel))) throw accessDenied(services, asker, 'answer for this job')
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
  return `Job \`${job.id}\` isn't waiting for an answer: it is ${job.state.replace('_', ' ')}.${by}`
}
