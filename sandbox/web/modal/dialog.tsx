/** A modal dialog. Either the browser makes the rest of the page inert, or we do that to the workspace only. */
import { type KeyboardEvent, type ReactNode, useEffect, useId, useLayoutEffect, useRef } from 'react'

interface DialogProps {
  title: string
  className: string
  /** Keeps "Behind the scenes" usable: only the workspace is inert. */
  isBesideScenes?: boolean
  onClose(): void
  children: ReactNode
}

const FOCUSABLE =
  'a[href], button:not(:disabled), input:not(:disabled), textarea:not(:disabled), summary, [tabindex="0"]'

export function Dialog({ title, className, isBesideScenes = false, onClose, children }: DialogProps) {
  const titleId = useId()
  const dialog = useRef<HTMLDialogElement>(null)

  // A layout effect, because only a dialog that is still in the page gives the focus back when it closes.
  useLayoutEffect(() => {
    const element = dialog.current
    const workspace = isBesideScenes ? document.querySelector<HTMLElement>('.workspace') : null
    if (workspace) workspace.inert = true
    if (isBesideScenes) element?.show()
    else element?.showModal()
    focusFirst(element)
    return () => {
      if (workspace) workspace.inert = false
      element?.close()
    }
  }, [isBesideScenes])

  // The browser closes a dialog on Escape only if it made the page inert itself. An update may also have taken the element
  // that had the focus, so this listens to the whole page.
  useEffect(() => {
    if (!isBesideScenes) return
    const onEscape = (event: globalThis.KeyboardEvent) => {
      const { target } = event
      const isHere = target === document.body || (target instanceof Node && dialog.current?.contains(target) === true)
      if (event.key !== 'Escape' || event.defaultPrevented || !isHere) return
      event.preventDefault()
      onClose()
    }
    document.addEventListener('keydown', onEscape)
    return () => document.removeEventListener('keydown', onEscape)
  }, [isBesideScenes, onClose])

  function onKeyDown(event: KeyboardEvent) {
    // Dialogs can be nested in React without being nested in the page.
    if (!(event.target instanceof Node) || !dialog.current?.contains(event.target)) return
    if (event.key !== 'Tab') return
    const stops = [...dialog.current.querySelectorAll<HTMLElement>(FOCUSABLE)].filter((stop) => stop.tabIndex >= 0)
    const edge = event.shiftKey ? stops.at(0) : stops.at(-1)
    if (document.activeElement !== edge && document.activeElement !== dialog.current) return
    event.preventDefault()
    const next = event.shiftKey ? stops.at(-1) : stops.at(0)
    next?.focus()
  }

  return (
    <dialog
      ref={dialog}
      className={`modal ${className}`}
      aria-labelledby={titleId}
      tabIndex={-1}
      onKeyDown={onKeyDown}
      onCancel={(event) => {
        if (event.target !== event.currentTarget) return
        event.preventDefault()
        onClose()
      }}
      // A browser may close a dialog without asking when Escape is pressed twice. The event comes late: by then the dialog
      // may be gone, or open again.
      onClose={({ target, currentTarget }) => {
        if (target === currentTarget && currentTarget.isConnected && !currentTarget.open) onClose()
      }}
    >
      <header className="modal-head">
        <h2 id={titleId}>{title}</h2>
        <button type="button" className="icon-button" aria-label="Exit" onClick={onClose}>
          ×
        </button>
      </header>
      {children}
    </dialog>
  )
}

/** Focuses the field with `focus_on_load`, else the first field, else the dialog itself. */
export function focusFirst(dialog: HTMLElement | null) {
  const field =
    dialog?.querySelector<HTMLElement>('[data-focus="true"]') ??
    dialog?.querySelector<HTMLElement>('.modal-body input, .modal-body textarea')
  const target = field ?? dialog
  target?.focus()
}
