/** Pure: what a person can do to one job of a list, as a menu beside its line. */
import type { Overflow } from '@slack/types'
import { cut, plainText } from '../../lib/text.js'
import { plain } from '../blocks.js'
import { limits, mustFit } from '../limits.js'
import { ownName } from '../text.js'
import { actsOf, hintOf, jobActions } from './buttons.js'
import type { JobDescription } from './job.js'

/** Slack takes five entries. */
const MAX_ENTRIES = 5

/**
 * The same entries as below the job's root message; null when nothing can be done to it. It asks once more, with the name,
 * because lines of a list are easily mistaken.
 */
export function menuOf(view: JobDescription): Overflow | null {
  const { id, target } = view.job
  const entries = actsOf(view).slice(0, MAX_ENTRIES)
  if (entries.length === 0) return null
  return {
    type: 'overflow',
    action_id: jobActions.more,
    options: entries.map(([word, text]) => ({
      text: plain(mustFit(text, limits.optionText)),
      value: `${word} ${hintOf(view.job, word)}`,
    })),
    confirm: {
      title: plain('Are you sure?'),
      text: plain(cut(`This is about ${plainText(ownName(target), 100)}, job ${id}.`, limits.confirmText)),
      confirm: plain('Yes'),
      deny: plain('Not now'),
    },
  }
}
