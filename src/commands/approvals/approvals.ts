/** Approve and Deny, as buttons and as verbs. */
import type { Job } from '../../domain/job.js'
import { brief, mrkdwn } from '../../slack/text.js'
import { readThread } from '../../store/messages.js'
import { threadLink } from '../clone/start-job.js'
import type { JobButton } from '../job-button.js'
import type { Services } from '../services.js'
import type { CommandRequest, Verb } from '../verb.js'
import { type Decision, giveAnswer, needed, requestsFor, when } from './answer.js'

/** What a person reads once their answer counts. */
const done = {
  approve: ({ id }: Job, missing: number) =>
    missing > 0 ? `You approved job \`${id}\`. ${needed(missing)}` : `You approved job \`${id}\`. It starts now.`,
  deny: ({ id }: Job) => `You denied job \`${id}\`. Nothing is sent.`,
} as const

/** The thread says what happened, so a click there that counts is answered by it alone. */
export const approvalButtons: readonly JobButton[] = (['approve', 'deny'] as const).map((word) => ({
  word,
  async press({ services, asker, jobId, isPrivate }) {
    const given = await giveAnswer(services, asker, jobId, word)
    if ('refusal' in given) return given.refusal
    return isPrivate ? done[word](given.job, given.missing) : null
  },
}))

export const approvalVerbs: readonly Verb[] = [
  verbOf('approve', ['approve'], "approves someone else's request"),
  verbOf('deny', ['deny', 'reject'], 'turns a request down; nothing is sent'),
]

function verbOf(decision: Decision, words: Verb['words'], does: string): Verb {
  return {
    words,
    usage: `${words[0]} <job>`,
    does,
    group: 'approve',
    needs: ['approve'],
    async run({ services, asker, words: [id] }: CommandRequest) {
      if (id === undefined) return await listRequests(services, await requestsFor(services, asker), decision)
      const given = await giveAnswer(services, asker, id, decision)
      return 'refusal' in given ? given.refusal : done[decision](given.job, given.missing)
    },
  }
}

/** As many as one answer has room for. */
const MAX_LISTED = 10

async function listRequests(services: Services, jobs: readonly Job[], decision: Decision): Promise<string> {
  const [first] = jobs
  if (first === undefined) return 'Nothing is waiting for your approval.'
  const lines = jobs.slice(0, MAX_LISTED).map(async ({ id, source, target, requester, approval, connection }) => {
    const link = threadLink(services, await readThread(services.db, id))
    const what = `${mrkdwn(brief(source))} → ${mrkdwn(brief(target))} on ${mrkdwn(connection)}`
    const where = link === null ? '' : `, <${link}|its thread>`
    return `• \`${id}\`: ${what}, requested by <@${requester}>, until ${when(approval?.expiresAt ?? 0)}${where}`
  })
  const more = jobs.length > MAX_LISTED ? [`…and ${jobs.length - MAX_LISTED} more.`] : []
  const advice = `To ${decision} the first, type \`/clone-app ${decision} ${first.id}\`.`
  return ['Waiting for your approval:', ...(await Promise.all(lines)), ...more, advice].join('\n')
}
