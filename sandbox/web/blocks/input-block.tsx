/** One question of a modal: its label, its element, its hint and what is wrong with the answer. */
import { useId } from 'react'
import { Undrawn } from './element.js'
import { isInput } from './form-values.js'
import { InputElementView } from './input-element.js'
import { PlainText } from './plain-text.js'
import { useSurface } from './surface.js'
import type { Block } from './types.js'

export function InputBlock({ block }: { block: Block }) {
  const id = useId()
  const error = useSurface().errors[block.block_id]
  const { element, label, hint, optional = false } = block
  if (!element || !isInput(element)) return <Undrawn type={(block.element ?? block).type} />
  const described = [error && `${id}error`, hint && `${id}hint`].filter(Boolean).join(' ')
  const isGroup = element.type === 'checkboxes' || element.type === 'radio_buttons'
  const labelText = label && <PlainText text={label} />
  return (
    <div className={error ? 'field is-wrong' : 'field'} data-block={block.block_id}>
      <div className="field-label">
        {isGroup ? (
          <span id={`${id}label`}>{labelText}</span>
        ) : (
          <label id={`${id}label`} htmlFor={`${id}input`}>
            {labelText}
          </label>
        )}
        {optional && <span className="optional"> (optional)</span>}
      </div>
      <InputElementView
        blockId={block.block_id}
        element={element}
        labelId={`${id}label`}
        inputId={`${id}input`}
        describedBy={described || undefined}
        isInvalid={error !== undefined}
        isOptional={optional}
        dispatch={block.dispatch_action === true}
      />
      {error && (
        <p id={`${id}error`} role="alert" className="field-error">
          {error}
        </p>
      )}
      {hint && (
        <div id={`${id}hint`} className="hint">
          <PlainText text={hint} />
        </div>
      )}
    </div>
  )
}
