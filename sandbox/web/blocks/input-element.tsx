/** An element with a value: picks its drawing by type, and ties it to the surface that keeps the value. */
import { ChoiceInput } from './choice-input.js'
import { Select } from './select.js'
import { useSurface } from './surface.js'
import { TextInput } from './text-input.js'
import type { ElementState, InputElement } from './types.js'

interface InputElementProps {
  blockId: string
  element: InputElement
  labelId: string
  inputId?: string
  describedBy?: string | undefined
  isInvalid?: boolean
  isOptional: boolean
  /** Whether the app wants to hear of every choice at once. */
  dispatch: boolean
}

export function InputElementView({ blockId, element, dispatch, ...rest }: InputElementProps) {
  const { values, change } = useSurface()
  const state = values[blockId]?.[element.action_id]
  if (!state) return null
  const field = {
    inputId: undefined,
    describedBy: undefined,
    isInvalid: false,
    ...rest,
    onChange: (next: ElementState, isFinal = true) => change(blockId, element, next, dispatch && isFinal),
  }
  if ('value' in state) {
    return element.type === 'plain_text_input' || element.type === 'number_input' ? (
      <TextInput element={element} {...field} state={state} />
    ) : null
  }
  if (element.type === 'checkboxes' || element.type === 'radio_buttons') {
    return 'selected_conversation' in state ? null : <ChoiceInput element={element} {...field} state={state} />
  }
  if (element.type === 'plain_text_input' || element.type === 'number_input') return null
  return <Select blockId={blockId} element={element} {...field} state={state} />
}
