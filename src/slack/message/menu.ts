/** Pure: what a person can do to one job of a list: a menu beside its line, or the buttons of its root below it. */
import type { KnownBlock, Overflow } from '@slack/types'
import { cut, plainText } from '../../lib/text.js'
import { plain } from '../blocks.js'
import { limits, mustFit } from '../limits.js'
import { ownName } from '../text.js'
import { actsOf, buttonsOf, hintOf, jobActions } from './buttons.js'
import type { JobDescription } from './job.js'

/** Slack takes five entries. */
const MAX_ENTRIES = 5

/**
 * The same entries as below the job's root message; null when nothing can be done to it, or when one of them asks first. A menu
 * can only ask the same for all of its entries, so then they are buttons.
 */
export function menuOf(view: JobDescription): Overflow | null {
  const entries = actsOf(view).slice(0, MAX_ENTRIES)
  if (entries.length === 0 || buttonsBelow(view).length > 0) return null
  return {
    type: 'overflow',
    action_id: jobActions.more,
    options: entries.map(([word, text]) => ({
      text: plain(mustFit(text, limits.optionText)),
      value: `${word} ${hintOf(view.job, word)}`,
    })),
  }
}

/**
 * The buttons of the job's root message, if one of them asks first. They ask with the name, because lines of a list are easily
 * mistaken.
 */
export function buttonsBelow(view: JobDescription): KnownBlock[] {
  const { id, target } = view.job
  let asks = false
  const blocks = buttonsOf(view).map((block) => {
    if (block.type !== 'actions') return block
    const elements = block.elements.map((element) => {
      if (element.type !== 'button' || !element.confirm) return element
      asks = true
      const words = `${plainText(ownName(target), 100)}, job ${id}: ${element.confirm.text.text}`
      return { ...element, confirm: { ...element.confirm, text: plain(cut(words, limits.confirmText)) } }
    })
    return { ...block, block_id: `job ${id}`, elements }
  })
  return asks ? blocks : []
}
