/** Any element of an actions block or a section's accessory: it acts as soon as it is used. */
import { useId } from 'react'
import { Button } from './button.js'
import { isInput } from './form-values.js'
import { InputElementView } from './input-element.js'
import { Overflow } from './overflow.js'
import type { BlockElement } from './types.js'

interface BlockElementProps {
  blockId: string
  element: BlockElement
  /** The element's accessible name. */
  label: string
}

export function BlockElementView({ blockId, element, label }: BlockElementProps) {
  const labelId = useId()
  if (element.type === 'button') return <Button blockId={blockId} element={element} />
  if (element.type === 'overflow') return <Overflow blockId={blockId} element={element} />
  if (!isInput(element)) return <Undrawn type={(element as BlockElement).type} />
  return (
    <div className={`standalone is-${element.type}`}>
      <span id={labelId} hidden>
        {element.placeholder?.text || label || element.action_id}
      </span>
      <InputElementView blockId={blockId} element={element} labelId={labelId} dispatch isOptional={false} />
    </div>
  )
}

/** Says so where the page has no drawing for a type that Slack has. */
export function Undrawn({ type }: { type: string }) {
  return <p className="undrawn">This sandbox does not draw “{type}”.</p>
}
