/** One view: its blocks as a form, with values that live as long as the view does. */
import { type FormEvent, useEffect, useRef, useState } from 'react'
import type { View } from '../../slack/protocol.js'
import { Blocks } from '../blocks/blocks.js'
import { SurfaceContext } from '../blocks/surface.js'
import { Dialog, focusFirst } from './dialog.js'
import { useView } from './use-view.js'

interface ViewModalProps {
  view: View
  isTop: boolean
  onClosed(): void
}

export function ViewModal({ view, isTop, onClosed }: ViewModalProps) {
  const { blocks, surface, submit, close, isWaiting, problem } = useView(view, onClosed)
  const form = useRef<HTMLFormElement>(null)
  const [attempts, setAttempts] = useState(0)
  const { errors } = surface

  // A new page starts at its first field. On the same page the focus stays where it is, unless an update took the element
  // that had it; a view that opened without fields, such as "Loading…", may get them.
  const page = useRef(view.callback_id)
  useEffect(() => {
    const dialog = form.current?.closest('dialog')
    if (!dialog || blocks.length === 0) return
    const { activeElement } = document
    const isLost = activeElement === null || activeElement === document.body || activeElement === dialog
    if (page.current !== view.callback_id || isLost) focusFirst(dialog)
    page.current = view.callback_id
  }, [blocks, view.callback_id])

  // biome-ignore lint/correctness/useExhaustiveDependencies: only an attempt to send moves the focus, not a later change
  useEffect(() => {
    if (attempts === 0) return
    const wrong = blocks.find(({ block_id }) => errors[block_id] !== undefined)
    const field = form.current?.querySelector(`[data-block="${CSS.escape(wrong?.block_id ?? '')}"]`)
    field?.querySelector<HTMLElement>('input, textarea')?.focus()
    // With the error under it, which a browser wouldn't scroll into view.
    field?.scrollIntoView({ block: 'nearest' })
  }, [attempts])

  async function onSubmit(event: FormEvent) {
    event.preventDefault()
    await submit()
    setAttempts((count) => count + 1)
  }

  if (!isTop) return null
  return (
    <>
      <div className="backdrop" />
      <Dialog title={view.title.text} className="view" isBesideScenes onClose={close}>
        <form ref={form} noValidate onSubmit={onSubmit}>
          <div className="modal-body">
            {problem && (
              <p role="alert" className="modal-problem">
                {problem}
              </p>
            )}
            <SurfaceContext value={surface}>
              <Blocks blocks={blocks} />
            </SurfaceContext>
          </div>
          <footer className="modal-foot">
            <button type="button" className="button" onClick={close}>
              {view.close?.text ?? 'Cancel'}
            </button>
            {view.submit && (
              <button type="submit" className="button primary" aria-disabled={isWaiting} aria-busy={isWaiting}>
                {isWaiting && <span className="spinner" aria-hidden="true" />}
                {view.submit.text}
              </button>
            )}
          </footer>
        </form>
      </Dialog>
    </>
  )
}
