/** What every part of the page can read and do. */
import { createContext, useContext } from 'react'
import type { Snapshot } from '../../slack/protocol.js'
import type { Permalink } from './permalink.js'

export interface Workspace {
  snapshot: Snapshot
  /** Id of the conversation that is open. */
  channel: string
  /** Jumps to a message inside the page. */
  open(link: Permalink): void
  /** Shows the person a sentence for a while. */
  notify(sentence: string): void
}

export const WorkspaceContext = createContext<Workspace | null>(null)

export function useWorkspace(): Workspace {
  const workspace = useContext(WorkspaceContext)
  if (!workspace) throw new Error('This part of the page can only be drawn inside a workspace.')
  return workspace
}
