/** What every part of the page can read and do. */
import { createContext, useContext } from 'react'
import type { Snapshot } from '../../slack/protocol.js'
import type { Confirm } from '../blocks/types.js'
import type { Permalink } from './permalink.js'

export interface Workspace {
  snapshot: Snapshot
  /** Id of the conversation that is open. */
  channel: string
  /** Jumps to a message inside the page. */
  open(link: Permalink): void
  /** Asks first. The question stays until the person answers it, even if the button that asked is gone by then. */
  ask(confirm: Confirm, onConfirm: () => void): void
  /** Shows the person a sentence for a while. */
  notify(sentence: string): void
}

export const WorkspaceContext = createContext<Workspace | null>(null)

export function useWorkspace(): Workspace {
  const workspace = useContext(WorkspaceContext)
  if (!workspace) throw new Error('This part of the page can only be drawn inside a workspace.')
  return workspace
}
