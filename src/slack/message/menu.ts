/** Pure: what a person can do to one job of a list, as a menu beside its line. */
import type { Overflow } from '@slack/types'
import { accepts } from '../../domain/acts.js'
import type { Act, Job } from '../../domain/job.js'
import { cut, plainText } from '../../lib/text.js'
import { plain } from '../blocks.js'
import { limits } from '../limits.js'
import { ownName } from '../text.js'
import { jobActions } from './buttons.js'

/** In the order of the menu. Slack takes five entries. */
const labels = {
  cancel: 'Cancel',
  try_again: 'Try again',
  check_again: 'Check again',
  dismiss: 'Stop watching',
  mute: 'Mute its thread',
  unmute: 'Unmute its thread',
} as const satisfies Partial<Record<Act, string>>
const MAX_ENTRIES = 5

/** Null when nothing can be done to it. It asks once more, with the name, because lines of a list are easily mistaken. */
export function menuOf(job: Job): Overflow | null {
  const entries = Object.entries(labels).filter(([act]) => accepts(job, act as keyof typeof labels))
  if (entries.length === 0) return null
  return {
    type: 'overflow',
    action_id: jobActions.more,
    options: entries.slice(0, MAX_ENTRIES).map(([act, label]) => ({ text: plain(label), value: `${act} ${job.id}` })),
    confirm: {
      title: plain('Are you sure?'),
      text: plain(cut(`This is about ${plainText(ownName(job.target), 100)}, job ${job.id}.`, limits.confirmText)),
      confirm: plain('Yes'),
      deny: plain('Not now'),
    },
  }
}
