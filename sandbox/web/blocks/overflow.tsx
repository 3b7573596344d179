/** The menu behind three dots. */
import { useState } from 'react'
import { MenuButton } from '../menu.js'
import { useWorkspace } from '../workspace/context.js'
import { stateOption } from './form-values.js'
import { PlainText } from './plain-text.js'
import { useSurface } from './surface.js'
import type { Option, OverflowElement } from './types.js'

export function Overflow({ blockId, element }: { blockId: string; element: OverflowElement }) {
  const { press } = useSurface()
  const { ask } = useWorkspace()
  const [isWaiting, setWaiting] = useState(false)

  async function choose(option: Option & { url?: string }) {
    if (isWaiting) return
    if (option.url) window.open(option.url, '_blank', 'noreferrer')
    setWaiting(true)
    await press(blockId, element, { selected_option: stateOption(option) })
    setWaiting(false)
  }

  const items = element.options.map((option) => ({
    key: option.value,
    label: <PlainText text={option.text} />,
    ...(option.description ? { more: option.description.text } : {}),
    onSelect: () => (element.confirm ? ask(element.confirm, () => choose(option)) : choose(option)),
  }))
  return (
    <MenuButton label="More options" className="button overflow" items={items} isBusy={isWaiting}>
      <span aria-hidden="true">⋯</span>
    </MenuButton>
  )
}
