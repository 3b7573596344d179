/** A button with a menu: worked by mouse or keyboard, floating above everything that scrolls. */
import { type KeyboardEvent, type ReactNode, useId, useLayoutEffect, useRef, useState } from 'react'
import { createPortal } from 'react-dom'

export interface MenuItem {
  key: string
  label: ReactNode
  /** A second, quieter line. */
  more?: string
  isDanger?: boolean
  onSelect(): void
}

interface MenuButtonProps {
  /** The accessible name of the button and its menu. */
  label: string
  className: string
  items: readonly MenuItem[]
  children: ReactNode
  isBusy?: boolean
}

const GAP_PX = 4
const WIDTH_PX = 260

export function MenuButton({ label, className, items, children, isBusy = false }: MenuButtonProps) {
  const id = useId()
  const button = useRef<HTMLButtonElement>(null)
  const [isOpen, setOpen] = useState(false)

  function close() {
    setOpen(false)
    button.current?.focus()
  }

  return (
    <>
      <button
        ref={button}
        type="button"
        className={className}
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        aria-busy={isBusy}
        onClick={() => setOpen(!isOpen)}
        onKeyDown={(event) => {
          if (event.key !== 'ArrowDown') return
          event.preventDefault()
          setOpen(true)
        }}
      >
        {children}
      </button>
      {isOpen && button.current && (
        <Menu
          id={id}
          label={label}
          anchor={button.current}
          items={items}
          onClose={close}
          onLeave={() => setOpen(false)}
        />
      )}
    </>
  )
}

interface MenuProps {
  id: string
  label: string
  anchor: HTMLElement
  items: readonly MenuItem[]
  /** Returns the focus to the button. */
  onClose(): void
  onLeave(): void
}

function Menu({ id, label, anchor, items, onClose, onLeave }: MenuProps) {
  const menu = useRef<HTMLDivElement>(null)

  useLayoutEffect(() => {
    const element = menu.current
    if (!element) return
    const { top, bottom, left, right } = anchor.getBoundingClientRect()
    const isBelow = window.innerHeight - bottom > element.offsetHeight + 2 * GAP_PX || top < element.offsetHeight
    element.style.top = `${isBelow ? bottom + GAP_PX : top - element.offsetHeight - GAP_PX}px`
    const isLeft = left + WIDTH_PX < window.innerWidth
    element.style.left = `${Math.max(GAP_PX, isLeft ? left : right - WIDTH_PX)}px`
    element.querySelector<HTMLElement>('[role=menuitem]')?.focus()
  }, [anchor])

  function onKeyDown(event: KeyboardEvent) {
    const all = [...(menu.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])]
    const at = all.findIndex((item) => item.matches(':focus'))
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 }[event.key]
    if (to !== undefined) all[to % all.length]?.focus()
    else if (event.key === 'Escape' || event.key === 'Tab') onClose()
    else return
    // Tab goes on from the button. Escape closes the menu alone, not the dialog around it.
    if (event.key !== 'Tab') event.preventDefault()
    event.stopPropagation()
  }

  const list = (
    <div
      ref={menu}
      id={id}
      role="menu"
      aria-label={label}
      className="menu"
      style={{ width: WIDTH_PX }}
      tabIndex={-1}
      onKeyDown={onKeyDown}
      onBlur={({ relatedTarget, currentTarget }) => {
        if (!currentTarget.contains(relatedTarget) && relatedTarget !== anchor) onLeave()
      }}
    >
      {items.map((item) => (
        <button
          key={item.key}
          type="button"
          role="menuitem"
          tabIndex={-1}
          className={item.isDanger ? 'menu-item is-danger' : 'menu-item'}
          onClick={() => {
            onClose()
            item.onSelect()
          }}
        >
          {item.label}
          {item.more && <small>{item.more}</small>}
        </button>
      ))}
    </div>
  )
  // A dialog that makes the rest of the page inert needs its menus inside.
  return createPortal(list, anchor.closest('dialog') ?? document.body)
}
