/** Pure: the options of pickers. */
import type { PlainTextOption } from '@slack/types'
import { comparable, cut, plainText } from '../../lib/text.js'
import type { Option, Values } from '../../providers/provider.js'
import { plain } from '../blocks.js'
import { limits } from '../limits.js'
import type { Field } from './fields.js'

/**
 * At most a hundred options that contain every word of the query, shortest label first when there is a query.
 *
 * @param textOf like `searchText`; callers cache it, because a list is searched with every keystroke.
 */
export function searchOptions(
  options: readonly Option[],
  query: string,
  textOf: (option: Option) => string = searchText,
): PlainTextOption[] {
  const words = comparable(query).split(' ').filter(Boolean)
  const found = options
    // An option is useless if Slack would send its value back changed.
    .filter(({ value }) => value !== '' && value === cut(value, limits.optionValue))
    .filter((option) => words.length === 0 || words.every((word) => textOf(option).includes(word)))
  if (words.length > 0) found.sort((one, other) => one.label.length - other.label.length)
  return found.slice(0, limits.options).map(option)
}

/** Everything an option can be found by. */
export function searchText({ value, label, description = '' }: Option): string {
  return comparable(`${label} ${description} ${value}`)
}

/** The fields that must be answered before this one's list can be read. */
export function unansweredParents(field: Field, fields: readonly Field[], { values }: { values: Values }): Field[] {
  return fields.filter(({ key }) => field.dependsOn.includes(key) && !values[key])
}

/** "Choose Source app and Target project first", in at most so many characters. */
export function chooseFirst(unanswered: readonly Field[], maxLength: number): string {
  const end = ' first'
  return cut(`Choose ${unanswered.map(({ title }) => title).join(' and ')}`, maxLength - end.length) + end
}

export function option({ value, label, description = '' }: Option): PlainTextOption {
  const text = plainText(label, limits.optionText) || plainText(value, limits.optionText) || '?'
  // What the label has no room for goes into the description: long names may differ only at their ends.
  const whole = plainText(label)
  const rest = whole.length > text.length && `…${whole.slice(text.length - 1).trim()}`
  const remark = plainText([rest, description].filter(Boolean).join(' · '), limits.optionDescription)
  return {
    text: plain(text),
    value: cut(value, limits.optionValue),
    ...(remark ? { description: plain(remark) } : {}),
  }
}
