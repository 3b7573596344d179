/** A button of a message or a modal, with its question before and its link after. */
import { useState } from 'react'
import { useWorkspace } from '../workspace/context.js'
import { parsePermalink } from '../workspace/permalink.js'
import { PlainText } from './plain-text.js'
import { useSurface } from './surface.js'
import type { ButtonElement } from './types.js'

export function Button({ blockId, element }: { blockId: string; element: ButtonElement }) {
  const { press } = useSurface()
  const { open, ask } = useWorkspace()
  const [isWaiting, setWaiting] = useState(false)

  async function act() {
    if (isWaiting) return
    // A link opens first: after the wait for the app a browser would take the new tab for an unwanted one.
    if (element.url) {
      const permalink = parsePermalink(element.url)
      if (permalink) open(permalink)
      else window.open(element.url, '_blank', 'noreferrer')
    }
    setWaiting(true)
    await press(blockId, element, { text: element.text, value: element.value })
    setWaiting(false)
  }

  return (
    <button
      type="button"
      className={`button ${element.style ?? ''}`}
      aria-label={element.accessibility_label}
      aria-busy={isWaiting}
      onClick={() => (element.confirm ? ask(element.confirm, act) : act())}
    >
      <PlainText text={element.text} />
    </button>
  )
}
