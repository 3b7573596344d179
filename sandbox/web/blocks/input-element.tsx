/** An element with a value: picks its drawing by type, and ties it to the surface that keeps the value. */
import { useWorkspace } from '../workspace/context.js'
import { ChoiceInput } from './choice-input.js'
import { DateInput } from './date-input.js'
import { Select } from './select.js'
import { useSurface } from './surface.js'
import { TextInput } from './text-input.js'
import type { ElementState, InputElement, NumberElement, TextElement } from './types.js'

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
  const { ask } = useWorkspace()
  const state = values[blockId]?.[element.action_id]
  if (!state) return null
  const field = {
    inputId: undefined,
    describedBy: undefined,
    isInvalid: false,
    ...rest,
    onChange: (next: ElementState, isFinal = true) => {
      // The app is only told of this choice once the person has confirmed it.
      if (element.confirm && dispatch && isFinal) ask(element.confirm, () => change(blockId, element, next, true))
      else change(blockId, element, next, dispatch && isFinal)
    },
  }
  return drawn()

  function drawn() {
    if (!state) return null
    if ('value' in state) {
      return isText(element) ? <TextInput element={element} {...field} state={state} /> : null
    }
    if (element.type === 'checkboxes' || element.type === 'radio_buttons') {
      const isChoice = 'selected_option' in state || 'selected_options' in state
      return isChoice ? <ChoiceInput element={element} {...field} state={state} /> : null
    }
    if (element.type === 'datepicker' || element.type === 'timepicker' || element.type === 'datetimepicker') {
      const isDate = 'selected_date' in state || 'selected_time' in state || 'selected_date_time' in state
      return isDate ? <DateInput element={element} {...field} state={state} /> : null
    }
    if (isText(element) || 'selected_date' in state || 'selected_time' in state || 'selected_date_time' in state) {
      return null
    }
    return <Select blockId={blockId} element={element} {...field} state={state} />
  }
}

function isText(element: InputElement): element is TextElement | NumberElement {
  return TEXTS.has(element.type)
}

const TEXTS: ReadonlySet<string> = new Set(['plain_text_input', 'number_input', 'email_text_input', 'url_text_input'])
