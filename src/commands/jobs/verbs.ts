/** What people type about a job that exists. */
import type { Act, Job } from '../../domain/job.js'
import { openRemoval } from '../removal/open.js'
import type { Verb } from '../verb.js'
import { whichJob } from './access.js'
import { acts, performAct } from './act.js'
import { listVerb } from './list.js'
import { statusVerb } from './status.js'

export const jobVerbs: readonly Verb[] = [
  statusVerb,
  listVerb,
  verbOf('cancel', ['cancel', 'abort'], 'stops a job before its next request', (job) =>
    job.endedAt === null ? "I'll stop before the next request. Its thread says what stays." : 'Cancelled.',
  ),
  verbOf('try_again', ['retry'], 'tries a failed job again, from the step that failed', () => 'Trying again.'),
  verbOf('check_again', ['check'], 'checks again what became of a job', () => 'Checking.'),
  verbOf(
    'dismiss',
    ['stop', 'dismiss'],
    'stops watching a job; the provider carries on',
    () => "I've stopped watching.",
  ),
  verbOf(
    'mute',
    ['mute'],
    "stops replies in a job's thread",
    () => 'Muted. The first message still shows where it stands.',
  ),
  verbOf('unmute', ['unmute'], 'turns replies back on', () => 'Unmuted.'),
]

function verbOf(act: Act, words: Verb['words'], does: string, done: (job: Job) => string): Verb {
  const [word] = words
  return {
    words,
    usage: `${word} <job>`,
    does,
    group: 'steer',
    needs: [acts[act].verb, 'start'],
    async run(request) {
      const { services, asker, words } = request
      const [id] = words
      if (id === undefined) throw whichJob(word)
      const outcome = await performAct(services, asker, id, act, word)
      if ('deletes' in outcome) return await openRemoval({ ...request, jobId: outcome.deletes }, outcome.isForRetry)
      return 'refusal' in outcome ? outcome.refusal : `Job \`${outcome.job.id}\`: ${done(outcome.job)}`
    },
  }
}
