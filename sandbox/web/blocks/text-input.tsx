/** Text and number inputs. */
import type { KeyboardEvent } from 'react'
import type { ElementState, Field, NumberElement, TextElement } from './types.js'

type TextState = Extract<ElementState, { value: string | null }>

const KEYBOARDS = { plain_text_input: 'text', email_text_input: 'email', url_text_input: 'url' } as const

interface TextInputProps extends Field<TextState> {
  element: TextElement | NumberElement
}

export function TextInput({ element, state, onChange, inputId, describedBy, isInvalid, isOptional }: TextInputProps) {
  const triggers = element.dispatch_action_config?.trigger_actions_on ?? ['on_enter_pressed']
  const keep = (value: string) =>
    onChange({ type: state.type, value: value === '' ? null : value }, triggers.includes('on_character_entered'))

  function onKeyDown(event: KeyboardEvent) {
    if (event.key !== 'Enter' || event.nativeEvent.isComposing || event.shiftKey) return
    if (triggers.includes('on_enter_pressed')) onChange(state)
  }

  const common = {
    id: inputId,
    className: 'text-input',
    value: state.value ?? '',
    placeholder: element.placeholder?.text,
    'aria-describedby': describedBy,
    'aria-invalid': isInvalid,
    'aria-required': !isOptional,
    'data-focus': element.focus_on_load,
    onKeyDown,
  }
  if (element.type === 'number_input') {
    return (
      <input
        {...common}
        type="text"
        inputMode={element.is_decimal_allowed ? 'decimal' : 'numeric'}
        autoComplete="off"
        onChange={(event) => keep(event.target.value)}
      />
    )
  }
  if (element.type === 'plain_text_input' && element.multiline) {
    return (
      <textarea {...common} rows={4} maxLength={element.max_length} onChange={(event) => keep(event.target.value)} />
    )
  }
  return (
    <input
      {...common}
      type={KEYBOARDS[element.type]}
      autoComplete="off"
      maxLength={element.max_length}
      onChange={(event) => keep(event.target.value)}
    />
  )
}
