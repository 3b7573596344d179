/** Dates and times, with the browser's own pickers. */
import type { AnyDateElement, ElementState, Field } from './types.js'

type DateState = Extract<
  ElementState,
  { selected_date: unknown } | { selected_time: unknown } | { selected_date_time: unknown }
>

interface DateInputProps extends Field<DateState> {
  element: AnyDateElement
}

export function DateInput({ element, state, onChange, labelId, inputId, describedBy, ...field }: DateInputProps) {
  return (
    <input
      id={inputId}
      className="text-input date-input"
      type={TYPES[state.type]}
      value={shown(state)}
      title={element.placeholder?.text}
      aria-labelledby={labelId}
      aria-describedby={describedBy}
      aria-invalid={field.isInvalid}
      aria-required={!field.isOptional}
      data-focus={element.focus_on_load}
      onChange={(event) => onChange(chosen(state, event.target.value))}
    />
  )
}

const TYPES = { datepicker: 'date', timepicker: 'time', datetimepicker: 'datetime-local' } as const

function shown(state: DateState): string {
  if ('selected_date' in state) return state.selected_date ?? ''
  if ('selected_time' in state) return state.selected_time ?? ''
  if (state.selected_date_time === null) return ''
  const date = new Date(state.selected_date_time * 1000)
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000)
  return local.toISOString().slice(0, 16)
}

function chosen(state: DateState, value: string): DateState {
  if ('selected_date' in state) return { ...state, selected_date: value || null }
  if ('selected_time' in state) return { ...state, selected_time: value || null }
  return { ...state, selected_date_time: value ? new Date(value).getTime() / 1000 : null }
}
