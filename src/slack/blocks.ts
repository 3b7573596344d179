/** Pure: the small parts of messages and forms. Foreign text is escaped and cut here. */
import type { Button, KnownBlock, PlainTextElement, SectionBlock } from '@slack/types'
import { cut, plainText } from '../lib/text.js'
import { limits } from './limits.js'
import { mrkdwnWithin } from './text.js'

/** Characters of foreign text in a message, as sent to Slack. Longer text is cut, so that our own sentences stay whole. */
const MAX_NAME_LENGTH = 150
const MAX_DETAIL_LENGTH = 1_500

export function plain(text: string): PlainTextElement {
  return { type: 'plain_text', text, emoji: false }
}

/** `text` is escaped mrkdwn. The button stands beside it. */
export function section(text: string, button?: Button): SectionBlock {
  const shown = { type: 'mrkdwn', verbatim: true, text: cut(text, limits.sectionText) } as const
  return { type: 'section', text: shown, ...(button && { accessory: button }) }
}

/** A button with what it is about, which nothing trusts. */
export function button(action_id: string, text: string, value: string): Button {
  return { type: 'button', action_id, text: plain(text), value }
}

/** A line of small print; `text` is escaped mrkdwn. */
export function context(text: string): KnownBlock {
  return { type: 'context', elements: [{ type: 'mrkdwn', verbatim: true, text }] }
}

/** A connection's, a provider's or a step's name, which is short. */
export function name(text: string): string {
  return mrkdwnWithin(MAX_NAME_LENGTH, plainText(text, 75))
}

/**
 * What is known, to be read after a colon: names keep their small letters.
 *
 * @param maxLength of what Slack gets.
 */
export function sentence(text: string | null, maxLength = MAX_DETAIL_LENGTH): string {
  const escaped = mrkdwnWithin(maxLength, plainText(text ?? ''))
  return escaped === '' || /[.!?…]$/.test(escaped) ? escaped : `${escaped}.`
}

export function withDetail(words: string, detail: string): string {
  return detail === '' ? `${words}.` : `${words}: ${detail}`
}
