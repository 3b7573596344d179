/** A text box with a list: one or several choices, filtered by typing, worked by mouse or keyboard. */
import { type KeyboardEvent, useId, useRef, useState } from 'react'
import { OptionList } from './option-list.js'
import type { Option } from './types.js'
import { useAnchor } from './use-anchor.js'
import type { Lines } from './use-lines.js'

interface ComboboxProps {
  lines: Lines
  selected: readonly Option[]
  onSelect(options: readonly Option[]): void
  isMultiple: boolean
  /** The maximum number of options in a multiple choice. */
  max: number | undefined
  placeholder: string
  focusOnLoad: boolean
  labelId: string
  inputId: string | undefined
  describedBy: string | undefined
  isInvalid: boolean
  isOptional: boolean
}

export function Combobox(props: ComboboxProps) {
  const { lines, selected, onSelect, isMultiple, labelId, isOptional } = props
  const id = useId()
  const box = useRef<HTMLDivElement>(null)
  const input = useRef<HTMLInputElement>(null)
  const [isOpen, setIsOpen] = useState(false)
  const [activeValue, setActiveValue] = useState<string | null>(null)
  const place = useAnchor(box, isOpen)

  const options = lines.groups.flatMap((group) => group.options)
  const active = options.find(({ value }) => value === activeValue) ?? options[0]
  const isChosen = ({ value }: Option) => selected.some((option) => option.value === value)
  const isFull = isMultiple && props.max !== undefined && selected.length >= props.max
  const [single] = isMultiple ? [] : selected

  function setOpen(next: boolean) {
    setIsOpen(next)
    lines.setOpen(next)
    if (next === isOpen) return
    lines.setQuery('')
    setActiveValue(next ? (single?.value ?? null) : null)
  }

  function choose(option: Option) {
    if (!isMultiple) {
      onSelect([option])
      setOpen(false)
    } else if (isChosen(option)) remove(option)
    else if (!isFull) {
      onSelect([...selected, option])
      lines.setQuery('')
    }
    input.current?.focus()
  }

  function remove(option: Option) {
    onSelect(selected.filter(({ value }) => value !== option.value))
    input.current?.focus()
  }

  function write(text: string) {
    setOpen(true)
    // Typing into a closed box appends to the chosen name, which isn't part of the search.
    const shown = isOpen ? '' : (single?.text.text ?? '')
    lines.setQuery(text.startsWith(shown) ? text.slice(shown.length) : text)
    setActiveValue(null)
  }

  function move(by: number) {
    const at = active ? options.indexOf(active) : -1
    const next = options[(at + by + options.length) % options.length]
    setActiveValue(next?.value ?? null)
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.nativeEvent.isComposing) return
    const last = selected.at(-1)
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault()
      if (!isOpen) setOpen(true)
      else move(event.key === 'ArrowDown' ? 1 : -1)
    } else if (event.key === 'Enter') {
      // Never sends the form: the person is choosing.
      event.preventDefault()
      if (!isOpen) setOpen(true)
      else if (active) choose(active)
    } else if (event.key === 'Escape' && isOpen) {
      // Closes the list alone, not the modal around it.
      event.preventDefault()
      event.stopPropagation()
      setOpen(false)
    } else if (event.key === 'Backspace' && lines.query === '' && isMultiple && last) remove(last)
  }

  return (
    <div ref={box} className={`combobox${isOpen ? ' is-open' : ''}`}>
      {isMultiple &&
        selected.map((option) => (
          <span key={option.value} className="token">
            {option.text.text}
            <button type="button" aria-label={`Remove ${option.text.text}`} onClick={() => remove(option)}>
              ×
            </button>
          </span>
        ))}
      <input
        ref={input}
        id={props.inputId}
        role="combobox"
        type="text"
        autoComplete="off"
        spellCheck={false}
        aria-labelledby={labelId}
        aria-describedby={props.describedBy}
        aria-invalid={props.isInvalid}
        aria-required={!isOptional}
        aria-expanded={isOpen}
        aria-controls={`${id}list`}
        aria-autocomplete="list"
        aria-activedescendant={isOpen && active ? `${id}${options.indexOf(active)}` : undefined}
        data-focus={props.focusOnLoad || undefined}
        value={isOpen ? lines.query : (single?.text.text ?? '')}
        placeholder={selected.length === 0 ? props.placeholder : single?.text.text}
        onClick={() => setOpen(true)}
        onChange={(event) => write(event.target.value)}
        onKeyDown={onKeyDown}
        onBlur={() => setOpen(false)}
      />
      {single && isOptional && (
        <button type="button" className="clear" aria-label={`Clear ${single.text.text}`} onClick={() => remove(single)}>
          ×
        </button>
      )}
      <span className="arrow" aria-hidden="true" />
      {isOpen && (
        <OptionList
          id={id}
          labelId={labelId}
          lines={lines}
          active={active}
          isChosen={isChosen}
          isMultiple={isMultiple}
          place={place}
          onHover={({ value }) => setActiveValue(value)}
          onChoose={choose}
        />
      )}
    </div>
  )
}
