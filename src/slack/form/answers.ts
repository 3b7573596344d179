/** Pure: a submitted modal's state → what was answered. */
import { z } from 'zod'
import { plainText } from '../../lib/text.js'
import { trimmed } from '../../lib/typed-text.js'
import type { Operation, Option } from '../../providers/provider.js'
import { limits } from '../limits.js'
import { unescapeSlack } from '../text.js'
import { CHANNEL_BLOCK, HERE_PLACE, MINE_PLACE } from './channel.js'
import { blockIdOf, entriesOf, type Field, fieldsOf } from './fields.js'
import { KEEP_BLOCK } from './keep.js'
import { option } from './options.js'
import { MENTION_BLOCK } from './view.js'

/** The answers of a submitted form: `named` has the words a person saw, `values` what goes to the schema. */
export interface Answers {
  values: Record<string, unknown>
  named: Record<string, string>
  /**
   * What was chosen from lists, by field; typed text is its own label. Labels come back from the person's client, so nothing
   * may trust them.
   */
  picked: Record<string, readonly Option[]>
  /** Where updates go: the id of a conversation, or HERE_PLACE or MINE_PLACE. */
  channel: string | undefined
  /** How long it is kept, as the form offers it; undefined where it doesn't ask. */
  keep: string | undefined
  mentionOnSuccess: boolean
}

/** Reads a modal's state. Empty answers are left out, so that the schema's own defaults and "required" apply. */
export function readAnswers(operation: Operation, stateValues: StateValues): Answers {
  const values: Record<string, unknown> = {}
  const named: Record<string, string> = {}
  const picked: Answers['picked'] = {}
  const fields = fieldsOf(operation)
  for (const field of fields) {
    const answer = readElement(stateValues[blockIdOf(fields, field.key)])
    if (field.kind === 'yes-no') {
      values[field.key] = (answer.selected_options ?? []).some(({ value }) => value === field.key)
      named[field.key] = values[field.key] ? 'yes' : 'no'
    } else if (field.kind === 'picker' || field.kind === 'pickers') {
      setPicked({ values, named, picked }, field, chosenOptions(answer, field))
    } else {
      const text = trimmed(answer.selected_option?.value ?? answer.value ?? '')
      if (text === '') continue
      values[field.key] = field.kind === 'number' ? Number(text) : text
      named[field.key] = field.choices.find(({ value }) => value === text)?.label ?? text
    }
  }
  return {
    values,
    named,
    picked,
    channel: placeIn(readElement(stateValues[CHANNEL_BLOCK])),
    keep: readElement(stateValues[KEEP_BLOCK]).selected_option?.value,
    mentionOnSuccess: (readElement(stateValues[MENTION_BLOCK]).selected_options ?? []).length > 0,
  }
}

function placeIn({ selected_conversation, selected_option }: z.infer<typeof ElementState>): string | undefined {
  const words = [HERE_PLACE, MINE_PLACE]
  return selected_conversation ?? words.find((word) => word === selected_option?.value)
}

/** Replaces what is chosen from a field's list. */
export function setPicked(
  { values, named, picked }: Pick<Answers, 'values' | 'named' | 'picked'>,
  { key, kind }: Field,
  chosen: readonly Option[],
): void {
  const each = [...new Map(chosen.map((option) => [option.value, option])).values()]
  picked[key] = each
  for (const part of ['from', 'place'] as const) {
    const words = [...new Set(each.flatMap((option) => option[part] ?? []))]
    if (words.length > 0) named[`${key}.${part}`] = words.join(', ')
    else delete named[`${key}.${part}`]
  }
  if (kind === 'picker' && !each[0]) return
  values[key] = kind === 'picker' ? each[0]?.value : each.map(({ value }) => value)
  named[key] = each.map(({ label }) => label).join(', ')
}

/** `view.state.values`: block id → action id → element state; each of our blocks has one element. */
export type StateValues = Readonly<Record<string, Readonly<Record<string, unknown>>>>

const Selected = z.object({ value: z.string(), text: z.object({ text: z.string() }) })
const ElementState = z.object({
  value: z.string().nullish(),
  selected_option: Selected.nullish(),
  selected_options: z.array(Selected).nullish(),
  selected_conversation: z
    .string()
    .regex(/^[A-Z0-9]{1,40}$/)
    .nullish()
    .catch(undefined),
})

function readElement(block: StateValues[string] | undefined): z.infer<typeof ElementState> {
  return ElementState.safeParse(Object.values(block ?? {})[0]).data ?? {}
}

/** From a list, or typed into the text box that stands in for one. */
function chosenOptions(answer: z.infer<typeof ElementState>, field: Field): Option[] {
  const selected = answer.selected_options ?? (answer.selected_option ? [answer.selected_option] : undefined)
  if (!selected) return entriesOf(field, answer.value ?? '').map((text) => ({ value: text, label: text }))
  return selected.map(({ value, text }) => {
    // Slack escapes the labels that it sends back, and not the values.
    const label = text.text === value ? value : unescapeSlack(text.text)
    return { value: value.trim(), label: label.trim() }
  })
}

/** Whether this was typed and is not looked up yet: typed text is its own label, cut to the length of a label. */
export function isTyped({ value, label }: Option): boolean {
  return value === label || label === option({ value, label: value }).text.text
}

/** The text of an error under a field: plain, and never empty, because Slack then rejects all errors. */
export function fieldError(message: string): string {
  return plainText(message, limits.fieldError) || 'Please change this.'
}

/** The errors as Slack takes them, by `block_id`. What is wrong with a checkbox says which one. */
export function errorsOfBlocks(operation: Operation, errors: Readonly<Record<string, string>>): Record<string, string> {
  const fields = fieldsOf(operation)
  const blocks: Record<string, string> = {}
  for (const [key, problem] of Object.entries(errors)) {
    const block = blockIdOf(fields, key)
    const field = fields.find((one) => one.key === key)
    const sentence = field?.kind === 'yes-no' ? `${field.title}: ${problem}` : problem
    blocks[block] = fieldError([blocks[block], sentence].filter(Boolean).join(' '))
  }
  return blocks
}

/** One sentence per field at fault, keyed by `block_id`, as `response_action: errors` wants it. */
export function fieldErrors(error: z.ZodError, values: Readonly<Record<string, unknown>>): Record<string, string> {
  const errors: Record<string, string> = {}
  for (const issue of error.issues) {
    const key = String(issue.path[0] ?? CHANNEL_BLOCK)
    const isMissing = issue.code === 'invalid_type' && values[key] === undefined
    errors[key] ??= isMissing ? 'Please fill this in.' : fieldError(issue.message)
  }
  return errors
}
