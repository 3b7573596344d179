/** Check boxes and radio buttons. */
import { useId } from 'react'
import { stateOption } from './form-values.js'
import { PlainText } from './plain-text.js'
import type { Checkboxes, ElementState, Field, Option, RadioButtons } from './types.js'

type ChoiceState = Extract<ElementState, { selected_option: unknown } | { selected_options: unknown }>

interface ChoiceInputProps extends Field<ChoiceState> {
  element: Checkboxes | RadioButtons
}

export function ChoiceInput({
  element,
  state,
  onChange,
  labelId,
  describedBy,
  isInvalid,
  isOptional,
}: ChoiceInputProps) {
  const id = useId()
  const isMany = 'selected_options' in state
  const chosen = isMany ? state.selected_options : [state.selected_option]
  const isChosen = ({ value }: Option) => chosen.some((option) => option?.value === value)

  function choose(option: Option) {
    if (!isMany) return onChange({ ...state, selected_option: stateOption(option) })
    // The values are in the order of the list, not in the order of the clicks.
    const next = element.options.filter((other) => isChosen(other) !== (other.value === option.value))
    return onChange({ ...state, selected_options: next.map(stateOption) })
  }

  return (
    <fieldset
      className="choices"
      {...(isMany ? { role: 'group' } : { role: 'radiogroup', 'aria-required': !isOptional })}
      aria-labelledby={labelId}
      aria-describedby={describedBy}
    >
      {element.options.map((option, index) => (
        <div key={option.value} className="choice">
          <input
            id={`${id}${index}`}
            type={isMany ? 'checkbox' : 'radio'}
            name={id}
            checked={isChosen(option)}
            aria-invalid={isInvalid}
            aria-describedby={option.description ? `${id}${index}more` : undefined}
            onChange={() => choose(option)}
          />
          <label htmlFor={`${id}${index}`}>
            <PlainText text={option.text} />
          </label>
          {option.description && (
            <div id={`${id}${index}more`} className="hint">
              <PlainText text={option.description} />
            </div>
          )}
        </div>
      ))}
    </fieldset>
  )
}
