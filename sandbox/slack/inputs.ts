/** The inputs of a form as a browser handles them: initial values, and what may not be submitted. */
import { asList, asObject, asText, type Json } from './json.js'
import type { StateValues } from './protocol.js'

/** Where each kind of element keeps its answer, and which property has its initial value. */
const KEPT: Readonly<Record<string, readonly [answer: string, initial: string, empty: unknown]>> = {
  plain_text_input: ['value', 'initial_value', null],
  number_input: ['value', 'initial_value', null],
  email_text_input: ['value', 'initial_value', null],
  url_text_input: ['value', 'initial_value', null],
  rich_text_input: ['rich_text_value', 'initial_value', null],
  static_select: ['selected_option', 'initial_option', null],
  external_select: ['selected_option', 'initial_option', null],
  radio_buttons: ['selected_option', 'initial_option', null],
  multi_static_select: ['selected_options', 'initial_options', []],
  multi_external_select: ['selected_options', 'initial_options', []],
  checkboxes: ['selected_options', 'initial_options', []],
  users_select: ['selected_user', 'initial_user', null],
  multi_users_select: ['selected_users', 'initial_users', []],
  conversations_select: ['selected_conversation', 'initial_conversation', null],
  channels_select: ['selected_channel', 'initial_channel', null],
  datepicker: ['selected_date', 'initial_date', null],
  timepicker: ['selected_time', 'initial_time', null],
  datetimepicker: ['selected_date_time', 'initial_date_time', null],
}

/** An element that keeps an answer, in its block. */
export interface Input {
  block: Json
  element: Json
  blockId: string
  actionId: string
}

/** All elements of these blocks that can be used, buttons and menus too. */
export function elementsOf(blocks: readonly unknown[]): Input[] {
  return blocks.map(asObject).flatMap((block) =>
    [block.element, block.accessory, ...asList(block.elements)]
      .map(asObject)
      .filter((element) => element.action_id !== undefined)
      .map((element) => ({ block, element, blockId: asText(block.block_id), actionId: asText(element.action_id) })),
  )
}

/** All elements of these blocks that keep an answer. */
export function inputsOf(blocks: readonly unknown[]): Input[] {
  return elementsOf(blocks).filter(({ element }) => asText(element.type) in KEPT)
}

/** The form's values before anyone changes them. */
export function initialValues(blocks: readonly unknown[]): StateValues {
  return merged(
    inputsOf(blocks).map(({ element, blockId, actionId }) => {
      const [answer, initial, empty] = KEPT[asText(element.type)] ?? ['value', 'initial_value', null]
      return { [blockId]: { [actionId]: { type: element.type, [answer]: element[initial] ?? empty } } }
    }),
  )
}

/** Later values win, element by element. */
export function merged(parts: readonly StateValues[]): StateValues {
  const values: Record<string, Record<string, unknown>> = {}
  for (const [blockId, actions] of parts.flatMap((part) => Object.entries(part))) {
    values[blockId] = { ...values[blockId], ...actions }
  }
  return values
}

/** The state of an element with this answer: text, an option, options, or an id or a date. */
export function answered(element: Json, answer: unknown): Json {
  const [key] = KEPT[asText(element.type)] ?? [element.type === 'overflow' ? 'selected_option' : 'value']
  return { type: element.type, [key]: answer === '' ? null : answer }
}

/** Slack's own errors beside the fields, by block id. A form with such errors never reaches the bot. */
export function inputErrors(blocks: readonly unknown[], values: StateValues): Record<string, string> {
  const errors = inputsOf(blocks).flatMap(({ block, element, blockId, actionId }) => {
    if (block.type !== 'input') return []
    // Slack checks in the person's client, which may still show the form as it was before an update, with other action ids.
    const answers = values[blockId] ?? {}
    const { type: _, ...state } = asObject(answers[actionId] ?? Object.values(answers).at(-1))
    const [given] = Object.values(state)
    if (isEmpty(given))
      return block.optional === true ? [] : [[blockId, 'Please complete this required field.'] as const]
    const problem = contentProblem(element, String(given))
    return problem ? [[blockId, problem] as const] : []
  })
  return Object.fromEntries(errors)
}

function isEmpty(answer: unknown): boolean {
  return answer === undefined || answer === null || answer === '' || (Array.isArray(answer) && answer.length === 0)
}

function contentProblem(element: Json, given: string): string | undefined {
  if (element.type === 'number_input') {
    const number = Number(given)
    if (Number.isNaN(number)) return 'Enter a number.'
    if (element.is_decimal_allowed !== true && !Number.isInteger(number)) return 'Enter a whole number.'
    if (element.min_value !== undefined && number < Number(element.min_value))
      return `Enter at least ${element.min_value}.`
    if (element.max_value !== undefined && number > Number(element.max_value))
      return `Enter at most ${element.max_value}.`
  }
  if (element.type === 'plain_text_input') {
    if (given.length < Number(element.min_length ?? 0)) return `Enter at least ${element.min_length} characters.`
    if (given.length > Number(element.max_length ?? 3000))
      return `Enter at most ${element.max_length ?? 3000} characters.`
  }
  return undefined
}
