/** The open list of a combobox. */
import { type CSSProperties, Fragment, useEffect } from 'react'
import { PlainText } from './plain-text.js'
import type { Option } from './types.js'
import type { Lines } from './use-lines.js'

interface OptionListProps {
  /** Begins the DOM ids of the list and its lines. */
  id: string
  labelId: string
  lines: Lines
  active: Option | undefined
  isChosen(option: Option): boolean
  isMultiple: boolean
  place: CSSProperties
  onHover(option: Option): void
  onChoose(option: Option): void
}

export function OptionList({ id, lines, active, place, ...props }: OptionListProps) {
  const options = lines.groups.flatMap((group) => group.options)
  const activeIndex = active ? options.indexOf(active) : -1

  useEffect(() => {
    document.getElementById(`${id}${activeIndex}`)?.scrollIntoView({ block: 'nearest' })
  }, [id, activeIndex])

  return (
    // Pressing the mouse on the list must not take the focus from the text box.
    // biome-ignore lint/a11y/noStaticElementInteractions: the lines inside are the controls
    <div className="popup" style={place} onMouseDown={(event) => event.preventDefault()}>
      <div
        id={`${id}list`}
        role="listbox"
        aria-labelledby={props.labelId}
        aria-multiselectable={props.isMultiple}
        aria-busy={lines.isLoading}
        tabIndex={-1}
      >
        {lines.groups.map((group) => (
          <Fragment key={group.label?.text ?? ''}>
            {group.label && (
              <div className="option-group" role="presentation">
                <PlainText text={group.label} />
              </div>
            )}
            {group.options.map((option) => (
              <OptionLine
                key={option.value}
                id={`${id}${options.indexOf(option)}`}
                option={option}
                isActive={option === active}
                isChosen={props.isChosen(option)}
                onHover={props.onHover}
                onChoose={props.onChoose}
              />
            ))}
          </Fragment>
        ))}
      </div>
      {lines.note && (
        <p className="popup-note" role="status">
          {lines.note}
        </p>
      )}
    </div>
  )
}

interface OptionLineProps {
  id: string
  option: Option
  isActive: boolean
  isChosen: boolean
  onHover(option: Option): void
  onChoose(option: Option): void
}

function OptionLine({ id, option, isActive, isChosen, onHover, onChoose }: OptionLineProps) {
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: keys go to the text box, which names its active line
    <div
      id={id}
      role="option"
      className={isActive ? 'option is-active' : 'option'}
      tabIndex={-1}
      aria-selected={isChosen}
      aria-labelledby={`${id}text`}
      aria-describedby={option.description ? `${id}more` : undefined}
      onMouseMove={() => !isActive && onHover(option)}
      onClick={() => onChoose(option)}
    >
      <span id={`${id}text`} className="option-text">
        <PlainText text={option.text} />
      </span>
      {option.description && (
        <span id={`${id}more`} className="option-more">
          <PlainText text={option.description} />
        </span>
      )}
    </div>
  )
}
