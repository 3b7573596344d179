/** A short plain text inside a control, with its emoji. */
import { Text } from './library-blocks.js'
import type { TextObject } from './types.js'

const SHORTCODE = /:[a-z0-9_+'-]+:/

export function PlainText({ text }: { text: TextObject }) {
  const isPlain = text.type === 'plain_text' && (text.emoji === false || !SHORTCODE.test(text.text))
  // The library's paragraphs are only worth their markup where there is something to draw.
  return isPlain ? text.text : <Text text={text} />
}
