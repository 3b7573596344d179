/** The person's open views: all are kept, the topmost is drawn. */
import { useState } from 'react'
import { useWorkspace } from '../workspace/context.js'
import { ViewModal } from './view-modal.js'

export function ModalStack() {
  const { views } = useWorkspace().snapshot
  // A closed view goes at once, because the app can't object.
  const [closed, setClosed] = useState<readonly string[]>([])
  const open = views.filter(({ id }) => !closed.includes(id))
  return open.map((view) => (
    <ViewModal
      key={view.id}
      view={view}
      isTop={view === open.at(-1)}
      onClosed={() => setClosed((ids) => [...ids, view.id])}
    />
  ))
}
