/** The three answers to "nobody knows": check again, start over, dismiss. */
import type { App, BlockButtonAction } from '@slack/bolt'
import { decide, type Verb } from '../../access/rules.js'
import type { Job, JobInput } from '../../domain/job.js'
import { accepts, next } from '../../domain/machine.js'
import { operationOf } from '../../providers/provider.js'
import { jobActions } from '../../slack/message/buttons.js'
import { mrkdwn } from '../../slack/text.js'
import { readEvents } from '../../store/events.js'
import { applyTransition, findJob } from '../../store/jobs.js'
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
 * The button's value is only a hint: the job is read anew, and whether this person may answer and whether there still is
 * a question is decided on what the database says.
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
    if (!job) return 'I know of no such job.'
    const now = services.now()
    const actor = asker.id
    const operation = operationOf(services.connections.get(job.connection)?.provider, job.operation)
    const source = knownSource(operation, job.source)
    const may = (what: string, channel: string | null) => {
      const act = { connection: job.connection, what, target: job.target, source }
      return decide(services.access.rules, { ...asker, channel }, act).isAllowed
    }
    // Who asked for the job answers for it wherever its thread had to go, as long as they could still ask for it. Others
    // answer where the thread is: pressed anywhere else, the button is not the one that was shown for this job.
    const isRequester = [actor, ...(asker.otherIds ?? [])].includes(job.requester)
    // What is no longer offered no rule can allow, and to let go of it reaches no provider.
    const isLeftOver = operation === undefined && kind === 'dismiss' && asker.membership !== 'stranger'
    const isTheirs = isRequester && (isLeftOver || may(job.operation, job.askedIn))
    const isThere = asker.channel !== null && asker.channel === job.rootChannel
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
  return `Job \`${job.id}\` asks nothing any more: it is ${job.state.replace('_', ' ')}.${by}`
}
