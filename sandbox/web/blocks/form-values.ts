/** Pure: the values of elements, kept and checked as Slack keeps and checks them. */
import type { Block, BlockElement, ElementState, FormValues, InputElement, Option } from './types.js'

export const REQUIRED_SENTENCE = 'Please complete this required field.'

/**
 * The values after a view was opened or updated: an element that was there before under the same block and action id keeps
 * its value, any other starts from its initial one, and values of elements that are gone are dropped.
 */
export function reconcile(blocks: readonly Block[], previous: FormValues, channel: string): FormValues {
  const values: Record<string, Record<string, ElementState>> = {}
  for (const block of blocks) {
    for (const element of inputsOf(block)) {
      const kept = previous[block.block_id]?.[element.action_id]
      const state = kept?.type === element.type ? kept : initialState(element, channel)
      values[block.block_id] = { ...values[block.block_id], [element.action_id]: state }
    }
  }
  return values
}

/** `values` with one of them replaced. */
export function withValue(values: FormValues, blockId: string, actionId: string, state: ElementState): FormValues {
  return { ...values, [blockId]: { ...values[blockId], [actionId]: state } }
}

/** What keeps these values from being sent, by block id. */
export function problems(blocks: readonly Block[], values: FormValues): Record<string, string> {
  const found = blocks.flatMap((block) => {
    const { element } = block
    const state = element && values[block.block_id]?.[element.action_id]
    if (block.type !== 'input' || !state) return []
    const problem = isEmpty(state) ? !block.optional && REQUIRED_SENTENCE : valueProblem(element, state)
    return problem ? [[block.block_id, problem] as const] : []
  })
  return Object.fromEntries(found)
}

/** The exact shape of an option inside a state: its text completed, its description left out. */
export function stateOption({ text, value }: Option): Option {
  const completed = text.type === 'plain_text' ? { emoji: true, ...text } : { verbatim: false, ...text }
  return { text: completed, value }
}

function initialState(element: InputElement, channel: string): ElementState {
  switch (element.type) {
    case 'plain_text_input':
    case 'email_text_input':
    case 'url_text_input':
    case 'number_input':
      return { type: element.type, value: element.initial_value || null }
    case 'static_select':
    case 'external_select':
    case 'radio_buttons':
      return {
        type: element.type,
        selected_option: element.initial_option ? stateOption(element.initial_option) : null,
      }
    case 'multi_static_select':
    case 'multi_external_select':
    case 'checkboxes':
      return { type: element.type, selected_options: (element.initial_options ?? []).map(stateOption) }
    case 'conversations_select': {
      const current = element.default_to_current_conversation ? channel : null
      return { type: element.type, selected_conversation: element.initial_conversation ?? current }
    }
    case 'channels_select':
      return { type: element.type, selected_channel: element.initial_channel ?? null }
    case 'users_select':
      return { type: element.type, selected_user: element.initial_user ?? null }
    case 'multi_users_select':
      return { type: element.type, selected_users: element.initial_users ?? [] }
    case 'datepicker':
      return { type: element.type, selected_date: element.initial_date ?? null }
    case 'timepicker':
      return { type: element.type, selected_time: element.initial_time ?? null }
    case 'datetimepicker':
      return { type: element.type, selected_date_time: element.initial_date_time ?? null }
  }
}

function isEmpty(state: ElementState): boolean {
  if ('value' in state) return !state.value?.trim()
  const { type: _, ...answers } = state
  return Object.values(answers).every((answer) => answer === null || (Array.isArray(answer) && answer.length === 0))
}

function valueProblem(element: InputElement, state: ElementState): string | null {
  if (!('value' in state) || state.value === null) return null
  if (element.type === 'plain_text_input') {
    const { min_length: min = 0, max_length: max = 3000 } = element
    if (state.value.length < min) return `Enter at least ${min} characters.`
    if (state.value.length > max) return `Enter at most ${max} characters.`
  }
  if (element.type === 'number_input') {
    const value = Number(state.value)
    if (!Number.isFinite(value)) return 'Enter a number.'
    if (!element.is_decimal_allowed && !Number.isInteger(value)) return 'Enter a whole number.'
    if (element.min_value !== undefined && value < Number(element.min_value))
      return `Enter at least ${element.min_value}.`
    if (element.max_value !== undefined && value > Number(element.max_value))
      return `Enter at most ${element.max_value}.`
  }
  return null
}

const INPUT_TYPES: ReadonlySet<string> = new Set<InputElement['type']>([
  'plain_text_input',
  'email_text_input',
  'url_text_input',
  'number_input',
  'static_select',
  'multi_static_select',
  'external_select',
  'multi_external_select',
  'conversations_select',
  'channels_select',
  'users_select',
  'multi_users_select',
  'datepicker',
  'timepicker',
  'datetimepicker',
  'checkboxes',
  'radio_buttons',
])

/** Whether the page knows how to draw this element and how its state looks. */
export function isInput(element: BlockElement): element is InputElement {
  return INPUT_TYPES.has(element.type)
}

function inputsOf(block: Block): InputElement[] {
  const all = [block.element, block.accessory, ...(block.type === 'actions' ? (block.elements ?? []) : [])]
  return all.filter((element) => element !== undefined).filter(isInput)
}
