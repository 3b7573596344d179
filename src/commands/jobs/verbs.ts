/** What people type about a job that exists. */
import type { Act, Job } from '../../domain/job.js'
import { UserError } from '../../errors.js'
import type { Verb } from '../verb.js'
import { performAct } from './act.js'
import { listVerb } from './list.js'
import { statusVerb } from './status.js'

export const jobVerbs: readonly Verb[] = [
  statusVerb,
  listVerb,
  verbOf('cancel', ['cancel', 'abort'], 'stops a job before its next request', (job) =>
    job.endedAt === null ? 'I stop before the next request. Its thread says what stays.' : 'Cancelled.',
  ),
  verbOf('try_again', ['retry'], 'tries a failed job again, from the step that failed', () => 'Trying again.'),
  verbOf('check_again', ['check'], 'looks once more how a job stands', () => 'Checking.'),
  verbOf('dismiss', ['stop', 'dismiss'], 'stops watching a job; the provider goes on', () => "I've stopped watching."),
  verbOf(
    'mute',
    ['mute'],
    "no more replies in a job's thread",
    () => 'Muted: the first message still shows how it stands.',
  ),
  verbOf('unmute', ['unmute'], 'replies again', () => 'Unmuted.'),
]

function verbOf(act: Act, words: Verb['words'], does: string, done: (job: Job) => string): Verb {
  const [word] = words
  return {
    words,
    usage: `${word} <job>`,
    does,
    group: 'steer',
    async run({ services, asker, words: [id] }) {
      if (id === undefined)
        throw new UserError(`Which job? Type its ID after "${word}", as its thread shows it. Your jobs:`, {
          instead: '/clone-app list',
        })
      const outcome = await performAct(services, asker, id, act, word)
      return 'refusal' in outcome ? outcome.refusal : `Job \`${outcome.job.id}\`: ${done(outcome.job)}`
    },
  }
}
